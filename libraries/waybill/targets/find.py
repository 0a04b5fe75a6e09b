"""Finding target files: by the name of one that comes with the kit, or by the path of one's own."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from waybill import bundled
from waybill.targets.errors import MeansMissing, NodesMissing, TargetError
from waybill.targets.model import Launch, TargetFile
from waybill.targets.programs import program
from waybill.targets.seeded import SeededDefect, apply_defect, carry_defect, seeded_defects
from waybill.targets.target_file import read_target
from waybill.targets.toml_table import nearest
from waybill.targets.variants import SIGN, apply_variant


@dataclass(frozen=True, slots=True)
class AvailableTarget:
    """A target that comes with the kit.

    Attributes:
        file: Its target file.
        missing: The programs that it needs and that are not installed.
        install: The command that installs them; empty where the file names none.
    """

    file: TargetFile
    missing: tuple[str, ...] = ()
    install: str = ""

    @property
    def installed(self) -> bool:
        """Whether everything that it needs is installed."""
        return not self.missing


def find_target(name_or_path: str | Path) -> TargetFile:
    """Reads a target file.

    Args:
        name_or_path: The name of a target that comes with the kit (`mosquitto`), or a path: whatever ends
            with `.toml` or has a `/`. A variant of either follows after a `+`: `mosquitto+persistence-off`,
            `./my.toml+persistence-off`, or a defect that the server can be started with.

    Raises:
        TargetError: There is none; the message lists those that come with the kit, or the file's variants.
        TargetFileError: It is refused.
    """
    base, variant = split_variant(str(name_or_path))
    target = _base(base)
    if variant is None:
        return target
    if variant in [one.name for one in target.variants] or not target.seeding:
        return apply_variant(target, variant)
    if target.several_nodes and variant not in [defect.name for defect in seeded_defects(target.seeding)]:
        for defect in _of_several_nodes(target):
            if defect.name == variant:
                return carry_defect(target, defect)
    return apply_defect(target, variant)


def several_nodes(target: TargetFile) -> TargetFile:
    """The form of a target that has several nodes: itself, or the one that its file names, as the same variant.

    Raises:
        NodesMissing: It has one node and names no other form.
        MeansMissing: That form has not this variant.
        TargetError: The form that it names is not there, or has one node as well.
    """
    if len(target.endpoints) > 1:
        return target
    if not target.several_nodes:
        raise NodesMissing(
            f"{target.name} has one node, and {target.path} names no form of the server with several (several_nodes, "
            f"docs/targets.md). What depends on several nodes stays UNPROVEN."
        )
    other = form(target)
    if target.variant is None:
        return other
    known = [variant.name for variant in other.variants]
    known += [defect.name for defect in seeded_defects(other.seeding)] if other.seeding else []
    if target.variant.name not in known:
        raise MeansMissing(
            f"{other.name}, the form of {target.name} with several nodes, has not the variant '{target.variant.name}'. "
            f"What depends on several nodes stays UNPROVEN."
        )
    return find_target(f"{_named(target)}{SIGN}{target.variant.name}")


def all_defects(target: TargetFile) -> tuple[SeededDefect, ...]:
    """Every defect that a target, or its form of several nodes, can be started with.

    Raises:
        TargetError: A server does not say so, or the form is not there.
    """
    own = seeded_defects(target.seeding) if target.seeding else ()
    return (*own, *_of_several_nodes(target))


def _of_several_nodes(target: TargetFile) -> tuple[SeededDefect, ...]:
    """The defects that only the form of several nodes has."""
    other = form(target) if target.several_nodes else None
    if other is None or other.seeding is None:
        return ()
    own = {defect.name for defect in seeded_defects(target.seeding)} if target.seeding else set()
    return tuple(defect for defect in seeded_defects(other.seeding) if defect.name not in own)


def form(target: TargetFile) -> TargetFile:
    """The form of several nodes that a target file names, as it is.

    Raises:
        TargetError: It is not there, or has one node as well.
    """
    found = _base(_named(target))
    if len(found.endpoints) < 2:
        raise TargetError(
            f"{target.path.name}: several_nodes names {found.name}, which has one node; expected a target with several."
        )
    return found


def _named(target: TargetFile) -> str:
    """The form of several nodes as `find_target` takes it: a path is meant from the folder of the target file."""
    name = target.several_nodes
    return str(target.path.parent / name) if is_path(name) else name


def split_variant(text: str) -> tuple[str, str | None]:
    """A target's name or path, and the name of its variant; None for the base itself."""
    base, sign, variant = text.rpartition(SIGN)
    if not sign or "/" in variant or (is_path(text) and Path(text).expanduser().is_file()):
        return text, None
    return base, variant


def is_path(text: str) -> bool:
    """Whether a target is named by the path of its file."""
    return text.endswith(".toml") or f".toml{SIGN}" in text or "/" in text


def _base(text: str) -> TargetFile:
    if is_path(text):
        path = Path(text).expanduser()
        if not path.is_file():
            raise TargetError(f"There is no target file {path} (looked from {Path.cwd()}).")
        return read_target(path)
    known = {path.stem: path for path in _bundled_files()}
    if text not in known:
        raise TargetError(
            f"There is no target '{text}'{nearest(text, list(known)) or '.'} With the kit come: "
            f"{', '.join(known)}. Your own target file is named by its path, my-server.toml."
        )
    return read_target(known[text])


def available_targets() -> list[AvailableTarget]:
    """The targets that come with the kit, by name, and whether what they need is installed."""
    return [availability(read_target(path)) for path in _bundled_files()]


def availability(file: TargetFile) -> AvailableTarget:
    """Whether the programs that a target launches are installed."""
    if file.launch is None:
        return AvailableTarget(file)
    commands = [process.command for process in file.launch.processes]
    programs = dict.fromkeys(command[0] for command in (*commands, file.users.command) if command)
    programs |= dict.fromkeys(file.launch.needs)
    missing = [name for name in programs if name != "{python}" and program(name) is None]
    missing += [f"the environment variable {name}" for name in _unset(file.launch)]
    return AvailableTarget(file, tuple(missing), file.launch.install)


def _unset(launch: Launch) -> list[str]:
    """The environment variables that the launch asks for and that are not set."""
    texts = [part for process in launch.processes for part in process.command]
    texts += [text for process in launch.processes for text in process.environment.values()]
    texts += [file.text for file in launch.files]
    names = dict.fromkeys(name for text in texts for name in re.findall(r"\{environment\.(\w+)\}", text))
    return [name for name in names if not os.environ.get(name)]


def _bundled_files() -> list[Path]:
    return sorted((bundled.folder("resources") / "targets").glob("*.toml"))
