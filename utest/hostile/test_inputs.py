"""Hostile inputs: the same seed gives the same ones, each says what it is, and the page lists them."""

from __future__ import annotations

from pathlib import Path

import pytest

from waybill.drivers import registry
from waybill.drivers.frame_table import Cast, Expected, FrameTable
from waybill.hostile import page
from waybill.hostile.inputs import Inputs
from waybill.hostile.phrases import PHRASES, marker, phrase
from waybill.hostile.sorts import Input, Sort

PAGE = Path(__file__).parents[2] / "docs" / "hostile-input.md"
LIMITS = {"frame": 262_144, "body": 65_536, "name": 64, "key": 64}
TOKEN = "a-genuine-token"


@pytest.fixture(params=["waybill", "iris", "mqtt", "mqtt-3.1.1", "xmpp"])
def table(request: pytest.FixtureRequest) -> FrameTable:
    found = registry.find(request.param).frame_table(Cast(limits=LIMITS, token=TOKEN))
    assert found is not None
    return found


def every(table: FrameTable, seed: int = 7) -> dict[str, list[Input]]:
    inputs = Inputs(table, seed)
    return {
        "before": inputs.before_login(),
        "after": inputs.after_login(),
        "texts": inputs.texts(),
    }


def test_each_part_has_what_the_guarantee_demands(table: FrameTable) -> None:
    if table.protocol != "MQTT 3.1.1":
        assert {name: len(found) >= 500 for name, found in every(table).items()} == {
            "before": True,
            "after": True,
            "texts": True,
        }


def test_the_same_seed_gives_the_same_inputs_and_another_one_others(table: FrameTable) -> None:
    assert every(table) == every(table)
    assert every(table) != every(table, seed=8)


def test_nothing_is_legal_before_the_login(table: FrameTable) -> None:
    before = [*Inputs(table, 7).before_login(), *Inputs(table, 7).held()]
    assert {one.expected for one in before} == {Expected.REJECTED}
    assert not any(one.logged_in for one in before)


def test_some_of_what_is_said_after_the_login_is_legal(table: FrameTable) -> None:
    after = Inputs(table, 7).after_login()
    assert {one.sort for one in after if one.expected is Expected.TAKEN} >= {Sort.SPLIT, Sort.TWICE}
    assert all(one.logged_in for one in after)


def test_every_sort_is_there(table: FrameTable) -> None:
    inputs = Inputs(table, 7)
    found = {one.sort for part in every(table).values() for one in part} | {one.sort for one in inputs.held()}
    assert found == set(Sort)


def test_every_operation_is_cut_off_somewhere(table: FrameTable) -> None:
    cut = {one.operation for one in Inputs(table, 7).before_login() if one.sort is Sort.TRUNCATED}
    assert cut == {one.name for one in table.of_client if len(one.packet) > 1}


def test_texts_have_markers_of_their_own(table: FrameTable) -> None:
    texts = Inputs(table, 7).texts()
    markers = [one.marker for one in texts]
    assert len(set(markers)) == len(texts)
    bare = {"up", "here", "a device", "a device of Windows", "white space only"}
    for one in texts:
        if one.what.partition(" in '")[0] not in bare:
            assert (
                one.marker.encode() in b"".join(one.pieces)
                or "masked" in one.what
                or table.protocol == "wire v2"
            )


def test_what_is_shown_of_an_input_hides_the_credential(table: FrameTable) -> None:
    login = table.of_client[0].name
    shown = [one.shown(10_000) for one in Inputs(table, 7).texts() if one.operation == login]
    assert shown
    assert not [text for text in shown if TOKEN in text]


def test_a_phrase_has_its_marker_wherever_it_says_so() -> None:
    mark = marker(12, 7)
    assert mark == "zq000120007"
    for sort, phrases in PHRASES.items():
        for name, text in phrases.items():
            assert ("{m}" in text) == (mark in phrase(sort, name, mark))


def test_the_page_is_what_the_tables_give() -> None:
    assert PAGE.read_text(encoding="utf-8").endswith(page.markdown())
