"""`[launch.log]`: what an error looks like in the logs of a launched target, and which errors are expected."""

from __future__ import annotations

import re
from typing import Final

from waybill.targets.model import LogRules
from waybill.targets.toml_table import Table

_EXPRESSIONS: Final = "a list of regular expressions"


def read_log_rules(launch: Table) -> LogRules | None:
    """The rules of a target file; None where it has none, and nothing of its logs is judged.

    Raises:
        TargetFileError: A key is unknown, or what should be a regular expression is none.
    """
    if "log" not in launch:
        return None
    table = launch.table("log")
    error = table.text("error", "a regular expression that finds an error in a line")
    during = table.table("during")
    kinds = list(during.entries())
    time = table.text("time", "a regular expression whose first group is the time of a line", "")
    if re.compile(_checked(table, "time", [time])[0]).groups < bool(time):
        raise table.error("time", f"expected a group around the time, as in '^\\[(.*?)\\]', found '{time}'.")
    rules = LogRules(
        error=_checked(table, "error", [error])[0],
        files=table.texts("files", "a list of patterns such as '*/output.log'", ("*.log",)),
        expected=tuple(_checked(table, "expected", table.texts("expected", _EXPRESSIONS, ()))),
        during={kind: tuple(_checked(during, kind, during.texts(kind, _EXPRESSIONS, ()))) for kind in kinds},
        fail=table.value("fail", bool, "true or false", False),
        time=time,
    )
    table.finish()
    return rules


def _checked(table: Table, key: str, expressions: list[str] | tuple[str, ...]) -> list[str]:
    for expression in expressions:
        try:
            re.compile(expression.encode())
        except re.error as error:
            raise table.error(key, f"expected a regular expression, found '{expression}': {error}.") from None
    return list(expressions)
