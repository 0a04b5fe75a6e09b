"""One session over XMPP: a reader thread, writers of any thread, and the counts between them."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Final

from waybill.drivers import xmpp_stanzas as stanzas
from waybill.drivers.base import Delivery, Observer, Outcome, Session, Welcome
from waybill.drivers.byte_stream import Broken
from waybill.drivers.xmpp_counting import Stanza
from waybill.drivers.xmpp_inbound import BARRIER, QUERY, SEND, Inbound
from waybill.drivers.xmpp_rooms import Change
from waybill.drivers.xmpp_stream import XmppStream
from waybill.history.events import Completion, End

_RECORD: Final = 16384
"""Stanzas are written in pieces of at most one TLS record: one that did not leave whole did not arrive at all."""
_GOODBYE: Final = b"</stream:stream>"
_PING: Final = "<ping xmlns='urn:xmpp:ping'/>"


class XmppSession(Session):
    """A connection that can be used; one that never logged in can only try.

    The reader thread never waits to write: what it has to say is queued, and written before it waits for more, or by
    whoever holds the stream just then.
    """

    def __init__(self, stream: XmppStream, observer: Observer, welcome: Welcome) -> None:
        self.welcome = welcome
        self._stream = stream
        self._bytes = stream.bytes
        self._names = stream.names
        self._managed = stream.managed
        self._observer = observer
        self._inbound = Inbound(observer, stream.names, managed=stream.managed, reply=self._reply)
        self._queued: deque[Stanza] = deque()
        self._unsent: set[int] = set()
        self._intent: End | None = None
        self._over = self._reported = False
        self._told = threading.Event()
        self._thread = threading.Thread(target=self._run, name="xmpp session", daemon=True)

    def start(self, greeted: int) -> None:
        """Starts to read; so many stanzas were sent already."""
        self._inbound.outgoing.count = greeted
        self._inbound.incoming.told = self._stream.told
        if any(element.tag == stanzas.ACK for element in self._stream.early):
            # The login asked, and its answer must not be taken for that to a later question.
            self._inbound.outgoing.ask(0)
        self._bytes.established()
        self._bytes.blocking = self._before_blocking
        self._thread.start()

    # -- operations ------------------------------------------------------------------------------------------

    def send(self, operation: int, conversation: str, key: str, body: bytes) -> None:
        """Sends one message."""
        self.send_many([(operation, conversation, key, body)])

    def send_many(self, sends: Sequence[tuple[int, str, str, bytes]]) -> None:
        """Sends several messages, a TLS record full of them in one write."""
        prepared = [one for one in (self._message(*send) for send in sends) if one is not None]
        piece: list[Stanza] = []
        size = 0
        for stanza in prepared:
            if piece and size + len(stanza.data) > _RECORD:
                self._submit(piece)
                piece, size = [], 0
            piece.append(stanza)
            size += len(stanza.data)
        if piece:
            self._submit(piece)

    def acknowledge(self, operation: int, delivery: Delivery) -> None:
        """Counts a delivery as handled; OK once the server has answered a question that was written after that."""
        handle = delivery.receipt_handle
        if self._over or self._intent is not None:
            self._not_connected(operation)
        elif not self._managed or not isinstance(handle, tuple) or handle[0] is not self._inbound:
            outcome = Outcome(
                Completion.FAIL, "not-acknowledgeable", "not given with stream management in this session"
            )
            self._observer.completed(operation, outcome)
        else:
            self._inbound.incoming.acknowledge(operation, handle[1])
            if threading.current_thread() is not self._thread:
                self._submit([])

    def sync(self, operation: int, after: int, limit: int) -> None:
        """Reads one page of the archive."""
        self._ask(operation, after, stanzas.page_query(f"{QUERY}{operation}", after, limit))

    def presence(self, operation: int, user: str) -> None:
        """Asks for a user's last activity, which is 0 seconds ago while a device is online."""
        payload = f"<query xmlns='{stanzas.LAST}'/>"
        self._ask(operation, user, stanzas.iq("get", f"{QUERY}{operation}", payload, self._names.jid(user)))

    def watch(self, operation: int, users: Sequence[str]) -> None:
        """Subscribes to the presence of these users; their clients say yes when they are online."""
        self._inbound.watched = frozenset(users)
        wishes = [Stanza(stanzas.presence(self._names.jid(user), "subscribe")) for user in users]
        self._ask(
            operation,
            "",
            stanzas.iq("get", f"{QUERY}{operation}", "<query xmlns='jabber:iq:roster'/>"),
            wishes,
        )

    def typing(self, conversation: str, active: bool) -> None:
        """Says that the user types."""
        to, _ = self._names.recipient(conversation, nobody=self._stream.nobody)
        if to:
            kind = "groupchat" if to == conversation else "chat"
            self._submit([Stanza(stanzas.chat_state(to, active, kind))])

    def create_group(self, operation: int, name: str, members: Sequence[str]) -> None:
        """Makes a room of which these users are members and subscribers."""
        self._change(self._inbound.rooms.creation(operation, name, members))

    def add_member(self, operation: int, conversation: str, user: str) -> None:
        """Makes a user a member and a subscriber of a room."""
        self._change(self._inbound.rooms.addition(operation, conversation, user))

    def remove_member(self, operation: int, conversation: str, user: str) -> None:
        """Makes a user neither of the two."""
        self._change(self._inbound.rooms.removal(operation, conversation, user))

    def leave_group(self, operation: int, conversation: str) -> None:
        """Ends the subscription to a room."""
        self._change(self._inbound.rooms.leaving(operation, conversation))

    def close(self, deadline: float = 5.0) -> None:
        """Closes the stream and waits for the server's end of it."""
        if not self._told.is_set():
            self._intent = self._intent or End.CLOSED
            done = False
            try:
                if self._bytes.writing.acquire(timeout=deadline):
                    try:
                        with contextlib.suppress(Broken):
                            self._bytes.write(_GOODBYE, deadline)
                    finally:
                        self._bytes.writing.release()
                done = self._wait_told(deadline)
            finally:
                if not done:
                    self._bytes.abort(reset=True)
            self._wait_told(deadline)

    def cut(self) -> None:
        """Resets the connection."""
        if not self._told.is_set():
            self._intent = self._intent or End.CUT
            self._bytes.abort(reset=True)
            self._wait_told(None)

    def _wait_told(self, deadline: float | None) -> bool:
        return threading.current_thread() is self._thread or self._told.wait(deadline)

    # -- writing ---------------------------------------------------------------------------------------------

    def _message(self, operation: int, conversation: str, key: str, body: bytes) -> Stanza | None:
        to, forged = self._names.recipient(conversation, nobody=self._stream.nobody)
        text, name = stanzas.text_of(body), stanzas.text_of(key.encode())
        if not to or text is None or name is None:
            code = "no-direct-conversation" if not to else "body-not-text" if text is None else "key-not-text"
            if self._over:
                self._not_connected(operation)
            else:
                self._observer.completed(operation, Outcome(Completion.FAIL, code, "it was not sent"))
            return None
        number = f"{SEND}{operation}"
        if to == conversation:
            data = stanzas.message(to, number, key, text, kind="groupchat")
            return Stanza(
                data, operation, begin=partial(self._inbound.rooms.sent, to, number, key, operation)
            )
        return Stanza(stanzas.message(to, number, key, text, forged), operation, number, bool(forged))

    def _ask(self, operation: int, about: str | int, data: bytes, before: Sequence[Stanza] = ()) -> None:
        self._inbound.queries[operation] = about
        self._submit([*before, Stanza(data, operation)])

    def _change(self, change: Change) -> None:
        first, *others = change.steps
        begin = partial(self._inbound.rooms.begin, change)
        self._submit([Stanza(first, change.operation, begin=begin), *(Stanza(step) for step in others)])

    def _reply(self, data: bytes) -> None:
        self._queued.append(Stanza(data))

    def _submit(self, written: Sequence[Stanza]) -> None:
        """Writes stanzas, and whatever else is due; in the reader thread later, when it would wait for more."""
        if threading.current_thread() is self._thread:
            self._queued.extend(written)
            return
        with self._bytes.writing:
            over = self._over or self._intent is not None
            if not over:
                self._write(written)
        if over:
            for stanza in written:
                if stanza.operation >= 0:
                    self._inbound.queries.pop(stanza.operation, None)
                    self._not_connected(stanza.operation)
        else:
            self._write_what_is_due()

    def _not_connected(self, operation: int) -> None:
        self._observer.completed(operation, Outcome(Completion.FAIL, "not-connected", "the session is over"))

    def _write(self, written: Sequence[Stanza]) -> None:
        """Writes while the lock is held, and with it what the counts ask for. A write that fails ends the session, and
        the reader completes what is open."""
        incoming = self._inbound.incoming
        for stanza in written:
            if stanza.begin is not None:
                stanza.begin()
            self._inbound.outgoing.add(stanza.operation, stanza.number, forged=stanza.forged)
        handled = incoming.told
        counts = b""
        if self._managed and (self._inbound.asked or incoming.news):
            self._inbound.asked = False
            handled = incoming.handled
            counts = stanzas.answer(handled)
        counts += self._question(handled)
        if not written and not counts:
            return
        whole = False
        try:
            self._bytes.write(b"".join((*(stanza.data for stanza in written), counts)))
            whole = True
        except Broken:
            pass
        finally:
            if whole or self._bytes.handed:
                incoming.told = handled
            else:
                self._unsent.update(stanza.operation for stanza in written)
            if not whole:
                self._bytes.abort(reset=False)

    def _question(self, handled: int) -> bytes:
        """Asks the server what it took over, if something waits for that and no answer is under way."""
        outgoing, incoming = self._inbound.outgoing, self._inbound.incoming
        if outgoing.asked or not (outgoing.open or incoming.unconfirmed_to(handled)):
            return b""
        if not self._managed:
            outgoing.add(-1, "", forged=False)
        outgoing.ask(handled)
        return stanzas.request() if self._managed else stanzas.iq("get", BARRIER, _PING)

    def _write_what_is_due(self) -> bool:
        """Writes the queue and what the counts ask for, unless somebody else holds the lock, who then does it; True if
        there was no room. What could not be written stays due, and nobody tries it again."""
        while self._due and self._bytes.writing.acquire(blocking=False):
            try:
                if self._over or self._intent is not None or self._bytes.broken:
                    return False
                if not self._bytes.writable:
                    return True
                queued = [self._queued.popleft() for _ in range(len(self._queued))]
                self._write(queued)
            finally:
                self._bytes.writing.release()
        return False

    @property
    def _due(self) -> bool:
        inbound = self._inbound
        if self._queued or (self._managed and (inbound.asked or inbound.incoming.news)):
            return True
        return not inbound.outgoing.asked and bool(
            inbound.outgoing.open or inbound.incoming.unconfirmed_to(inbound.incoming.told)
        )

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
        take = self._inbound.take
        early = deque(self._stream.early)
        self._stream.early.clear()
        while True:
            element = early.popleft() if early else self._stream.reader.read()
            self._reported = True
            if element is None:
                return self._why("the server closed the stream")
            wrong = take(element)
            if wrong:
                return End.LOST, wrong

    def _before_blocking(self) -> bool:
        """Tells the observer that everything was reported, then writes what is due; True to be woken also when there is
        room to write."""
        if self._reported:
            self._reported = False
            self._observer.idle()
        return self._write_what_is_due()

    def _why(self, reason: str) -> tuple[End, str]:
        """How a session ended whose stream ended: as the client wanted it, else as the server said, else it was
        lost."""
        if self._intent is End.CUT:
            return End.CUT, "cut by the client"
        if self._inbound.closing is not None:
            word, text = self._inbound.closing
            said = f"{word}: {text}" if text else word
            return (End.REPLACED if word == "conflict" else End.REFUSED), said
        if self._intent is End.CLOSED:
            return End.CLOSED, "closed by the client"
        return End.LOST, reason

    def _finish(self, end: End, reason: str) -> None:
        """Completes what is open and tells the observer that the session is over."""
        stream, inbound = self._bytes, self._inbound
        stream.abort(reset=stream.cutting and self._intent is not None)
        with stream.writing:
            self._over = True
            stream.close()
        self._unsent |= {stanza.operation for stanza in self._queued}
        lost = Outcome(Completion.INFO, "connection-cut" if end is End.CUT else "connection-lost", reason)
        unsent = Outcome(Completion.FAIL, "not-sent", "no byte of it left the client")
        word, text = inbound.closing or ("", "")
        completed = self._observer.completed
        try:
            for send in (*inbound.outgoing.waiting, *inbound.rooms.sends):
                outcome = unsent if send.operation in self._unsent else lost
                if outcome is lost and (
                    (word == "not-authorized" and not self._stream.address)
                    or (word == "invalid-from" and send.forged)
                ):
                    outcome = Outcome(Completion.FAIL, word, text)
                    # An error ends the stream, so it is about the first message that deserves it.
                    word = word if word == "not-authorized" else ""
                completed(send.operation, outcome)
            for number, operation in inbound.incoming.unconfirmed:
                told = number <= inbound.incoming.told
                completed(operation, Outcome(Completion.INFO, "unconfirmed", reason) if told else unsent)
            for operation in (*inbound.queries, *inbound.rooms.changes):
                completed(operation, unsent if operation in self._unsent else lost)
            for stanza in self._queued:
                if stanza.number or stanza.begin is not None:
                    completed(stanza.operation, unsent)
            inbound.queries.clear()
            self._observer.ended(end, reason)
        finally:
            self._told.set()
