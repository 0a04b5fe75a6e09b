"""Frames that were said again are counted where a server was seen to read them, with everything that came of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from waybill.history import check
from waybill.history.events import CredentialKind, End, Operation
from waybill.history.header import Header
from waybill.history.recorder import Recorder


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    users = {"alice": ["phone"], "bob": ["phone"]}
    header = Header(
        seed=7, scenario="replays", target="planted", users=users, conversations={"ab": ["alice", "bob"]}
    )
    return Recorder(tmp_path / "history.jsonl", header)


def figures(recorder: Recorder) -> dict[str, int]:
    return dict(check(recorder.close()).figures)


def refused(recorder: Recorder, kind: CredentialKind) -> None:
    session = recorder.session("alice/phone", node="node", protocol="planted", version=2, credential=kind)
    recorder.fail(recorder.invoke(session, Operation.LOGIN, value=-1), "unauthenticated")
    recorder.end(session, End.REFUSED)


def test_frames_and_logins_that_were_read_are_counted(recorder: Recorder) -> None:
    for _ in range(3):
        fault = recorder.fault_start("replay", "alice/phone")
        recorder.fault_observed(fault, "the server said: refusal")
        recorder.fault_end(fault)
    refused(recorder, CredentialKind.REPLAYED)

    counted = figures(recorder)

    assert (counted["replayed_frames"], counted["effects"]) == (4, 0)


def test_what_nobody_read_and_what_was_no_replay_do_not_count(recorder: Recorder) -> None:
    recorder.fault_end(recorder.fault_start("replay", "alice/phone"))
    other = recorder.fault_start("stall", "alice/phone->node")
    recorder.fault_observed(other, "9 bytes had to wait")
    recorder.fault_end(other)
    refused(recorder, CredentialKind.FORGED)

    counted = figures(recorder)

    assert "replayed_frames" not in counted
    assert "effects" not in counted


def test_a_replay_that_let_somebody_in_is_an_effect(recorder: Recorder) -> None:
    session = recorder.session(
        "alice/phone", node="node", protocol="planted", version=2, credential=CredentialKind.REPLAYED
    )
    recorder.ok(recorder.invoke(session, Operation.LOGIN, value=-1), value=0)
    recorder.end(session, End.CLOSED)

    counted = figures(recorder)

    assert counted["replayed_frames"] == 1
    assert counted["effects"] >= 1
