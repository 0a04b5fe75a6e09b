"""The tests are tested: what `waybill prove` relies on, and that its verdicts are those of a run.

`waybill prove --fast` tries every seeded defect and stand-in; `resources/proof.toml` says with which each scenario must
turn red. Here one is run as anybody would, and the rows are held against the suites, the server and the catalogue.
"""

from __future__ import annotations

import json
import tomllib
from functools import cache
from pathlib import Path

from judging import ROOT, waybill
from robot.api import TestSuite as Suite

from waybill.proof.rows import bundled_rows
from waybill_server import stand_ins
from waybill_server.defects import every

SEED = "7"


@cache
def scenarios() -> dict[str, tuple[Path, str]]:
    """The file and the guarantee of every scenario in the suites."""
    found = {}

    def collect(suite: Suite) -> None:
        for test in suite.tests:
            guarantee = next(tag.upper() for tag in test.tags if tag[-1].isdigit() and "-" in tag)
            found[test.name] = (Path(str(suite.source)), guarantee)
        for child in suite.suites:
            collect(child)

    collect(Suite.from_file_system(ROOT / "suites"))
    return found


def test_a_run_breaks_what_the_proof_says(tmp_path: Path) -> None:
    scenario = "Messages of every size arrive unchanged while conversations cross"
    target = "reference+corrupt-body"

    done = waybill(tmp_path, "run", "--test", scenario, "--target", target, "--seed", SEED)
    proof = waybill(tmp_path, "prove", "--defect", "corrupt-body", "--fast", "--seed", SEED)

    assert done.returncode == 1, done.stdout + done.stderr
    (run,) = json.loads((tmp_path / "results" / "latest" / "readiness.json").read_text())["runs"]
    assert {one["id"]: one["verdict"] for one in run["guarantees"]}["DEL-1"] == "BROKEN"
    (case,) = [one for one in run["scenarios"] if one["findings"]]
    assert [finding["anomaly"] for finding in case["findings"]] == ["corrupted"]
    assert proof.returncode == 0, proof.stdout + proof.stderr
    (folder,) = (tmp_path / "results").glob("*-proof")
    trials = json.loads((folder / "proof.json").read_text())["trials"]
    assert [(one["defect"], one["outcome"], one["seen"]) for one in trials] == [
        ("corrupt-body", "killed", ["corrupted"]),
        ("", "survived", []),
    ]


def test_what_survives_fails_the_proof(tmp_path: Path) -> None:
    """A scenario that gives up too soon to see anything is no proof, whatever colour it has."""
    done = waybill(tmp_path, "prove", "--defect", "corrupt-body", "--fast", "--trial-timeout", "1")

    assert done.returncode == 1, done.stdout + done.stderr
    assert "NOT PROVEN: 0 of 1 trials killed" in done.stdout
    assert "UNPROVEN   no defect turned 'Messages of every size" in done.stdout


def test_without_a_defect_nothing_of_the_packages_is_imported(tmp_path: Path) -> None:
    reference = (ROOT / "resources" / "targets" / "reference.toml").read_text(encoding="utf-8")
    watched = '\n[launch.process.environment]\nPYTHONPROFILEIMPORTTIME = "1"\n\n[seeded]'
    (tmp_path / "watched.toml").write_text(reference.replace("\n[seeded]", watched), encoding="utf-8")
    scenario = "A device is given again what it did not acknowledge, and nothing else"

    done = waybill(tmp_path, "run", "--test", scenario, "--target", "watched.toml", "--seed", SEED)

    assert done.returncode == 0, done.stdout + done.stderr
    (log,) = (tmp_path / "results" / "latest").glob("targets/*/node/output.log")
    imported = {line.rpartition("|")[2].strip() for line in log.read_text(encoding="utf-8").splitlines()}
    assert "waybill_server.writer" in imported
    assert [
        name for name in imported if name.startswith(("waybill_server.defects", "waybill_server.stand"))
    ] == []


def test_every_scenario_and_every_defect_has_its_row() -> None:
    assert list(bundled_rows()) == list(scenarios())
    rows = {(name, scenarios()[scenario][1]) for scenario, names in bundled_rows().items() for name in names}
    seeded = (*every(), *stand_ins.every())
    assert rows == {(defect.name, guarantee) for defect in seeded for guarantee in defect.noticed}


def test_the_defects_are_those_of_the_catalogue() -> None:
    guarantees = {guarantee for _, guarantee in scenarios().values()}
    catalogue = tomllib.loads((ROOT / "resources" / "catalogue.toml").read_text(encoding="utf-8"))
    wanted = {
        (name, one["id"])
        for one in catalogue["guarantee"]
        if one["id"] in guarantees
        for name in one["defects"]
    }
    seeded = {(defect.name, guarantee) for defect in every() for guarantee in defect.noticed}
    assert seeded == wanted
