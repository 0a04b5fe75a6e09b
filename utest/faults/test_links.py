"""A disturbed link is put down with what met it, and is healed in any case; what nothing met proves nothing."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from waybill.faults.disturbances import (
    Disturbance,
    Records,
    Way,
    black_hole,
    cut_after,
    cut_on_frame,
    delay,
    drop,
    flip_bit,
    limit_rate,
    lose_packets,
    stall,
)
from waybill.faults.effects import FaultWithoutEffect
from waybill.faults.links import LinkFaults
from waybill.network.flow import Ending
from waybill.network.link import Link
from waybill.network.network import Network

RECORD = b"\x17\x03\x03\x00\x04data"
ALERT = b"\x15\x03\x03\x00\x02no"


class Spoken:
    """A recorder that only remembers."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def fault_start(self, kind: str, scope: str, **_: object) -> int:
        self.said.append(f"start {kind} {scope}")
        return len(self.said)

    def fault_observed(self, fault: int, text: str) -> None:
        self.said.append(f"observed {text}")

    def fault_end(self, fault: int) -> None:
        self.said.append("end")


class FakeWire:
    """A way of packets on which they are lost when the test says so."""

    def __init__(self) -> None:
        self.losing: frozenset[str] = frozenset()
        self.lost: Callable[[], None] = lambda: None
        self.counts: dict[str, int] = {}

    def new_socket(self) -> socket.socket:
        return socket.socket()

    def lose(self, *ways: str) -> None:
        self.losing = frozenset(ways)

    def count(self, way: str) -> int:
        return self.counts.get(way, 0)

    def loses(self, way: str) -> None:
        """Loses a packet."""
        self.counts[way] = self.count(way) + 1
        self.lost()


class EchoLinks:
    """Links of any client to a node that says back what it hears."""

    def __init__(self) -> None:
        self.network = Network(seed=7)
        self.wire: FakeWire | None = None
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    def link(self, client: str, node: str) -> Link:
        name = f"{client}->{node}"
        return self.network.links.get(name) or self.network.link(
            name, self.listener.getsockname(), wire=self.wire
        )

    def require_packets(self, node: str) -> None:
        if self.wire is None:
            raise LookupError(f"packets to {node} cannot be lost")

    def dial(self, client: str) -> socket.socket:
        link = self.link(client, "node")
        return socket.create_connection((link.host, link.port), timeout=10)

    def close(self) -> None:
        self.network.close()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._speak, args=(connection,), daemon=True).start()

    def _speak(self, connection: socket.socket) -> None:
        with connection:
            try:
                while part := connection.recv(65_536):
                    connection.sendall(part)
            except OSError:
                return


@pytest.fixture
def links() -> Iterator[EchoLinks]:
    made = EchoLinks()
    yield made
    made.close()


@pytest.fixture
def spoken() -> Spoken:
    return Spoken()


@pytest.fixture
def faults(links: EchoLinks, spoken: Spoken) -> LinkFaults:
    return LinkFaults(lambda: links, lambda: spoken)  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize(
    ("disturbance", "kind", "seen"),
    [
        (cut_after(Way.TO, 3), "cut", "the connection ended (reset) after 3 bytes to the node"),
        (
            cut_after(Way.FROM, 0, Ending.FIN),
            "cut",
            "the connection ended (fin) after 0 bytes from the node",
        ),
        (cut_on_frame(Way.TO, 1), "cut-on-frame", "frame 1 to the node never passed"),
        (delay(Way.TO, 0.01), "delay", "1 parts to the node were late"),
        (delay(Way.FROM, 0.0, 0.01), "jitter", "1 parts from the node were late"),
        (limit_rate(Way.TO, 10_000.0), "slow-link", "1 parts to the node were held up"),
        (stall(Way.TO), "stall", "9 bytes to the node had to wait"),
        (drop(Way.FROM), "one-way", "9 bytes from the node vanished"),
        (flip_bit(Way.FROM, 8), "bit-flip", "1 bytes from the node were turned over"),
    ],
    ids=lambda value: value.kind if isinstance(value, Disturbance) else "",
)
def test_what_met_a_fault_is_put_down(
    links: EchoLinks, spoken: Spoken, faults: LinkFaults, disturbance: Disturbance, kind: str, seen: str
) -> None:
    with links.dial("alice/phone") as client:
        faults.begin("alice/phone", "node", disturbance)
        client.sendall(RECORD)
        faults.end(["alice/phone"])
    assert spoken.said == [f"start {kind} alice/phone->node", f"observed {seen}", "end"]
    assert faults.disturbed == []


def test_a_black_hole_swallows_new_connections_only(
    links: EchoLinks, spoken: Spoken, faults: LinkFaults
) -> None:
    with links.dial("alice/phone") as before:
        faults.begin("alice/phone", "node", black_hole())
        with links.dial("alice/phone"):
            faults.end()
        before.sendall(b"still")
        assert before.recv(5) == b"still"
    assert spoken.said[1:] == ["observed 1 connections got no answer", "end"]


@pytest.mark.parametrize(
    "disturbance", [cut_after(Way.TO, 100), stall(Way.TO), drop(Way.TO), flip_bit(Way.TO, 100), black_hole()]
)
def test_a_fault_that_nothing_met_is_healed_and_proves_nothing(
    links: EchoLinks, spoken: Spoken, faults: LinkFaults, disturbance: Disturbance
) -> None:
    with links.dial("alice/phone") as client:
        faults.begin("alice/phone", "node", disturbance)
        with pytest.raises(FaultWithoutEffect, match=f"{disturbance.kind} on alice/phone->node"):
            faults.end(["alice/phone"], deadline=0.05)
        client.sendall(b"sound")
        assert client.recv(5) == b"sound"
    assert spoken.said == [f"start {disturbance.kind} alice/phone->node", "end"]


def test_other_links_stay_as_they_are(links: EchoLinks, faults: LinkFaults) -> None:
    with links.dial("alice/phone") as alice, links.dial("bob/phone") as bob:
        faults.begin("alice/phone", "node", stall(Way.TO))
        alice.sendall(b"waits")
        bob.sendall(b"passes")
        assert bob.recv(6) == b"passes"
        with pytest.raises(ValueError, match=r"Nothing is wrong with the links of bob/phone"):
            faults.end(["bob/phone"])
        faults.end(["alice/phone"])
        assert alice.recv(5) == b"waits"


def test_a_connection_of_which_bytes_vanished_is_reset_when_the_link_heals(
    links: EchoLinks, faults: LinkFaults
) -> None:
    with links.dial("alice/phone") as client:
        faults.begin("alice/phone", "node", drop(Way.TO))
        client.sendall(b"gone")
        faults.end()
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_lost_packets_are_put_down_and_the_connection_goes_on(
    links: EchoLinks, spoken: Spoken, faults: LinkFaults
) -> None:
    wire = links.wire = FakeWire()
    with links.dial("alice/phone") as client:
        for way in Way:
            faults.begin("alice/phone", "node", lose_packets(way))
        assert wire.losing == {"to", "from"}
        assert not links.link("alice/phone", "node").undisturbed
        losing = threading.Thread(target=lambda: [wire.loses("to"), wire.loses("from"), wire.loses("from")])
        losing.start()
        faults.end(["alice/phone"])
        losing.join()
        assert wire.losing == frozenset()
        client.sendall(b"sound")
        assert client.recv(5) == b"sound"
    assert spoken.said[:2] == ["start one-way alice/phone->node"] * 2
    assert spoken.said[2] == "observed 1 packets to the node were lost"
    assert spoken.said[3].endswith("packets from the node were lost")
    assert spoken.said[4:] == ["end", "end"]


def test_packets_that_nobody_sent_prove_nothing(links: EchoLinks, spoken: Spoken, faults: LinkFaults) -> None:
    links.wire = FakeWire()
    faults.begin("alice/phone", "node", lose_packets(Way.TO))
    with pytest.raises(FaultWithoutEffect, match="one-way on alice/phone->node"):
        faults.end(["alice/phone"], deadline=0.05)
    assert links.wire.losing == frozenset()
    assert spoken.said == ["start one-way alice/phone->node", "end"]


def test_a_link_without_packets_of_its_own_says_so(
    links: EchoLinks, spoken: Spoken, faults: LinkFaults
) -> None:
    with pytest.raises(LookupError, match="packets to node cannot be lost"):
        faults.begin("alice/phone", "node", lose_packets(Way.TO))
    assert spoken.said == []


def test_records_are_counted_whole_however_they_come() -> None:
    whole, pieces = Records(), Records()
    assert whole(RECORD + ALERT + RECORD) == 2
    assert [pieces(bytes([byte])) for byte in RECORD] == [0] * (len(RECORD) - 1) + [1]
    assert pieces(RECORD[:-1]) == 0
    assert pieces(RECORD[-1:] + RECORD) == 2


def test_what_is_not_tls_counts_by_its_parts() -> None:
    plain = Records()
    assert [plain(part) for part in (b"PUBLISH", b"\x17 looks like a record")] == [1, 1]
