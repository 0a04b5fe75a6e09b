"""The tables of frames: every operation has its example, and its fields are where the table says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest

from waybill.drivers import registry
from waybill.drivers.frame_table import TEXTS, Cast, Expected, FrameTable, Kind, Side
from waybill_server.codec import FaultyFrame, JsonCodec
from waybill_server.v1 import frames as v1

DOCS = Path(__file__).parents[2] / "docs"


def table(driver: str) -> FrameTable:
    found = registry.find(driver).frame_table(Cast())
    assert found is not None
    return found


@pytest.fixture(params=["waybill", "iris", "mqtt", "mqtt-3.1.1", "xmpp"])
def any_table(request: pytest.FixtureRequest) -> FrameTable:
    return table(request.param)


def test_fields_lie_in_order_within_the_packet(any_table: FrameTable) -> None:
    for example in any_table.examples:
        at = 0
        for field in example.fields:
            assert at <= field.start < field.end <= len(example.packet), (example.name, field)
            at = field.end


def test_an_example_spliced_with_its_own_values_stays_as_it_is(any_table: FrameTable) -> None:
    for example in any_table.examples:
        own = {field.name: example.packet[field.start : field.end] for field in example.fields}
        assert any_table.spliced(example, own) == example.packet


def test_every_wrong_value_differs_from_the_right_one(any_table: FrameTable) -> None:
    for example in any_table.of_client:
        for field in example.fields:
            for name, value, expected in any_table.wrong(example, field):
                assert value != example.packet[field.start : field.end], (example.name, field.name, name)
                assert expected is not Expected.TAKEN


def test_wire_v2_has_every_operation_of_its_page() -> None:
    page = (DOCS / "wire-v2.md").read_text(encoding="utf-8")
    asked = set(re.findall(r"^\| `([a-z-]+) \{", page, re.MULTILINE)) | {"hello", "proof"}
    assert {one.opcode for one in table("waybill").of_client} == asked
    told = set(re.findall(r"^\| `[a-z-]+ \{.*?\}` \| `([a-z-]+) \{", page, re.MULTILINE))
    assert told <= {one.opcode for one in table("waybill").of_server}


def test_wire_v1_has_every_operation_of_its_page() -> None:
    page = (DOCS / "wire-v1.md").read_text(encoding="utf-8")
    client, server = page.split("## What the server says")
    rows = re.compile(r"^\| `([0-9A-F]{2})` \| [A-Z0-9_]+ \|", re.MULTILINE)
    assert {one.opcode for one in table("iris").of_client} == set(rows.findall(client))
    assert {one.opcode for one in table("iris").of_server} == set(rows.findall(server))


def test_the_reference_server_reads_every_example_of_wire_v2() -> None:
    codec, tables = JsonCodec(), table("waybill")
    for example in tables.of_client:
        assert type(codec.decode(example.packet)).__struct_config__.tag == example.opcode
        for field in example.fields:
            for _, value, expected in tables.wrong(example, field):
                if expected is Expected.REJECTED:
                    packet = tables.spliced(example, {field.name: value})
                    with pytest.raises(FaultyFrame):
                        codec.decode(packet)


def test_the_reference_server_reads_every_example_of_wire_v1() -> None:
    for example in table("iris").of_client:
        if example.name != "LOGIN":
            found = v1.decode(example.packet)
            assert found is not None
            assert found[1] == len(example.packet), example.name


def test_text_is_written_so_that_it_is_read_again() -> None:
    tables = table("waybill")
    text = 'a "quote", a \\ and \x00\x1b\n\u202e'
    for example in tables.of_client:
        for field in example.fields:
            if field.kind in TEXTS and field.kind is not Kind.LIST:
                packet = tables.spliced(example, {field.name: tables.written(example, field, text.encode())})
                assert json.loads(packet)[field.name] == text


def test_references_and_keys_differ_from_one_send_to_the_next() -> None:
    tables = table("waybill")
    send = tables.example("send")
    packets = [msgspec.json.decode(tables.renumbered(send, n).packet) for n in (1, 2)]
    assert packets[0]["ref"] != packets[1]["ref"]
    assert packets[0]["key"] != packets[1]["key"]


def test_a_padded_packet_is_of_the_size_that_was_asked_for(any_table: FrameTable) -> None:
    for example in any_table.of_client:
        padded = any_table.sealed(packet) if (packet := any_table.padded(example, 300_000)) else None
        assert padded is None or 300_000 <= len(padded) <= 300_002, example.name


def test_a_driver_without_a_table_says_so() -> None:
    from waybill.drivers.base import Driver

    assert Driver.frame_table(registry.find("waybill"), Cast()) is None


def test_sides_have_no_operation_in_common_but_those_that_are_named(any_table: FrameTable) -> None:
    assert {one.side for one in any_table.examples} == {Side.CLIENT, Side.SERVER}
