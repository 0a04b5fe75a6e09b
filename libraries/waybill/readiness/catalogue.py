"""The catalogue of guarantees and what each of them demands as evidence."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

import msgspec

from waybill import bundled

Bound = int | float | bool

PRIORITIES = ("P0", "P1", "P2")


class CatalogueError(ValueError):
    """The catalogue cannot be used; the message says where and why."""


class Guarantee(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One promise of the catalogue.

    Attributes:
        id: Its name, also the tag of its scenarios, such as `DEL-1`.
        title: A few words.
        family: What it is about; the suites' folders are called the same.
        priority: `P0`, `P1` or `P2`.
        statement: The promise in one or two sentences.
        source: The place that asks for it.
        security: Only a dated waiver takes it out of a run.
        at_least: Figures that each scenario must reach.
        at_most: Figures that no scenario may exceed. A figure that nobody counted is not zero.
        complete: Figures that must equal their `..._total`.
        reported: Figures that must be there, whatever their value.
        needs: Capabilities that the protocol must have for it, by their names in the driver contract.
        means: What the target must let the kit do for it: `kill`.
        defects: Faults of a server that must make a scenario of this guarantee fail.
    """

    id: str
    title: str
    family: str
    priority: str
    statement: str
    source: str
    security: bool = False
    at_least: dict[str, Bound] = {}
    at_most: dict[str, Bound] = {}
    complete: tuple[str, ...] = ()
    reported: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    means: tuple[str, ...] = ()
    defects: tuple[str, ...] = ()

    def demands(self) -> list[str]:
        """Says in words what a scenario must carry, one demand per line: `acknowledged >= 1000`."""
        return [
            *(at_least(name, bound) for name, bound in self.at_least.items()),
            *(at_most(name, bound) for name, bound in self.at_most.items()),
            *(f"all {name}" for name in self.complete),
            *(f"{name} reported" for name in self.reported),
        ]


def at_least(figure: str, bound: Bound) -> str:
    """A lower bound in words: `acknowledged >= 1000`, or the figure alone when it just has to hold."""
    return figure if bound is True else f"{figure} >= {bound}"


def at_most(figure: str, bound: Bound) -> str:
    """An upper bound in words: `lost = 0`, `recovery_seconds <= 30`."""
    return f"{figure} = 0" if bound == 0 else f"{figure} <= {bound}"


class _File(msgspec.Struct, forbid_unknown_fields=True):
    schema: int
    guarantee: list[Guarantee]


@dataclass(frozen=True)
class Catalogue:
    """All guarantees, in the order of the file.

    Attributes:
        guarantees: By id.
    """

    guarantees: Mapping[str, Guarantee]

    def demanded_by(self, tags: Iterable[str]) -> list[Guarantee]:
        """The guarantees that a scenario with these tags puts to the proof, in the catalogue's order.

        Args:
            tags: Tags of a scenario, in any case.
        """
        wanted = {tag.upper() for tag in tags}
        return [guarantee for guarantee in self.guarantees.values() if guarantee.id in wanted]

    def misspelt(self, tags: Iterable[str]) -> list[str]:
        """Tags that look like a guarantee of a known family and name none, such as `DEL-11`.

        A scenario with such a tag would prove nothing and nobody would notice, so it is refused. Tags of
        other shapes and other families are none of our business.
        """
        families = {id_.partition("-")[0] for id_ in self.guarantees}
        return [
            tag
            for tag in tags
            if re.fullmatch(r"[A-Z]+-\d+", tag.upper())
            and tag.upper().partition("-")[0] in families
            and tag.upper() not in self.guarantees
        ]


def read(path: Path) -> Catalogue:
    """Reads a catalogue.

    Raises:
        CatalogueError: It is not there, not TOML, or an entry is wrong.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        entries = msgspec.convert(data, _File).guarantee
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise CatalogueError(f"The catalogue {path} cannot be used: {error}") from error
    guarantees: dict[str, Guarantee] = {}
    for entry in entries:
        if entry.id in guarantees:
            raise CatalogueError(f"The catalogue {path} has {entry.id} twice; give one of them another id.")
        if entry.priority not in PRIORITIES:
            raise CatalogueError(
                f"The catalogue {path} gives {entry.id} the priority '{entry.priority}'; "
                f"expected one of {', '.join(PRIORITIES)}."
            )
        if not entry.demands():
            raise CatalogueError(
                f"The catalogue {path} demands no evidence for {entry.id}: a scenario without traffic would "
                f"pass. Give it at_least, at_most, complete or reported."
            )
        guarantees[entry.id] = entry
    return Catalogue(MappingProxyType(guarantees))


@cache
def bundled_catalogue() -> Catalogue:
    """The catalogue that comes with the kit, read once per process."""
    return read(bundled.folder("resources") / "catalogue.toml")
