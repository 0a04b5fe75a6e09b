"""A target that runs: where its nodes listen, who may log in, and what can be done to its nodes."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from waybill.drivers import registry
from waybill.drivers.base import Credential, Driver, Endpoint
from waybill.drivers.clients import Client
from waybill.history.events import CredentialKind
from waybill.interposer.power_loss import Lost
from waybill.interposer.table import Table
from waybill.namespaces.small_disk import SmallDisk, inside
from waybill.targets.accounts import Account
from waybill.targets.addresses import Address
from waybill.targets.administration import Administration
from waybill.targets.client_links import ClientLinks
from waybill.targets.control import ControlledNode
from waybill.targets.errors import MeansFailed, MeansMissing, PoolExhausted, TargetError
from waybill.targets.interposition import Interposition
from waybill.targets.launched import LaunchedProcess
from waybill.targets.listening import Listener, listeners
from waybill.targets.model import TargetFile, Waiver
from waybill.targets.node_disk import NodeDisk
from waybill.targets.peer_links import PeerLinks
from waybill.targets.provisioning import Provisioner
from waybill.targets.server_network import ServerNetwork
from waybill.targets.toml_table import nearest
from waybill.targets.upkeep import Upkeep
from waybill.tls.authority import Authority
from waybill.tls.peer_intrusions import Interface
from waybill.tokens.device_keys import DeviceKeys
from waybill.tokens.obtain import Token, TokenClient, TokenRefused
from waybill.tokens.reading import token_id
from waybill.tokens.sources import TokenSource
from waybill.tracing.strace import Injection, NotTraceable, Tracer

MADE_BESIDE: Final = ("-journal", "-wal", ".new", ".tmp", "~")
"""How the names of files end that servers make beside one that they are going to change."""
_RENEW_BEFORE = 60.0
"""A token with less than this many seconds to live is not handed out again."""


class RunningTarget:
    """A target under test, launched or running elsewhere.

    It satisfies `waybill.devices.target_access.TargetAccess`. Use it as a context manager, or call `close`.

    Attributes:
        file: Its target file.
        folder: Where its data, certificates and logs are.
        authority: The certificate authority that its endpoints are to be trusted by; None for the system's
            own.
        issuing: The same authority with its key, for probes; None where the kit did not make it.
    """

    def __init__(
        self,
        file: TargetFile,
        folder: Path,
        *,
        endpoints: Mapping[str, Endpoint],
        accounts: Sequence[Account],
        staff: Sequence[Account] = (),
        values: Mapping[str, str] | None = None,
        tokens: TokenSource | None = None,
        provisioner: Provisioner | None = None,
        processes: Mapping[str, LaunchedProcess] | None = None,
        interpositions: Mapping[str, Interposition] | None = None,
        disks: Mapping[str, NodeDisk] | None = None,
        upkeeps: Mapping[str, Upkeep] | None = None,
        clients: Sequence[Client] = (),
        controls: Mapping[str, ControlledNode] | None = None,
        address: Address | None = None,
        authority: Path | None = None,
        issuing: Authority | None = None,
        cluster: Authority | None = None,
        links: ClientLinks | None = None,
        peer_links: PeerLinks | None = None,
        server_network: ServerNetwork | None = None,
    ) -> None:
        self.file = file
        self.folder = folder
        self.authority = authority
        self.issuing = issuing
        self._cluster = cluster
        self._endpoints = dict(endpoints)
        self._free = list(reversed(accounts))
        self._staff = list(reversed(staff))
        self._accounts = (*accounts, *staff)
        self._administrator = next((account for account in staff if account.role == "admin"), None)
        self._roles = frozenset(account.role for account in staff)
        self._pools = Counter(account.role for account in [*accounts, *staff])
        self._values = dict(values or {})
        self._administration: Administration | None = None
        self._keys = DeviceKeys(folder / "device-keys")
        self._handing_out = threading.Lock()
        self._tokens = tokens
        self._provisioner = provisioner
        self._obtained: dict[tuple[str, str], tuple[Token, float]] = {}
        self._given: dict[str, tuple[str, str, bool]] = {}
        self._revoked: set[str] = set()
        self._refreshing: set[str] = set()
        self._processes = dict(processes or {})
        self._interpositions = dict(interpositions or {})
        self._disks = dict(disks or {})
        self._upkeeps = dict(upkeeps or {})
        self._clients = tuple(clients)
        self._controls = dict(controls or {})
        self._address = address
        self._links = links
        self._peer_links = peer_links
        self._server_network = server_network
        self._driver: Driver | None = None

    def __enter__(self) -> RunningTarget:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def name(self) -> str:
        """The target's name."""
        return self.file.name

    @property
    def driver(self) -> Driver:
        """The driver of its protocol."""
        if self._driver is None:
            self._driver = registry.find(self.file.driver)
        return self._driver

    @property
    def promises(self) -> Mapping[str, str | int | bool]:
        """The parameters of what it promises (`waybill.targets.promises` lists them)."""
        return self.file.promises

    @property
    def waivers(self) -> tuple[Waiver, ...]:
        """What it does not promise."""
        return self.file.waivers

    @property
    def nodes(self) -> list[str]:
        """The names of its nodes, the default one first."""
        return list(self._endpoints)

    @property
    def clients(self) -> tuple[Client, ...]:
        """The kinds of clients that it is for, as its file tells.

        Raises:
            MeansMissing: It tells of fewer than two.
        """
        if len(self._clients) < 2:
            raise MeansMissing(
                f"{self.name} has no other kind of client: {self.file.path} tells of none under [clients]. What "
                f"depends on them stays UNPROVEN."
            )
        return self._clients

    @property
    def issuer(self) -> TokenClient | None:
        """The issuer of its tokens; None where devices show none, or the kit gets them elsewhere."""
        return self._tokens.client if self._tokens else None

    @property
    def odd_tokens(self) -> bool:
        """Whether its issuer signs odd claims on request, for tests."""
        return self.file.tokens.odd

    @property
    def launched(self) -> bool:
        """Whether the kit launched it, and can kill, stop, start and pause its nodes without commands."""
        return self.file.launch is not None

    def endpoint(self, node: str | None = None, client: str = "") -> Endpoint:
        """Where a node listens; it stays the same over restarts.

        Args:
            node: The node's name; None for the first one.
            client: Who connects. Where the target was launched with `linked`, it is led through a link of its own.
        """
        name = node or self.nodes[0]
        if name not in self._endpoints:
            known = ", ".join(self.nodes)
            raise TargetError(
                f"{self.name} has no node '{name}'{nearest(name, self.nodes) or '.'} Nodes: {known}."
            )
        if client and self._links is not None:
            return self._links.endpoint(client, name)
        return self._endpoints[name]

    @property
    def links(self) -> ClientLinks:
        """The links between its clients and its nodes.

        Raises:
            MeansMissing: There are none: the target was not launched with `linked`.
        """
        if self._links is None:
            raise MeansMissing(
                f"Links to {self.name} cannot be disturbed: it was not started for that, as `A fresh target with "
                f"faulty links` does. What depends on it stays UNPROVEN."
            )
        return self._links

    @property
    def peer_links(self) -> PeerLinks:
        """The links between its nodes.

        Raises:
            MeansMissing: There are none: it was not launched with `linked`, or its file does not tell how nodes reach
                each other.
        """
        _ = self.links
        if self._server_network is not None:
            raise MeansMissing(
                f"The nodes of {self.name} cannot be cut off from each other: it was started so that packets of its "
                f"clients can be lost, and its nodes reach each other without links then. What depends on it stays "
                f"UNPROVEN."
            )
        if self._peer_links is None or not self._peer_links.links:
            raise MeansMissing(
                f"The nodes of {self.name} cannot be cut off from each other: {self.file.path} has no {{link.NODE}} "
                f"where it tells a node how to reach another one (docs/targets.md). What depends on it stays UNPROVEN."
            )
        return self._peer_links

    @property
    def peer_interface(self) -> Interface:
        """The interface that one of its nodes has for the others.

        Raises:
            MeansMissing: Its file does not tell of it.
        """
        told = self.file.peers
        if told is None or self._cluster is None or self.issuing is None or self._address is None:
            raise MeansMissing(
                f"Nobody knows where the nodes of {self.name} listen for each other, and what they say: "
                f"{self.file.path} has no [peers] (docs/targets.md). What depends on it stays UNPROVEN."
            )
        other = next((node for node in self.nodes if node not in (told.node, told.name)), told.node)
        port = int(self._values[f"{told.node}.port.{told.port}"])
        return Interface(
            told.node,
            (self._address.host, port),
            told.name,
            told.hello,
            told.inject,
            other,
            self._cluster,
            self.issuing,
        )

    @property
    def roles(self) -> frozenset[str]:
        """The roles, beside `user`, that it has accounts with."""
        return self._roles

    @property
    def administration(self) -> Administration | None:
        """Where requests of administration go; None where the target file tells of none."""
        if self._administration is None and self.file.administration:
            self._administration = Administration(
                self.file.administration,
                self._values,
                self.authority,
                self._administrators_token,
                str(self.file.path),
                self._administered,
            )
        return self._administration

    def list_links(self, node: str) -> Mapping[str, str]:
        """Asks a node, as an administrator, for the breakers of its links, by the names of the other nodes; the file
        names the node by `{node.address}`, `{node.port}` and the like.

        Raises:
            MeansMissing: The target file does not tell how.
            AdministrationFailed: It did not answer.
        """
        administration = self.administration
        if administration is None:
            raise MeansMissing(
                f"The nodes of {self.name} cannot be asked for their links: {self.file.path} has no "
                f"[administration.list_links]. What depends on it stays UNPROVEN."
            )
        own = {
            f"node.{name.removeprefix(f'{node}.')}": value
            for name, value in self._values.items()
            if name.startswith(f"{node}.")
        }
        body = administration.do("list_links", **own).values["body"]
        try:
            return {str(link["peer"]): str(link["breaker"]) for link in body["links"]}  # type: ignore[index]
        except (KeyError, TypeError):
            raise MeansFailed(
                f'Expected of list_links an answer such as {{"links": [{{"peer": "south", "breaker": "closed"}}]}}, '
                f"found {str(body)[:200]}."
            ) from None

    def _administered(self, operation: str, values: Mapping[str, str], known: bool) -> None:
        """Sees to it that nobody is handed a token again that was just made worthless, or may have been. What only may
        have been revoked does not count as revoked."""
        user = values.get("user", "")
        match operation if known else "rotate_key":
            case "rotate_key":
                self._obtained.clear()
            case "revoke_user":
                self.forget(user)
            case "revoke_device":
                self.forget(user, values.get("device", ""))
            case "revoke_token":
                for text, (whose, device, _) in list(self._given.items()):
                    if token_id(text) == values.get("token_id"):
                        self.forget(whose, device, token=text)

    def _administrators_token(self) -> str:
        if self._administrator is None:
            raise MeansMissing(
                f"{self.name} has no account of an administrator: {self.file.path} has no admin under [users.roles]. "
                f"What depends on it stays UNPROVEN."
            )
        # A fresh one each time: the key of the last one may have been retired since, by the administrator's own hand.
        return self.credential(self._administrator, "", fresh=True).token

    def account(self, role: str = "") -> Account:
        """A fresh account; each one is handed out once. A server that keeps accounts of its own is given it now.

        Args:
            role: A role of `roles` that it must have.

        Raises:
            PoolExhausted: There is none left.
            TargetError: The server did not take it.
        """
        with self._handing_out:
            free = [account for account in self._staff if account.role == role] if role else self._free
            if not free:
                of_role, key = (f" with the role {role}", f"users.roles.{role}") if role else ("", "users")
                raise PoolExhausted(
                    f"All {self._pools[role]} accounts{of_role} of {self.name} were handed out. Enlarge the pool under "
                    f"[{key}] in {self.file.path}."
                )
            account = free[-1]
            (self._staff if role else self._free).remove(account)
        if self._provisioner is not None:
            self._provisioner.make(account)
        return account

    def credential(
        self, account: Account, device: str, *, fresh: bool = False, bound: bool = True, once: bool = False
    ) -> Credential:
        """What a device of an account shows at login: its password, or a token from the issuer.

        A token is obtained once per device and used until shortly before it expires; where the issuer gave a refresh
        token with it, that gets the next one. Where the issuer binds tokens, it is bound to the device's key.

        Args:
            account: The account.
            device: The device's name; empty for a token that names no device and is bound to none.
            fresh: Obtain a new token in any case.
            bound: Bind it to the device's key, where the issuer can.
            once: Obtain one that is good for one login.

        Raises:
            TokenError: The issuer gave none.
            MeansMissing: The target file does not tell how to ask for a token that is good for one login.
        """
        if self._tokens is None:
            return Credential(account.user, password=account.password)
        binding = bool(device and bound and self.file.tokens.bound)
        key = self._keys.of(account.user, device) if binding else None
        kept = None if fresh or once or not bound else self._obtained.get((account.user, device))
        if kept is None or time.monotonic() > kept[1]:
            more = {self.file.tokens.bound: json.dumps(key.public_jwk())} if key else {}
            token = (kept and self._refreshed(kept[0])) or self._tokens.obtain(
                account.user, account.password, device=device, more={**more, **(self._once() if once else {})}
            )
            kept = token, time.monotonic() + token.lifetime - _RENEW_BEFORE
            if bound and not once:
                self._obtained[account.user, device] = kept
            self._given[token.text] = account.user, device, key is not None
            self._refreshing |= {token.refresh} - {""}
        return Credential(account.user, token=kept[0].text, key=key)

    def refresh_token(self, account: Account, device: str) -> str:
        """What the issuer gave along with the token that a device of an account shows; empty where it gave nothing."""
        kept = self._obtained.get((account.user, device))
        return kept[0].refresh if kept else ""

    def forget(self, user: str, device: str = "", *, token: str = "") -> None:
        """Takes note that tokens were revoked: whoever logs in with one of them next is given a new one.

        Args:
            user: Whose.
            device: Of which device; empty for all of the user's.
            token: Which one of them; empty for all.
        """
        for text, (whose, where, _) in list(self._given.items()):
            if whose == user and device in ("", where) and token in ("", text):
                self._revoked.add(text)
        for name, (kept, _) in list(self._obtained.items()):
            if kept.text in self._revoked:
                del self._obtained[name]

    def worth(self, account: Account, device: str, shown: str) -> CredentialKind:
        """What a token or password is worth at a login without any key, as far as this object gave it out.

        Args:
            account: As whom to log in.
            device: On which device.
            shown: The token or password.
        """
        if not shown:
            return CredentialKind.NONE
        if self._tokens is None:
            return CredentialKind.VALID if shown == account.password else CredentialKind.FORGED
        if shown in self._revoked:
            return CredentialKind.REVOKED
        if shown not in self._given:
            return CredentialKind.FORGED
        whose, where, bound = self._given[shown]
        theirs = whose == account.user and where in ("", device) and not bound
        return CredentialKind.VALID if theirs else CredentialKind.FOREIGN

    def _refreshed(self, token: Token) -> Token | None:
        """The next token after one that is about to expire. None where there is no refresh token, or it was refused: as
        clients do, the device then logs in with the password again."""
        if not token.refresh or self.issuer is None:
            return None
        try:
            return self.issuer.refresh(token.refresh)
        except TokenRefused:
            return None

    def _once(self) -> Mapping[str, str]:
        if not self.file.tokens.one_time:
            raise MeansMissing(
                f"{self.name} gives no tokens that are good for one login: {self.file.path} has no [tokens.one_time]. "
                f"What depends on them stays UNPROVEN."
            )
        return self.file.tokens.one_time

    def kill(self, node: str | None = None) -> None:
        """SIGKILL; returns when the node is gone. Its data stays as it is at that moment.

        Raises:
            MeansMissing: The target was not launched by the kit, and its file has no command for it.
            MeansFailed: The command failed.
        """
        if self.launched:
            self._process(node, "kill").process.kill()
        else:
            self._control(node).kill(self.endpoint(node).url)

    def killable(self, node: str | None = None) -> bool:
        """Whether a node can be killed and started again."""
        return self.launched or self._control(node).has("kill", "start")

    def stop(self, node: str | None = None) -> int:
        """SIGTERM; returns the node's exit status when it has ended.

        Raises:
            TargetError: It did not end by the file's `stop_deadline`; it was then killed.
            MeansMissing: The target was not launched by the kit, and its file has no command for it.
            MeansFailed: The command failed.
        """
        if not self.launched:
            self._control(node).stop(self.endpoint(node).url)
            return 0
        process = self._process(node, "stop")
        return process.process.stop(process.stop_deadline)

    def start(self, node: str | None = None) -> None:
        """Starts a node again: same data, same address and port; returns when it is ready.

        Raises:
            LaunchError: It did not start or did not become ready; the message has the end of its log.
            MeansMissing: The target was not launched by the kit, and its file has no command for it.
            MeansFailed: The command failed.
        """
        if not self.launched:
            self._control(node).start()
            return
        process = self._process(node, "start")
        process.process.start()
        process.wait_until_ready()

    def lose_power(self, node: str | None = None) -> Lost:
        """Takes the power from a node: it is killed, and what no sync had made durable is gone from its data.

        Raises:
            MeansMissing: Disk and clock of the node cannot be disturbed.
            MeansFailed: What was lost cannot be told.
        """
        name = node or self.nodes[0]
        if name in self._disks and self._disks[name].mounted:
            raise MeansMissing(
                f"The power of {name} cannot be lost: it keeps its data on a small disk in memory. "
                f"What depends on it stays UNPROVEN."
            )
        interposition, process = self._interposition(node), self._process(node, "take the power from").process
        interposition.table(process.pids)
        process.kill()
        return interposition.lose_power()

    def interposed(self, node: str | None = None) -> Table:
        """The rules that disk and clock of a running node follow.

        Raises:
            MeansMissing: There are none: the target was not launched with `interposed`, or they do not reach it.
        """
        return self._interposition(node).table(self._process(node, "disturb").process.pids)

    def small_disk(self, node: str | None = None) -> SmallDisk:
        """The disk of a node that can really be full.

        Raises:
            MeansMissing: There is none: the target was not launched with `small_disk`, or the kernel forbids it.
        """
        name = node or self.nodes[0]
        if name not in self._disks:
            raise MeansMissing(
                f"The disk of {name} cannot be filled: {self.name} was not launched for that, as `A fresh target with "
                f"a small disk` does, or runs elsewhere. What depends on it stays UNPROVEN."
            )
        return self._disks[name].disk()

    def trace(self, injection: Injection, node: str | None = None) -> Tracer:
        """Lets calls of a running node about its data fail from now on, until the tracer is ended.

        Args:
            injection: Which calls, and how. Without paths it is about every file that the node has among its data now,
                and those that a server makes beside one under a name of `MADE_BESIDE`.
            node: The node.

        Raises:
            MeansMissing: The target was not launched by the kit, or its processes cannot be traced.
        """
        name, process = node or self.nodes[0], self._process(node, "trace").process
        data = self._disks[name].data if name in self._disks else self.folder / name / "data"
        there = [inside(path) for path in sorted(data.rglob("*")) if not path.is_dir()]
        files = [file.with_name(f"{file.name}{end}") for file in there for end in ("", *MADE_BESIDE)]
        try:
            return Tracer(
                process.pids,
                dataclasses.replace(injection, paths=injection.paths or files),
                self.folder / "faults" / f"{name}.strace",
            )
        except NotTraceable as error:
            raise MeansMissing(
                f"The calls of {name} cannot be made to fail by tracing: {error}. What depends on it stays UNPROVEN."
            ) from None

    def upkeep(self, node: str | None = None) -> Upkeep:
        """What can be done to the program and the data of a node.

        Raises:
            MeansMissing: The target was not launched by the kit.
        """
        self._process(node, "change the release or the data of")
        return self._upkeeps[node or self.nodes[0]]

    def clocks(self, process: str | None = None) -> dict[str, Table]:
        """The rules that the wall clocks of its processes follow, by the names of the processes.

        Args:
            process: A node, or the issuer; None for all of them, as if they ran on one machine.

        Raises:
            MeansMissing: There are none: the target was not launched with `interposed`, or they do not reach it.
        """
        names = [process] if process else [self.nodes[0], *self._interpositions]
        return {name: self.interposed(name) for name in names}

    def forget_tokens(self) -> None:
        """Hands out no token again that was obtained so far: the clock that judges them is another one now."""
        self._obtained.clear()

    def pause(self, node: str | None = None) -> None:
        """SIGSTOP; returns when the node stands still. Its kernel still accepts connections.

        Raises:
            MeansMissing: The target was not launched by the kit.
        """
        self._process(node, "pause").process.pause()

    def resume(self, node: str | None = None) -> None:
        """SIGCONT; returns when a paused node runs again.

        Raises:
            MeansMissing: The target was not launched by the kit.
        """
        self._process(node, "resume").process.resume()

    def alive(self, node: str | None = None) -> bool | None:
        """Whether a node's process runs; a paused one does. None where nobody can tell: the target was not
        launched by the kit, and its file has no command for it.

        Raises:
            MeansFailed: The command gave no answer.
        """
        return self._process(node, "watch").process.alive if self.launched else self._control(node).alive()

    def pid(self, node: str | None = None) -> int:
        """The process id of a node, or of another process of the target (`issuer`).

        Raises:
            MeansMissing: The target was not launched by the kit.
        """
        return self._process(node, "watch").process.pid

    def listeners(self) -> dict[str, list[Listener]]:
        """The TCP ports on which the processes of the target listen now, by the name of the process.

        Helpers are left out: what they speak is not the server's. A target that the kit did not launch has none.

        Raises:
            MeansMissing: The target is in a network of its own, where a port that its file does not tell of can be
                reached by nobody.
        """
        if self._server_network is not None:
            raise MeansMissing(
                f"Nobody can try every port of {self.name}: it was started so that packets of its clients can be lost, "
                f"and only ports that {self.file.path} tells of are reached then. What depends on it stays UNPROVEN."
            )
        if self.file.launch is None or self._address is None:
            return {}
        names = [template.name for template in self.file.launch.processes if template.role != "helper"]
        return {name: listeners(self._processes[name].process.pids, self._address.host) for name in names}

    def private(self) -> list[Path]:
        """The data of issuers, where the keys are that sign tokens, and the keys of devices: nobody looks into them to
        find out something about the server."""
        launched = self.file.launch.processes if self.file.launch else ()
        issuers = [template.name for template in launched if template.role == "issuer"]
        return [*(self.folder / name / "data" for name in issuers), self.folder / "device-keys"]

    def logs(self) -> list[Path]:
        """All log files of its processes, to be kept as artifacts; those on small disks as this process sees them."""
        folders = [self.folder, *(disk.data for disk in self._disks.values() if disk.mounted)]
        return sorted(log for folder in folders for log in folder.rglob("*.log"))

    def secrets(self) -> list[str]:
        """What it gave out, or can give out, that nothing may keep: passwords and tokens."""
        return [
            *(account.password for account in self._accounts),
            *list(self._given),
            *list(self._refreshing),
        ]

    def close(self) -> None:
        """Ends all processes and links and gives the address back; the folder stays. Idempotent."""
        if self._links is not None:
            self._links.close()
        for process in self._processes.values():
            process.process.close()
        for disk in self._disks.values():
            disk.close()
        if self._server_network is not None:
            self._server_network.close()
        for interposition in self._interpositions.values():
            interposition.close()
        if self._address is not None:
            self._address.release()

    def _control(self, node: str | None) -> ControlledNode:
        name = node or self.nodes[0]
        self.endpoint(name)
        return self._controls[name]

    def _interposition(self, node: str | None) -> Interposition:
        name = node or self.nodes[0]
        if name not in self._interpositions:
            raise MeansMissing(
                f"Disk and clock of {name} cannot be disturbed: {self.name} was not launched for that, as `A fresh "
                f"target with a faulty disk` does, or runs elsewhere. What depends on it stays UNPROVEN."
            )
        return self._interpositions[name]

    def _process(self, node: str | None, what: str) -> LaunchedProcess:
        if not self.launched:
            raise MeansMissing(
                f"{self.name} cannot {what} a node: {self.file.path} has no [launch], so the kit holds no "
                f"process of it; no command under [control] replaces one. What depends on it stays UNPROVEN."
            )
        name = node or self.nodes[0]
        if name not in self._processes:
            known = list(self._processes)
            raise TargetError(
                f"{self.name} has no process '{name}'{nearest(name, known) or '.'} "
                f"Processes: {', '.join(known)}."
            )
        return self._processes[name]
