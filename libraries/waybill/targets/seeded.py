"""Defects that a server can be started with on purpose: what a target file says of them, and what the server does.

The server lists its own defects, as JSON: an array of objects as `SeededDefect` has them.
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Mapping
from functools import cache

import msgspec

from waybill.targets.errors import TargetError
from waybill.targets.model import Launch, Seeding, TargetFile, Variant
from waybill.targets.programs import program
from waybill.targets.toml_table import Table, nearest

DEADLINE = 30.0


class SeededDefect(msgspec.Struct, frozen=True):
    """One way in which a server can be started broken.

    Attributes:
        name: Its name; the target is then called `BASE+NAME`.
        kind: What sort of thing it is: `defect`, `rare` (the seldom form of one) or `stand-in`.
        breaks: What the server does wrong, in a sentence.
        noticed: The guarantees that must notice, each with the anomalies that show it, or words of the message with
            which a step fails.
        arguments: What the server's process is started with in addition, in every release, and the programs that
            migrate its data as well.
    """

    name: str
    kind: str
    breaks: str
    noticed: dict[str, tuple[str, ...]]
    arguments: tuple[str, ...]


def read_seeding(table: Table, launch: Launch | None) -> Seeding:
    """The table `[seeded]` of a target file.

    Raises:
        TargetFileError: It says something that is not allowed.
    """
    names = [process.name for process in launch.processes] if launch else []
    expected = "the name of the launched process that takes the arguments, or a list of such names"
    given = table.value("process", (str, list), expected)
    processes = (given,) if isinstance(given, str) else table.texts("process", expected)
    for process in processes:
        if process not in names:
            raise table.error("process", f"there is no process '{process}'{nearest(process, names) or '.'}")
    command = table.texts("list", "the program that lists the defects as JSON, and its arguments")
    table.finish()
    return Seeding(processes, command)


@cache
def seeded_defects(seeding: Seeding) -> tuple[SeededDefect, ...]:
    """Every defect that a server can be started with, as it says itself.

    Raises:
        TargetError: It does not say so.
    """
    command = seeding.command
    found = sys.executable if command[0] == "{python}" else program(command[0])
    if found is None:
        raise TargetError(f"Its defects cannot be listed: {command[0]} is not installed.")
    said = b""
    try:
        done = subprocess.run([found, *command[1:]], capture_output=True, timeout=DEADLINE, check=True)
        said = done.stdout
        return msgspec.json.decode(said, type=tuple[SeededDefect, ...])
    except subprocess.CalledProcessError as failed:
        reason = f"it ended with code {failed.returncode}: {failed.stderr.decode(errors='replace').strip()}"
    except (OSError, subprocess.TimeoutExpired, msgspec.DecodeError) as failed:
        reason = f"{failed}; it said '{said[:80].decode(errors='replace')}'"
    raise TargetError(f"Expected `{' '.join(command)}` to list the server's defects as JSON: {reason}")


def apply_defect(base: TargetFile, name: str) -> TargetFile:
    """The target with a defect.

    Raises:
        TargetError: There is none of that name; the message names what there is that is like it.
    """
    assert base.seeding is not None
    assert base.launch is not None
    known = {defect.name: defect for defect in seeded_defects(base.seeding)}
    if name not in known:
        variants = [variant.name for variant in base.variants]
        raise TargetError(
            f"The target '{base.name}' has no variant and no seeded defect '{name}'"
            f"{nearest(name, [*variants, *known]) or '.'} `{' '.join(base.seeding.command)}` lists its defects."
        )
    defect = known[name]

    def broken(commands: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        return {what: (*command, *defect.arguments) for what, command in commands.items()}

    processes = tuple(
        dataclasses.replace(
            process, command=(*process.command, *defect.arguments), releases=broken(process.releases)
        )
        if process.name in base.seeding.processes
        else process
        for process in base.launch.processes
    )
    return dataclasses.replace(
        base,
        name=f"{base.name}+{name}",
        launch=dataclasses.replace(base.launch, processes=processes, migrate=broken(base.launch.migrate)),
        variant=_as_variant(defect),
    )


def carry_defect(base: TargetFile, defect: SeededDefect) -> TargetFile:
    """The target with a defect that only its form of several nodes can have: it is started as it is, that form with the
    defect."""
    return dataclasses.replace(base, name=f"{base.name}+{defect.name}", variant=_as_variant(defect))


def _as_variant(defect: SeededDefect) -> Variant:
    return Variant(defect.name, defect.breaks, tuple(defect.noticed))
