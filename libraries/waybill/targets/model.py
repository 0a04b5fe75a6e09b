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
        machine_ports: The names of ports that are free on every address of the machine.
        ready: `json-line`: it prints one line with `"ready": true`; `round-trip`: a message gets through it;
            for helpers also `port`: its first port accepts connections, and `started`: its program runs.
        after: Processes that must be ready before it starts; without any it starts at once with the others.
        environment: Variables added to its environment, with placeholders.
        releases: The command of each release of the server, the oldest first, the last one being `command`; empty where
            only one is known.
    """

    name: str
    role: str
    command: tuple[str, ...]
    ports: tuple[str, ...] = ("main",)
    machine_ports: tuple[str, ...] = ()
    ready: str = "json-line"
    after: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    releases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


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
class LogRules:
    """What an error looks like in the logs of a launched target. All expressions are searched for in single lines.

    Attributes:
        error: The expression that finds an error.
        files: Patterns of the logs that are judged, by their paths in the target's folder.
        expected: Errors that say nothing against the server, whenever they come.
        during: Errors that are expected while a fault is in force, by the kind of fault.
        fail: An unexpected error fails its scenario.
        time: The expression whose first group is the time of a line, for logs that are written late; empty for none.
    """

    error: str
    files: tuple[str, ...] = ("*.log",)
    expected: tuple[str, ...] = ()
    during: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fail: bool = False
    time: str = ""


@dataclass(frozen=True, slots=True)
class Launch:
    """How to launch the target.

    Attributes:
        processes: Its processes.
        files: The files that they need.
        start_deadline: Seconds until everything must be ready.
        stop_deadline: Seconds that a process has to end after SIGTERM.
        needs: Programs that must be installed besides those of the processes' commands.
        install: The shell command that installs the server, shown when its program is missing.
        migrate: The program that migrates the data of a node that is down, `forward` to the newest schema and `back` to
            the one before it, and its arguments.
        log: What an error looks like in the logs; None where nobody says it.
    """

    processes: tuple[ProcessTemplate, ...]
    files: tuple[FileTemplate, ...] = ()
    start_deadline: float = 15.0
    stop_deadline: float = 10.0
    needs: tuple[str, ...] = ()
    install: str = ""
    migrate: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    log: LogRules | None = None


@dataclass(frozen=True, slots=True)
class EndpointTemplate:
    """Where a node listens; texts of a launched target may have placeholders."""

    node: str
    url: str
    authority: str = ""
    server_name: str = ""


@dataclass(frozen=True, slots=True)
class ClientTemplate:
    """One kind of client that the server is for; texts of a launched target may have placeholders.

    Attributes:
        name: What people call it.
        driver: The name of its protocol's driver; empty for the target's.
        version: The newest version that it speaks; 0 for the driver's newest.
        urls: Where it connects to, by node; the target's endpoint where one is missing.
        arguments: What the command of each node needs besides for such clients.
        bound: Whether it can prove the key of a token that is bound to one.
    """

    name: str
    driver: str = ""
    version: int = 0
    urls: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    bound: bool = True


@dataclass(frozen=True, slots=True)
class AccountRequest:
    """The HTTP request that makes one account at a launched server; texts have placeholders, `{user}` and
    `{password}` among them.

    Attributes:
        url: Where it goes.
        method: The method.
        body: What it carries.
        headers: Its header fields.
        accept: The statuses that mean that the account is there.
    """

    url: str
    method: str
    body: str
    headers: Mapping[str, str]
    accept: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AdministrationRequest:
    """How an administrator does one thing at the server: an HTTP request, or a command; texts have placeholders.

    Attributes:
        url: Where the request goes.
        method: The method.
        body: What it carries.
        headers: Its header fields.
        accept: The statuses that mean that it is done.
        command: The program that does it, in place of a request, and its arguments.
    """

    url: str = ""
    method: str = "POST"
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    accept: tuple[int, ...] = ()
    command: tuple[str, ...] = ()

    @property
    def wants_token(self) -> bool:
        """Whether who asks shows a token, which stands in a header field."""
        return any("{token}" in text for text in self.headers.values())


@dataclass(frozen=True, slots=True)
class Users:
    """Where accounts come from.

    Attributes:
        file: Where they are written, or, for a running target, read from (lines `user:password`); empty where
            a launched server is given its accounts by requests alone.
        pool: How many accounts are made, for a launched target.
        format: How they are written for the server.
        command: The program that is run once when the file is written, and its arguments.
        request: What makes an account at the server when it is handed out.
        roles: Accounts of each further role (`moderator`, `admin`): how many are made, or, for a running target, the
            file that lists them.
    """

    file: str = ""
    pool: int = 0
    format: str = ""
    command: tuple[str, ...] = ()
    request: AccountRequest | None = None
    roles: Mapping[str, int | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a device shows at login.

    Attributes:
        method: `oauth2-password`: a token from the issuer's token endpoint for the account's password;
            `oauth2-client-credentials`: one that a client of the issuer gets by itself; `command`: one that a program
            prints; `file`: one that was given out before; `password`: the password itself; `none`: nothing but the
            account's name.
        issuer: The issuer's address, for the two of OAuth 2.0.
        client: The OAuth client id, where the issuer wants one.
        secret: The secret of the client, which gets tokens by itself.
        scope: The scope to ask for; empty for the issuer's default.
        authority: The certificate authority of the issuer; empty for the same as the endpoints'.
        odd: The issuer signs odd claims on request, as the reference issuer does with `--odd-tokens`.
        bound: The parameter of a token request that takes the device's public key (a JSON Web Key); the token is then
            bound to the key. Empty where the issuer binds none.
        one_time: The parameters that ask for a token that is good for one login; empty where there are none.
        refresh_scope: What to ask for besides, to be given a refresh token; empty for none.
        parameters: Further parameters of each request for a token, with `{user}` and `{device}`.
        command: The program that prints a token, and its arguments, with placeholders.
        deadline: Seconds that it may take.
        file: The file with the tokens that were given out before.
    """

    method: str
    issuer: str = ""
    client: str = ""
    scope: str = ""
    authority: str = ""
    odd: bool = False
    bound: str = ""
    one_time: Mapping[str, str] = field(default_factory=dict)
    secret: str = field(default="", repr=False)
    refresh_scope: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    deadline: float = 10.0
    file: str = ""


@dataclass(frozen=True, slots=True)
class Control:
    """What can be done to a node of a target that runs already.

    Attributes:
        commands: A program and its arguments for each of `kill`, `stop`, `start` and `alive` that there is.
        deadline: Seconds that a command may take, and that the node then has to be gone or ready.
    """

    commands: Mapping[str, tuple[str, ...]]
    deadline: float


@dataclass(frozen=True, slots=True)
class Edit:
    """A change to the text of one launched file.

    Attributes:
        file: The path of the file, as the target file has it.
        replace: A part of its text that occurs exactly once.
        by: What stands there instead; empty to remove it.
    """

    file: str
    replace: str
    by: str


@dataclass(frozen=True, slots=True)
class Variant:
    """The same server in another configuration, of which it is known what it breaks.

    Attributes:
        name: Its name; the target is then called `BASE+NAME`.
        description: What is different, in a sentence.
        breaks: The guarantees that must turn BROKEN.
        edits: Changes to the files, applied one after the other.
        promises: Promises that replace those of the base.
        unwaive: Guarantees whose waiver in the base does not hold.
    """

    name: str
    description: str
    breaks: tuple[str, ...]
    edits: tuple[Edit, ...] = ()
    promises: Mapping[str, str | int | bool] = field(default_factory=dict)
    unwaive: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seeding:
    """How a server is started with a defect on purpose.

    Attributes:
        processes: The launched processes that are started with more arguments.
        command: The program that lists the defects as JSON, and its arguments.
    """

    processes: tuple[str, ...]
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PeerInterface:
    """The interface that a launched node has for the other nodes.

    Attributes:
        node: The node.
        port: The name of its port.
        name: The other node that intruders say to be.
        hello: What that one says first, as bytes.
        inject: What an intruder says behind it.
    """

    node: str
    port: str
    name: str
    hello: bytes
    inject: bytes


@dataclass(frozen=True, slots=True)
class TargetFile:
    """A server under test.

    Attributes:
        path: The file it was read from.
        name: Its name in reports.
        driver: The name of its protocol's driver.
        description: What it is, in a sentence.
        version: Its version as the only text, or the program that prints it and its arguments; empty if unknown.
        endpoints: Where its nodes listen; the first one is the default.
        users: Where accounts come from.
        tokens: What a device shows at login.
        launch: How to launch it; None for one that runs already.
        control: What can be done to the nodes of one that runs already, by node.
        promises: The parameters of what it promises.
        administration: How an administrator does things at it, by operation.
        clients: The kinds of clients that it is for.
        waivers: What it does not promise.
        variants: The variants that the file describes.
        variant: Which of them this is; None for the base.
        seeding: How it is started with a defect on purpose; None for a server that cannot be.
        several_nodes: The target that is the same server with several nodes: its name, or the path of its file; empty
            where there is none.
        peers: The interface for other nodes, where its file tells of it.
    """

    path: Path
    name: str
    driver: str
    description: str
    endpoints: tuple[EndpointTemplate, ...]
    users: Users
    tokens: Tokens
    launch: Launch | None = None
    version: tuple[str, ...] = ()
    control: Mapping[str, Control] = field(default_factory=dict)
    promises: Mapping[str, str | int | bool] = field(default_factory=dict)
    administration: Mapping[str, AdministrationRequest] = field(default_factory=dict)
    clients: tuple[ClientTemplate, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    variants: tuple[Variant, ...] = ()
    variant: Variant | None = None
    seeding: Seeding | None = None
    several_nodes: str = ""
    peers: PeerInterface | None = None
