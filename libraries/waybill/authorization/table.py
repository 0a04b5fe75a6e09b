"""The role table: every cell of it is a case, allowed or refused.

It is read from resources/authorization.toml. The scenarios of AZ-1 try the cases, and docs/authorization.md shows them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from waybill import bundled

FILE = "authorization.toml"


class TableFaulty(ValueError):
    """The role table cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Case:
    """One cell: somebody tries one operation on one target.

    Attributes:
        part: The part of the table.
        target: At what it is aimed.
        operation: What is tried.
        person: Who tries, by the name of the column.
        allowed: Whether it must take effect; else it must be refused and leave no trace.
    """

    part: str
    target: str
    operation: str
    person: str
    allowed: bool

    @property
    def id(self) -> str:
        """Its name: `group/send/stranger`."""
        return f"{self.target}/{self.operation}/{self.person}"


@dataclass(frozen=True, slots=True)
class Operation:
    """One row: what it is in words, and who may do it."""

    id: str
    what: str
    may: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """The rows that are aimed at one thing, and the columns that they have."""

    id: str
    title: str
    people: tuple[str, ...]
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the table.

    Attributes:
        id: Its name.
        title: Its heading.
        text: What it says, in words.
        why: What demands it.
        people: Who tries, by the name of the column, in words.
        targets: Its tables.
    """

    id: str
    title: str
    text: str
    why: str
    people: Mapping[str, str]
    targets: tuple[Target, ...]

    def cases(self) -> tuple[Case, ...]:
        """Its cells, row by row."""
        return tuple(
            Case(self.id, target.id, operation.id, person, person in operation.may)
            for target in self.targets
            for operation in target.operations
            for person in target.people
        )


@cache
def parts() -> tuple[Part, ...]:
    """The whole table, in the order of the file.

    Raises:
        TableFaulty: The file names people that its part does not have, or a target without operations.
    """
    text = (bundled.folder("resources") / FILE).read_text(encoding="utf-8")
    return tuple(_part(one) for one in tomllib.loads(text)["part"])


def part(id_: str) -> Part:
    """The part of this name.

    Raises:
        ValueError: There is none.
    """
    for one in parts():
        if one.id == id_:
            return one
    raise ValueError(f"The role table has no part '{id_}'; it has {', '.join(one.id for one in parts())}.")


def cases(part_id: str, target: str | None = None) -> dict[str, Case]:
    """The cases of a part, or of one target of it, by their names."""
    return {one.id: one for one in part(part_id).cases() if target in (None, one.target)}


def markdown() -> str:
    """The table for people, as docs/authorization.md shows it."""
    lines: list[str] = []
    for one in parts():
        tried = one.cases()
        refused = sum(not case.allowed for case in tried)
        lines += [
            "",
            f"## {one.title} ({len(tried)} cases, {refused} refused)",
            "",
            one.text,
            "",
            f"Why: {one.why}.",
            "",
        ]
        lines += [f"- *{person}*: {words}" for person, words in one.people.items()]
        for target in one.targets:
            lines += _rows(target)
    return "\n".join(lines[1:]) + "\n"


def _rows(target: Target) -> list[str]:
    if len(target.people) > _WIDEST:
        return [
            *("", f"| {target.title} | who may |", "|---|---|"),
            *(f"| {one.what} | {_who(one, target)} |" for one in target.operations),
        ]
    return [
        *("", f"| {target.title} | {' | '.join(target.people)} |", "|---" * (len(target.people) + 1) + "|"),
        *(
            f"| {one.what} | {' | '.join('yes' if person in one.may else 'refused' for person in target.people)} |"
            for one in target.operations
        ),
    ]


_WIDEST = 7
"""Columns that a page has room for."""


def _who(operation: Operation, target: Target) -> str:
    if not operation.may:
        return "nobody: refused to all"
    return "all" if len(operation.may) == len(target.people) else ", ".join(operation.may)


def _part(given: Mapping[str, Any]) -> Part:
    people = dict(given["people"])
    targets = tuple(_target(name, one, people, given["id"]) for name, one in given["target"].items())
    return Part(given["id"], given["title"], given["text"], given["why"], people, targets)


def _target(name: str, given: Mapping[str, Any], people: Mapping[str, str], part_id: str) -> Target:
    columns = tuple(given.get("people", people))
    operations = tuple(
        Operation(id_, row["what"], tuple(row["may"])) for id_, row in given.items() if isinstance(row, dict)
    )
    unknown = {*columns, *(person for one in operations for person in one.may)} - set(people)
    strangers = {person for one in operations for person in one.may} - set(columns)
    if unknown or strangers or not operations:
        wrong = ", ".join(sorted(unknown | strangers)) or "it has no operation"
        raise TableFaulty(
            f"resources/{FILE}, part '{part_id}', target '{name}': expected operations whose 'may' names people of "
            f"the part ({', '.join(people)}); found: {wrong}."
        )
    return Target(name, given["title"], columns, operations)
