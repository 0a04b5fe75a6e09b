"""Records what happens, as it happens, at the cost of a list append on the calling thread."""

from __future__ import annotations

import gzip
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Protocol

from .encoding import LONG, Encoder, Row
from .events import Completion, CredentialKind, End, Mode, Operation, Transport
from .header import Header

FLUSH_SECONDS = 0.05
"""The longest that an event waits before it reaches the file; what a killed run may lose."""
COMPRESSION = 1
"""gzip level 1: five times faster than level 6 for a file one fifth larger."""


class RecordingError(RuntimeError):
    """The history could not be written; what was recorded is incomplete and must not be judged clean."""


class FaultWatch(Protocol):
    """Whoever wants to know when faults begin and end, before the history does."""

    def begins(self, fault: int, kind: str) -> None:
        """A fault of this number is about to begin."""

    def ends(self, fault: int) -> None:
        """It is over."""


class Recorder:
    """Writes one history; every method may be called from any thread.

    The calling thread notes the time and appends a tuple to a list. A writer thread numbers the strings, digests the
    bodies and appends whole lines to the file every 50 ms, so that a killed process leaves a readable history. The
    order of the calls is the order of the history: record an operation *before* it is handed to the wire, and what
    comes back *after* it came back.

    Args:
        path: The file, `*.jsonl`; `close` replaces it by `*.jsonl.gz`.
        header: What is known before the first event.
        clock: Nanoseconds of a clock that never goes back.
        watch: Who is told of faults.
    """

    def __init__(
        self,
        path: Path | str,
        header: Header,
        clock: Callable[[], int] = time.perf_counter_ns,
        watch: FaultWatch | None = None,
    ) -> None:
        self._watch = watch
        self.path = Path(path)
        """The file as it is now; after `close` the compressed one."""
        self.header = header
        self._clock = clock
        self._start = clock()
        self._rows: list[Row] = []
        self._append = self._rows.append
        self._sessions = count(1)
        self._operations = count(1)
        self._deliveries = count(1)
        self._faults = count(1)
        self._administrations = count(1)
        self._encoder = Encoder(header)
        self._failure: Exception | None = None
        self._writing = threading.Lock()
        self._closed = threading.Event()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("wb", buffering=0)
        self._file.write(self._encoder.header)
        self._writer = threading.Thread(target=self._write_on, name=f"history {self.path.name}", daemon=True)
        self._writer.start()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def session(
        self,
        device: str,
        *,
        node: str = "",
        protocol: str = "",
        version: int = 0,
        transport: Transport = Transport.TLS,
        credential: CredentialKind = CredentialKind.VALID,
        token: int = 0,
    ) -> int:
        """A device (`alice/phone`) begins a connection attempt, its next epoch. Returns the session's number.

        Args:
            device: The device.
            node: Where it connects to.
            protocol: The driver's name.
            version: The protocol version that it offers.
            transport: What carries the session.
            credential: What it shows is worth.
            token: A number for the token that it shows, the same for the same token; never the token. 0 for none.
        """
        session = next(self._sessions)
        line: dict[str, Any] = {"event": "session", "session": session, "device": device}
        if node:
            line["node"] = node
        if protocol:
            line["protocol"] = protocol
        if version:
            line["protocol_version"] = version
        if transport != Transport.TLS:
            line["transport"] = Transport(transport).name.lower()
        if credential != CredentialKind.VALID:
            line["credential"] = CredentialKind(credential).name.lower()
        if token:
            line["token"] = token
        self._append((LONG, self._clock(), line))
        return session

    def invoke(
        self,
        session: int,
        operation: Operation,
        *,
        conversation: str = "",
        user: str = "",
        key: str = "",
        value: int = -1,
        id: str = "",  # noqa: A002 - the word of the contract
        members: Sequence[str] = (),
    ) -> int:
        """An operation other than a send begins. Returns its number.

        Args:
            session: The session that it is tried on.
            operation: What is tried.
            conversation: The conversation it concerns; for CREATE the name, if the client chooses it.
            user: The user it concerns (PRESENCE, ADD, REMOVE, ...).
            key: The key of the device's own message that it concerns (DELETE), or the name of a group (CREATE).
            value: LOGIN: the cursor asked for. ACKNOWLEDGE: the cursor, cumulative. SYNC: the place after which the
                page begins. READ: the read marker. DELETE: the sequence of the message. -1 for none.
            id: REVOKE, EXPIRE: the user's device that it concerns; empty for all of them.
            members: CREATE: the members beside the creator.
        """
        number = next(self._operations)
        if operation == Operation.CREATE:
            line = {
                "event": "create",
                "operation": number,
                "session": session,
                "conversation": conversation,
                "name": key,
                "members": list(members),
            }
            self._append((LONG, self._clock(), line))
        else:
            row = ("i", self._clock(), number, session, operation, conversation, user, key, value, id, -1)
            self._append(row)
        return number

    def invoke_acknowledge(self, session: int, *, id: str = "", delivery: int = -1) -> int:  # noqa: A002 - the word of the contract
        """The device acknowledges one message, by its server id or by the number that `deliver` gave it."""
        number = next(self._operations)
        self._append(
            ("i", self._clock(), number, session, Operation.ACKNOWLEDGE, "", "", "", -1, id, delivery)
        )
        return number

    def send(
        self,
        session: int,
        conversation: str,
        key: str,
        body: bytes,
        *,
        over_quota: bool = False,
        expires_ms: int = -1,
    ) -> int:
        """A send begins; the same key again is one more attempt of the same message. Returns the operation's number.

        Args:
            session: The session that it is tried on.
            conversation: Where it goes.
            key: The idempotency key, unique for the user; the kit keeps one even where the wire carries none.
            body: The body, byte for byte.
            over_quota: The scenario knows that this send is over a promised bound.
            expires_ms: The time to live that the send asks for; -1 for none.
        """
        number = next(self._operations)
        self._append(("s", self._clock(), number, session, conversation, key, body, over_quota, expires_ms))
        return number

    def ok(
        self,
        operation: int,
        *,
        id: str = "",  # noqa: A002 - the word of the contract
        sequence: int = -1,
        value: int = -1,
        user: str = "",
        conversation: str = "",
        key: str = "",
        complete: bool = False,
    ) -> None:
        """The operation took effect.

        Args:
            operation: Its number.
            id: The server's id of the message (SEND), or the name of the new conversation (CREATE).
            sequence: The conversation's sequence number (SEND).
            value: LOGIN, SYNC, ACKNOWLEDGE: the cursor that the server stated. PRESENCE: 1 online, 0 offline.
                STATUS: 1 expired, 0 not.
            user: Whom the answer names.
            conversation: The conversation that the answer names (CREATE: the new one).
            key: The key that the answer names, where it names one.
            complete: SYNC: the page reached the end of the log.
        """
        self._append(("o", self._clock(), operation, id, sequence, value, user, conversation, key, complete))

    def fail(self, operation: int, code: str = "") -> None:
        """The operation can never take effect: no byte of it left the client, or the server said so definitely."""
        self._append(("n", self._clock(), operation, int(Completion.FAIL), code))

    def info(self, operation: int, code: str = "") -> None:
        """Nobody can know whether the operation took effect. Code `deadline`: no answer by the client's deadline."""
        self._append(("n", self._clock(), operation, int(Completion.INFO), code))

    def deliver(
        self,
        session: int,
        conversation: str,
        sender: str,
        body: bytes,
        *,
        key: str = "",
        id: str = "",  # noqa: A002 - the word of the contract
        sequence: int = -1,
        cursor: int = -1,
        mode: Mode = Mode.LIVE,
        read: int = -1,
        time_ms: int = -1,
    ) -> int:
        """A device was given a message. Returns the delivery's number.

        Args:
            session: The session that it came on.
            conversation: The conversation that the server names.
            sender: The user that the server names; empty where it names none.
            body: The body, byte for byte.
            key: The sender's key, where the protocol carries it.
            id: The server's id of the message.
            sequence: The conversation's sequence number.
            cursor: The place in the device's log.
            mode: On which way it came.
            read: The number of the SYNC whose page it is part of.
            time_ms: The server's time of the message.
        """
        number = next(self._deliveries)
        named = (session, conversation, sender, body, key, id, sequence, cursor, mode, read, time_ms, number)
        self._append(("d", self._clock(), *named))
        return number

    def receipt(
        self,
        session: int,
        conversation: str,
        user: str,
        *,
        delivered: int = -1,
        read: int = -1,
        id: str = "",  # noqa: A002 - the word of the contract
        operation: int = -1,
        unread: int = -1,
        expired: str = "",
    ) -> None:
        """A device learned how far a user was given, and has read, a conversation (watermarks; or one message by id),
        or that a message of its user's has expired.

        Args:
            session: Where it was seen.
            conversation: The conversation.
            user: Whose receipt it is.
            delivered: Everything up to this sequence was given to the user.
            read: Everything up to this sequence was read by the user.
            id: The one message that it is about, for protocols without watermarks (then `delivered` or `read` is 1).
            operation: The number of the MARKERS that asked for it; -1 for one that was pushed.
            unread: The user's number of unread messages, as the server states it.
            expired: The key of the message that has expired.
        """
        named = (session, conversation, user, delivered, read, id, operation, unread, expired)
        self._append(("r", self._clock(), *named))

    def presence(self, session: int, user: str, online: bool) -> None:
        """A device was told, without asking, that a user came or went."""
        self._append(("p", self._clock(), session, user, online))

    def cursor(self, session: int, value: int) -> None:
        """The server stated the device's cursor."""
        self._append(("c", self._clock(), session, value))

    def members(self, conversation: str, members: Sequence[str]) -> None:
        """A conversation that the header does not know has these members from here on."""
        self._long("members", conversation=conversation, members=list(members))

    def final(self, device: str, complete: bool) -> None:
        """The device's final view ends here: all that it was given, and its FINAL pages, is everything it holds."""
        self._long("final", device=device, complete=complete)

    def end(self, session: int, end: End, reason: str = "") -> None:
        """A session ended."""
        self._long("end", session=session, end=End(end).name.lower(), reason=reason)

    def fault_start(self, kind: str, scope: str, **details: object) -> int:
        """A fault (`kill`, `pause`, `partition`, `disk-full`, ...) begins on its scope. Returns its number."""
        fault = next(self._faults)
        if self._watch is not None:
            self._watch.begins(fault, kind)
        self._long("fault-start", fault=fault, kind=kind, scope=scope, details=details)
        return fault

    def fault_observed(self, fault: int, text: str) -> None:
        """The fault was seen to have an effect."""
        self._long("fault-observed", fault=fault, text=text)

    def fault_end(self, fault: int) -> None:
        """The fault is over and its end was verified."""
        if self._watch is not None:
            self._watch.ends(fault)
        self._long("fault-end", fault=fault)

    def administration_start(
        self, operation: str, *, user: str = "", device: str = "", session: int = 0, token: int = 0
    ) -> int:
        """Somebody asks for an operation of administration, before it is sent. Returns its number.

        Args:
            operation: What is asked for: `revoke_user`, `rotate_key` and so on.
            user: The user whom it is about.
            device: The device (`alice/phone`) that it is about.
            session: The number of the session that it is about.
            token: The number of the token that it is about, as `session` was given it.
        """
        number = next(self._administrations)
        about = {"user": user, "device": device, "session": session, "token": token}
        named = {name: value for name, value in about.items() if value}
        self._long("administration-start", administration=number, operation=operation, **named)
        return number

    def administration_end(self, administration: int, outcome: Completion, code: str = "") -> None:
        """The operation of administration was confirmed (OK), refused (FAIL), or nobody knows."""
        self._long(
            "administration-end", administration=administration, outcome=outcome.name.lower(), code=code
        )

    def deadline(self, device: str, missing: Sequence[tuple[str, str]]) -> None:
        """The drain deadline passed, and the device still lacks these messages (conversation, key)."""
        self._long("deadline", device=device, missing=[list(message) for message in missing])

    def flush(self) -> None:
        """Returns when everything recorded so far is in the file, safe from the death of this process.

        Raises:
            RecordingError: The file could not be written.
        """
        self._drain()
        if self._failure is not None:
            raise RecordingError(f"{self.path}: {self._failure}") from self._failure

    def close(self) -> Path:
        """Ends the history, compresses it to `*.jsonl.gz` and returns that path; idempotent.

        Raises:
            RecordingError: The file could not be written.
        """
        if self._closed.is_set():
            return self.path
        self._closed.set()
        self._writer.join()
        self._drain()
        with self._writing:
            if self._failure is None:
                self._file.write(self._encoder.footer())
            self._file.close()
        self.path = compress(self.path)
        if self._failure is not None:
            raise RecordingError(f"{self.path}: {self._failure}") from self._failure
        return self.path

    def _long(self, event: str, **line: object) -> None:
        self._append((LONG, self._clock(), {"event": event, **line}))

    def _write_on(self) -> None:
        while not self._closed.wait(FLUSH_SECONDS):
            self._drain()

    def _drain(self) -> None:
        with self._writing:
            rows = self._rows[:]
            del self._rows[: len(rows)]
            if not rows or self._failure is not None or self._file.closed:
                return
            start = self._start
            try:
                self._file.write(self._encoder.encode(rows, start))
            except Exception as error:
                self._failure = error


def compress(path: Path) -> Path:
    """Replaces a file by its gzip of the same content and returns its path; the bytes depend on the content only."""
    target = path.with_name(path.name + ".gz")
    partial = path.with_name(path.name + ".gz.partial")
    with (
        path.open("rb") as plain,
        partial.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", compresslevel=COMPRESSION, fileobj=raw, mtime=0) as packed,
    ):
        shutil.copyfileobj(plain, packed, 1 << 20)
    partial.replace(target)
    path.unlink()
    return target
