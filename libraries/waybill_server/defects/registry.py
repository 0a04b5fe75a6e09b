"""What is known of each defect, and how it gets into a node."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any, TypeVar

from waybill_server.node import Settings, assemble
from waybill_server.services import Services
from waybill_server.store import SqliteStore
from waybill_server.token_check import TokenCheck

MODULES = (
    "losing",
    "giving",
    "offline",
    "arriving",
    "bursting",
    "ordering",
    "numbering",
    "dedup",
    "durability",
    "storage",
    "answering",
    "cutting",
    "repeating",
    "devices",
    "paging",
    "receipts",
    "presence",
    "groups",
    "login",
    "forging",
    "encryption",
    "downgrading",
    "hostile",
    "coding",
    "permitting",
    "outliving",
    "replaying",
    "revoking",
    "rotating",
)

WAITING = ("refreshing",)
"""Modules of defects that a node can be run with, and that no scenario puts to the proof yet: they are not listed. One
whose scenarios are there moves to `MODULES`."""

Part = TypeVar("Part", bound=Callable[..., Any])


class UnknownDefect(Exception):
    """There is no defect of that name."""


@dataclass(frozen=True, slots=True)
class Defect:
    """One way to break a node.

    Attributes:
        name: As in the catalogue of guarantees.
        breaks: What the node does wrong, in one sentence.
        noticed: The guarantees that must notice, each with the anomalies that show it, or words of the message with
            which a step fails where the server's fault keeps the scenario from its end.
        seam: The part that is replaced.
        part: What takes its place.
    """

    name: str
    breaks: str
    noticed: Mapping[str, tuple[str, ...]]
    seam: str
    part: Callable[..., Any]

    def assemble(self, settings: Settings, token_check: TokenCheck) -> Services:
        """Puts a node together that has this defect."""
        parts: dict[str, Any] = {self.seam.replace(" ", "_"): self.part}
        match self.seam:
            case "assembly":
                services: Services = self.part(settings, token_check)
                return services
            case "token check":
                return assemble(settings, self.part(token_check))
            case "ledger" | "writer":
                return assemble(settings, token_check, store=partial(SqliteStore, **parts))
        return assemble(settings, token_check, **parts)


_defects: dict[str, Defect] = {}


def seeded(name: str, *, seam: str, noticed: Mapping[str, tuple[str, ...]]) -> Callable[[Part], Part]:
    """Makes a defect of a part; the first sentence of its docstring says what it breaks."""

    def register(part: Part) -> Part:
        breaks = " ".join((part.__doc__ or "").partition("\n\n")[0].split())
        _defects[name] = Defect(name, breaks, noticed, seam, part)
        return part

    return register


def every() -> list[Defect]:
    """All defects that scenarios notice, in the order of the guarantees that they break first."""
    listed = [f"waybill_server.defects.{module}" for module in MODULES]
    for module in listed:
        import_module(module)
    return [defect for module in listed for defect in _defects.values() if defect.part.__module__ == module]


def find(name: str) -> Defect:
    """The defect of this name.

    Raises:
        UnknownDefect: There is none.
    """
    every()
    for module in WAITING:
        import_module(f"waybill_server.defects.{module}")
    if name not in _defects:
        near = difflib.get_close_matches(name, _defects, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise UnknownDefect(f"no defect {name!r}{hint}; `waybill-server defects` lists them")
    return _defects[name]
