"""Run folders made by hand, for tests of what is read from them."""

from __future__ import annotations

from pathlib import Path

from waybill.readiness.cases import FILE, CaseRecord, folder_for, write_json
from waybill.readiness.run_record import RunRecord, Selected, write_run

SUITE = "Suites.Delivery"
ENOUGH = {"acknowledged": 1000, "delivered": 1000, "lost": 0, "duplicated": 0, "phantom": 0, "corrupted": 0}


def case(run: Path, scenario: str, status: str = "passed", **more: object) -> Path:
    """Writes a case and returns its folder."""
    facts = {
        "suite": SUITE,
        "guarantees": ["DEL-1"],
        "tags": ["DEL-1", "P0"],
        "started": "2027-03-14T09:26:53.000+00:00",
        "finished": "" if status == "running" else "2027-03-14T09:26:55.500+00:00",
        "evidence": ENOUGH,
        "replay": f'waybill run --seed 42 --test "{scenario}"',
    } | more
    place = folder_for(run, str(facts["suite"]), scenario)
    write_json(place / FILE, CaseRecord(scenario=scenario, status=status, **facts))  # type: ignore[arg-type]
    return place


def record(run: Path, *selected: str, **more: object) -> RunRecord:
    """Writes the record of a run that selected these scenarios."""
    facts = {
        "target": "reference",
        "target_argument": "reference",
        "driver": "waybill",
        "seed": "42",
        "started": "2027-03-14T09:26:50.000+00:00",
        "finished": "2027-03-14T09:27:31.000+00:00",
        "command": "waybill run --seed 42",
        "versions": {"Waybill": "1.0"},
        "selection": [Selected(SUITE, scenario, ("DEL-1", "P0")) for scenario in selected],
    } | more
    made = RunRecord(**facts)  # type: ignore[arg-type]
    write_run(run, made)
    return made


def output(run: Path, **statuses: str) -> None:
    """Writes an output.xml with these scenarios (underscores for blanks), and an empty log.html."""
    tests = "".join(
        f'<test id="s1-s1-t{number}" name="{name.replace("_", " ")}"><kw name="x"><msg>m</msg></kw>'
        f'<status status="{status}">said</status></test>'
        for number, (name, status) in enumerate(statuses.items(), 1)
    )
    (run / "output.xml").write_text(
        f'<robot><suite id="s1" name="Suites"><suite id="s1-s1" name="Delivery">{tests}'
        "<status status='PASS'/></suite></suite></robot>",
        encoding="utf-8",
    )
    (run / "log.html").write_text("", encoding="utf-8")
