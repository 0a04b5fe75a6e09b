"""What comes back on wire v1: every operation is said, and what a server may not say is told from what it may."""

from __future__ import annotations

import contextlib
import random
from typing import Any

import pytest

from waybill.codec.values import SeededValues
from waybill.drivers import iris_frames as frames
from waybill.drivers import registry
from waybill.drivers.base import Credential, Endpoint, Login
from waybill.drivers.echo import Echo, Exchange, Told, Voice
from waybill.drivers.frame_table import Cast
from waybill_server.v1 import frames as server

NEVER = {"31", "33", "35", "36", "FF"}
"""What a server says of groups, and a full inbox: the exchanges do not lead to it (docs/wire-v1.md)."""


def echo_of(url: str) -> Echo | None:
    driver = registry.find("iris")
    table = driver.frame_table(Cast())
    assert table is not None
    return driver.echo(table, Login(Endpoint(url), Credential("carol", token="t"), "phone"))


@pytest.fixture
def echo() -> Echo:
    found = echo_of("iriss://127.0.0.1:1")
    assert found is not None
    return found


def exchanges(echo: Echo, seed: int) -> list[Exchange]:
    said: list[Exchange] = []
    script = echo.script(SeededValues(random.Random(seed)))
    exchange = next(script)
    with contextlib.suppress(StopIteration):
        while True:
            said.append(exchange)
            replies: dict[Voice, list[Told]] = {}
            for one in exchange.returns:
                replies.setdefault(one.voice, []).append(Told(one.opcode, {"id": b"0123456789abcdef"}))
            exchange = script.send(replies)
    return said


def test_where_new_messages_come_bare_nothing_is_known() -> None:
    assert echo_of("wss://127.0.0.1:1") is None


def test_every_operation_is_said_and_all_that_can_come_back_does(echo: Echo) -> None:
    said = [one for seed in range(5) for one in exchanges(echo, seed)]
    assert {one.opcode for one in said} == {one.opcode for one in echo.table.of_client}
    returned = {wanted.opcode for one in said for wanted in one.returns} | {"24"}
    assert returned == {one.opcode for one in echo.table.of_server} - NEVER


def test_everything_said_is_one_frame_of_the_wire(echo: Echo) -> None:
    for seed in range(20):
        for exchange in exchanges(echo, seed):
            if exchange.opcode != "01":
                found = server.decode(exchange.packet)
                assert found is not None
                assert found[1] == len(exchange.packet)


def test_bodies_are_those_that_must_come_and_no_two_are_equal(echo: Echo) -> None:
    bodies: list[Any] = []
    for seed in range(20):
        for one in exchanges(echo, seed):
            sent = [one.body, *(body for _, body in one.also)] if one.operation else []
            assert sent == [wanted.members["body"] for wanted in one.returns if wanted.opcode == "10"]
            bodies += sent
    assert len(set(bodies)) == len(bodies)


def test_what_the_table_says_of_the_server_is_read_without_a_fault(echo: Echo) -> None:
    for example in echo.table.of_server:
        told = echo.read(example.packet)
        assert (told.opcode, told.fault) == (example.opcode, "")


@pytest.mark.parametrize(
    "packet", [b"", b"\x00", b"\x10\x00", b"\x03LOGIN_OK?", b"\x06\x00\x01a\x01" + b"\x00" * 9]
)
def test_what_no_server_may_say_has_a_fault(echo: Echo, packet: bytes) -> None:
    assert echo.read(packet).fault


def test_a_message_is_read_for_the_history_with_the_frame_that_it_is(echo: Echo) -> None:
    within = frames.encode(frames.EncryptedDelivery(b"bob", b"\xa0", b"\xff"))
    told = echo.read(frames.encode(frames.ReliableMessage(b"0123456789abcdef", within)))
    assert told.carries == "24"
    assert told.confirmed
    (delivery,) = told.deliveries
    assert (delivery.id, delivery.body) == ("0123456789abcdef", within)
    assert not echo.read(frames.encode(frames.ReliableMessage(b"1", b"$ is no frame"))).carries


def test_the_answer_to_the_sentinel_is_told_from_others(echo: Echo) -> None:
    about = [echo.read(frames.encode(frames.Status(user, 1, 0))) for user in (b"alice", b"bob")]
    assert [echo.passes_by(told, "alice") for told in about] == [True, False]
