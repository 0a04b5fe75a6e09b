"""One session of wire v2: a reader thread, writers of any thread, and the operations that are open between
them."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Mapping, Sequence

import msgspec
from websocket import ABNF

from waybill.drivers import waybill_frames as frames
from waybill.drivers.base import Delivery, Observer, Outcome, Overheard, Session, Welcome
from waybill.drivers.byte_stream import Broken, ByteStream
from waybill.drivers.waybill_inbound import FrameReader, Inbound
from waybill.history.events import Completion, End

EARLY = 2
"""The version of wire v2 that the first release speaks."""

RECORD = 16384
"""Frames are written in pieces of at most one TLS record: a record that did not leave whole did not arrive at
all, so its frames share one fate."""


class WaybillSession(Session):
    """A logged-in connection.

    Writers register their operations and write while they hold the stream's lock. The reader thread never
    waits for that lock: what it has to write itself (acknowledgements, pongs) is queued, and written by
    whoever holds the lock or by the reader when nobody does. So a server that stops reading until it is read
    from is always read from.
    """

    def __init__(
        self,
        stream: ByteStream,
        reader: FrameReader,
        welcome: Welcome,
        observer: Observer,
        extra: Mapping[str, object],
        overheard: Overheard | None = None,
    ) -> None:
        self._overheard = overheard
        self.welcome = welcome
        self._extra = extra
        self._stream = stream
        self._reader = reader
        self._observer = observer
        self._inbound = Inbound(observer, welcome.head, early=welcome.version == EARLY)
        self._unsent: set[int] = set()
        self._queued: deque[tuple[int, bytes]] = deque()
        self._intent: End | None = None
        self._over = False
        self._told = threading.Event()
        self._reported = False
        self._thread = threading.Thread(target=self._run, name="waybill session", daemon=True)

    def start(self) -> None:
        """Starts to read."""
        self._stream.established()
        self._stream.blocking = self._before_blocking
        self._thread.start()

    # -- operations ------------------------------------------------------------------------------------------

    def send(self, operation: int, conversation: str, key: str, body: bytes) -> None:
        """Sends one message."""
        packed = self._packed_send(operation, conversation, key, body)
        if packed is not None:
            self._write([operation], packed)

    def send_expiring(self, operation: int, conversation: str, key: str, body: bytes, ttl: int) -> None:
        """Sends one message with a time to live."""
        packed = self._packed_send(operation, conversation, key, body, ttl)
        if packed is not None:
            self._write([operation], packed)

    def send_many(self, sends: Sequence[tuple[int, str, str, bytes]]) -> None:
        """Sends several messages, a TLS record full of frames in one write; frame by frame if each is to be
        split."""
        most = 0 if self._stream.piece else RECORD
        operations: list[int] = []
        piece: list[bytes] = []
        size = 0
        for send in sends:
            packed = self._packed_send(*send)
            if packed is None:
                continue
            if piece and size + len(packed) > most:
                self._write(operations, b"".join(piece))
                operations, piece, size = [], [], 0
            operations.append(send[0])
            piece.append(packed)
            size += len(packed)
        if piece:
            self._write(operations, b"".join(piece))

    def acknowledge(self, operation: int, delivery: Delivery) -> None:
        """Acknowledges everything up to a delivery."""
        self._request(operation, frames.Ack(operation, delivery.cursor))

    def sync(self, operation: int, after: int, limit: int) -> None:
        """Reads one page of the log."""
        self._request(operation, frames.Sync(operation, after, limit))

    def mark_read(self, operation: int, conversation: str, sequence: int) -> None:
        """Sets the user's read marker. OK carries the marker that is stored now as `sequence`."""
        self._request(operation, frames.Read(operation, conversation, sequence))

    def markers(self, operation: int, conversation: str) -> None:
        """Asks for all members' watermarks."""
        self._request(operation, frames.AskMarkers(operation, conversation))

    def presence(self, operation: int, user: str) -> None:
        """Asks for a user's presence."""
        self._request(operation, frames.AskPresence(operation, user))

    def watch(self, operation: int, users: Sequence[str]) -> None:
        """Subscribes to presence changes."""
        self._request(operation, frames.Watch(operation, list(users)))

    def typing(self, conversation: str, active: bool) -> None:
        """Says that the user types."""
        self._write([], self._encoded(frames.TypingNotice(conversation, active)))

    def create_group(self, operation: int, name: str, members: Sequence[str]) -> None:
        """Creates a group."""
        self._request(operation, frames.GroupCreate(operation, name, list(members)))

    def add_member(self, operation: int, conversation: str, user: str) -> None:
        """Adds a member."""
        self._request(operation, frames.GroupAdd(operation, conversation, user))

    def remove_member(self, operation: int, conversation: str, user: str) -> None:
        """Removes a member."""
        self._request(operation, frames.GroupRemove(operation, conversation, user))

    def leave_group(self, operation: int, conversation: str) -> None:
        """Leaves a group."""
        self._request(operation, frames.GroupLeave(operation, conversation))

    def group_members(self, operation: int, conversation: str) -> None:
        """Asks for a group's members."""
        self._request(operation, frames.GroupInfo(operation, conversation))

    def block(self, operation: int, user: str) -> None:
        """Blocks a user."""
        self._request(operation, frames.Block(operation, user))

    def unblock(self, operation: int, user: str) -> None:
        """Blocks a user no longer."""
        self._request(operation, frames.Unblock(operation, user))

    def blocked(self, operation: int) -> None:
        """Asks whom the user blocks."""
        self._request(operation, frames.AskBlocks(operation))

    def status(self, operation: int, key: str) -> None:
        """Asks what became of a message."""
        self._request(operation, frames.AskStatus(operation, key))

    def close(self, deadline: float = 5.0) -> None:
        """Says goodbye and waits for the server's."""
        if not self._told.is_set():
            self._intent = self._intent or End.CLOSED
            done = False
            try:
                if self._stream.writing.acquire(timeout=deadline):
                    try:
                        with contextlib.suppress(Broken):
                            self._stream.write(frames.encode(frames.Bye()), deadline)
                    finally:
                        self._stream.writing.release()
                done = self._wait_told(deadline)
            finally:
                if not done:
                    self._stream.abort(reset=True)
            self._wait_told(deadline)

    def cut(self) -> None:
        """Resets the connection."""
        if not self._told.is_set():
            self._intent = self._intent or End.CUT
            self._stream.abort(reset=True)
            self._wait_told(None)

    def _wait_told(self, deadline: float | None) -> bool:
        if threading.current_thread() is self._thread:
            return True
        return self._told.wait(deadline)

    # -- writing ---------------------------------------------------------------------------------------------

    def _packed_send(
        self, operation: int, conversation: str, key: str, body: bytes, ttl: int | None = None
    ) -> bytes | None:
        try:
            text = body.decode()
        except UnicodeDecodeError as error:
            self._observer.completed(
                operation, Outcome(Completion.FAIL, "not-text", f"wire v2 carries text: {error}")
            )
            return None
        if ttl is not None:
            return self._encoded(frames.SendExpiring(operation, conversation, key, text, ttl))
        return self._encoded(frames.Send(operation, conversation, key, text))

    def _encoded(self, frame: msgspec.Struct) -> bytes:
        return frames.encode(frame, self._extra)

    def _request(self, operation: int, frame: msgspec.Struct) -> None:
        packed = self._encoded(frame)
        if threading.current_thread() is self._thread:
            self._queue(operation, packed)
        else:
            self._write([operation], packed)

    def _write(self, operations: Sequence[int], packed: bytes) -> None:
        stream = self._stream
        with stream.writing:
            over = self._over
            if not over:
                self._inbound.pending.update(operations)
                self._write_now(operations, packed)
        if over:
            for operation in operations:
                self._observer.completed(
                    operation, Outcome(Completion.FAIL, "not-connected", "the session is over")
                )
        elif self._queued:
            self._write_queued()

    def _write_now(self, operations: Sequence[int], packed: bytes) -> None:
        """Writes while the lock is held; a write that fails ends the session, and the reader completes what
        is open."""
        whole = False
        if self._overheard is not None:
            self._overheard.frames.append(packed)
        try:
            self._stream.write(packed)
            whole = True
        except Broken:
            pass
        finally:
            if not whole:
                if not self._stream.handed:
                    self._unsent.update(operations)
                self._stream.abort(reset=False)

    def _queue(self, operation: int, packed: bytes) -> None:
        """Queues what the reader thread has to write (operation -1 for a pong)."""
        if operation >= 0:
            self._inbound.pending.add(operation)
        self._queued.append((operation, packed))
        self._write_queued()

    def _write_queued(self) -> bool:
        """Writes the queue unless somebody else holds the lock, who then does it; True if there was no
        room."""
        writing = self._stream.writing
        while self._queued and writing.acquire(blocking=False):
            try:
                while self._queued:
                    if not self._stream.writable:
                        return True
                    operation, packed = self._queued[0]
                    self._write_now([operation] if operation >= 0 else [], packed)
                    self._queued.popleft()
            finally:
                writing.release()
        return False

    # -- the reader thread -----------------------------------------------------------------------------------

    def _run(self) -> None:
        end, reason = End.LOST, "the reader stopped"
        try:
            end, reason = self._read_until_the_end()
        except Broken as broken:
            end, reason = self._why(str(broken))
        except Exception as error:
            reason = f"the observer failed: {error!r}"
            raise
        finally:
            self._finish(end, reason)

    def _read_until_the_end(self) -> tuple[End, str]:
        read, take = self._reader.read, self._inbound.take
        while True:
            opcode, payload = read()
            self._reported = True
            if opcode == ABNF.OPCODE_TEXT:
                wrong = take(payload)
                if wrong:
                    return End.LOST, wrong
            elif opcode == ABNF.OPCODE_PING:
                self._queue(-1, frames.pack(payload, ABNF.OPCODE_PONG))
            elif opcode == ABNF.OPCODE_CLOSE:
                with contextlib.suppress(Broken):
                    self._queue(-1, frames.pack(payload[:2], ABNF.OPCODE_CLOSE))
                return self._why("the server closed the WebSocket")
            elif opcode != ABNF.OPCODE_PONG:
                return End.LOST, "malformed frame from the server: wire v2 has no binary messages"

    def _before_blocking(self) -> bool:
        """Tells the observer that everything was reported; True to be woken also when there is room to
        write."""
        if self._reported:
            self._reported = False
            self._observer.idle()
        return self._write_queued() if self._queued else False

    def _why(self, reason: str) -> tuple[End, str]:
        """How a session ended whose stream ended: as the client wanted it, else as the server said, else it
        was lost."""
        closing = self._inbound.closing
        if self._intent is End.CUT:
            return End.CUT, "cut by the client"
        if closing is not None and closing.code == "replaced":
            return End.REPLACED, closing.text or closing.code
        if closing is not None and closing.code != "bye":
            return End.REFUSED, f"{closing.code}: {closing.text}" if closing.text else closing.code
        if self._intent is End.CLOSED:
            return End.CLOSED, "closed by the client"
        return End.LOST, reason

    def _finish(self, end: End, reason: str) -> None:
        """Completes what is open and tells the observer that the session is over."""
        stream = self._stream
        stream.abort(reset=stream.cutting and self._intent is not None)
        with stream.writing:
            self._over = True
            stream.close()
        unsent = self._unsent | {operation for operation, _ in self._queued}
        code = "connection-cut" if end is End.CUT else "connection-lost"
        try:
            for operation in sorted(self._inbound.pending):
                if operation in unsent:
                    outcome = Outcome(Completion.FAIL, "not-sent", "no byte of it left the client")
                else:
                    outcome = Outcome(Completion.INFO, code, reason)
                self._observer.completed(operation, outcome)
            self._inbound.pending.clear()
            self._observer.ended(end, reason)
        finally:
            self._told.set()
