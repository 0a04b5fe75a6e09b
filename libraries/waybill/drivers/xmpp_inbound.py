"""What the server says over XMPP, turned into calls of the observer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from xml.etree.ElementTree import Element

from waybill.drivers import xmpp_stanzas as stanzas
from waybill.drivers.base import Observer, Outcome, Presence, Typing
from waybill.drivers.xmpp_counting import Incoming, Outgoing
from waybill.drivers.xmpp_rooms import Rooms, notice_of
from waybill.drivers.xmpp_stanzas import Names
from waybill.history.events import Completion

SEND: Final = "m"
"""What the ids of messages begin with; their operation number follows."""
QUERY: Final = "q"
"""What the ids of questions begin with; their operation number follows."""
BARRIER: Final = "barrier"
"""The id of the question that takes the place of `<r/>`."""

_KNOWN: Final = ("{urn:xmpp:ping}ping", "{jabber:iq:roster}query")
"""Questions of the server that are answered with an empty result."""


class Inbound:
    """Reports what the server says, in its order.

    Attributes:
        outgoing: What was sent.
        incoming: What was received.
        rooms: What was done in rooms.
        queries: The operations of questions that wait for an answer; the value is what was asked about.
        watched: The accounts whose coming and going is reported.
        closing: The condition and the text of the error with which the server ends the stream.
        asked: The server wants to know how much was handled.
    """

    def __init__(
        self, observer: Observer, names: Names, *, managed: bool, reply: Callable[[bytes], None]
    ) -> None:
        self.outgoing = Outgoing(managed=managed)
        self.incoming = Incoming()
        self.rooms = Rooms(observer, names)
        self.queries: dict[int, str | int] = {}
        self.watched: frozenset[str] = frozenset()
        self.closing: tuple[str, str] | None = None
        self.asked = False
        self._managed = managed
        self._observer = observer
        self._names = names
        self._reply = reply
        self._online: dict[str, set[str]] = {}

    def take(self, element: Element) -> str:
        """Reports one element; returns what is wrong with it, if anything."""
        tag = element.tag
        if tag == stanzas.MESSAGE:
            self._on_message(element)
        elif tag == stanzas.IQ:
            self.incoming.take(hold=False)
            return self._on_iq(element)
        elif tag == stanzas.PRESENCE:
            self.incoming.take(hold=False)
            self._on_presence(element)
        elif tag == stanzas.ACK:
            return self._on_ack(element)
        elif tag == stanzas.REQUEST:
            self.asked = True
        elif tag == stanzas.STREAM_ERROR:
            self.closing = stanzas.condition_of(element)
        return ""

    # -- acknowledgements ------------------------------------------------------------------------------------

    def _on_ack(self, element: Element) -> str:
        handled = element.get("h", "")
        if not handled.isdigit() or int(handled) > self.outgoing.count:
            return f"malformed acknowledgement from the server: h='{handled}' of {self.outgoing.count} stanzas sent"
        self._answered(int(handled))
        return ""

    def _answered(self, handled: int | None) -> None:
        done, acknowledged = self.outgoing.answered(handled)
        for send in done:
            outcome = Outcome(Completion.OK) if self._managed else Outcome(Completion.INFO, "accepted")
            self._observer.completed(send.operation, outcome)
        for operation in self.incoming.confirmed(acknowledged):
            self._observer.completed(operation, Outcome(Completion.OK))

    # -- messages --------------------------------------------------------------------------------------------

    def _on_message(self, element: Element) -> None:
        if element.get("type") == "error":
            self.incoming.take(hold=False)
            self._on_refusal(element)
            return
        entry = stanzas.page_entry(element)
        if entry is not None:
            self.incoming.take(hold=False)
            self._on_page_entry(*entry)
            return
        carbon = stanzas.carbon_of(element)
        if carbon is not None and self._names.of(element.get("from", self._names.user)) != self._names.user:
            # A copy that is not of the own account is somebody's forgery (XEP-0280, section 11).
            self.incoming.take(hold=False)
            return
        outer, delay = carbon if carbon is not None else (element, None)
        inner, delay = notice_of(outer) or (outer, delay)
        if self.rooms.reflected(inner):
            self.incoming.take(hold=False)
            return
        hold = inner.find(f"{{{stanzas.CLIENT}}}body") is not None
        number = self.incoming.take(hold=hold and self._managed)
        delivery = stanzas.delivery_of(
            inner,
            self._names,
            archived=stanzas.archive_id(outer, self._names),
            delay=delay,
            read=-1,
            handle=(self, number),
        )
        if delivery is not None:
            self._observer.delivered(delivery)
            return
        active = stanzas.chat_state_of(inner)
        user = self._names.of(inner.get("from", ""))
        conversation = stanzas.conversation_of(user, self._names.user)
        if inner.get("type") == "groupchat":
            conversation, user = self._names.in_room(inner.get("from", ""))
        if active is not None and user != self._names.user:
            self._observer.typed(Typing(conversation, user, active))

    def _on_refusal(self, element: Element) -> None:
        number = element.get("id", "")
        word, text = stanzas.error_of(element)
        outcome = Outcome(Completion.FAIL, word, text)
        send = self.outgoing.refused(number) or self.rooms.refused(element)
        if send is not None:
            self._observer.completed(send.operation, outcome)
        elif number.startswith(SEND) and number[1:].isdigit():
            self._observer.unmatched(int(number[1:]), outcome)

    def _on_page_entry(self, query: str, archived: str, inner: Element, delay: Element | None) -> None:
        if not query.startswith(QUERY) or not query[1:].isdigit() or int(query[1:]) not in self.queries:
            # A page that nobody asks for just now shows nothing (XEP-0313, section 8). ejabberd sends pages of an
            # earlier session that were not acknowledged once more.
            return
        inner, _ = notice_of(inner) or (inner, None)
        delivery = stanzas.delivery_of(
            inner, self._names, archived=archived, delay=delay, read=int(query[1:]), handle=None
        )
        if delivery is not None:
            self._observer.delivered(delivery)

    # -- questions and answers -------------------------------------------------------------------------------

    def _on_iq(self, element: Element) -> str:
        kind, number = element.get("type"), element.get("id", "")
        if kind in ("get", "set"):
            self._answer(element, number)
        elif number == BARRIER:
            self._answered(None)
        elif self.rooms.answered(number, element):
            pass
        elif number.startswith(QUERY) and number[1:].isdigit():
            operation = int(number[1:])
            asked = self.queries.pop(operation, None)
            outcome = self._outcome_of(element, asked)
            if asked is None:
                self._observer.unmatched(operation, outcome)
            else:
                self._observer.completed(operation, outcome)
        return ""

    def _answer(self, element: Element, number: str) -> None:
        known = any(child.tag in _KNOWN for child in element)
        error = "" if known else (
            "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
        )  # fmt: skip
        self._reply(stanzas.iq("result" if known else "error", number, error, element.get("from", "")))

    def _outcome_of(self, element: Element, asked: str | int | None) -> Outcome:
        if element.get("type") == "error":
            return Outcome(Completion.FAIL, *stanzas.error_of(element))
        if isinstance(asked, int):
            return self._page_outcome(element, asked)
        last = element.find(f"{{{stanzas.LAST}}}query")
        if asked and last is not None:
            return Outcome(Completion.OK, values={"presence": stanzas.presence_of(asked, last)})
        return Outcome(Completion.OK)

    def _page_outcome(self, element: Element, after: int) -> Outcome:
        end = stanzas.page_end(element)
        if end is None:
            return Outcome(Completion.INFO, "malformed", "the answer has no end of a page")
        last, complete = end
        place = stanzas.place_of(last) if last else after
        if place < 0:
            return Outcome(Completion.FAIL, "archive-id-not-numeric", f"the archive id '{last}' is no number")
        return Outcome(Completion.OK, cursor=place, complete=complete)

    # -- presence --------------------------------------------------------------------------------------------

    def _on_presence(self, element: Element) -> None:
        if self.rooms.came(element):
            return
        kind, address = element.get("type", ""), element.get("from", "")
        user = self._names.of(address)
        if kind == "subscribe":
            # A client asks its user; these users say yes to everybody.
            self._reply(stanzas.presence(self._names.jid(user), "subscribed"))
        elif kind in ("", "unavailable") and user != self._names.user:
            devices = self._online.setdefault(user, set())
            if kind:
                devices.discard(address)
            else:
                devices.add(address)
            if user in self.watched:
                self._observer.presence_changed(Presence(user, bool(devices)))
