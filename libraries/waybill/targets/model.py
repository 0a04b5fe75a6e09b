"""What a target file says, as frozen data; `target_file` reads it, docs/targets.md explains it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Waiver:
    """A guarantee that the target does not promise, in writing.

    Attributes:
        guarantee: Its id in the catalogue, `DUP-1`.
        reason: Why the target does not promise it.
        owner: Who answers for that.
        expires: The last day on which the waiver counts.
    """

    guarantee: str
    reason: str
    owner: str
    expires: datetime.date

    def expired(self, today: datetime.date) -> bool:
        """Whether the waiver no longer counts."""
        return today > self.expires


@dataclass(frozen=True, slots=True)
class ProcessTemplate:
    """How one process of a launched target is started.

    Attributes:
        name: Its name; a node's name where its role is `node`.
        role: `node` (can be killed, stopped, started), `issuer` or `helper`.
        command: The program and its arguments, with placeholders.
        ports: The names of the ports that it gets.
        ready: `json-line`: it prints one line with `"ready": true`; `round-trip`: a message gets through it.
        after: Processes that must be ready before it starts; without any it starts at once with the others.
        environment: Variables added to its environment, with placeholders.
    """

    name: str
    role: str
    command: tuple[str, ...]
    ports: tuple[str, ...] = ("main",)
    ready: str = "json-line"
    after: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FileTemplate:
    """A file that is written before anything starts.

    Attributes:
        path: Where, relative to the target's folder, with placeholders.
        text: Its text, with placeholders.
        mode: Its permissions.
    """

    path: str
    text: str
    mode: int = 0o600


@dataclass(frozen=True, slots=True)
class Launch:
    """How to launch the target.

    Attributes:
        processes: Its processes.
        files: The files that they need.
        start_deadline: Seconds until everything must be ready.
        stop_deadline: Seconds that a process has to end after SIGTERM.
        install: The shell command that installs the server, shown when its program is missing.
    """

    processes: tuple[ProcessTemplate, ...]
    files: tuple[FileTemplate, ...] = ()
    start_deadline: float = 15.0
    stop_deadline: float = 10.0
    install: str = ""


@dataclass(frozen=True, slots=True)
class EndpointTemplate:
    """Where a node listens; texts of a launched target may have placeholders."""

    node: str
    url: str
    authority: str = ""
    server_name: str = ""


@dataclass(frozen=True, slots=True)
class Users:
    """Where accounts come from.

    Attributes:
        pool: How many accounts are made, for a launched target.
        format: How they are written for the server.
        file: Where they are written, or, for a running target, read from (lines `user:password`).
    """

    file: str
    pool: int = 0
    format: str = ""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a device shows at login.

    Attributes:
        method: `oauth2-password`: a token from the issuer's token endpoint for the account's password;
            `password`: the password itself.
        issuer: The issuer's address, for `oauth2-password`.
        client: The OAuth client id, where the issuer wants one.
        scope: The scope to ask for; empty for the issuer's default.
        authority: The certificate authority of the issuer; empty for the same as the endpoints'.
    """

    method: str
    issuer: str = ""
    client: str = ""
    scope: str = ""
    authority: str = ""


@dataclass(frozen=True, slots=True)
class TargetFile:
    """A server under test.

    Attributes:
        path: The file it was read from.
        name: Its name in reports.
        driver: The name of its protocol's driver.
        description: What it is, in a sentence.
        endpoints: Where its nodes listen; the first one is the default.
        users: Where accounts come from.
        tokens: What a device shows at login.
        launch: How to launch it; None for one that runs already.
        promises: The parameters of what it promises.
        waivers: What it does not promise.
    """

    path: Path
    name: str
    driver: str
    description: str
    endpoints: tuple[EndpointTemplate, ...]
    users: Users
    tokens: Tokens
    launch: Launch | None = None
    promises: Mapping[str, str | int | bool] = field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()
