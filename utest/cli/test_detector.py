"""The detector check of a run: all is well with the kit as it is, and a broken kit is not believed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from world import GOOD, build, environment, suite, waybill

from waybill.commands.prove import _link
from waybill.proof.model import Proof

BROKEN = {
    "a check that is gone": (
        "from waybill.history.checks import CHECKS\nCHECKS['receipts'] = lambda history: []",
        "planted findings were not reported (false-receipt)",
    ),
    "a gate that lets everything pass": (
        "from waybill.readiness import gate\ngate.decide = lambda *_: gate.Decision('PASS', '', '')",
        "planted findings were not reported (block-ignored",
    ),
    "findings that do not reach the case file": (
        "from waybill.readiness import gate\ngate.findings_of = lambda *_: []",
        "planted findings were not reported",
    ),
    "a page that shows no findings": (
        "from waybill.readiness import page\npage.draw_findings = lambda *_: ''\npage._red = lambda *_: ''\n"
        "page.draw_guarantees = lambda *_: ''",
        "the page does not show",
    ),
    "a page that is never red": (
        "from waybill.readiness import assemble\nreal = assemble.judge\n"
        "def judge(*arguments):\n    one = real(*arguments)\n    one.verdict = 'PROVEN'\n    return one\n"
        "assemble.judge = judge",
        "expected DEL-1 BROKEN",
    ),
}
"""How the kit is broken, in a process that begins with it, and what the check says."""


def broken(folder: Path, code: str) -> dict[str, str]:
    """An environment in which every Python process begins with this."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(f"{code}\n")
    variables = environment()
    return variables | {"PYTHONPATH": f"{folder}:{variables['PYTHONPATH']}"}


def test_a_run_says_that_its_detectors_work(tmp_path: Path) -> None:
    build(tmp_path, {"good": suite(GOOD)})

    done = waybill(tmp_path, "run", "suites", "--target", "nobody.toml")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Detector check: passed: " in done.stdout
    latest = tmp_path / "results" / "latest"
    (run,) = json.loads((latest / "readiness.json").read_text())["runs"]
    assert run["detector_failure"] == ""
    assert "<dt>Detector check</dt><dd>passed: " in (latest / "readiness.html").read_text()
    assert "BROKEN" in (latest / "detector" / "readiness.html").read_text()


def test_a_run_folder_with_a_proof_links_to_it(tmp_path: Path) -> None:
    build(tmp_path, {"good": suite(GOOD)})
    waybill(tmp_path, "run", "suites", "--target", "nobody.toml")
    latest = tmp_path / "results" / "latest"
    page = latest / "readiness.html"
    assert "proof.html" not in page.read_text()

    _link(latest, Proof(target="reference", started="2027-03-01T08:00:00+00:00"))

    assert '<a href="proof.html">Proof that the suites find defects</a>' in page.read_text()
    assert (latest / "proof.json").is_file()


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_kit_is_noticed(tmp_path: Path, name: str) -> None:
    code, said = BROKEN[name]
    build(tmp_path, {"good": suite(GOOD)})

    done = waybill(
        tmp_path, "run", "suites", "--target", "nobody.toml", variables=broken(tmp_path / "broken", code)
    )

    assert done.returncode == 4, done.stdout + done.stderr
    assert "Detector check: FAILED: " in done.stdout
    assert said in done.stdout
    (run,) = json.loads((tmp_path / "results" / "latest" / "readiness.json").read_text())["runs"]
    assert run["verdict"] == "NOT READY"
    assert said in run["detector_failure"]
