"""A correct server and its clients in miniature, driven by a tape of bytes, recorded like the real ones.

Requests and pushes travel in queues, so that a cut loses what is under way, a request of a dead connection may still
take effect later, and everything overlaps. Whatever the tape says, the history is legal: the checker must find
nothing. A tape that ends says 0 for ever, which is the calmest choice everywhere; so a shrunk example is a short story.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from waybill.history import End, Header, Mode, Operation, Recorder

BODIES = (b"hi", b"hello", b"", "grüße".encode())
STEP = 100_000_000
"""A tenth of a second; the server notices a dead connection after 2 s, where 3 s are promised."""


@dataclass(eq=False)
class Message:
    """One entry of the server's store."""

    id: str
    sequence: int
    conversation: str
    sender: str
    device: str
    key: str
    body: bytes


@dataclass(eq=False)
class Attempt:
    """What a client tries to send, once or more often."""

    device: str
    conversation: str
    key: str
    body: bytes
    settled: bool = False


@dataclass(eq=False)
class Session:
    """One connection: what travels up and down, and how far the server has pushed."""

    number: int
    device: str
    up: deque[tuple[Any, ...]] = field(default_factory=deque)
    down: deque[tuple[Any, ...]] = field(default_factory=deque)
    open: list[int] = field(default_factory=list)
    alive: bool = True
    online: bool = False
    pushed: int = 0
    head: int = 0
    seen: int = 0
    died: int = -1


class Tape:
    """Choices, one after the other."""

    def __init__(self, choices: Sequence[int]) -> None:
        self._choices = iter(choices)

    def pick(self, count: int) -> int:
        """A number from 0 to count - 1."""
        return next(self._choices, 0) % count

    def one(self, options: Sequence[Any]) -> Any:
        """One of several."""
        return options[self.pick(len(options))]


class World:
    """The server, the clients, and the recorder that watches them."""

    def __init__(self, tape: Tape, path: Path) -> None:
        self.tape = tape
        self.bare = tape.pick(4) == 3
        devices = {"alice": ["phone", "pad"], "bob": ["laptop"], "carol": ["tablet", "watch"]}
        self.users = {user: names[: 1 + tape.pick(2)] for user, names in devices.items()}
        self.members: dict[str, list[str]] = {"ab": ["alice", "bob"], "g": ["alice", "bob", "carol"]}
        self.now = 0
        promises = {
            "own_devices": True,
            "pipelined_order": True,
            "realtime_order": True,
            "sequences": "gapless",
            "ids": "ordered",
            "presence_bound": "3s",
        }
        self.recorder = Recorder(
            path,
            Header(
                users=self.users,
                conversations={n: list(m) for n, m in self.members.items()},
                promises=promises,
            ),
            clock=lambda: self.now,
        )
        self.devices = [f"{user}/{name}" for user, names in self.users.items() for name in names]
        self.sessions: dict[str, Session] = {}
        self.zombies: list[Session] = []
        self.logs: dict[str, list[Message]] = {user: [] for user in self.users}
        self.sequences: dict[str, int] = {}
        self.known: dict[tuple[str, str], Message] = {}
        self.ids = 0
        self.cursors: dict[str, int] = {}
        self.delivered: dict[tuple[str, str], int] = {}
        self.read: dict[tuple[str, str], int] = {}
        self.attempts: list[Attempt] = []
        self.keys = 0

    # -- what clients do --------------------------------------------------------------------------------------------

    def run(self, steps: int) -> None:
        """Lets things happen, then brings everything to rest."""
        often = (self.pump, self.send, self.serve, self.receive)
        pauses = (0, 1, 2, 3, 40)
        seldom = (
            self.acknowledge, self.retry, self.sync, self.acknowledge, self.pump, self.mark, self.list_markers,
            self.change_members, self.ask_presence, self.ask_presence, self.cut, self.cut, self.connect, self.kill,
            self.mark,
            self.mark,
        )  # fmt: skip
        for _ in range(steps):
            self.now += (
                self.tape.one(pauses) * STEP if self.tape.pick(8) == 7 else self.tape.pick(4) * STEP // 2
            )
            self.notice()
            self.tape.one(self.tape.one((often, often, seldom)))()
        self.rest()

    def session_of(self, device: str) -> Session | None:
        """The living, logged-in session of a device."""
        session = self.sessions.get(device)
        return session if session is not None and session.alive and session.online else None

    def anyone(self) -> Session | None:
        """Some device's session; a device without one begins to log in."""
        device = self.tape.one(self.devices)
        session = self.sessions.get(device)
        if session is None or not session.alive:
            if self.tape.pick(4) == 3:
                return None
            self.log_in(device)
            self.serve()
        return self.session_of(device)

    def invoke(self, session: Session, operation: Operation, frame: tuple[Any, ...], **details: Any) -> None:
        """Records an operation and sends its request."""
        number = self.recorder.invoke(session.number, operation, **details)
        session.open.append(number)
        session.up.append((operation, number, *frame))

    def connect(self) -> None:
        """A device without a session logs in; one with a session logs in again, in its place."""
        device = self.tape.one(self.devices)
        old = self.sessions.get(device)
        if old is not None and old.alive:
            self.drop(old, End.REPLACED)
        self.log_in(device)

    def log_in(self, device: str) -> None:
        """A device begins a session, sometimes from an older place than it had reached."""
        stored = self.cursors.get(device, 0)
        asked = self.tape.pick(stored + 1) if not self.bare and self.tape.pick(4) == 3 else -1
        session = Session(self.recorder.session(device, version=2), device)
        self.sessions[device] = session
        self.invoke(session, Operation.LOGIN, (asked,), value=asked)

    def send(self) -> None:
        """A new message."""
        session = self.anyone()
        if session is None:
            return
        user = session.device.partition("/")[0]
        conversation = self.tape.one(sorted(self.members))
        if user not in self.members[conversation] and self.tape.pick(2) == 0:
            return
        self.keys += 1
        body = self.tape.one(BODIES) + (b"" if self.tape.pick(2) else str(self.keys).encode())
        attempt = Attempt(session.device, conversation, f"k{self.keys % 97}-{user[0]}", body)
        self.attempts.append(attempt)
        self.attempt(session, attempt)

    def retry(self) -> None:
        """An earlier message again, under its key, from any device of its user."""
        session = self.anyone()
        if session is None:
            return
        user = session.device.partition("/")[0]
        mine = [one for one in self.attempts if one.device.partition("/")[0] == user]
        if mine:
            self.attempt(session, self.tape.one(mine[::-1]))

    def attempt(self, session: Session, attempt: Attempt) -> None:
        """Records and sends one attempt; sometimes no byte of it leaves the client."""
        number = self.recorder.send(session.number, attempt.conversation, attempt.key, attempt.body)
        if self.tape.pick(12) == 11:
            self.recorder.fail(number, "not-sent")
            return
        session.open.append(number)
        session.up.append((Operation.SEND, number, attempt))

    def acknowledge(self) -> None:
        """A device acknowledges what it has."""
        session = self.anyone()
        if session is not None and session.seen and not self.bare:
            self.invoke(session, Operation.ACKNOWLEDGE, (session.seen,), value=session.seen)

    def sync(self) -> None:
        """A device reads a page."""
        session = self.anyone()
        if session is not None and not self.bare:
            after = self.tape.pick(len(self.logs[session.device.partition("/")[0]]) + 1)
            self.invoke(session, Operation.SYNC, (after, 1 + self.tape.pick(4), Mode.PAGE), value=after)

    def change_members(self) -> None:
        """Somebody joins or leaves the group."""
        session = self.anyone()
        if session is None:
            return
        what = self.tape.one((Operation.REMOVE, Operation.ADD, Operation.LEAVE))
        user = self.tape.one(sorted(self.users))
        details = {} if what is Operation.LEAVE else {"user": user}
        who = session.device.partition("/")[0] if what is Operation.LEAVE else user
        self.invoke(session, what, (who,), conversation="g", **details)

    def ask_presence(self) -> None:
        """A device asks whether a user is there."""
        session = self.anyone()
        if session is not None:
            user = self.tape.one(sorted(self.users))
            self.invoke(session, Operation.PRESENCE, (user,), user=user)

    def mark(self) -> None:
        """A device marks as read what it has seen."""
        session = self.anyone()
        if session is not None and session.seen and not self.bare:
            entries = self.logs[session.device.partition("/")[0]][: session.seen]
            entry = entries[-1 - self.tape.pick(len(entries))]
            place = (entry.conversation, entry.sequence)
            self.invoke(session, Operation.READ, place, conversation=place[0], value=place[1])

    def list_markers(self) -> None:
        """A device asks for the markers of a conversation."""
        session = self.anyone()
        if session is not None and not self.bare:
            conversation = self.tape.one(sorted(self.members))
            self.invoke(session, Operation.MARKERS, (conversation,), conversation=conversation)

    def cut(self) -> None:
        """A connection goes away: what was coming is lost, what was going may still arrive."""
        session = self.anyone()
        if session is not None:
            self.drop(session, End.CUT)

    def drop(self, session: Session, end: End) -> None:
        """Ends a session for its client; the server learns of it later."""
        session.alive, session.died = False, self.now
        for number in session.open:
            self.recorder.info(number, "connection-lost")
        self.recorder.end(session.number, end)
        session.open.clear()
        session.down.clear()
        for _ in range(self.tape.pick(len(session.up) + 1)):
            session.up.pop()
        if end is End.REPLACED:
            session.online = False
        self.zombies.append(session)

    def kill(self) -> None:
        """The server is killed and comes back: everybody is cut off, what was committed stays."""
        if self.tape.pick(4):
            return
        fault = self.recorder.fault_start("kill", "node1")
        for session in list(self.sessions.values()):
            if session.alive:
                self.drop(session, End.LOST)
        for session in self.zombies:
            session.online = False
            session.up.clear()
        self.zombies.clear()
        self.recorder.fault_observed(fault, "the port was closed")
        self.recorder.fault_end(fault)

    # -- what the server does ---------------------------------------------------------------------------------------

    def notice(self) -> None:
        """The server gives up connections that died some time ago."""
        for session in list(self.zombies):
            if self.now - session.died > 2_000_000_000:
                session.online = False
                self.zombies.remove(session)

    def serve(self) -> None:
        """The server takes one request."""
        waiting = [one for one in (*self.sessions.values(), *self.zombies) if one.up]
        if waiting:
            session = self.tape.one(waiting)
            operation, number, *rest = session.up.popleft()
            answer = getattr(self, f"_{operation.name.lower()}")(session, number, *rest)
            session.down.append(("answer", number, *answer))
            self.push()

    def push(self) -> None:
        """The server pushes what is new to every session, in the order of the logs."""
        for session in self.sessions.values():
            if session.alive and session.online:
                log = self.logs[session.device.partition("/")[0]]
                for place in range(session.pushed, len(log)):
                    if log[place].device != session.device:
                        mode = Mode.BACKLOG if place < session.head else Mode.LIVE
                        session.down.append(("deliver", log[place], place + 1, mode, -1))
                session.pushed = len(log)

    def _login(self, session: Session, number: int, asked: int) -> tuple[Any, ...]:
        for other in self.zombies:
            if other.device == session.device:
                other.online = False
        stored = self.cursors.get(session.device, 0)
        start = min(asked, stored) if asked >= 0 else stored
        session.online, session.pushed = True, start
        session.head = len(self.logs[session.device.partition("/")[0]])
        return True, {"value": -1 if self.bare else start}

    def _send(self, session: Session, number: int, attempt: Attempt) -> tuple[Any, ...]:
        user = session.device.partition("/")[0]
        message = self.known.get((user, attempt.key))
        if message is None:
            if user not in self.members[attempt.conversation]:
                return False, "not-a-member"
            self.ids += 1
            sequence = self.sequences[attempt.conversation] = self.sequences.get(attempt.conversation, 0) + 1
            name = (
                f"{self.ids:06d}",
                sequence,
                attempt.conversation,
                user,
                session.device,
                attempt.key,
                attempt.body,
            )
            message = self.known[user, attempt.key] = Message(*name)
            for member in self.members[attempt.conversation]:
                self.logs[member].append(message)
        return True, {} if self.bare else {"id": message.id, "sequence": message.sequence, "key": message.key}

    def _acknowledge(self, session: Session, number: int, cursor: int) -> tuple[Any, ...]:
        user = session.device.partition("/")[0]
        self.cursors[session.device] = max(self.cursors.get(session.device, 0), cursor)
        for entry in self.logs[user][:cursor]:
            place = (entry.conversation, user)
            if entry.sequence > self.delivered.get(place, 0):
                self.delivered[place] = entry.sequence
                self._tell(place)
        return True, {"value": cursor}

    def _tell(self, place: tuple[str, str]) -> None:
        for session in self.sessions.values():
            if (
                session.alive
                and session.online
                and session.device.partition("/")[0] in self.members[place[0]]
            ):
                session.down.append(
                    ("receipt", *place, self.delivered.get(place, -1), self.read.get(place, -1), -1)
                )

    def _sync(self, session: Session, number: int, after: int, limit: int, mode: Mode) -> tuple[Any, ...]:
        log = self.logs[session.device.partition("/")[0]]
        for place in range(after, min(after + limit, len(log))):
            session.down.append(("deliver", log[place], place + 1, mode, number))
        last = max(after, min(after + limit, len(log)))
        return True, {"value": last, "complete": last >= len(log)}

    def _read(self, session: Session, number: int, conversation: str, sequence: int) -> tuple[Any, ...]:
        place = (conversation, session.device.partition("/")[0])
        if place[1] not in self.members[conversation]:
            return False, "not-a-member"
        self.read[place] = max(self.read.get(place, 0), sequence)
        self._tell(place)
        return True, {}

    def _markers(self, session: Session, number: int, conversation: str) -> tuple[Any, ...]:
        if session.device.partition("/")[0] not in self.members[conversation]:
            return False, "not-a-member"
        for user in self.members[conversation]:
            place = (conversation, user)
            told = (self.delivered.get(place, -1), self.read.get(place, -1))
            session.down.append(("receipt", *place, *told, number))
        return True, {}

    def _presence(self, session: Session, number: int, user: str) -> tuple[Any, ...]:
        every = (*self.sessions.values(), *self.zombies)
        online = any(one.online and one.device.startswith(f"{user}/") for one in every)
        return True, {"value": int(online), "user": user}

    def _add(self, session: Session, number: int, user: str) -> tuple[Any, ...]:
        if session.device.partition("/")[0] not in self.members["g"]:
            return False, "not-a-member"
        if user not in self.members["g"]:
            self.members["g"].append(user)
        return True, {}

    def _remove(self, session: Session, number: int, user: str) -> tuple[Any, ...]:
        if session.device.partition("/")[0] not in self.members["g"]:
            return False, "not-a-member"
        if user in self.members["g"]:
            self.members["g"].remove(user)
        return True, {}

    def _leave(self, session: Session, number: int, user: str) -> tuple[Any, ...]:
        return self._remove(session, number, user)

    # -- what arrives -----------------------------------------------------------------------------------------------

    def receive(self) -> None:
        """A client takes what came down, one thing."""
        waiting = [one for one in self.sessions.values() if one.alive and one.down]
        if waiting:
            self.take(self.tape.one(waiting))

    def pump(self) -> None:
        """Everything under way arrives and is answered, for one device."""
        session = self.sessions.get(self.tape.one(self.devices))
        while session is not None and session.alive and (session.up or session.down):
            if session.up:
                operation, number, *rest = session.up.popleft()
                answer = getattr(self, f"_{operation.name.lower()}")(session, number, *rest)
                session.down.append(("answer", number, *answer))
                self.push()
            while session.down:
                self.take(session)

    def take(self, session: Session) -> None:
        """Records one thing that came down."""
        what, *rest = session.down.popleft()
        if what == "answer":
            number, good, details = rest
            session.open.remove(number)
            if good:
                self.recorder.ok(number, **details)
            else:
                self.recorder.fail(number, details)
        elif what == "receipt":
            conversation, user, delivered, read, number = rest
            self.recorder.receipt(
                session.number, conversation, user, delivered=delivered, read=read, operation=number
            )
        else:
            entry, place, mode, number = rest
            if self.bare:
                self.recorder.deliver(session.number, entry.conversation, "", entry.body, mode=mode)
            else:
                self.recorder.deliver(
                    session.number, entry.conversation, entry.sender, entry.body, key=entry.key, id=entry.id,
                    sequence=entry.sequence, cursor=place, mode=mode, read=number,
                )  # fmt: skip
            if mode in (Mode.LIVE, Mode.BACKLOG):
                session.seen = place

    def rest(self) -> None:
        """Everything arrives, every device reads all of its log, or is said not to have."""
        self.now += 10 * STEP
        for device in self.devices:
            if self.session_of(device) is None:
                session = self.sessions.get(device)
                if session is None or not session.alive:
                    session = self.sessions[device] = Session(
                        self.recorder.session(device, version=2), device
                    )
                    self.invoke(session, Operation.LOGIN, (-1,))
        self.settle()
        for device in self.devices:
            session = self.sessions[device]
            for after in range(0, 0 if self.bare else len(self.logs[device.partition("/")[0]]) + 1, 7):
                self.invoke(session, Operation.SYNC, (after, 7, Mode.FINAL), value=after)
        self.settle()
        for device in self.devices:
            self.recorder.final(device, True)

    def settle(self) -> None:
        """Serves and receives until nothing is under way."""
        self.zombies.clear()
        while any(one.up or (one.alive and one.down) for one in self.sessions.values()):
            for session in self.sessions.values():
                while session.up:
                    operation, number, *rest = session.up.popleft()
                    answer = getattr(self, f"_{operation.name.lower()}")(session, number, *rest)
                    session.down.append(("answer", number, *answer))
                    self.push()
            for session in self.sessions.values():
                while session.alive and session.down:
                    self.take(session)


def simulate(choices: Sequence[int], path: Path) -> Path:
    """Writes the history that a tape describes; returns its file."""
    world = World(Tape(choices), path)
    try:
        world.run(20 + len(choices) // 4)
    finally:
        path = world.recorder.close()
    return path
