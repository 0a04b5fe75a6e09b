"""The canary of every run: findings that were planted, which must come out at the end of the reports."""

from __future__ import annotations

from functools import cache
from typing import Any

from robot.api.deco import keyword, library

from waybill.history import check
from waybill.history.planted.stories import corpus, story
from WaybillLibrary import current


@library(scope="GLOBAL", auto_keywords=False)
class Detector:
    """Judges histories of which it is known what is wrong with them.

    `waybill run` runs them beside its scenarios, each as a scenario that passes as far as Robot can see. Only the check
    of the history, the evidence gate and the reports can turn it red.
    """

    @keyword
    def judge_planted_history(self, name: str) -> None:
        """Writes a planted history and checks it; says nothing of what was found, which is the gate's to do.

        Args:
            name: The history's name in the corpus, `reordered: planted: the second message first, in one page`.

        Example:

        ```robotframework
        *** Test Cases ***
        The gate reports what a history shows
            Judge Planted History    reordered: planted: the second message first, in one page
        ```
        """
        assert current.case.folder is not None
        history = story(_stories()[name], current.case.folder / "history.jsonl")
        report: dict[str, Any] = check(history).to_dict()
        current.case.checked(history, report)


@cache
def _stories() -> dict[str, str]:
    """The corpus, read once for all scenarios of the process."""
    return {one.name: one.text for one in corpus()}
