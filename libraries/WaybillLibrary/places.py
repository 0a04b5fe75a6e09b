"""Where a run keeps its files."""

from __future__ import annotations

from pathlib import Path

from robot.libraries.BuiltIn import BuiltIn


def run_folder() -> Path:
    """The folder of the run: the one that `waybill run` made, else Robot's output directory."""
    builtin = BuiltIn()
    place = builtin.get_variable_value("${RUN_FOLDER}") or builtin.get_variable_value("${OUTPUT DIR}")
    return Path(str(place)).resolve()
