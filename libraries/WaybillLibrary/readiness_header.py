"""The verdict in the header of Robot's own `report.html` and `log.html`.

Attach it with `--prerebotmodifier "WaybillLibrary.readiness_header.ReadinessHeader;RUN_FOLDER"`. It also
adds the scenarios that Robot's result lacks because their worker died, so that Robot's own statistics are
red as well.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from robot.api import SuiteVisitor

from waybill.readiness.assemble import assemble
from waybill.readiness.catalogue import PRIORITIES
from waybill.readiness.model import GuaranteeResult, RunResult, ScenarioResult
from waybill.readiness.words import tally

_LISTED = 12
"""Guarantees in the header's table; the readiness page has them all."""


class ReadinessHeader(SuiteVisitor):  # type: ignore[misc]
    """Writes verdict, rule and the guarantees that were put to the proof into the root suite.

    Args:
        run_folder: The folder of the run, with its cases.
    """

    def __init__(self, run_folder: str) -> None:
        self._run_folder = Path(run_folder)

    def start_suite(self, suite: Any) -> bool:
        """Fills the root suite and looks at no other."""
        run = assemble(self._run_folder)
        _add_lost(suite, run)
        verdict = f"*{run.verdict}*: {_plain(run.rule)}. [readiness.html|All guarantees]"
        suite.metadata["Guarantees"] = tally(run)
        if run.target:
            suite.metadata["Target"] = f"{_plain(run.target)}, seed {_plain(run.seed)}"
        suite.metadata["Readiness"] = verdict
        suite.doc = f"{verdict}\n\n{_table(run)}\n\n{suite.doc}".strip()
        return False


def _table(run: RunResult) -> str:
    tried = [one for one in run.guarantees if one.scenarios or one.waiver]
    tried.sort(key=lambda one: (one.verdict == "PROVEN", PRIORITIES.index(one.priority)))
    rows = ["| =Guarantee= | =Priority= | =Verdict= | =Why= |"]
    rows += [_row(one) for one in tried[:_LISTED]]
    if len(tried) > _LISTED:
        rows.append(
            f"| and {len(tried) - _LISTED} more |   | {_verdicts(tried[_LISTED:])} "
            f"| [readiness.html|see all] |"
        )
    return "\n".join(rows) if tried else ""


def _row(one: GuaranteeResult) -> str:
    return f"| {one.id} {_plain(one.title)} | {one.priority} | *{one.verdict}* | {_plain(one.reason)} |"


def _verdicts(results: list[GuaranteeResult]) -> str:
    return ", ".join(sorted({one.verdict for one in results}))


def _plain(text: str) -> str:
    """Text that Robot's documentation format leaves as it is, in one table cell."""
    flat = " ".join(text.split())
    for letter, harmless in (("|", "/"), ("*", "\u2217"), ("[", "("), ("]", ")"), ("_", "\u02cd")):
        flat = flat.replace(letter, harmless)
    return flat


def _add_lost(root: Any, run: RunResult) -> None:
    known = {test.full_name for test in root.all_tests}
    for one in run.scenarios:
        if one.name in known:
            continue
        suite = _suite(root, one.suite)
        suite.tests.create(name=one.scenario, status="FAIL", message=_lost_message(one), tags=one.guarantees)


def _lost_message(one: ScenarioResult) -> str:
    if one.outcome == "no verdict":
        return f"NO VERDICT: {one.message}\nreplay: {one.replay}"
    return f"The worker died after this scenario ({one.outcome}) and its log is lost.\nreplay: {one.replay}"


def _suite(root: Any, full_name: str) -> Any:
    """The suite of that name, made where a dead worker left none."""
    suite, rest = root, full_name.removeprefix(root.name).lstrip(".")
    while rest:
        known = [child for child in suite.suites if rest == child.name or rest.startswith(f"{child.name}.")]
        if not known:
            return suite.suites.create(name=rest)
        suite = known[0]
        rest = rest.removeprefix(suite.name).lstrip(".")
    return suite
