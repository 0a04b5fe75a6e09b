"""No check of the history could be taken away without `waybill prove` telling what is no longer noticed."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from waybill import cli
from waybill.history.checks import CHECKS
from waybill.history.planted.stories import corpus, story
from waybill.history.reader import read
from waybill.proof.rows import bundled_rows
from waybill_server import defects, stand_ins

SHARED = {
    "markers": "read-marker-goes-back",
    "presence": "presence-per-node",
    "convergence": "pages-out-of-order",
}
"""Checks of which each anomaly is raised by another check as well, and the defects that tell the two apart."""


@pytest.fixture(scope="module")
def raised_by(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """For each anomaly the checks that raise it, in the planted histories."""
    path = tmp_path_factory.mktemp("planted") / "history.jsonl"
    checks: dict[str, set[str]] = {}
    for one in corpus():
        if one.planted:
            history = read(story(one.text, path))
            for name, check in CHECKS.items():
                for anomaly in check(history):
                    checks.setdefault(anomaly.name, set()).add(name)
    return checks


@cache
def signs() -> dict[str, list[tuple[str, ...]]]:
    """For each defect that is tried, the signs of which one must be seen, as each guarantee claims them."""
    tried = {name for names in bundled_rows().values() for name in names}
    known = {one.name: one for one in (*defects.every(), *stand_ins.every())}
    return {name: list(known[name].noticed.values()) for name in sorted(tried)}


@pytest.mark.parametrize("check", sorted(set(CHECKS) - set(SHARED)))
def test_a_defect_is_known_by_nothing_but_what_one_check_raises(
    raised_by: dict[str, set[str]], check: str
) -> None:
    assert [
        defect
        for defect, claims in signs().items()
        for claim in claims
        if all(raised_by.get(sign) == {check} for sign in claim)
    ], f"without the check '{check}' every defect would be killed all the same"


@pytest.mark.parametrize(("check", "defect"), SHARED.items())
def test_a_defect_is_not_noticed_without_the_check_that_is_there_for_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], check: str, defect: str
) -> None:
    asked = ["prove", "--fast", "--seed", "7", "--results", str(tmp_path), "--defect", defect]

    assert cli.main([*asked, "--without-check", check]) == 1

    said = capsys.readouterr().out
    assert f"without the check '{check}' 1 of 1 trials are no longer killed" in said
    assert defect in said
