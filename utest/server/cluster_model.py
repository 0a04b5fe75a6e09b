"""Several nodes without processes, sockets or time: real ledgers, writers and links on databases in memory.

Whoever uses them says which frame passes next, which is lost, and when a writer commits. What a node has committed
survives its death, and nothing else does: neither what waits for its writer nor what is on its way.
"""

from __future__ import annotations

import sqlite3
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from waybill_server.cluster.breaker import Breaker
from waybill_server.cluster.clock import PlacedClock
from waybill_server.cluster.frames import (
    Call,
    Greeting,
    LinkFrame,
    Reply,
    SessionEnded,
    SessionOpened,
    SessionsOpen,
    Types,
    from_receiver,
    from_sender,
    packed,
)
from waybill_server.cluster.homes import Homes
from waybill_server.cluster.ledger import ClusterLedger
from waybill_server.cluster.link import Link
from waybill_server.cluster.outbox import LAST, OUTGOING
from waybill_server.cluster.records import unpack_known
from waybill_server.cluster.requests import AppliedRequest, ApplyRequest, ConfirmRequest, QueueRequest
from waybill_server.cluster.settings import Thresholds
from waybill_server.cluster.visit import Visit
from waybill_server.cluster.writer import ClusterWriter
from waybill_server.limits import Limits
from waybill_server.records import Refusal, Request, Result, SendRequest
from waybill_server.releases import NEWEST
from waybill_server.router import LocalRouter
from waybill_server.tables import NEWEST_SCHEMA, TABLES

CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
SIZE = 4
"""Bytes before a frame that say how long it is."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a node is made of."""

    ledger: type[ClusterLedger] = ClusterLedger
    link: type[Link] = Link


class Clock(PlacedClock):
    """The clock of a node: the time is what somebody says it is."""

    def __init__(self, place: int, now: Callable[[], int]) -> None:
        super().__init__(place)
        self._now = now

    def wall_ms(self) -> int:
        return self._now()


@dataclass(eq=False)
class Connection:
    """A connection that one node dialled to another.

    Attributes:
        visit: The receiver's end.
        forth: The sender's frames on their way.
        back: The receiver's.
        given_up: The sender has noticed that it is over; what is on its way to the receiver may still arrive.
    """

    visit: Visit = field(init=False)
    forth: deque[bytes] = field(default_factory=deque)
    back: deque[bytes] = field(default_factory=deque)
    welcomed: bool = False
    given_up: bool = False

    @property
    def over(self) -> bool:
        """Whether nothing arrives at the receiver any more."""
        return self.visit.over


class Node:
    """One node: dead, until it is started.

    Args:
        name: Its name.
        names: Those of all.
        now: Milliseconds since 1970.
        parts: What it is made of.

    Attributes:
        connection: Its database.
        links: Its links to the others, by their names; none while it is dead.
        visits: The connection of each other node that counts.
        waiting: What waits for its writer.
    """

    def __init__(self, name: str, names: Sequence[str], now: Callable[[], int], parts: Parts) -> None:
        self.name = name
        self.homes = Homes(name, [other for other in names if other != name])
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.executescript(f"{TABLES[NEWEST_SCHEMA]} PRAGMA user_version={NEWEST_SCHEMA};")
        self.links: dict[str, Link] = {}
        self.visits: dict[str, Visit] = {}
        self.waiting: deque[Request] = deque()
        self._now = now
        self._parts = parts

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return bool(self.links)

    def start(self) -> None:
        """Starts it on what it has committed."""
        ledger = self._parts.ledger(
            self.connection, Clock(self.homes.place, self._now), LocalRouter(), Limits(),
            homes=self.homes, release=NEWEST,
        )  # fmt: skip
        ledger.recover()
        self._writer = ClusterWriter(ledger, Limits(), lambda answers: None)
        store, thresholds = ledger.outbox.store, Thresholds()
        self.links = {
            peer: self._parts.link(
                Greeting(self.name, peer, store), ("", 0), CONTEXT, self,
                Breaker(peer, thresholds), lambda: SessionsOpen([]),
            )
            for peer in self.homes.peers
        }  # fmt: skip

    def kill(self) -> None:
        """Kills it."""
        for visit in self.visits.values():
            visit.over = True
        self.links.clear()
        self.visits.clear()
        self.waiting.clear()

    def submit(self, request: Request) -> None:
        """Has something wait for the writer."""
        self.waiting.append(request)

    def send(
        self, user: str, conversation: str, key: str, body: bytes, done: Callable[[Result], None]
    ) -> None:
        """Takes a message of a client, for itself or for the home of its conversation."""
        kind = SendRequest if self.homes.conversation(conversation) == self.name else QueueRequest
        self.submit(kind(done, user, f"at-{self.name}", conversation, key, body, None))

    def commit(self, count: int | None = None, *, hand_over: bool = True) -> None:
        """Has the writer do so much of what waits in one transaction, and hands the answers over, unless it dies."""
        group = [self.waiting.popleft() for _ in range(min(count or len(self.waiting), len(self.waiting)))]
        if group:
            answers = self._writer.decide(group)
            self._writer.produced.clear()
            for request, result in answers if hand_over else ():
                request.done(result)

    def rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        """What the database says."""
        return self.connection.execute(query, values).fetchall()

    # What its links ask of its outbox.

    def outgoing(self, destination: str, after: int, limit: int) -> Sequence[tuple[int, bytes]]:
        return self.connection.execute(OUTGOING, (destination, after, limit)).fetchall()

    def last(self, destination: str) -> int:
        number: int = self.connection.execute(LAST, (destination,)).fetchone()[0]
        return number

    def confirm(self, destination: str, number: int) -> None:
        self.submit(ConfirmRequest(lambda result: None, destination, number))

    # What the connections of others ask of it.

    def greeted(self, origin: str) -> None:
        """Nobody waits for it here."""

    def applied(self, origin: str, store: str, then: Callable[[int], None]) -> None:
        request = AppliedRequest(lambda result: then(request.number), origin, store)
        self.submit(request)

    def apply(
        self,
        origin: str,
        store: str,
        number: int,
        record: bytes,
        committed: Callable[[bool], None],
        spread: Callable[[], None],
    ) -> None:
        def done(result: Result) -> None:
            committed(not isinstance(result, Refusal))

        self.submit(ApplyRequest(done, origin, store, number, unpack_known(record)))

    def answer(self, origin: str, call: Call, reply: Callable[[Reply], None]) -> None:
        raise AssertionError("nobody calls")

    def hear(self, origin: str, frame: SessionsOpen | SessionOpened | SessionEnded | Types) -> None:
        """Nobody has sessions."""

    def lost(self, origin: str) -> None:
        """Nobody is missed."""


class Cluster:
    """Nodes, all of them started, and the ways between them.

    Attributes:
        now: Milliseconds since 1970.
        nodes: The nodes by name.
    """

    def __init__(self, names: Sequence[str], parts: Parts = Parts()) -> None:
        self.now = 1_700_000_000_000
        self.nodes = {name: Node(name, names, lambda: self.now, parts) for name in names}
        self.ways = [(one, other) for one in names for other in names if one != other]
        self._connections: dict[tuple[str, str], Connection] = {}
        for node in self.nodes.values():
            node.start()

    def connected(self, one: str, other: str) -> Connection | None:
        """The connection from one node to another, if the first believes in it."""
        connection = self._connections.get((one, other))
        return None if connection is None or connection.given_up else connection

    def dial(self, one: str, other: str) -> bool:
        """Connects a node to another one, if both run and it has no connection; the new one replaces an old one."""
        sender, receiver = self.nodes[one], self.nodes[other]
        if not (sender.alive and receiver.alive) or self.connected(one, other) is not None:
            return False
        connection = Connection()
        greeting = Greeting(one, other, str(sender.rows("SELECT name FROM store")[0][0]))

        def say(frame: LinkFrame) -> None:
            connection.back.append(packed(frame)[SIZE:])

        connection.visit = Visit(
            greeting, NEWEST.number, receiver, say, connection.back.clear, lambda tell: tell()
        )
        if (older := receiver.visits.get(one)) is not None:
            older.replaced()
        receiver.visits[one] = connection.visit
        self._connections[one, other] = connection
        connection.visit.begin()
        return True

    def break_off(self, one: str, other: str) -> None:
        """The sender gives the connection up; what it said may still arrive, what it was told does not."""
        connection = self._connections.get((one, other))
        if connection is not None:
            connection.given_up = True
            connection.back.clear()

    def lose(self, one: str, other: str) -> None:
        """The connection ends, and what is on its way in both directions is lost."""
        connection = self._connections.pop((one, other), None)
        if connection is not None:
            connection.visit.replaced()

    def kill(self, name: str) -> None:
        """Kills a node. What it said may still arrive."""
        self.nodes[name].kill()
        for way in self.ways:
            if name == way[0]:
                self.break_off(*way)
            elif name == way[1]:
                self.lose(*way)

    def arrive(self, one: str, other: str, *, again: bool = False) -> bool:
        """The next frame of a sender arrives, and waits for the receiver's writer; `again`: it will do so once more."""
        connection = self._connections.get((one, other))
        if connection is None or connection.over:
            return False
        self._feed(one, other, connection)
        if not connection.forth:
            return False
        frame = connection.forth[0] if again else connection.forth.popleft()
        connection.visit.take(from_sender.decode(frame))
        return True

    def answer(self, one: str, other: str) -> bool:
        """The next frame of the receiver arrives at the sender."""
        connection = self.connected(one, other)
        if connection is None or not connection.back:
            return False
        link, frame = self.nodes[one].links[other], from_receiver.decode(connection.back.popleft())
        if connection.welcomed:
            link.heard(frame)
        else:
            link.welcomed(frame)
            connection.welcomed = True
        return True

    def flow(self, one: str, other: str, frames: int, *, again: bool = False) -> bool:
        """A connection comes about, so many frames arrive (`again`: each of them twice), and everything is committed
        and answered."""
        moved = self.dial(one, other)
        sender, receiver = self.nodes[one], self.nodes[other]
        for _ in range(frames):
            for node in (sender, receiver):
                if node.alive:
                    node.commit()
            while self.answer(one, other):
                moved = True
            if not self.arrive(one, other, again=again):
                break
            if again:
                self.arrive(one, other)
            moved = True
        connection = self.connected(one, other)
        if connection is not None and connection.over:
            self.lose(one, other)
        return moved

    def heal(self, rounds: int = 30) -> None:
        """Starts whoever is dead, and lets everything pass until nothing is on its way.

        Raises:
            AssertionError: Something still is.
        """
        for node in self.nodes.values():
            if not node.alive:
                node.start()
        for way in self.ways:
            self.lose(*way)
        for _ in range(rounds):
            moved = [self.flow(*way, 1_000) for way in self.ways]
            for node in self.nodes.values():
                node.commit()
            if not any(moved):
                return
        waiting = {
            way: self.nodes[way[0]].last(way[1]) - self.nodes[way[0]].links[way[1]].confirmed
            for way in self.ways
        }
        raise AssertionError(f"records are still on their way after {rounds} rounds: {waiting}")

    def _feed(self, one: str, other: str, connection: Connection) -> None:
        """The sender says what it has to say, once it is welcome."""
        if connection.welcomed and not connection.given_up:
            while (frame := self.nodes[one].links[other].next_frame()) is not None:
                connection.forth.append(packed(frame)[SIZE:])
