"""Traces of hostile input: each kind is found, and what a careful server leaves is not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from waybill.drivers.frame_table import Expected
from waybill.hostile.phrases import PHRASES, marker, phrase
from waybill.hostile.reaction import Became, Reaction
from waybill.hostile.sorts import Input, Sort
from waybill.hostile.traces import Traces, judged

MARK = marker(5, 7)


@dataclass
class Target:
    folder: Path
    launched: bool = True

    def logs(self) -> list[Path]:
        return sorted(self.folder.rglob("*.log"))

    def private(self) -> list[Path]:
        return [self.folder / "issuer" / "data"]


@pytest.fixture
def target(tmp_path: Path) -> Target:
    folder = tmp_path / "a" / "b" / "c" / "target"
    folder.mkdir(parents=True)
    (folder / "node.log").write_text("an older line\n", encoding="utf-8")
    return Target(folder)


def reaction(became: Became) -> Reaction:
    one = Input(Sort.SQL, "send", "a quote", (b"x",), Expected.REJECTED, logged_in=True, marker=MARK)
    return Reaction(one, became)


def append(target: Target, data: bytes) -> None:
    with (target.folder / "node.log").open("ab") as log:
        log.write(data)


BEGIN_A_LINE = [name for name, text in PHRASES[Sort.LOG].items() if "\n" in text or "\r" in text]


@pytest.mark.parametrize("name", BEGIN_A_LINE)
def test_a_line_that_text_begins_is_found(target: Target, name: str) -> None:
    text = phrase(Sort.LOG, name, MARK)
    traces = Traces(target)
    append(target, f"refused user {text} (malformed)\n".encode())
    assert [one.kind for one in traces.in_logs()]


@pytest.mark.parametrize("sort", PHRASES)
def test_text_that_is_escaped_is_nothing(target: Target, sort: Sort) -> None:
    traces = Traces(target)
    for name in PHRASES[sort]:
        append(target, json.dumps({"event": "refused", "user": phrase(sort, name, MARK)}).encode() + b"\n")
    assert traces.find([reaction(Became.REFUSED)], 7) == []


def test_a_control_character_beside_a_marker_is_found_and_one_without_is_not() -> None:
    assert [kind for kind, _ in judged(f"user x\x1b[2J{MARK}".encode())] == ["log"]
    assert [kind for kind, _ in judged(f"user x\u009b{MARK}".encode())] == ["log"]
    assert judged(b"\x1b[32m[info]\x1b[0m started") == []
    assert judged(f"user\t{MARK}".encode()) == []


@pytest.mark.parametrize(
    "line",
    [
        b'{"time": 1, "event": "fault", "message": "x"}',
        b"Traceback (most recent call last):",
        b"2026-01-01 [error] CRASH REPORT Process <0.1.0>",
        b"2026-01-01 [critical] State machine <0.1.0> terminated with reason: {badmatch,1}",
    ],
)
def test_a_fault_is_found(line: bytes) -> None:
    assert [kind for kind, _ in judged(line)] == ["fault"]


def test_an_orderly_line_is_no_fault() -> None:
    assert judged(b'{"event": "session-closed", "code": "malformed", "text": "default"}') == []


def test_older_lines_do_not_count(target: Target) -> None:
    append(target, f"{MARK} everything is fine\n".encode())
    assert Traces(target).in_logs() == []


@pytest.mark.parametrize("place", [".", "..", "../../.."])
def test_a_file_named_by_text_is_found(target: Target, place: str) -> None:
    traces = Traces(target)
    path = (target.folder / place / MARK).resolve()
    path.write_text("", encoding="utf-8")
    assert [(one.kind, one.where) for one in traces.find([], 7)] == [("file", path.parent)]


def test_a_file_of_another_seed_is_not_of_this_run(target: Target) -> None:
    (target.folder / marker(5, 8)).write_text("", encoding="utf-8")
    assert Traces(target).find([], 7) == []


def test_refused_text_in_the_data_is_found_and_taken_text_is_not(target: Target) -> None:
    traces = Traces(target)
    (target.folder / "data.sqlite").write_bytes(b"\0\1" + MARK.encode() + b"' OR 1=1")
    assert [one.kind for one in traces.find([reaction(Became.REFUSED)], 7)] == ["store"]
    assert traces.find([reaction(Became.TAKEN)], 7) == []


def test_where_keys_are_kept_nothing_is_read(target: Target) -> None:
    for name in ("issuer/data", "node/data"):
        (target.folder / name).mkdir(parents=True)
        (target.folder / name / "kept").write_text(f"it holds {MARK}", encoding="utf-8")
    found = Traces(target).find([reaction(Became.REFUSED)], 7)
    assert [(one.kind, one.where) for one in found] == [("store", target.folder / "node" / "data" / "kept")]
