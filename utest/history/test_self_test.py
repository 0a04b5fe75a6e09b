"""The self-test passes with the checker as it is, and notices each part of it that is gone or raises false alarms."""

from __future__ import annotations

from pathlib import Path

import pytest

from waybill.history import check, checker
from waybill.history.checks import CHECKS
from waybill.history.command import ANOMALIES, main
from waybill.history.planted.self_test import self_test
from waybill.history.planted.stories import Labelled, canaries, story
from waybill.history.report import SEVERITY, Anomaly, Example, Report


def wrong() -> list[str]:
    """The parts of the self-test that went wrong."""
    return [tried.subject for tried in self_test(legal=3) if tried.misses]


def test_tries_every_anomaly_and_finds_nothing_wrong() -> None:
    tried = list(self_test(legal=3))

    assert [one.subject for one in tried] == [*SEVERITY, "legal histories"]
    assert [one for one in tried if one.misses] == []


@pytest.mark.parametrize("family", CHECKS)
def test_notices_a_check_that_is_gone(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CHECKS, family, lambda history: [])

    missed = wrong()

    assert missed
    assert set(missed) <= set(SEVERITY)


def test_notices_that_versions_are_no_longer_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checker, "attribute", lambda history, anomalies: [])

    assert wrong() == ["mixed-version"]


def test_notices_false_alarms() -> None:
    def alarmed(path: Path) -> Report:
        report = check(path)
        found = (*report.anomalies, Anomaly("hung", 1, (Example("nothing happened"),)))
        return Report("anomalies", found, report.figures)

    tried = list(self_test(alarmed, legal=3))

    assert all(one.misses for one in tried)
    assert "a legal history is not clean: tape 0 (anomalies, hung)" in tried[-1].misses


def test_a_check_that_breaks_is_not_taken_for_a_clean_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(history: object) -> list[Anomaly]:
        raise ZeroDivisionError

    monkeypatch.setitem(CHECKS, "receipts", broken)

    assert "legal histories" in wrong()


def test_the_command_says_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(CHECKS, "receipts", lambda history: [])

    assert main(["--self-test"]) == ANOMALIES

    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if " WRONG " in line] == ["false-receipt"]
    assert [line for line in lines if "planted and not found: " in line]
    assert len([line for line in lines if " ok " in line]) == len(SEVERITY)


def test_the_command_tells_what_a_check_is_there_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--self-test", "--without", "receipts"]) == ANOMALIES

    assert [line.split()[0] for line in capsys.readouterr().out.splitlines() if " WRONG " in line] == [
        "false-receipt"
    ]
    with pytest.raises(SystemExit):
        main(["--self-test", "--without", "receipt"])
    assert "no check is called 'receipt'; there are delivery, " in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["history.jsonl", "--without", "receipts"])
    assert "--without goes with --self-test alone" in capsys.readouterr().err


def test_the_command_is_content_with_the_checker(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--self-test"]) == 0

    assert " WRONG " not in capsys.readouterr().out


def test_the_self_test_reads_no_files(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--self-test", "history.jsonl"])

    assert ended.value.code
    assert "goes with neither files nor --json" in capsys.readouterr().err


@pytest.mark.parametrize("family", CHECKS)
def test_the_canaries_notice_a_check_that_is_gone(
    family: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(CHECKS, family, lambda history: [])

    silent = [one.anomaly for one in canaries() if one.anomaly not in _found(one, tmp_path)]

    assert silent


def test_there_is_a_canary_of_every_anomaly(tmp_path: Path) -> None:
    assert {one.anomaly for one in canaries()} == set(SEVERITY)
    assert [one.name for one in canaries() if one.anomaly not in _found(one, tmp_path)] == []


def _found(planted: Labelled, folder: Path) -> list[str]:
    return [one.name for one in check(story(planted.text, folder / "history.jsonl")).anomalies]
