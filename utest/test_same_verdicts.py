"""Runs in a row, and what differs between them."""

from __future__ import annotations

from pathlib import Path

import pytest
import same_verdicts
from same_verdicts import DIFFERENT, NO_VERDICTS, SAME, Run, differences, series

from waybill.readiness.cases import CASES, FILE, CaseRecord, write_json

FILES = [f"suites/{name}.robot" for name in "abcdefgh"]


def test_a_series_has_every_number_of_workers_and_every_second_run_is_shuffled() -> None:
    runs = series(8, 1, FILES)

    assert [run.workers for run in runs] == [1, 2, 3, 4, 1, 2, 3, 4]
    assert len({run.seed for run in runs}) == 8
    assert [bool(run.files) for run in runs] == [False, True] * 4
    assert all(sorted(run.files) == FILES != list(run.files) for run in runs[1::2])
    assert runs == series(8, 1, FILES) != series(8, 2, FILES)


def test_a_run_says_how_it_is_made() -> None:
    plain, shuffled = Run(1, 1, 7), Run(2, 2, 8, ["b.robot", "a.robot"])

    assert plain.words() == "run 1: 1 worker, seed 7"
    assert shuffled.words() == "run 2: 2 workers, shuffled, seed 8"
    assert plain.command("mosquitto", Path("out"))[3:] == [
        *("run", "--target", "mosquitto", "--processes", "1", "--seed", "7", "--results", "out")
    ]
    assert shuffled.command("x", Path("out"))[-5:] == ["b.robot", "a.robot", "--", "--randomize", "tests"]


def test_what_differs_is_named_and_what_is_the_same_is_not() -> None:
    first = {"a": "passed", "b": "passed", "c": "passed"}

    assert list(differences(first, dict(first))) == []
    assert list(differences(first, {"a": "passed", "b": "failed", "d": "passed"})) == [
        "b: passed in the first run, failed in this one",
        "c: passed in the first run, not run in this one",
        "d: not run in the first run, passed in this one",
    ]


@pytest.mark.parametrize(
    ("statuses", "code", "said"),
    [
        (["passed", "passed", "passed"], SAME, "all verdicts are the same"),
        (
            ["passed", "failed", "passed"],
            DIFFERENT,
            "o.robot, 'One': passed in the first run, failed in this one",
        ),
        (["passed", ""], NO_VERDICTS, "run 2: 2 workers, shuffled, seed"),
    ],
)
def test_a_series_ends_with_what_it_saw(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    statuses: list[str],
    code: int,
    said: str,
) -> None:
    left = list(statuses)

    class Done:
        stdout, stderr = "said", ""

    def pretend(command: list[str], **options: object) -> Done:
        status = left.pop(0)
        if status:
            folder = Path(command[command.index("--results") + 1]) / "latest"
            case = CaseRecord(scenario="One", suite="O", source="suites/o.robot", status=status)
            write_json(folder / CASES / "one" / FILE, case)
        return Done()

    monkeypatch.setattr(same_verdicts.subprocess, "run", pretend)

    assert same_verdicts.main(["--runs", str(len(statuses)), "--results", str(tmp_path)]) == code
    assert said in capsys.readouterr().out
