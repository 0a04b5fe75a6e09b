"""The schedule of a finding shrinks to the one fault that it takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from judging import waybill


@pytest.mark.parametrize(
    ("defect", "guilty"), [("no-fsync-batch", "power-loss@node"), ("acks-on-disk-full", "disk-full@node")]
)
def test_one_fault_of_the_kind_that_shows_a_defect_is_left(tmp_path: Path, defect: str, guilty: str) -> None:
    schedule = f"9 kill@node 5/40, 9 {guilty} 20/90, 9 delay@alice/phone 5/40, 9 pause@node 5/40"
    done = waybill(
        tmp_path,
        *("run", "--target", f"reference+{defect}", "--include", "cha-1", "--seed", "7"),
        *("--", "--variable", f"CHAOS:{schedule}", "--variable", "PATIENCE:8s"),
    )
    (case,) = (tmp_path / "results" / "latest" / "cases").iterdir()

    shrunk = waybill(tmp_path, "shrink", "--schedule", str(case))

    assert done.returncode == 1, done.stdout + done.stderr
    assert f"CHAOS:{schedule}" in (case / "case.json").read_text(encoding="utf-8")
    assert shrunk.returncode == 0, shrunk.stdout + shrunk.stderr
    assert f"1 of 4 faults are enough, after 3 tries: 9 {guilty} 20/90" in shrunk.stdout
    assert shrunk.stdout.rstrip().endswith(f'--variable "CHAOS:9 {guilty} 20/90"')


def test_what_is_no_case_of_chaos_is_refused(tmp_path: Path) -> None:
    done = waybill(tmp_path, "shrink", "--schedule", str(tmp_path))

    assert done.returncode == 3
    assert "is not in the folder of a case of a run" in done.stderr
