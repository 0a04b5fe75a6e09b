"""The page of hostile input: what there is of it, for each protocol and sort (docs/hostile-input.md shows it)."""

from __future__ import annotations

from collections import Counter

from waybill.drivers import registry
from waybill.drivers.frame_table import Cast, FrameTable
from waybill.hostile.inputs import Inputs
from waybill.hostile.phrases import BYTES, PHRASES
from waybill.hostile.sorts import TEXTS, Sort

_DRIVERS = ("waybill", "iris", "mqtt", "mqtt-3.1.1", "xmpp")
_CAST = Cast(limits={"frame": 262_144, "body": 65_536, "name": 64, "key": 64})


def markdown() -> str:
    """The tables of the page."""
    tables = [table for name in _DRIVERS if (table := registry.find(name).frame_table(_CAST)) is not None]
    return "\n".join([*_operations(tables), *_sorts(tables), *_phrases()]) + "\n"


def _operations(tables: list[FrameTable]) -> list[str]:
    lines = [
        "",
        "## Operations",
        "",
        "| protocol | operations of the client | operations of the server |",
        "|---|---|---|",
    ]
    for table in tables:
        sides = (", ".join(one.name for one in side) for side in (table.of_client, table.of_server))
        lines.append(f"| {table.protocol} | {' | '.join(sides)} |")
    return lines[1:]


def _sorts(tables: list[FrameTable]) -> list[str]:
    counts: list[Counter[Sort]] = []
    for table in tables:
        inputs = Inputs(table, seed=1)
        every = [*inputs.held(), *inputs.before_login(), *inputs.after_login(), *inputs.texts()]
        counts.append(Counter(one.sort for one in every))
    lines = [
        "",
        "## Sorts",
        "",
        f"| sort | what it is | {' | '.join(table.protocol for table in tables)} |",
        f"|---|---|{'---|' * len(tables)}",
    ]
    for sort in Sort:
        found = " | ".join(str(count[sort]) for count in counts)
        lines.append(f"| {sort.value} | {sort.meaning} | {found} |")
    lines.append(f"| **all** | | {' | '.join(str(count.total()) for count in counts)} |")
    return lines


def _phrases() -> list[str]:
    lines = ["", "## Texts", "", "| sort | texts |", "|---|---|"]
    for sort in TEXTS:
        names = PHRASES.get(sort, BYTES)
        lines.append(f"| {sort.value} ({len(names)}) | {'; '.join(names)} |")
    return lines
