"""Bringing a target up: files from their templates, certificates, accounts, then all processes at once."""

from __future__ import annotations

import dataclasses
import os
import socket
import sys
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from waybill.drivers import registry
from waybill.drivers.base import Endpoint
from waybill.drivers.clients import Client
from waybill.network.network import Network
from waybill.targets.accounts import Account, make_accounts, make_staff, read_accounts, write_accounts
from waybill.targets.addresses import Address
from waybill.targets.client_links import ClientLinks
from waybill.targets.control import ControlledNode
from waybill.targets.errors import LaunchError, MeansMissing, TargetError
from waybill.targets.interposition import Interposition
from waybill.targets.launched import LaunchedProcess
from waybill.targets.model import (
    ClientTemplate,
    Control,
    EndpointTemplate,
    Launch,
    ProcessTemplate,
    TargetFile,
)
from waybill.targets.node_disk import NodeDisk
from waybill.targets.peer_links import PeerLinks
from waybill.targets.processes import ServerProcess
from waybill.targets.programs import program
from waybill.targets.provisioning import Provisioner
from waybill.targets.ready import MessagePasses, PortOpens, ProgramRuns, Ready, ReadyLine
from waybill.targets.running import RunningTarget
from waybill.targets.server_network import ServerNetwork
from waybill.targets.templates import fill, new_secrets
from waybill.targets.token_sources import make_source
from waybill.targets.upkeep import Upkeep
from waybill.tls.authority import Authority
from waybill.tokens.from_file import IssuedTokens
from waybill.tokens.sources import TokenSource

RUN_MARK: Final = "WAYBILL_RUN"
"""Environment variable that every process of a run carries. A runner that sets it for its workers can end
whatever they left behind: `waybill.targets.processes.end_marked([b"WAYBILL_RUN=..."])`."""

_TARGET_MARK: Final = "WAYBILL_TARGET"
_PROCESS_MARK: Final = "WAYBILL_PROCESS"
_PROBES: Final = 2
"""Accounts that nobody is handed out: they tell whether a node is ready."""

_LIBRARIES: Final = str(Path(__file__).resolve().parents[2])


def launch(
    target: TargetFile,
    folder: Path,
    *,
    deadline: float | None = None,
    interposed: bool = False,
    linked: bool = False,
    small_disk: bool = False,
    packets: bool = False,
) -> RunningTarget:
    """Brings a target up; one without `[launch]` runs already and is only connected to.

    Args:
        target: The target file, from `find_target` or `read_target`.
        folder: A folder of its own for data, certificates and logs; made if it is not there.
        deadline: Seconds until everything must be ready, in place of the file's `start_deadline`.
        interposed: Let faults of disk and clock reach the nodes (`RunningTarget.interposed`), where that can be had.
        linked: Lead clients, and nodes whose target file tells how they reach each other, through links that can be
            disturbed (`RunningTarget.links`).
        small_disk: Give each node a disk of its own that can really be full (`RunningTarget.small_disk`), where that
            can be had. Its power cannot be lost then.
        packets: Put its processes into a network of their own, where that can be had, so that packets of clients can be
            lost on the links. Nodes reach each other without links then. Not together with `small_disk`.

    Returns:
        The running target. All its processes are ready. They end with `close`, or with this process.

    Raises:
        LaunchError: Something did not start; nothing is left running.
        TargetError: The target file asks for something that is not there.
        ValueError: It is to have small disks and a network of its own; without root a process enters only one of them.
    """
    if small_disk and packets:
        raise ValueError("A target has small disks or a network of its own, not both; start two targets.")
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if target.launch is None:
        return _connect(target, folder, linked=linked)
    launcher = _Launcher(target, target.launch, folder, deadline or target.launch.start_deadline)
    launcher.interposing, launcher.linking, launcher.shrinking = interposed, linked, small_disk
    launcher.apart = packets
    return launcher.run()


def _connect(target: TargetFile, folder: Path, *, linked: bool) -> RunningTarget:
    def file(name: str) -> Path | None:
        return (target.path.parent / name).resolve() if name else None

    endpoints = {
        template.node: Endpoint(template.url, file(template.authority), template.server_name or None)
        for template in target.endpoints
    }
    authority = endpoints[target.endpoints[0].node].authority
    tokens = make_source(target, {}, file(target.tokens.authority) or authority)
    accounts = _as_shown(target, _listed(target, tokens))
    probes = None
    if any("start" in control.commands for control in target.control.values()):
        if len(accounts) < _PROBES + 1:
            raise TargetError(
                f"{target.users.file} lists {len(accounts)} accounts; expected at least {_PROBES + 1}: two of them "
                f"tell whether a node that was started is ready ([control] in {target.path.name})."
            )
        probes = accounts[-2], accounts[-1]
        accounts = accounts[:-_PROBES]
    controls = {}
    for node, endpoint in endpoints.items():
        control = target.control.get(node, Control({}, 0.0))
        passes = MessagePasses(target.driver, endpoint, probes, tokens) if probes else None
        controls[node] = ControlledNode(node, control, target.path, folder / "control", passes)
    staff = [
        dataclasses.replace(account, role=role)
        for role, name in target.users.roles.items()
        for account in _as_shown(target, read_accounts(target.path.parent / str(name)))
    ]
    return RunningTarget(
        target,
        folder,
        endpoints=endpoints,
        accounts=accounts,
        staff=staff,
        tokens=tokens,
        controls=controls,
        authority=authority,
        links=ClientLinks(endpoints, Network(), names_hosts=True) if linked else None,
    )


def _listed(target: TargetFile, tokens: TokenSource | None) -> list[Account]:
    """The accounts of a running target; without a list of their own, those that tokens were given out to."""
    if not target.users.file and isinstance(tokens, IssuedTokens):
        return [Account(user, "") for user in tokens.users]
    return read_accounts(target.path.parent / target.users.file)


def _as_shown(target: TargetFile, accounts: list[Account]) -> list[Account]:
    """The accounts with the passwords that are shown at login: none, where nothing is shown but the name."""
    if target.tokens.method == "none":
        return [dataclasses.replace(account, password="") for account in accounts]
    return accounts


class _Launcher:
    """One launch: what is filled in where, and what was started so far."""

    def __init__(self, target: TargetFile, launch: Launch, folder: Path, deadline: float) -> None:
        self.target = target
        self.launch = launch
        self.deadline = deadline
        self.folder = folder
        self.address = Address()
        self.authority = Authority(folder / "tls")
        self.cluster = Authority(folder / "cluster", "Waybill throw-away cluster")
        self.marks = {RUN_MARK: os.environ.get(RUN_MARK) or uuid.uuid4().hex, _TARGET_MARK: uuid.uuid4().hex}
        self.shared = {
            "python": sys.executable,
            "folder": str(folder),
            "address": self.address.host,
            "authority": str(self.authority.certificate),
            "cluster_authority": str(self.cluster.certificate),
            **new_secrets(),
        }
        if target.users.file:
            self.shared["users"] = str(folder / target.users.file)
        self.processes: dict[str, LaunchedProcess] = {}
        self.interposing = False
        self.linking = False
        self.shrinking = False
        self.apart = False
        self.server_network: ServerNetwork | None = None
        self.network: Network | None = None
        self.peer_links: PeerLinks | None = None
        self.interpositions: dict[str, Interposition] = {}
        self.disks: dict[str, NodeDisk] = {}
        self.upkeeps: dict[str, Upkeep] = {}

    def run(self) -> RunningTarget:
        try:
            return self._run()
        except BaseException:
            for process in self.processes.values():
                process.process.close()
            for disk in self.disks.values():
                disk.close()
            if self.network is not None:
                self.network.close()
            if self.server_network is not None:
                self.server_network.close()
            self.address.release()
            raise

    def _run(self) -> RunningTarget:
        ports: dict[str, dict[str, str]] = {}
        for process in self.launch.processes:
            numbers = [(port, self.address.port()) for port in process.ports]
            numbers += [(port, self.address.machine_port()) for port in process.machine_ports]
            for port, number in numbers:
                self.shared[f"{process.name}.port.{port}"] = str(number)
                self.shared.setdefault(f"{process.name}.port", str(number))
                ports.setdefault(process.name, {})[port] = str(number)
            self.shared[f"{process.name}.address"] = self.address.host
            self.shared[f"{process.name}.data"] = str(self.folder / process.name / "data")
        if self.linking or self.apart:
            self.network = Network(self.address.host)
        if self.apart:
            self.server_network = self._own_network(ports)
        between_nodes = None if self.apart else self.network
        self.peer_links = PeerLinks(self.launch, between_nodes, self.address.host, ports)
        users = self.target.users
        accounts = _as_shown(self.target, make_accounts(users.pool))
        staff = _as_shown(self.target, make_staff(users.roles))
        if users.file:
            write_accounts([*accounts, *staff], self.folder / users.file, users.format)
        provisioner = None
        if users.request is not None:
            where = f"{self.target.path.name}: users.request"
            provisioner = Provisioner(users.request, self.shared, self.authority.certificate, where)
        tokens = make_source(self.target, self.shared, self.authority.certificate)
        endpoints = {template.node: self._endpoint(template) for template in self.target.endpoints}
        clients = [self._client(template) for template in self.target.clients]
        pool = accounts
        if any(process.ready == "round-trip" for process in self.launch.processes):
            pool = accounts[:-_PROBES]
        probes = accounts[-2], accounts[-1]
        for process in self.launch.processes:
            passes = None
            if process.ready == "round-trip":
                endpoint = endpoints[process.name]
                passes = MessagePasses(self.target.driver, endpoint, probes, tokens, provisioner)
            self.processes[process.name] = self._prepare(process, passes)
            if process.role == "node":
                self.upkeeps[process.name] = self._upkeep(process)
        self._write_files()
        self._run_users_command()
        for disk in self.disks.values():
            disk.take_over()
        self._start_all()
        return RunningTarget(
            self.target,
            self.folder,
            endpoints=endpoints,
            accounts=pool,
            staff=staff,
            values=self.shared,
            tokens=tokens,
            provisioner=provisioner,
            processes=self.processes,
            interpositions=self.interpositions,
            disks=self.disks,
            upkeeps=self.upkeeps,
            clients=clients,
            address=self.address,
            authority=self.authority.certificate,
            issuing=self.authority,
            cluster=self.cluster,
            links=(
                ClientLinks(endpoints, self.network, server_network=self.server_network)
                if self.network
                else None
            ),
            peer_links=self.peer_links if self.network else None,
            server_network=self.server_network,
        )

    def _new_socket(self) -> socket.socket:
        """A socket in the network that the processes are in."""
        return self.server_network.new_socket() if self.server_network else socket.socket()

    def _own_network(self, ports: Mapping[str, Mapping[str, str]]) -> ServerNetwork:
        """A network for all processes, in which each of their ports can be reached from outside."""
        network = ServerNetwork(self.address.host)
        for process in self.launch.processes:
            numbers = ports.get(process.name, {})
            network.relay(self.address.host, [int(numbers[port]) for port in process.ports])
            network.relay("127.0.0.1", [int(numbers[port]) for port in process.machine_ports])
        return network

    def _endpoint(self, template: EndpointTemplate) -> Endpoint:
        where = f"{self.target.path.name}: endpoints.{template.node}"
        values = {**self.shared, **self._own(template.node)}
        authority = fill(template.authority, values, f"{where}.authority") or str(self.authority.certificate)
        return Endpoint(
            url=fill(template.url, values, f"{where}.url"),
            authority=Path(authority),
            server_name=fill(template.server_name, values, f"{where}.server_name") or None,
        )

    def _client(self, template: ClientTemplate) -> Client:
        given = {endpoint.node: endpoint for endpoint in self.target.endpoints}
        endpoints = {
            node: self._endpoint(dataclasses.replace(given[node], url=url))
            for node, url in template.urls.items()
        }
        driver = registry.find(template.driver or self.target.driver)
        return Client(template.name, driver, template.version or None, endpoints, template.bound)

    def _own(self, process: str) -> dict[str, str]:
        """The placeholders that mean something else for every process."""
        folder = self.folder / process
        prefix = f"{process}."
        own = {
            name.removeprefix(prefix): value for name, value in self.shared.items() if name.startswith(prefix)
        }
        template = next((one for one in self.launch.processes if one.name == process), None)
        links = self.peer_links.placeholders(template) if self.peer_links and template else {}
        return {
            **own,
            **links,
            "name": process,
            "own_folder": str(folder),
            "certificate": str(folder / "certificate.pem"),
            "key": str(folder / "key.pem"),
            "certificate_bundle": str(folder / "bundle.pem"),
            "cluster_certificate": str(folder / "cluster.pem"),
            "cluster_key": str(folder / "cluster-key.pem"),
        }

    def _prepare(self, template: ProcessTemplate, passes: MessagePasses | None) -> LaunchedProcess:
        folder = self.folder / template.name
        issued = self.authority.issue(folder, [template.name, "localhost", self.address.host, "127.0.0.1"])
        if template.role == "node":
            self.cluster.issue(folder, [template.name], file_name="cluster", connects=True)
        bundle = folder / "bundle.pem"
        bundle.touch(mode=0o600)
        bundle.write_bytes(issued.certificate.read_bytes() + issued.key.read_bytes())
        (folder / "data").mkdir(exist_ok=True)
        values = {**self.shared, **self._own(template.name)}
        where = f"{self.target.path.name}: the process '{template.name}'"
        if self.shrinking and template.role == "node":
            self.disks[template.name] = NodeDisk(template.name, folder / "data")
        if self.interposing and template.role in ("node", "issuer"):
            loses_power = template.role == "node" and not self._on_small_disk(template.name)
            self.interpositions[template.name] = Interposition(
                template.name, self.folder, loses_power=loses_power
            )
        process = self._process(template, template.name, self._command(template.command, values, where))
        ready: Ready = passes or ReadyLine(process)
        if template.ready == "port":
            ready = PortOpens(self.address.host, int(values["port"]), self._new_socket)
        elif template.ready == "started":
            ready = ProgramRuns(process)
        return LaunchedProcess(process, self.deadline, self.launch.stop_deadline, ready)

    def _process(
        self, template: ProcessTemplate, name: str, command: list[str], log: str = "output.log"
    ) -> ServerProcess:
        """A process in the folder and the environment of one of the target."""
        values = {**self.shared, **self._own(template.name)}
        where = f"{self.target.path.name}: the process '{template.name}'"
        environment = {name: fill(text, values, where) for name, text in template.environment.items()}
        if template.command[0] == "{python}":
            inherited = os.environ.get("PYTHONPATH")
            environment.setdefault("PYTHONPATH", os.pathsep.join(filter(None, [_LIBRARIES, inherited])))
        if template.name in self.interpositions:
            environment.update(self.interpositions[template.name].environment)
        marks = {**self.marks, _PROCESS_MARK: name}
        entry = self.disks[template.name].entry if template.name in self.disks else ()
        if self.server_network is not None:
            entry = self.server_network.entry
        return ServerProcess(name, command, self.folder / template.name, environment, marks, log, entry)

    def _on_small_disk(self, name: str) -> bool:
        return name in self.disks and self.disks[name].mounted

    def _upkeep(self, template: ProcessTemplate) -> Upkeep:
        name, file = template.name, self.target.path
        values = {**self.shared, **self._own(name)}
        where = f"{file.name}: the process '{name}'"

        def elsewhere(release: str) -> LaunchedProcess:
            given = template.releases.get(release, template.command)
            if not any("{port" in part for part in given):
                raise MeansMissing(
                    f"A second '{name}' cannot be given ports of its own: its command in {file} has no {{port}}, so "
                    f"they stand elsewhere. What depends on it stays UNPROVEN."
                )
            ports = {f"port.{port}": str(self.address.port()) for port in template.ports}
            ports["port"] = next(iter(ports.values()), "")
            command = self._command(given, values | ports, where)
            process = self._process(template, f"second {name}", command, "second.log")
            ready: Ready = (
                ReadyLine(process)
                if template.ready == "json-line"
                else PortOpens(self.address.host, int(ports["port"]), self._new_socket)
            )
            return LaunchedProcess(process, self.deadline, self.launch.stop_deadline, ready)

        def program(what: str, command: list[str]) -> ServerProcess:
            return self._process(template, f"{what} {name}", command, f"{what}.log")

        return Upkeep(
            name,
            self.processes[name],
            template.releases,
            self.launch.migrate,
            [argument for client in self.target.clients for argument in client.arguments],
            lambda command: self._command(command, values, where),
            elsewhere,
            program,
            self.disks[name].data if name in self.disks else self.folder / name / "data",
            file,
            self.deadline,
        )

    def _command(self, template: Sequence[str], values: Mapping[str, str], where: str) -> list[str]:
        """A command with its placeholders filled in and its program found."""
        command = [fill(part, values, where) for part in template]
        found = program(command[0])
        if found is None:
            remedy = f" Install it: {self.launch.install}" if self.launch.install else ""
            raise LaunchError(
                f"{self.target.name} cannot be launched: the program '{command[0]}' is not installed.{remedy}"
            )
        return [found, *command[1:]]

    def _run_users_command(self) -> None:
        """Lets a program of the server take the accounts over, before anything starts."""
        users = self.target.users
        if not users.command:
            return
        where = f"{self.target.path.name}: users.command"
        owner = users.file.partition("/")[0]
        if owner not in self.processes:
            owner = self.target.endpoints[0].node
        values = {**self.shared, **self._own(owner)}
        command = self._command(users.command, values, where)
        marks = {**self.marks, _PROCESS_MARK: "users.command"}
        process = ServerProcess("users.command", command, self.folder / owner, {}, marks, log="users.log")
        process.start()
        try:
            ended = process.wait_for_exit(self.deadline)
            status = process.exit_status
        finally:
            process.close()
        if not ended or status != 0:
            what = f"it ended with status {status}" if ended else f"it still runs after {self.deadline:g} s"
            raise LaunchError(f"{where}: {what}.\nCommand: {' '.join(command)}\n{process.tail()}")

    def _write_files(self) -> None:
        for template in self.launch.files:
            where = f"{self.target.path.name}: the file '{template.path}'"
            name = fill(template.path, self.shared, where)
            # A file in the folder of a process may use that process's own placeholders.
            owner = name.partition("/")[0]
            values = {**self.shared, **self._own(owner)} if owner in self.processes else self.shared
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=template.mode)
            path.write_text(fill(template.text, values, where), encoding="utf-8")
            path.chmod(template.mode)

    def _start_all(self) -> None:
        """Starts everything whose predecessors are ready, at once, until all of it is ready."""
        templates = {process.name: process for process in self.launch.processes}
        started: list[str] = []
        ready: set[str] = set()
        while len(ready) < len(templates):
            for name, template in templates.items():
                if name not in started and ready.issuperset(template.after):
                    self.processes[name].process.start()
                    started.append(name)
            waiting = [name for name in started if name not in ready]
            if not waiting:
                left = ", ".join(name for name in templates if name not in started)
                raise TargetError(
                    f"{self.target.path.name}: the processes {left} wait for each other ('after')."
                )
            # What says itself that it is ready comes first: a round trip may need it.
            waiting.sort(key=lambda name: templates[name].ready == "round-trip")
            self.processes[waiting[0]].wait_until_ready()
            ready.add(waiting[0])
