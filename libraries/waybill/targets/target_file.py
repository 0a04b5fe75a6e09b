"""The target file: a server under test, described in TOML (docs/targets.md has every key with examples).

`read_target` turns a file into one frozen `TargetFile`. What it refuses, it refuses with the file, the line,
the key, what is allowed and the nearest known name. An expired waiver is no error here: the run shows it, in
red.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Final

from waybill.targets.administration_file import read_administration
from waybill.targets.control import read_control
from waybill.targets.log_rules import read_log_rules
from waybill.targets.model import (
    ClientTemplate,
    EndpointTemplate,
    FileTemplate,
    Launch,
    ProcessTemplate,
    TargetFile,
    Waiver,
)
from waybill.targets.peers import read_peers
from waybill.targets.promises import read_promises
from waybill.targets.seeded import read_seeding
from waybill.targets.token_sources import read_tokens
from waybill.targets.toml_table import Table, nearest, parse
from waybill.targets.users import read_users
from waybill.targets.variants import GUARANTEE, read_variants

READY: Final = ("json-line", "round-trip", "port", "started")
READY_OF_HELPERS: Final = ("port", "started")
ROLES: Final = ("node", "issuer", "helper")


def read_target(path: Path | str) -> TargetFile:
    """Reads a target file.

    Raises:
        TargetFileError: It cannot be read, or says something that is not allowed.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Table(str(path), "", {}, {}).error("", f"cannot be read: {error}") from None
    return parse_target(text, path)


def parse_target(text: str, path: Path) -> TargetFile:
    """The target of a text; `path` stands in error messages and anchors relative paths.

    Raises:
        TargetFileError: It says something that is not allowed.
    """
    root = parse(path.name, text)
    name = root.name("name", "the target's name in reports")
    driver = root.text("driver", "the name of a driver, for example 'waybill' or 'mqtt'")
    description = root.text("description", "a sentence about the server", "")
    several_nodes = root.text("several_nodes", "the target that is the same server with several nodes", "")
    launch = _launch(root.table("launch")) if "launch" in root else None
    endpoints = _endpoints(root, launch)
    if several_nodes and len(endpoints) > 1:
        raise root.error(
            "several_nodes",
            f"this target has {len(endpoints)} nodes itself; only one with one node needs it.",
        )
    tokens = read_tokens(root.table("tokens"), launch is not None)
    target = TargetFile(
        path=path,
        name=name,
        driver=driver,
        description=description,
        version=_version(root),
        endpoints=endpoints,
        users=read_users(root.table("users"), launch is not None, named_elsewhere=tokens.method == "file"),
        tokens=tokens,
        launch=launch,
        control=read_control(root, [endpoint.node for endpoint in endpoints], launch is not None),
        promises=read_promises(root.table("promises")),
        administration=read_administration(root),
        clients=_clients(root, [endpoint.node for endpoint in endpoints]),
        waivers=_waivers(root),
        seeding=read_seeding(root.table("seeded"), launch) if "seeded" in root else None,
        several_nodes=several_nodes,
        peers=read_peers(root.table("peers"), launch) if "peers" in root else None,
    )
    target = dataclasses.replace(target, variants=read_variants(root, target))
    root.finish()
    return target


def _version(root: Table) -> tuple[str, ...]:
    expected = "the server's version, or a list of the program that prints it and its arguments"
    given = root.value("version", (str, list), expected, "")
    if isinstance(given, str):
        return (given,) if given else ()
    command = root.texts("version", expected)
    if len(command) < 2:
        raise root.error("version", f"expected {expected}, found a list of one; a version itself is a text.")
    return command


def _launch(table: Table) -> Launch:
    processes: list[ProcessTemplate] = []
    tables = table.tables("process")
    for entry in tables:
        name = entry.name("name", "the process's name")
        if name in [other.name for other in processes]:
            raise entry.error(
                "name", f"there are two processes '{name}'; every process needs a name of its own."
            )
        processes.append(_process(entry, name))
    if not processes:
        raise table.error("", 'there is no [[launch.process]]; expected at least one with role = "node".')
    names = [process.name for process in processes]
    for entry, process in zip(tables, processes, strict=True):
        for other in process.after:
            if other not in names or other == process.name:
                raise entry.error("after", f"there is no other process '{other}'{nearest(other, names)}.")
    if not any(process.role == "node" for process in processes):
        raise table.error("", 'no process has role = "node"; expected at least one that devices connect to.')
    launch = Launch(
        processes=tuple(processes),
        files=_files(table),
        start_deadline=table.seconds("start_deadline", "15s"),
        stop_deadline=table.seconds("stop_deadline", "10s"),
        needs=table.texts("needs", "a list of programs", ()),
        install=table.text("install", "a shell command that installs the server", ""),
        migrate=_migrate(table),
        log=read_log_rules(table),
    )
    table.finish()
    return launch


def _migrate(table: Table) -> dict[str, tuple[str, ...]]:
    expected = "a list of the program and its arguments"
    entry = table.table("migrate")
    commands = {name: entry.texts(name, expected, ()) for name in ("forward", "back")}
    entry.finish()
    return {name: command for name, command in commands.items() if command}


def _releases(entry: Table, command: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """The commands of the releases: older ones have arguments besides, or a command of their own."""
    releases: dict[str, tuple[str, ...]] = {}
    for name, release in entry.named_tables("releases").items():
        more = release.texts("arguments", "a list of further arguments", ())
        own = release.texts("command", "a list of the program and its arguments", ())
        if bool(more) == bool(own):
            raise release.error(
                "", "expected either 'arguments', added to the process's command, or a 'command'."
            )
        releases[name] = own or (*command, *more)
        release.finish()
    newest = entry.text("release", "the name of the release that 'command' starts", "")
    if releases and (not newest or newest in releases):
        raise entry.error(
            "release", "expected the name of the release that 'command' starts, another one than those below."
        )
    return {**releases, newest: command} if newest else {}


def _process(entry: Table, name: str) -> ProcessTemplate:
    command = entry.texts("command", "a list of the program and its arguments")
    process = ProcessTemplate(
        name=name,
        role=entry.choice("role", ROLES, "node"),
        command=command,
        releases=_releases(entry, command),
        ports=entry.texts("ports", "a list of port names", ("main",)),
        ready=entry.choice("ready", READY),
        after=entry.texts("after", "a list of names of other processes", ()),
        machine_ports=entry.texts("machine_ports", "a list of port names", ()),
        environment=entry.named_texts("environment"),
    )
    for key, ports in (("ports", process.ports), ("machine_ports", process.machine_ports)):
        for port in ports:
            if not re.fullmatch(r"[a-z][a-z0-9_]*", port):
                raise entry.error(key, f"expected port names of a-z, 0-9 and _, found '{port}'.")
    twice = set(process.ports) & set(process.machine_ports)
    if twice:
        raise entry.error("machine_ports", f"the name '{min(twice)}' is in 'ports' as well; use another.")
    if process.releases and process.role != "node":
        raise entry.error("release", f"only nodes have releases, and '{name}' has the role '{process.role}'.")
    if process.ready == "round-trip" and process.role != "node":
        raise entry.error("ready", f"a round trip needs a node, and '{name}' has the role '{process.role}'.")
    if process.ready in READY_OF_HELPERS and process.role != "helper":
        raise entry.error(
            "ready",
            f"'{process.ready}' is for helpers only, and '{name}' has the role '{process.role}': what others "
            f"connect to proves that it is ready with 'round-trip' or 'json-line'.",
        )
    if process.ready == "port" and not (process.ports or process.machine_ports):
        raise entry.error("ready", "expected a port in 'ports' or 'machine_ports', found none.")
    entry.finish()
    return process


def _files(table: Table) -> tuple[FileTemplate, ...]:
    files: list[FileTemplate] = []
    for entry in table.tables("file"):
        file = _file(entry)
        if file.path in [other.path for other in files]:
            raise entry.error("path", f"there are two files '{file.path}'; keep one.")
        files.append(file)
    return tuple(files)


def _file(entry: Table) -> FileTemplate:
    mode = entry.text("mode", 'permissions such as "600"', "600")
    if not re.fullmatch(r"0?[0-7]{3}", mode):
        raise entry.error(
            "mode", f"expected permissions such as \"600\" (three octal digits), found '{mode}'."
        )
    file = FileTemplate(
        path=entry.text("path", "a path in the target's folder"),
        text=entry.text("text", "the file's text", ""),
        mode=int(mode, 8),
    )
    if file.path.startswith("/") or ".." in Path(file.path).parts:
        raise entry.error("path", f"expected a path inside the target's folder, found '{file.path}'.")
    entry.finish()
    return file


def _endpoints(root: Table, launch: Launch | None) -> tuple[EndpointTemplate, ...]:
    endpoints = []
    nodes = [process.name for process in launch.processes if process.role == "node"] if launch else []
    for node, entry in root.named_tables("endpoints").items():
        if launch and node not in nodes:
            raise entry.error(
                "", f"there is no launched node '{node}'{nearest(node, nodes)} (nodes: {', '.join(nodes)})."
            )
        url = entry.text("url", "an address such as 'wss://HOST:PORT/v2' or 'mqtts://HOST:PORT'")
        if not re.match(r"[a-z][a-z0-9+.-]*://[^/]", url):
            raise entry.error("url", f"expected scheme://host:port with an optional path, found '{url}'.")
        endpoints.append(
            EndpointTemplate(
                node=node,
                url=url,
                authority=entry.text("authority", "a PEM file", ""),
                server_name=entry.text("server_name", "the name in the server's certificate", ""),
            )
        )
        entry.finish()
    if not endpoints:
        raise root.error("endpoints", "no endpoint is given; expected [endpoints.NODE] with a url.")
    missing = [node for node in nodes if node not in [endpoint.node for endpoint in endpoints]]
    if missing:
        raise root.error(
            "endpoints", f"the node '{missing[0]}' has no endpoint; add [endpoints.{missing[0]}] with a url."
        )
    return tuple(endpoints)


def _clients(root: Table, nodes: list[str]) -> tuple[ClientTemplate, ...]:
    clients = []
    for name, entry in root.named_tables("clients").items():
        urls = entry.named_texts("endpoints")
        for node in urls:
            if node not in nodes:
                raise entry.error("endpoints", f"there is no node '{node}'{nearest(node, nodes) or '.'}")
        clients.append(
            ClientTemplate(
                name=name,
                driver=entry.text("driver", "the name of a driver", ""),
                version=entry.number("version", 0, 2**16, 0),
                urls=urls,
                arguments=entry.texts("arguments", "a list of further arguments", ()),
                bound=entry.value("bound_tokens", bool, "true or false", True),
            )
        )
        entry.finish()
    return tuple(clients)


def _waivers(root: Table) -> tuple[Waiver, ...]:
    waivers: dict[str, Waiver] = {}
    for entry in root.tables("waiver"):
        guarantee = entry.text("guarantee", "the id of a guarantee, such as 'DUP-1'").upper()
        if not GUARANTEE.fullmatch(guarantee):
            raise entry.error(
                "guarantee", f"expected the id of a guarantee, such as 'DUP-1', found '{guarantee}'."
            )
        if guarantee in waivers:
            raise entry.error("guarantee", f"{guarantee} is waived twice; keep one waiver.")
        waivers[guarantee] = Waiver(
            guarantee,
            reason=entry.text("reason", "why the target does not promise it"),
            owner=entry.text("owner", "who answers for the waiver"),
            expires=entry.date(
                "expires", "the last day on which the waiver counts, such as 2027-03-31 without quotes"
            ),
        )
        entry.finish()
    return tuple(waivers.values())
