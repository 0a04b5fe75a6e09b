"""Nodes whose links break and who die at any moment: nothing acknowledged is lost, nothing is doubled, all agree."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest
from cluster_model import Cluster, Node, Parts
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from waybill_server.clock import Clock
from waybill_server.cluster import link as link_module
from waybill_server.cluster.frames import FromReceiver
from waybill_server.cluster.homes import Homes
from waybill_server.cluster.ledger import ClusterLedger
from waybill_server.cluster.link import Link
from waybill_server.cluster.outbox import Outbox
from waybill_server.cluster.records import Entered
from waybill_server.defects import find
from waybill_server.defects.regional import LATER
from waybill_server.limits import Limits
from waybill_server.records import AckRequest, Message, Moved, Queued, Result, Stored
from waybill_server.releases import Release
from waybill_server.router import Router

NAMES = ("north", "south", "west")


def _user(home: str) -> str:
    homes = Homes(NAMES[0], NAMES[1:])
    return next(user for user in (f"u{number}" for number in itertools.count()) if homes.user(user) == home)


USERS = tuple(sorted(_user(name) for name in NAMES))
"""One at home at each node."""
THREADS = tuple(f"d:{one}:{other}" for one, other in itertools.combinations(USERS, 2))

WAYS = [(one, other) for one in NAMES for other in NAMES if one != other]

places = st.sampled_from(NAMES)
ways = st.sampled_from(WAYS)


@dataclass
class Send:
    """What became of a message: where it was handed over, and where it was acknowledged, in the order of answers."""

    user: str
    conversation: str
    key: str
    at: list[str] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)

    @property
    def body(self) -> bytes:
        """Like no other's."""
        return f"the text of {self.key}".encode()


class ClusterMachine(RuleBasedStateMachine):
    """Three nodes, three people who write to each other at any of them, and whatever may happen in between."""

    parts = Parts()

    @initialize()
    def begin(self) -> None:
        self.cluster = Cluster(NAMES, self.parts)
        self.sends: list[Send] = []
        self.cursors: dict[tuple[str, str], int] = {}
        self.cluster.heal()
        for place, user in itertools.product(NAMES, USERS):
            self.send(place, user, 0, 1)
            self.send(place, user, 1, 1)

    # What people do.

    @rule(place=places, user=st.sampled_from(USERS), thread=st.integers(0, 1), count=st.integers(1, 4))
    def send(self, place: str, user: str, thread: int, count: int) -> None:
        own = [one for one in THREADS if user in one.split(":")]
        for _ in range(count if self.cluster.nodes[place].alive else 0):
            self.sends.append(Send(user, own[thread], f"k{len(self.sends)}"))
            self._hand_over(self.sends[-1], place)

    @rule(place=places, back=st.integers(1, 8))
    def send_again(self, place: str, back: int) -> None:
        if self.cluster.nodes[place].alive:
            self._hand_over(self.sends[-back], place)

    @rule(place=places, user=st.sampled_from(USERS))
    def acknowledge(self, place: str, user: str) -> None:
        node, device = self.cluster.nodes[place], f"at-{place}"
        if node.alive:
            head = node.rows("SELECT COALESCE(MAX(position), 0) FROM log WHERE user = ?", user)[0][0]

            def done(result: Result) -> None:
                if isinstance(result, Moved):
                    self.cursors[user, device] = max(result.value, self.cursors.get((user, device), 0))

            node.submit(AckRequest(done, user, device, int(str(head))))

    @rule(place=places, count=st.integers(1, 4))
    def commit(self, place: str, count: int) -> None:
        if self.cluster.nodes[place].alive:
            self.cluster.nodes[place].commit(count)

    @rule()
    def time_passes(self) -> None:
        self.cluster.now += 2 * LATER

    # What happens to links and nodes.

    @rule(chosen=ways.map(lambda way: [way]) | st.just(WAYS), frames=st.integers(1, 3), again=st.booleans())
    def flow(self, chosen: list[tuple[str, str]], frames: int, again: bool) -> None:
        for way in chosen:
            self.cluster.flow(*way, frames, again=again)

    @rule(way=ways, again=st.booleans())
    def arrive(self, way: tuple[str, str], again: bool) -> None:
        self.cluster.dial(*way)
        self.cluster.arrive(*way, again=again)

    @rule(way=ways)
    def answer(self, way: tuple[str, str]) -> None:
        self.cluster.answer(*way)

    @rule(way=ways, late=st.booleans())
    def link_breaks(self, way: tuple[str, str], late: bool) -> None:
        (self.cluster.break_off if late else self.cluster.lose)(*way)

    @rule(place=places, committed=st.integers(0, 4))
    def die(self, place: str, committed: int) -> None:
        """A node dies: between so many commits and their answers, or between two commits."""
        node = self.cluster.nodes[place]
        if node.alive:
            if committed:
                node.commit(committed, hand_over=False)
            self.cluster.kill(place)

    @rule(place=places)
    def start(self, place: str) -> None:
        if not self.cluster.nodes[place].alive:
            self.cluster.nodes[place].start()

    # What must hold.

    @invariant()
    def numbers_of_waiting_records_have_no_gap(self) -> None:
        for node in self.cluster.nodes.values():
            for peer in node.homes.peers:
                row = node.rows(
                    "SELECT COUNT(*), MAX(number) - MIN(number) + 1 FROM outbox WHERE destination = ?", peer
                )[0]
                assert row[0] == (row[1] or 0), f"{node.name} has gaps in what waits for {peer}"

    @rule()
    def heal(self) -> None:
        self.cluster.heal()
        nodes = list(self.cluster.nodes.values())
        for node in nodes:
            assert node.rows("SELECT * FROM pending") == [], f"{node.name} awaits what it was told"
            for peer in node.homes.peers:
                assert node.links[peer].confirmed == node.last(peer)
                kept = node.rows("SELECT COUNT(*) FROM outbox WHERE destination = ?", peer)[0][0]
                assert int(str(kept)) <= 1, f"{node.name} keeps {kept} records that {peer} has confirmed"
        self._agree(nodes)
        self._account(nodes[0])

    def teardown(self) -> None:
        if hasattr(self, "cluster"):
            self.heal()
            for node in self.cluster.nodes.values():
                node.connection.close()

    def _hand_over(self, send: Send, place: str) -> None:
        send.at.append(place)

        def done(result: Result) -> None:
            assert isinstance(result, Stored | Queued), f"{send.key} is refused: {result}"
            if not send.acknowledged:
                send.acknowledged.append(place)

        self.cluster.nodes[place].send(send.user, send.conversation, send.key, send.body, done)

    def _agree(self, nodes: Sequence[Node]) -> None:
        """All nodes hold the same messages, logs, cursors and watermarks."""
        for what in (
            "SELECT * FROM message ORDER BY number",
            "SELECT * FROM log ORDER BY user, position",
            "SELECT * FROM device ORDER BY user, device",
            "SELECT * FROM marker ORDER BY conversation, user",
        ):
            found = [node.rows(what) for node in nodes]
            assert found[1:] == found[:-1], f"the nodes differ in {what}"

    def _account(self, node: Node) -> None:
        """Everything acknowledged is there once, in the order of its sender, and so in every log; cursors stand."""
        messages = [Message(*row) for row in node.rows("SELECT * FROM message")]
        by_body = {message.body: message for message in messages}
        assert len(by_body) == len(messages), "a message is stored twice"
        for send in self.sends:
            assert send.body in by_body or not send.acknowledged, f"{send.key} was acknowledged and is lost"
        for thread in THREADS:
            sequences = sorted(message.sequence for message in messages if message.conversation == thread)
            assert sequences == [*range(1, len(sequences) + 1)], f"the sequences of {thread} have gaps"
        for user in USERS:
            rows = node.rows(
                "SELECT position, message.* FROM log JOIN message ON number = message WHERE user = ? "
                "ORDER BY position", user,
            )  # fmt: skip
            assert [row[0] for row in rows] == [*range(1, len(rows) + 1)], f"{user}'s log has gaps"
            log = [Message(*row[1:]) for row in rows]
            due = [message for message in messages if user in message.conversation.split(":")]
            assert len(log) == len(due), f"{user} has {len(log)} of {len(due)} messages, or some twice"
            assert sorted(log) == sorted(due), f"{user} has other messages than are due"
            for thread in THREADS:
                own = [message.sequence for message in log if message.conversation == thread]
                assert own == sorted(own), f"{user}'s log has {thread} out of order"
        self._in_order(by_body)
        for (user, device), cursor in self.cursors.items():
            known = node.rows("SELECT cursor FROM device WHERE user = ? AND device = ?", user, device)
            # One that was committed and not answered may be higher.
            stands = [row[0] for row in known if int(str(row[0])) >= cursor]
            assert stands, f"{user}'s {device} acknowledged {cursor}, and {known} is known"

    def _in_order(self, by_body: dict[bytes, Message]) -> None:
        """What a device handed over at one node, and nowhere else nor twice, has the order in which it did."""
        last: dict[tuple[str, str, str], int] = {}
        for send in self.sends:
            if len(send.at) == 1 and send.acknowledged:
                stream = (send.user, send.conversation, send.at[0])
                sequence = by_body[send.body].sequence
                assert sequence > last.get(stream, 0), f"{send.key} is before what was sent before it"
                last[stream] = sequence


def run(parts: Parts, examples: int) -> None:
    """Runs the machine on nodes of these parts; the same each time."""
    machine = type("Machine", (ClusterMachine,), {"parts": parts})
    run_machine(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few records fill a frame, and a few frames a window."""
    monkeypatch.setattr(link_module, "BATCH", 2)
    monkeypatch.setattr(link_module, "WINDOW", 6)


def test_nodes_lose_and_double_nothing_whatever_happens() -> None:
    run(Parts(), examples=60)


class AppliesTwice(Outbox):
    """Takes the last record that it applied for a new one."""

    def advance(self, origin: str, store: str, number: int) -> bool:
        return super().advance(origin, store, number) or number == self.applied(origin, store)


class AppliesTwiceLedger(ClusterLedger):
    """What comes once more is applied once more."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        clock: Clock,
        router: Router,
        limits: Limits,
        *,
        homes: Homes,
        release: Release,
    ) -> None:
        super().__init__(connection, clock, router, limits, homes=homes, release=release)
        self.outbox = AppliesTwice(connection)


class Unplaced(ClusterLedger):
    """A place of a log that another node gave is noted without its message."""

    def enter_copy(self, entered: Entered) -> Message:
        return entered.message if entered.position == 5 else super().enter_copy(entered)


class TakesSentForConfirmed(Link):
    """What went out is forgotten, whether it arrived or not."""

    def next_records(self, limit: int) -> Sequence[tuple[int, bytes]]:
        rows = super().next_records(limit)
        if rows:
            self._stock.confirm(self.peer, rows[-1][0] + 1)
        return rows


class Skips(Link):
    """After a new welcome the first record is left out."""

    def next_records(self, limit: int) -> Sequence[tuple[int, bytes]]:
        rows = super().next_records(limit)
        return rows[1:] if self._sent == self._confirmed > 3 else rows


class SaysAgain(Link):
    """After each new welcome it begins with what it has said last: what a receiver passes over."""

    def welcomed(self, frame: FromReceiver) -> None:
        super().welcomed(frame)
        self._sent = max(0, self._sent - 1)


def seeded(name: str) -> Parts:
    """A node with one of the reference server's defects."""
    defect = find(name)
    return Parts(**{defect.seam.removeprefix("cluster "): defect.part})


DEFECTS: dict[str, tuple[Callable[[], Parts], str]] = {
    "outbox-in-memory": (lambda: seeded("outbox-in-memory"), "is lost|has gaps|differ"),
    "outbox-drains-out-of-order": (lambda: seeded("outbox-drains-out-of-order"), "is before what"),
    "heals-with-duplicates": (lambda: seeded("heals-with-duplicates"), "or some twice"),
    "conflict-last-writer-drops": (lambda: seeded("conflict-last-writer-drops"), "awaits what|is lost"),
    "failover-resets-cursor": (lambda: seeded("failover-resets-cursor"), "differ in .* device"),
    "dedup-per-node": (lambda: seeded("dedup-per-node"), "stored twice"),
    "applies twice": (lambda: Parts(ledger=AppliesTwiceLedger), "or some twice|still on their way"),
    "unplaced": (lambda: Parts(ledger=Unplaced), "still on their way|differ"),
    "takes sent for confirmed": (lambda: Parts(link=TakesSentForConfirmed), "still on their way|has gaps"),
    "skips": (lambda: Parts(link=Skips), "still on their way"),
}
"""What the machine must find, and what it may say of it."""


@pytest.mark.parametrize("defect", DEFECTS)
def test_the_machine_finds_what_is_wrong(defect: str) -> None:
    parts, words = DEFECTS[defect]
    with pytest.raises(AssertionError, match=words):
        run(parts(), examples=100)


def test_what_is_said_again_does_no_harm() -> None:
    run(Parts(link=SaysAgain), examples=20)
