"""Several real nodes that know each other."""

from __future__ import annotations

import contextlib
import json
import random
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from server_harness import DEADLINE, Client, Process, World, log_in

from waybill.tls.authority import Authority
from waybill_server.cluster.homes import Homes

NAMES = ("north", "south", "west")


def free_port() -> int:
    """A port of this machine that nobody listens on, and that the kernel gives to nobody who does not ask for it."""
    while True:
        port = random.randint(20_000, 32_000)
        with socket.socket() as one, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            return port


class Relay:
    """The way from one node to another: passes everything on, until it is told to cut or to hold it.

    Attributes:
        to: The port that it leads to.
    """

    def __init__(self, port: int) -> None:
        self.to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._open = True
        self._held = threading.Event()
        self._held.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Ends what passes, and refuses what comes."""
        self._open = False
        self.break_off()

    def break_off(self) -> None:
        """Ends what passes; what comes next passes again."""
        for pair in self._pairs:
            for one in pair:
                _end(one)
        self._pairs.clear()

    def hold(self) -> None:
        """Passes nothing on any more, and ends nothing."""
        self._held.clear()

    def heal(self) -> None:
        """Passes everything on again."""
        self._open = True
        self._held.set()

    def close(self) -> None:
        """Ends everything."""
        self.cut()
        self._held.set()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                if not self._open:
                    raise ConnectionRefusedError
                far = socket.create_connection(("127.0.0.1", self.to), timeout=DEADLINE)
                far.settimeout(None)
            except OSError:
                near.close()
                continue
            self._pairs.append((near, far))
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(65_536):
                self._held.wait()
                other.sendall(data)
        except OSError:
            pass
        _end(one)
        _end(other)


def _end(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


class ClusterWorld:
    """Nodes that know each other, with a relay on every way between two of them.

    Args:
        world: The issuer and its users.
        folder: Where data, logs and certificates are.
        names: The nodes; none is started.
        defects: The defect that a node is run with.
        releases: The release that a node is; the newest where nothing is said.
    """

    def __init__(
        self,
        world: World,
        folder: Path,
        names: tuple[str, ...] = NAMES,
        defects: dict[str, str] | None = None,
        releases: dict[str, int] | None = None,
    ) -> None:
        self.world = world
        self.folder = folder
        self.names = names
        self.homes = Homes(names[0], names[1:])
        self.nodes: dict[str, Process] = {}
        self.authority = Authority(folder / "cluster")
        self.ports = {name: free_port() for name in names}
        self.relays = {
            (one, other): Relay(self.ports[other]) for one in names for other in names if one != other
        }
        self._defects = defects or {}
        self.releases = dict(releases or {})
        self._certificates = {
            name: self.authority.issue(folder / f"{name}-cluster", [name], connects=True) for name in names
        }

    def options(self, name: str) -> list[object]:
        """The options of a node about its peers."""
        certificate = self._certificates[name]
        options: list[object] = ["--name", name, "--peer-port", self.ports[name], "--admin-port", 0]
        for other in self.names:
            if other != name:
                options += ["--peer", f"{other}=127.0.0.1:{self.relays[name, other].port}"]
        options += ["--cluster-ca", self.authority.certificate]
        options += ["--cluster-certificate", certificate.certificate, "--cluster-key", certificate.key]
        # The tests' clients read nothing while nobody listens.
        options += ["--ping-interval-seconds", 600, "--stalled-seconds", 600]
        if name in self._defects:
            options += ["--defect", self._defects[name]]
        if name in self.releases:
            options += ["--release", self.releases[name]]
        return options

    def start(self, *names: str) -> None:
        """Starts nodes, by default those that do not run, without waiting for their links."""
        for name in names or [name for name in self.names if name not in self.nodes]:
            self.nodes[name] = self.world.start_node(self.folder / name, *self.options(name))

    def kill(self, name: str) -> None:
        """Kills a node."""
        self.nodes.pop(name).end(signal.SIGKILL)

    def end(self) -> None:
        """Ends everything."""
        for relay in self.relays.values():
            relay.close()
        for node in self.nodes.values():
            node.end(signal.SIGKILL)

    def part(self, one: str, other: str, how: str = "cut") -> None:
        """Parts two nodes, in both directions: `cut` or `hold`."""
        getattr(self.relays[one, other], how)()
        getattr(self.relays[other, one], how)()

    def heal(self) -> None:
        """Makes every way good."""
        for relay in self.relays.values():
            relay.heal()

    def log(self, name: str) -> list[dict[str, Any]]:
        """What a node logged."""
        lines = (self.folder / f"{name}.log").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def links(self, name: str) -> dict[str, dict[str, Any]]:
        """A node's links, as administration shows them."""
        status, document = self.world.administrate(
            self.nodes[name], "GET", "/admin/links", self.world.token("root")
        )
        assert status == 200, document
        return {link["peer"]: link for link in document["links"]}

    def until(self, what: str, condition: Callable[[], object]) -> None:
        """Waits for a condition."""
        end = time.monotonic() + 2 * DEADLINE
        pause = threading.Event()
        while not condition():
            assert time.monotonic() < end, f"not within {2 * DEADLINE:g} s: {what}"
            pause.wait(0.02)

    def until_linked(self) -> None:
        """Waits until all nodes that run have links that are used, and nothing waits."""

        def linked() -> bool:
            return all(
                link["connected"] and link["breaker"] == "closed" and not link["waiting"]
                for name in self.nodes
                for link in self.links(name).values()
            )

        self.until("all links up and empty", linked)

    def until_breaker(self, name: str, peer: str, state: str) -> None:
        """Waits until a node's breaker is in a state."""
        self.until(f"{name}'s breaker to {peer} {state}", lambda: self.links(name)[peer]["breaker"] == state)

    def user(self, home: str) -> str:
        """A user whose home is this node."""
        return next(user for user in self._users() if self.homes.user(user) == home)

    def log_in(self, name: str, user: str, device: str = "phone", **hello: Any) -> Client:
        """A device at a node."""
        return log_in(self.world, self.nodes[name], user, device, **hello)

    def knock(self, name: str, token: str) -> tuple[str, int]:
        """How a login ends that must not be let in."""
        client = Client(self.world, self.nodes[name])
        client.say("hello", versions=[2], token=token, device="knocks", cursor=None, capabilities=[])
        return client.the_end()

    def _users(self) -> Iterator[str]:
        while True:
            yield from self.world.users(1)
