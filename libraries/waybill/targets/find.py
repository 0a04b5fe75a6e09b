"""Finding target files: by the name of one that comes with the kit, or by the path of one's own."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from waybill import bundled
from waybill.targets.errors import TargetError
from waybill.targets.model import Launch, TargetFile
from waybill.targets.programs import program
from waybill.targets.seeded import apply_defect
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
    described = variant in [one.name for one in target.variants]
    return (
        apply_variant(target, variant) if described or not target.seeding else apply_defect(target, variant)
    )


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
