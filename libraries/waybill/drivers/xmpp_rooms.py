"""Groups over XMPP: rooms (XEP-0045) to which their members subscribe (MUC/Sub, `urn:xmpp:mucsub:0`).

A room as such sends to whoever is joined just then, by a presence of each device. A subscriber need not be: the server
sends each message to the account, as a notice in which the room's message is wrapped, keeps it for who is away, and
puts it into the subscriber's own archive. Only that makes members of who would be guests.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from xml.etree.ElementTree import Element

from slixmpp.xmlstream.tostring import escape

from waybill.drivers import xmpp_stanzas as stanzas
from waybill.drivers.base import Observer, Outcome
from waybill.drivers.xmpp_counting import Send
from waybill.drivers.xmpp_stanzas import Names
from waybill.history.events import Completion

MUC: Final = "http://jabber.org/protocol/muc"
SUBSCRIPTION: Final = "urn:xmpp:mucsub:0"
MESSAGES: Final = "urn:xmpp:mucsub:nodes:messages"
CHANGE: Final = "g"
"""What the ids of the steps of a change begin with; its operation number, a dot and the step's number follow."""

_ITEMS: Final = (
    "{http://jabber.org/protocol/pubsub#event}event/{http://jabber.org/protocol/pubsub#event}items"
)
_ITEM: Final = "{http://jabber.org/protocol/pubsub#event}item"
_STATUS: Final = f"{{{MUC}#user}}x/{{{MUC}#user}}status"
_SETTINGS: Final = {
    "muc#roomconfig_persistentroom": "1",
    "muc#roomconfig_membersonly": "1",
    "muc#roomconfig_publicroom": "0",
    "muc#roomconfig_whois": "anyone",
    "allow_subscription": "1",
}
"""A room that outlives its guests, is for members only, and hides nobody's address from them."""


# -- writing -------------------------------------------------------------------------------------------------


def entrance(address: str) -> bytes:
    """Goes into a room, which makes it if there is none."""
    return f"<presence to='{escape(address)}'><x xmlns='{MUC}'/></presence>".encode()


def settings(room: str, number: str, name: str) -> bytes:
    """Fills in the form that makes a room one for a group."""
    fields = {"FORM_TYPE": f"{MUC}#roomconfig", "muc#roomconfig_roomname": name, **_SETTINGS}
    form = "".join(
        f"<field var='{one}'><value>{stanzas.written(value)}</value></field>" for one, value in fields.items()
    )
    payload = f"<query xmlns='{MUC}#owner'><x xmlns='jabber:x:data' type='submit'>{form}</x></query>"
    return stanzas.iq("set", number, payload, room)


def affiliation(room: str, number: str, addresses: Sequence[str], kind: str) -> bytes:
    """Makes accounts members (`member`) or strangers (`none`) of a room."""
    items = "".join(f"<item affiliation='{kind}' jid='{escape(one)}'/>" for one in addresses)
    return stanzas.iq("set", number, f"<query xmlns='{MUC}#admin'>{items}</query>", room)


def subscribe(room: str, number: str, address: str) -> bytes:
    """Subscribes an account to the messages of a room. Its nickname there is its address, so that a message names its
    sender."""
    shown = escape(address)
    return stanzas.iq(
        "set",
        number,
        f"<subscribe xmlns='{SUBSCRIPTION}' jid='{shown}' nick='{shown}'><event node='{MESSAGES}'/></subscribe>",
        room,
    )


def unsubscribe(room: str, number: str, address: str = "") -> bytes:
    """Ends the subscription of an account, or the own one."""
    whose = f" jid='{escape(address)}'" if address else ""
    return stanzas.iq("set", number, f"<unsubscribe xmlns='{SUBSCRIPTION}'{whose}/>", room)


# -- reading -------------------------------------------------------------------------------------------------


def notice_of(stanza: Element) -> tuple[Element, Element | None] | None:
    """The room's message that a notice of MUC/Sub carries, and its delay; None for any other message.

    A notice that does not come from the room of its message is somebody's forgery.
    """
    items = stanza.find(_ITEMS)
    if items is None or items.get("node") != MESSAGES:
        return None
    inner = items.find(f"{_ITEM}/{stanzas.MESSAGE}")
    if inner is None or inner.get("type") != "groupchat":
        return None
    room = inner.get("from", "").partition("/")[0]
    return (inner, stanza.find(stanzas.DELAY)) if room and room == stanza.get("from") else None


# -- what is under way ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class Change:
    """A group that is being made or changed, in steps that are written one after the other.

    Attributes:
        operation: Its operation number.
        room: The room's address.
        steps: What is written.
        unanswered: The ids of the steps without an answer; that of the entrance is the address of the guest.
        done: How many steps took effect.
        refused: What the server said of the first step that did not.
    """

    operation: int
    room: str
    steps: list[bytes] = field(default_factory=list)
    unanswered: set[str] = field(default_factory=set)
    done: int = 0
    refused: tuple[str, str] | None = None

    @property
    def number(self) -> str:
        """The id of the next step, which will be answered."""
        number = f"{CHANGE}{self.operation}.{len(self.steps)}"
        self.unanswered.add(number)
        return number

    @property
    def outcome(self) -> Outcome:
        """What became of it. A change of which a part took effect is no refusal."""
        if self.refused is None:
            return Outcome(Completion.OK, conversation=self.room)
        word, text = self.refused
        if self.done:
            return Outcome(Completion.INFO, "partly", f"{word}: {text}", conversation=self.room)
        return Outcome(Completion.FAIL, word, text)


class Rooms:
    """What a session says in rooms and does with them, until the server has answered.

    A send is done when the room has sent it to its sender too (XEP-0045, section 7.4): only the room says that it took
    a message over, long after the counts of XEP-0198 covered it. That reflection is the answer and no delivery; the
    other devices of the sender are given theirs.
    """

    def __init__(self, observer: Observer, names: Names) -> None:
        self._observer = observer
        self._names = names
        self._sends: dict[tuple[str, str, str], Send] = {}
        self._reflected: dict[tuple[str, str, str], int] = {}
        self._changes: dict[int, Change] = {}

    @property
    def sends(self) -> list[Send]:
        """The messages without an outcome, in the order of their sending."""
        return list(self._sends.values())

    @property
    def changes(self) -> list[int]:
        """The operations of the changes without an outcome."""
        return list(self._changes)

    # -- changes ---------------------------------------------------------------------------------------------

    def creation(self, operation: int, name: str, members: Sequence[str]) -> Change:
        """Goes into a new room, sets it up, makes everybody a member and a subscriber, and goes out again.

        The server takes the steps in the order in which they are written (RFC 6120, section 10.1).
        """
        own, others = self._names.jid(self._names.user), [self._names.jid(one) for one in members]
        change = Change(operation, f"{uuid.uuid4()}@{self._names.rooms}")
        guest = f"{change.room}/{own}"
        change.unanswered.add(guest)
        change.steps.append(entrance(guest))
        change.steps.append(settings(change.room, change.number, name))
        if others:
            change.steps.append(affiliation(change.room, change.number, others, "member"))
        for one in (own, *others):
            change.steps.append(subscribe(change.room, change.number, one))
        change.steps.append(stanzas.presence(guest, "unavailable"))
        return change

    def addition(self, operation: int, room: str, user: str) -> Change:
        """Makes somebody a member and a subscriber."""
        change, address = Change(operation, room), self._names.jid(user)
        change.steps.append(affiliation(room, change.number, [address], "member"))
        change.steps.append(subscribe(room, change.number, address))
        return change

    def removal(self, operation: int, room: str, user: str) -> Change:
        """Makes a member a stranger, and ends the subscription, which would outlive the membership."""
        change, address = Change(operation, room), self._names.jid(user)
        change.steps.append(affiliation(room, change.number, [address], "none"))
        change.steps.append(unsubscribe(room, change.number, address))
        return change

    def leaving(self, operation: int, room: str) -> Change:
        """Ends the own subscription."""
        change = Change(operation, room)
        change.steps.append(unsubscribe(room, change.number))
        return change

    def begin(self, change: Change) -> None:
        """Notes that a change is being written."""
        self._changes[change.operation] = change

    def answered(self, number: str, element: Element) -> bool:
        """Takes the answer to a question; whether it was a step of a change."""
        operation = number[len(CHANGE) :].partition(".")[0]
        if not number.startswith(CHANGE) or not operation.isdigit():
            return False
        refused = stanzas.error_of(element) if element.get("type") == "error" else None
        change = self._changes.get(int(operation))
        if change is not None and number in change.unanswered:
            self._step(change, number, refused)
        else:
            completion = Completion.FAIL if refused else Completion.OK
            self._observer.unmatched(int(operation), Outcome(completion, *(refused or ())))
        return True

    def came(self, element: Element) -> bool:
        """Takes a presence; whether it is that of a guest of a room, and no user's."""
        address, kind = element.get("from", ""), element.get("type", "")
        for change in list(self._changes.values()):
            if address in change.unanswered and kind in ("", "error"):
                refused = stanzas.error_of(element) if kind else None
                if refused is None and "201" not in {one.get("code") for one in element.iterfind(_STATUS)}:
                    refused = "conflict", "the room was there already"
                self._step(change, address, refused)
        return address.partition("/")[0].endswith(f"@{self._names.rooms}")

    def _step(self, change: Change, number: str, refused: tuple[str, str] | None) -> None:
        change.unanswered.remove(number)
        if refused is None:
            change.done += 1
        elif change.refused is None:
            change.refused = refused
        if not change.unanswered:
            del self._changes[change.operation]
            self._observer.completed(change.operation, change.outcome)

    # -- messages --------------------------------------------------------------------------------------------

    def sent(self, room: str, number: str, key: str, operation: int) -> None:
        """Notes that a message is being written."""
        self._sends[room, number, key] = Send(operation, 0)

    def reflected(self, inner: Element) -> bool:
        """Takes a room's message; whether it is one that this session had sent."""
        if inner.get("type") != "groupchat":
            return False
        room, sender = self._names.in_room(inner.get("from", ""))
        key = stanzas.key_of(inner)
        message = (room, inner.get("id", ""), key)
        send = self._sends.pop(message, None) if sender == self._names.user else None
        outcome = Outcome(Completion.OK, id=stanzas.shared_id(inner, room), key=key)
        if send is not None:
            self._reflected[message] = send.operation
            self._observer.completed(send.operation, outcome)
        elif sender == self._names.user and message in self._reflected:
            self._observer.unmatched(self._reflected[message], outcome)
        else:
            return False
        return True

    def refused(self, element: Element) -> Send | None:
        """Takes an error; the message without an outcome that it is about."""
        room, number = element.get("from", ""), element.get("id", "")
        # Others write messages meanwhile, so the keys are copied in one go.
        about = next((one for one in list(self._sends) if one[:2] == (room, number)), None)
        return None if about is None else self._sends.pop(about)
