"""What a history says of itself before its first event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

FORMAT = 1
"""The version of the file format (docs/history.md); raised only when an old reader would misunderstand a new file."""


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a history file.

    Attributes:
        seed: What reproduces the run.
        scenario: The scenario's name.
        target: The target's name.
        users: Every user with the names of its devices, `{"alice": ["phone", "laptop"]}` (or `"alice/phone"`).
        conversations: Every conversation known at the start, with its members.
        promises: What the target promises; the names that the checks read are listed in docs/history.md.
        declares: The operations (`"send"`, `"sync"`, ...) that the scenario promises to exercise.
        guarantees: The ids of the guarantees that the scenario puts to the proof.
    """

    seed: int | str = 0
    scenario: str = ""
    target: str = ""
    users: Mapping[str, Sequence[str]] = field(default_factory=dict)
    conversations: Mapping[str, Sequence[str]] = field(default_factory=dict)
    promises: Mapping[str, Any] = field(default_factory=dict)
    declares: Sequence[str] = ()
    guarantees: Sequence[str] = ()

    def to_line(self) -> dict[str, Any]:
        """The header as the object of the file's first line."""
        return {
            "waybill": "history",
            "version": FORMAT,
            "seed": self.seed,
            "scenario": self.scenario,
            "target": self.target,
            "users": {user: list(devices) for user, devices in self.users.items()},
            "conversations": {name: list(members) for name, members in self.conversations.items()},
            "promises": dict(self.promises),
            "declares": list(self.declares),
            "guarantees": list(self.guarantees),
        }

    @classmethod
    def from_line(cls, line: Mapping[str, Any]) -> Header:
        """The header from the object of the file's first line.

        Raises:
            ValueError: The line is not the header of a history that this version can read.
        """
        if line.get("waybill") != "history":
            raise ValueError('expected a header {"waybill": "history", "version": 1, ...} as the first line')
        if line.get("version") != FORMAT:
            raise ValueError(f"expected format version {FORMAT}, found {line.get('version')!r}")
        for name in ("users", "conversations", "promises"):
            if not isinstance(line.get(name, {}), dict):
                raise ValueError(f"expected an object under {name!r} of the header, found {line[name]!r}")
        return cls(
            seed=line.get("seed", 0),
            scenario=str(line.get("scenario", "")),
            target=str(line.get("target", "")),
            users={user: tuple(devices) for user, devices in line.get("users", {}).items()},
            conversations={name: tuple(members) for name, members in line.get("conversations", {}).items()},
            promises=line.get("promises", {}),
            declares=tuple(line.get("declares", ())),
            guarantees=tuple(line.get("guarantees", ())),
        )

    def device_names(self) -> dict[str, str]:
        """Every device as `user/device` with its user."""
        names = {}
        for user, devices in self.users.items():
            for device in devices:
                names[device if device.startswith(f"{user}/") else f"{user}/{device}"] = user
        return names
