"""What is known of each defect, and how it gets into a node."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from typing import Any, TypeVar

from waybill_server.defects.counting import Every
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
    "expiring",
    "stepping",
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
    "refreshing",
    "rotating",
    "migrating",
    "versioning",
    "restarting",
    "regional",
    "regional_copies",
    "regional_telling",
    "upgrading",
)

MOMENT = "It strikes at a moment of its own in any case."
ALWAYS = "What is wrong is wrong always."
"""Why a defect has no rare form."""

RARE = ".rare"
"""What the name of a defect's rare form ends with."""

CLUSTER = "cluster "
"""How the seams begin that only a node with peers has."""

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
        rare: What the node does wrong in the rare form of the defect, in one sentence; empty if it has none.
        rare_in: The guarantees that must notice the rare form; empty for all.
        steady: Why it has no rare form; empty if it has one, or is of a part that only a node with peers has.
        rarely: Whether this is the rare form.
    """

    name: str
    breaks: str
    noticed: Mapping[str, tuple[str, ...]]
    seam: str
    part: Callable[..., Any]
    rare: str = ""
    rare_in: tuple[str, ...] = ()
    steady: str = ""
    rarely: bool = False

    @property
    def regional(self) -> bool:
        """Whether it is of a part that only a node with peers has."""
        return self.seam.startswith(CLUSTER)

    def assemble(self, settings: Settings, token_check: TokenCheck) -> Services:
        """Puts a node together that has this defect; a process runs one form of one defect."""
        Every.rarely = self.rarely
        if self.regional:
            from waybill_server.cluster.assembly import assemble_cluster

            part: dict[str, Any] = {self.seam.removeprefix(CLUSTER): self.part}
            return assemble_cluster(settings, token_check, **part)
        parts: dict[str, Any] = {self.seam.replace(" ", "_"): self.part}
        match self.seam:
            case "assembly":
                services: Services = self.part(settings, token_check)
                return services
            case "token check":
                return assemble(settings, self.part(token_check))
            case "ledger" | "writer" | "schema":
                return assemble(settings, token_check, store=partial(SqliteStore, **parts))
        return assemble(settings, token_check, **parts)


_defects: dict[str, Defect] = {}


def seeded(
    name: str,
    *,
    seam: str,
    noticed: Mapping[str, tuple[str, ...]],
    rare: str = "",
    rare_in: tuple[str, ...] = (),
    steady: str = "",
) -> Callable[[Part], Part]:
    """Makes a defect of a part; the first sentence of its docstring says what it breaks, `rare` what its rare form.

    Where not every scenario gives the rare form a chance, `rare_in` names the guarantees whose scenarios do. A defect
    without a rare form says why (`steady`).
    """

    def register(part: Part) -> Part:
        breaks = " ".join((part.__doc__ or "").partition("\n\n")[0].split())
        _defects[name] = Defect(name, breaks, noticed, seam, part, rare, rare_in, steady)
        return part

    return register


def every() -> list[Defect]:
    """All defects that scenarios notice, in the order of the guarantees that they break first."""
    return registered([f"waybill_server.defects.{module}" for module in MODULES])


def rare_forms() -> list[Defect]:
    """The rare form of each defect that has one: the same fault, a few times in a scenario or less."""
    return [
        replace(
            defect,
            name=f"{defect.name}{RARE}",
            breaks=defect.rare,
            noticed={
                one: signs
                for one, signs in defect.noticed.items()
                if one in (defect.rare_in or defect.noticed)
            },
            rarely=True,
        )
        for defect in every()
        if defect.rare
    ]


def registered(modules: Sequence[str]) -> list[Defect]:
    """What these modules register, in their order."""
    for module in modules:
        import_module(module)
    return [defect for module in modules for defect in _defects.values() if defect.part.__module__ == module]


def find(name: str) -> Defect:
    """The defect of this name.

    Raises:
        UnknownDefect: There is none.
    """
    return named(name, (*every(), *rare_forms()), "defect")


def named(name: str, defects: Iterable[Defect], kind: str) -> Defect:
    """The one of this name; `kind` is what they are called, as in `waybill-server defects`.

    Raises:
        UnknownDefect: There is none.
    """
    known = {defect.name: defect for defect in defects}
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise UnknownDefect(f"no {kind} {name!r}{hint}; `waybill-server {kind}s` lists them")
    return known[name]
