"""What comes back on wire v2: every operation is said, and what a server may not say is told from what it may."""

from __future__ import annotations

import contextlib
import json
import random

import pytest

from waybill.codec.values import SeededValues
from waybill.drivers import registry
from waybill.drivers.base import Credential, Endpoint, Login
from waybill.drivers.echo import Echo
from waybill.drivers.frame_table import Cast
from waybill.history.events import Completion, Mode
from waybill.tokens.device_keys import DeviceKey


@pytest.fixture
def echo() -> Echo:
    driver = registry.find("waybill")
    table = driver.frame_table(Cast())
    assert table is not None
    guest = Login(
        Endpoint("wss://127.0.0.1/v2"), Credential("carol", token="t", key=DeviceKey.new()), "phone"
    )
    found = driver.echo(table, guest)
    assert found is not None
    return found


def test_every_operation_of_the_table_occurs_in_the_script(echo: Echo) -> None:
    said, returned = set(), set()
    for seed in range(10):
        script = echo.script(SeededValues(random.Random(seed)))
        exchange = next(script)
        with contextlib.suppress(StopIteration):
            while True:
                said.add(exchange.opcode)
                returned |= {one.opcode for one in exchange.returns}
                assert json.loads(exchange.packet)["type"] == exchange.opcode
                replies = {
                    one.voice: [echo.read(json.dumps({"type": "closing", "code": "x", "text": ""}).encode())]
                    for one in exchange.returns
                }
                exchange = script.send(replies)
    assert said == {one.opcode for one in echo.table.of_client}
    assert returned == {one.opcode for one in echo.table.of_server}


def test_what_the_table_says_of_the_server_is_read_without_a_fault(echo: Echo) -> None:
    for example in echo.table.of_server:
        told = echo.read(example.packet)
        assert (told.opcode, told.fault) == (example.opcode, "")


@pytest.mark.parametrize(
    ("packet", "fault"),
    [
        (b'{"type": "acked", "ref": 1, "ref": 1, "cursor": 1}', "a member that occurs twice"),
        (b'{"type": "acked", "ref": 1, "cursor": NaN}', "NaN"),
        (b'{"type": "acked", "ref": 1, "cursor": 1}x', "Extra data"),
        (b'{"type": "acked", "ref": 1}', "cursor"),
        (b'{"type": "acked", "ref": 9007199254740993, "cursor": 1}', "ref"),
        (b'{"type": "news", "ref": 1}', "news"),
        (b'{"type": "closing", "code": "\xff"}', "decode"),
        (b'{"type": "closing", "code": "\\ud800"}', "truncated"),
        (b'{"type": "closing", "code": "a", "x": ' + b"[" * 100_000, "recursion"),
        (b"", "Expecting value"),
    ],
)
def test_what_no_server_may_say_has_a_fault(echo: Echo, packet: bytes, fault: str) -> None:
    told = echo.read(packet)
    assert told.opcode == "?"
    assert fault in told.fault


def test_messages_and_outcomes_are_read_for_the_history(echo: Echo) -> None:
    of_server = {one.name: echo.read(one.packet) for one in echo.table.of_server}
    (delivery,) = of_server["deliver"].deliveries
    assert (delivery.body, delivery.key, delivery.cursor, delivery.mode) == (b"hello", "k-1", 1, Mode.LIVE)
    assert [one.mode for one in of_server["page"].deliveries] == [Mode.PAGE]
    completions = {name: told.outcome.completion for name, told in of_server.items() if told.outcome}
    assert completions == {
        "accepted": Completion.OK, "acked": Completion.OK, "page": Completion.OK, "marked": Completion.OK,
        "refused": Completion.FAIL,
    }  # fmt: skip


def test_something_behind_a_frame_makes_it_no_frame(echo: Echo) -> None:
    exchanges = list(echo.trailing(SeededValues(random.Random(1))))
    assert {one.opcode for one in exchanges} >= {"send", "presence", "group-create", "typing"}
    for exchange in exchanges:
        with pytest.raises(json.JSONDecodeError):
            json.loads(exchange.packet)
