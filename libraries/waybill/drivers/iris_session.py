"""One session of wire v1: a reader thread, and writers of any thread."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from waybill.drivers import iris_frames as frames
from waybill.drivers.base import ACCEPTED, Delivery, Login, Observer, Outcome, Session, Welcome
from waybill.drivers.byte_stream import Broken, ByteStream
from waybill.drivers.iris_inbound import Inbound, conversation_of
from waybill.drivers.iris_link import Link, Ping
from waybill.history.events import Completion, End

__all__ = ["IrisSession", "conversation_of"]

RECORD = 16384
"""Frames are written in pieces of at most one TLS record: a record that did not leave whole did not arrive at all."""


class _Request(NamedTuple):
    """Something to write.

    Attributes:
        operations: What it is about.
        data: The bytes.
        written: How the operations end once all of it was written; None if the server answers.
        whole: It ends with its packet, so it is one write.
        user: Whose presence it asks for.
    """

    operations: Sequence[int]
    data: bytes
    written: Outcome | None = None
    whole: bool = False
    user: str = ""


class IrisSession(Session):
    """A logged-in connection.

    Writers write while they hold the stream's lock; what then needs no answer is over, and the reader thread, woken by
    the stream's bell, reports it. The reader thread never waits for that lock: what it has to write itself
    (acknowledgements, pongs) is queued, and written by whoever holds the lock or by the reader when nobody does.

    Behind a goodbye nothing is written any more: that could only break the connection, and with it what the server has
    not read yet.
    """

    def __init__(
        self, stream: ByteStream, link: Link, welcome: Welcome, login: Login, observer: Observer
    ) -> None:
        self.welcome = welcome
        self._stream = stream
        self._link = link
        self._user = login.credential.user
        self._identified = login.identify
        self._sent = _accepted() if login.identify else _unidentified()
        self._observer = observer
        self._inbound = Inbound(observer, self, self._user)
        self._unsent: set[int] = set()
        self._queued: deque[_Request] = deque()
        self._written: deque[tuple[int, Outcome]] = deque()
        self._intent: End | None = None
        self._over = False
        self._said_goodbye = False
        self._told = threading.Event()
        self._reported = False
        self._thread = threading.Thread(target=self._run, name="iris session", daemon=True)

    def start(self) -> None:
        """Starts to read."""
        self._stream.hang_bell()
        self._stream.established()
        self._stream.blocking = self._before_blocking
        self._thread.start()

    # -- operations ------------------------------------------------------------------------------------------

    def send(self, operation: int, conversation: str, key: str, body: bytes) -> None:
        """Sends one message; see `send_many`."""
        self.send_many([(operation, conversation, key, body)])

    def send_many(self, sends: Sequence[tuple[int, str, str, bytes]]) -> None:
        """Sends messages back to back; their keys stay here, since wire v1 has no place for them."""
        most = 0 if self._stream.piece else RECORD
        operations: list[int] = []
        data = bytearray()
        for operation, conversation, _, body in sends:
            try:
                packet = self._link.wrap(frames.encode(frames.Send(self._target(conversation), body)))
            except frames.Unsendable as unsendable:
                self._fail(operation, unsendable.code, str(unsendable))
                continue
            if data and len(data) + len(packet) > most:
                self._write(_Request(operations, bytes(data), self._sent))
                operations, data = [], bytearray()
            operations.append(operation)
            data += packet
        if data:
            self._write(_Request(operations, bytes(data), self._sent))

    def acknowledge(self, operation: int, delivery: Delivery) -> None:
        """Acknowledges one delivery of this session; nothing confirms it. What came without an id cannot be."""
        handle = delivery.receipt_handle
        if not isinstance(handle, tuple) or handle[0] is not self:
            text = "it came without an id, or not in this session"
            self._fail(operation, "not-acknowledgeable", text)
            return
        packet = self._link.wrap(frames.acknowledgement(handle[1]))
        written = Outcome(Completion.INFO, "unconfirmed", "wire v1 confirms no acknowledgement")
        self._request(_Request([operation], packet, written, whole=True))

    def presence(self, operation: int, user: str) -> None:
        """Asks for a user's presence."""
        try:
            packet = self._link.wrap(frames.encode(frames.AskStatus(user.encode())))
        except frames.Unsendable as unsendable:
            self._fail(operation, unsendable.code, str(unsendable))
            return
        self._request(_Request([operation], packet, user=user))

    def typing(self, conversation: str, active: bool) -> None:
        """Says that the user types; in a conversation that wire v1 cannot name nothing is said."""
        kind = frames.TypingStart if active else frames.TypingStop
        with contextlib.suppress(frames.Unsendable):
            self._write(_Request([], self._link.wrap(frames.encode(kind(self._target(conversation))))))

    def close(self, deadline: float = 5.0) -> None:
        """Ends its side of the connection, so that everything written still counts, and waits for the server's."""
        if not self._told.is_set():
            self._intent = self._intent or End.CLOSED
            done = False
            try:
                self._write_queued()
                if self._stream.writing.acquire(timeout=deadline):
                    try:
                        self._say_goodbye(deadline)
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

    def _say_goodbye(self, deadline: float) -> None:
        self._said_goodbye = True
        with contextlib.suppress(Broken, OSError):
            goodbye = self._link.goodbye()
            if goodbye:
                self._stream.write(goodbye, deadline)
            else:
                self._stream.finish(deadline)

    @property
    def _mute(self) -> bool:
        """Whether nothing can be said any more."""
        return self._over or self._said_goodbye

    def _wait_told(self, deadline: float | None) -> bool:
        if threading.current_thread() is self._thread:
            return True
        return self._told.wait(deadline)

    def _target(self, conversation: str) -> bytes:
        """Whom a message in a direct conversation of mine goes to.

        Raises:
            Unsendable: It is no direct conversation, or one of two others: wire v1 can name neither.
        """
        kind, *names = conversation.split(":")
        if kind != "direct" or len(names) != 2 or self._user not in names:
            text = f"wire v1 sends to a user, and {conversation!r} is no conversation of {self._user} and one other"
            raise frames.Unsendable("no-direct-conversation", text)
        one, other = names
        return (other if one == self._user else one).encode()

    def _fail(self, operation: int, code: str, text: str) -> None:
        """An operation that never leaves the client, told in the caller's thread."""
        if self._mute:
            code, text = "not-connected", "the session is over"
        self._observer.completed(operation, Outcome(Completion.FAIL, code, text))

    # -- writing ---------------------------------------------------------------------------------------------

    def _request(self, request: _Request) -> None:
        if threading.current_thread() is self._thread:
            self._queue(request)
        else:
            self._write(request)

    def _write(self, request: _Request) -> None:
        stream = self._stream
        with stream.writing:
            mute = self._mute
            if not mute:
                self._write_now(request)
        if mute:
            for operation in request.operations:
                self._fail(operation, "not-connected", "the session is over")
            return
        if self._queued:
            self._write_queued()
        if self._written:
            stream.ring()

    def _write_now(self, request: _Request) -> None:
        """Writes while the lock is held; a write that fails ends the session, and the reader completes what is open."""
        self._inbound.pending.update(request.operations)
        if request.user:
            self._inbound.asked(request.user, request.operations[0])
        whole = False
        try:
            self._stream.write(request.data, whole=request.whole)
            whole = True
        except Broken:
            pass
        finally:
            if not whole:
                if not self._stream.handed:
                    self._unsent.update(request.operations)
                self._stream.abort(reset=False)
        if whole and request.written is not None:
            for operation in request.operations:
                self._inbound.pending.discard(operation)
                self._written.append((operation, request.written))

    def _queue(self, request: _Request) -> None:
        """Queues what the reader thread has to write."""
        if self._mute:
            for operation in request.operations:
                self._fail(operation, "not-connected", "the session is over")
            return
        self._queued.append(request)
        self._write_queued()

    def _write_queued(self) -> bool:
        """Writes the queue unless somebody else holds the lock, who then does it; True if there was no room."""
        writing = self._stream.writing
        while self._queued and writing.acquire(blocking=False):
            try:
                while self._queued and not self._mute:
                    if not self._stream.writable:
                        return True
                    self._write_now(self._queued[0])
                    self._queued.popleft()
                if self._mute:
                    return False
            finally:
                writing.release()
        return False

    # -- the reader thread -----------------------------------------------------------------------------------

    def _run(self) -> None:
        end, reason = End.LOST, "the reader stopped"
        try:
            for item in self._link.received(self._identified):
                self._reported = True
                if isinstance(item, Ping):
                    self._queue(_Request([], self._link.pong(item)))
                else:
                    self._inbound.take(item)
                if self._written:
                    self._report_written()
        except Broken as broken:
            end, reason = self._why(str(broken))
        except frames.Refused as refused:
            end, reason = End.REFUSED, str(refused)
        except frames.Malformed as malformed:
            end, reason = End.LOST, f"malformed frame from the server: {malformed}"
        except Exception as error:
            reason = f"the observer failed: {error!r}"
            raise
        finally:
            self._finish(end, reason)

    def _before_blocking(self) -> bool:
        """Reports what was written, then that everything was reported; True to be woken also when there is room to
        write."""
        while True:
            room = self._write_queued() if self._queued else False
            if self._written:
                self._report_written()
            elif self._reported:
                self._reported = False
                self._observer.idle()
            else:
                return room

    def _report_written(self) -> None:
        self._reported = True
        while self._written:
            self._observer.completed(*self._written.popleft())

    def _why(self, reason: str) -> tuple[End, str]:
        """How a session ended whose stream ended; wire v1 gives no reasons, so the last error is told along."""
        if self._intent is End.CUT:
            return End.CUT, "cut by the client"
        if self._intent is End.CLOSED:
            return End.CLOSED, "closed by the client"
        said = self._inbound.last_error
        return End.LOST, f"{reason}; its last error was {said!r}" if said else reason

    def _finish(self, end: End, reason: str) -> None:
        """Completes what is open and tells the observer that the session is over."""
        stream = self._stream
        stream.abort(reset=stream.cutting and self._intent is not None)
        with stream.writing:
            self._over = True
            stream.close()
        unsent = self._unsent.union(*(request.operations for request in self._queued))
        code = "connection-cut" if end is End.CUT else "connection-lost"
        try:
            self._report_written()
            for operation in sorted(self._inbound.pending | unsent):
                if operation in unsent:
                    outcome = Outcome(Completion.FAIL, "not-sent", "no byte of it left the client")
                else:
                    outcome = Outcome(Completion.INFO, code, reason)
                self._observer.completed(operation, outcome)
            self._inbound.pending.clear()
            self._observer.ended(end, reason)
        finally:
            self._told.set()


def _unidentified() -> Outcome:
    return Outcome(Completion.INFO, "unidentified", "it was written whole on a session that never logged in")


def _accepted() -> Outcome:
    return Outcome(Completion.INFO, ACCEPTED, "it was written whole; wire v1 answers a send with nothing")
