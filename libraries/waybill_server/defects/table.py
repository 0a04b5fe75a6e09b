"""The defects as a table for people, and as plain data for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from waybill_server.defects.registry import Defect


def markdown(defects: Sequence[Defect]) -> str:
    """One line for each defect: what it breaks, at which seam, which guarantee notices, and by what."""
    lines = ["| defect | what it breaks | seam | noticed by | shown by |", "|---|---|---|---|---|"]
    for defect in defects:
        guarantees = "<br>".join(defect.noticed)
        signs = "<br>".join(", ".join(map(_sign, signs)) for signs in defect.noticed.values())
        lines.append(f"| `{defect.name}` | {defect.breaks} | {defect.seam} | {guarantees} | {signs} |")
    return "\n".join(lines) + "\n"


def rare_markdown(defects: Sequence[Defect]) -> str:
    """One line for each defect of a node alone: what its rare form does, or why it has none."""
    lines = ["| defect | in its rare form | noticed by |", "|---|---|---|"]
    for defect in defects:
        if defect.rare:
            noticed = "<br>".join(defect.rare_in or defect.noticed)
            lines.append(f"| `{defect.name}` | {defect.rare} | {noticed} |")
        elif not defect.regional:
            lines.append(f"| `{defect.name}` | *None: {defect.steady}* | |")
    return "\n".join(lines) + "\n"


def _sign(sign: str) -> str:
    """An anomaly as the checker names it, or the words with which a step fails."""
    return f'"{sign}"' if " " in sign else f"`{sign}`"


def plain(defects: Sequence[Defect], kind: str) -> list[dict[str, Any]]:
    """What a program needs to know of each: how a node is started with it, and who must notice, by what.

    Args:
        defects: The defects.
        kind: `defect`, `rare` or `stand-in`.
    """
    return [
        {
            "name": defect.name,
            "kind": kind,
            "breaks": defect.breaks,
            "noticed": {guarantee: list(signs) for guarantee, signs in defect.noticed.items()},
            "arguments": [f"--{'defect' if kind == 'rare' else kind}", defect.name],
        }
        for defect in defects
    ]
