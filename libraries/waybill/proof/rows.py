"""Which defects each scenario must turn red with: `resources/proof.toml`."""

from __future__ import annotations

import tomllib
from functools import cache

from waybill import bundled

FILE = "proof.toml"


@cache
def bundled_rows() -> dict[str, tuple[str, ...]]:
    """For each scenario by its name the defects and stand-ins, in the order of the file."""
    text = (bundled.folder("resources") / FILE).read_text(encoding="utf-8")
    return {scenario: tuple(names) for scenario, names in tomllib.loads(text)["turned_red_by"].items()}
