"""Which scenarios a command line selects, found by Robot's own parser and filters.

`waybill run` asks before the run and compares with the verdicts after it, so that a scenario whose worker
died cannot go missing. It runs as a process of its own (`python -m WaybillLibrary.selection OPTIONS PATHS`)
and prints one JSON object: `scenarios`, or `error` in Robot's words.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from robot.conf import RobotSettings
from robot.errors import DataError, Information
from robot.model import ModelModifier
from robot.output import LOGGER
from robot.run import RobotFramework
from robot.running import TestSuite, TestSuiteBuilder


def select(arguments: list[str]) -> list[dict[str, Any]]:
    """Selects scenarios exactly as `robot` with the same arguments would.

    Args:
        arguments: Robot's options and the paths of the suites.

    Returns:
        `suite` (its full name), `scenario`, `tags` and `source` of each, in the order of the files.

    Raises:
        DataError: An option or a file is wrong, or nothing is selected; in Robot's words.
    """
    options, paths = RobotFramework().parse_arguments(arguments)
    settings = RobotSettings(options)
    sys.path[:0] = settings.pythonpath
    LOGGER.unregister_console_logger()
    builder = TestSuiteBuilder(
        included_extensions=settings.extension,
        included_files=settings.parse_include,
        custom_parsers=settings.parsers,
        rpa=settings.rpa,
        lang=settings.languages,
        allow_empty_suite=settings.run_empty_suite,
    )
    suite = builder.build(*paths)
    if settings.pre_run_modifiers:
        suite.visit(ModelModifier(settings.pre_run_modifiers, settings.run_empty_suite, LOGGER))
    suite.configure(**settings.suite_config)
    return list(_scenarios(suite))


def _scenarios(suite: TestSuite) -> Any:
    for test in suite.tests:
        yield {
            "suite": suite.full_name,
            "scenario": test.name,
            "tags": [str(tag) for tag in test.tags],
            "source": str(test.source or suite.source or ""),
        }
    for child in suite.suites:
        yield from _scenarios(child)


def main(arguments: list[str]) -> int:
    """Prints the selection as JSON."""
    try:
        answer: dict[str, Any] = {"scenarios": select(arguments)}
    except (DataError, Information) as error:
        answer = {"error": str(error)}
    sys.stdout.write(json.dumps(answer) + "\n")
    return 1 if "error" in answer else 0


if __name__ == "__main__":
    sys.path[:] = [entry for entry in sys.path if entry != str(Path(__file__).parent)]
    raise SystemExit(main(sys.argv[1:]))
