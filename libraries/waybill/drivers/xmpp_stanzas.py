"""What goes over an XMPP stream: writing stanzas as text, and finding what matters in those that were read.

Escaping, addresses and the names of errors are slixmpp's. Elements are those of xml.etree, which slixmpp wraps
too; a message of a bulk is written and read without the wrapping, which would cost ten times as much.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from xml.etree.ElementTree import Element

from slixmpp.jid import JID, InvalidJID
from slixmpp.xmlstream.tostring import escape

from waybill.drivers.base import Delivery, Presence
from waybill.history.events import Mode

CLIENT: Final = "jabber:client"
STREAMS: Final = "http://etherx.jabber.org/streams"
TLS: Final = "urn:ietf:params:xml:ns:xmpp-tls"
SASL: Final = "urn:ietf:params:xml:ns:xmpp-sasl"
BIND: Final = "urn:ietf:params:xml:ns:xmpp-bind"
SM: Final = "urn:xmpp:sm:3"
CARBONS: Final = "urn:xmpp:carbons:2"
ARCHIVE: Final = "urn:xmpp:mam:2"
LAST: Final = "jabber:iq:last"
STATES: Final = "http://jabber.org/protocol/chatstates"
READY: Final = "ready"

MESSAGE: Final = f"{{{CLIENT}}}message"
IQ: Final = f"{{{CLIENT}}}iq"
PRESENCE: Final = f"{{{CLIENT}}}presence"
ACK: Final = f"{{{SM}}}a"
REQUEST: Final = f"{{{SM}}}r"
STREAM_ERROR: Final = f"{{{STREAMS}}}error"

_FORWARDED: Final = "{urn:xmpp:forward:0}forwarded"
DELAY: Final = "{urn:xmpp:delay}delay"
_SETS: Final = "http://jabber.org/protocol/rsm"
_CONDITIONS: Final = (
    "{urn:ietf:params:xml:ns:xmpp-stanzas}",
    "{urn:ietf:params:xml:ns:xmpp-streams}",
    f"{{{SASL}}}",
)
_UNWRITABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""What XML 1.0 has no way to write."""


@dataclass(frozen=True, slots=True)
class Names:
    """Who speaks, and how accounts and conversations are called.

    Attributes:
        user: The account that logs in.
        domain: The domain of the server's accounts.
    """

    user: str
    domain: str

    def jid(self, user: str) -> str:
        """The bare address of an account."""
        return user if "@" in user else f"{user}@{self.domain}"

    def of(self, address: str) -> str:
        """The account behind an address: its local part, or all of the bare address where the domain is another."""
        try:
            jid = JID(address)
        except InvalidJID:
            return address
        return jid.user if jid.user and jid.domain == self.domain else jid.bare

    @property
    def rooms(self) -> str:
        """The address of the service for rooms: `conference.` before the domain, as servers have it."""
        return f"conference.{self.domain}"

    def in_room(self, address: str) -> tuple[str, str]:
        """The room of a guest's address, and the account: guests go by the address of their account."""
        room, _, nickname = address.partition("/")
        return room, self.of(nickname)

    def recipient(self, conversation: str, *, nobody: bool) -> tuple[str, str]:
        """Where a message in a conversation goes ("" if it is none), and the address of the sender if that is
        somebody else: in a conversation of two others it goes as one of them would send it, for the server to refuse.
        The name of a group is its room's address.

        Args:
            conversation: Its name.
            nobody: The session has no account of its own, so it sends as whoever it is, to either of the two.
        """
        if is_room(conversation):
            return conversation, ""
        kind, *members = conversation.split("/")
        if kind != "direct" or len(members) != 2 or not all(members):
            return "", ""
        one, other = members
        if self.user == one:
            return self.jid(other), ""
        if self.user == other or nobody:
            return self.jid(one), ""
        return self.jid(other), self.jid(one)


def conversation_of(one: str, other: str) -> str:
    """The name of the direct conversation of two accounts."""
    return "direct/" + "/".join(sorted((one, other)))


def is_room(conversation: str) -> bool:
    """Whether a conversation is a group."""
    return "@" in conversation and "/" not in conversation


# -- writing -------------------------------------------------------------------------------------------------


def header(domain: str) -> bytes:
    """The opening of a stream."""
    return (
        f"<?xml version='1.0'?><stream:stream to='{escape(domain)}' version='1.0' xml:lang='en' "
        f"xmlns='{CLIENT}' xmlns:stream='{STREAMS}'>"
    ).encode()


def text_of(body: bytes) -> str | None:
    """A body as text that XML can carry; None if it cannot."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    return None if _UNWRITABLE.search(text) else text


def written(text: str) -> str:
    """Text between tags. A carriage return must be written as a reference: readers make a newline of a bare one."""
    return escape(text).replace("\r", "&#13;")


def message(to: str, number: str, key: str, text: str, forged: str = "", kind: str = "chat") -> bytes:
    """A message of type chat, or to a room; `forged` is a sender's address that is not one's own."""
    sender = f" from='{escape(forged)}'" if forged else ""
    return (
        f"<message type='{kind}' to='{escape(to)}' id='{number}'{sender}><body>{written(text)}</body>"
        f"<origin-id xmlns='urn:xmpp:sid:0' id='{escape(key)}'/></message>"
    ).encode()


def iq(kind: str, number: str, payload: str, to: str = "") -> bytes:
    """A question."""
    address = f" to='{escape(to)}'" if to else ""
    return f"<iq type='{kind}' id='{escape(number)}'{address}>{payload}</iq>".encode()


def greetings() -> list[bytes]:
    """What a device says first: that it wants copies of what its user's other devices send and are given, that it is
    there, and a question whose answer shows that the server has heard both."""
    return [
        iq("set", "carbons", f"<enable xmlns='{CARBONS}'/>"),
        b"<presence/>",
        iq("get", READY, "<ping xmlns='urn:xmpp:ping'/>"),
    ]


def request() -> bytes:
    """Asks how many stanzas the server took over."""
    return f"<r xmlns='{SM}'/>".encode()


def answer(handled: int) -> bytes:
    """Says how many stanzas were handled."""
    return f"<a xmlns='{SM}' h='{handled}'/>".encode()


def presence(to: str, kind: str) -> bytes:
    """A wish to see somebody's presence (`subscribe`), or the consent to be seen (`subscribed`)."""
    return f"<presence to='{escape(to)}' type='{kind}'/>".encode()


def page_query(number: str, after: int, limit: int) -> bytes:
    """Asks for one page of the own archive."""
    place = f"<after>{after}</after>" if after > 0 else ""
    return iq(
        "set",
        number,
        f"<query xmlns='{ARCHIVE}' queryid='{number}'><set xmlns='{_SETS}'><max>{limit}</max>{place}</set></query>",
    )


def chat_state(to: str, active: bool, kind: str = "chat") -> bytes:
    """Says that one types, or no longer; nobody is to store that."""
    state = "composing" if active else "paused"
    return (
        f"<message type='{kind}' to='{escape(to)}'><{state} xmlns='{STATES}'/>"
        "<no-store xmlns='urn:xmpp:hints'/></message>"
    ).encode()


# -- reading -------------------------------------------------------------------------------------------------


def local(tag: str) -> str:
    """A name without its namespace."""
    return tag.rpartition("}")[2]


def condition_of(element: Element, otherwise: str = "undefined-condition") -> tuple[str, str]:
    """The condition that an error names, as a word, and its explanation."""
    word, text = otherwise, ""
    for child in element:
        if child.tag.startswith(_CONDITIONS):
            if local(child.tag) == "text":
                text = child.text or ""
            else:
                word = local(child.tag)
    return word, text


def error_of(stanza: Element) -> tuple[str, str]:
    """The condition and the explanation of a stanza of type error."""
    error = stanza.find(f"{{{CLIENT}}}error")
    return ("undefined-condition", "") if error is None else condition_of(error)


def page_end(stanza: Element) -> tuple[str, bool] | None:
    """The last id of a page ("" if it is empty) and whether the archive ends there; None for another answer."""
    end = stanza.find(f"{{{ARCHIVE}}}fin")
    if end is None:
        return None
    last = end.find(f"{{{_SETS}}}set/{{{_SETS}}}last")
    return ("" if last is None else last.text or ""), end.get("complete") in ("true", "1")


def page_entry(stanza: Element) -> tuple[str, str, Element, Element | None] | None:
    """An archived message: the query that asked for it, its archive id, the message, and its delay."""
    result = stanza.find(f"{{{ARCHIVE}}}result")
    if result is None:
        return None
    forwarded = result.find(_FORWARDED)
    inner = None if forwarded is None else forwarded.find(MESSAGE)
    if forwarded is None or inner is None:
        return None
    return result.get("queryid", ""), result.get("id", ""), inner, forwarded.find(DELAY)


def presence_of(user: str, last: Element) -> Presence:
    """The answer to a question about a user's last activity: 0 seconds ago while a device of the user is online."""
    seconds = int(last.get("seconds", "0"))
    return Presence(user, seconds == 0, -1 if seconds == 0 else round((time.time() - seconds) * 1000))


def carbon_of(stanza: Element) -> tuple[Element, Element | None] | None:
    """What a carbon copy carries, and its delay; None for any other message."""
    for kind in ("received", "sent"):
        forwarded = stanza.find(f"{{{CARBONS}}}{kind}/{_FORWARDED}")
        inner = None if forwarded is None else forwarded.find(MESSAGE)
        if forwarded is not None and inner is not None:
            return inner, forwarded.find(DELAY)
    return None


def chat_state_of(stanza: Element) -> bool | None:
    """Whether the sender types; None if the message says nothing of it."""
    for child in stanza:
        if child.tag.startswith(f"{{{STATES}}}"):
            return local(child.tag) == "composing"
    return None


def archive_id(stanza: Element, names: Names) -> str:
    """The id under which the server keeps a message in one's own archive; "" if it names none."""
    return shared_id(stanza, f"{names.user}@{names.domain}")


def shared_id(stanza: Element, by: str) -> str:
    """The id that somebody, such as a room, gave to a message; "" for none."""
    for child in stanza.iterfind("{urn:xmpp:sid:0}stanza-id"):
        if child.get("by") == by:
            return child.get("id", "")
    return ""


def key_of(stanza: Element) -> str:
    """The key of a message: its origin-id, else its id."""
    origin = stanza.find("{urn:xmpp:sid:0}origin-id")
    return stanza.get("id", "") if origin is None else origin.get("id", "")


def place_of(archived: str) -> int:
    """An archive id as a place in the log; -1 if it is no number."""
    return int(archived) if archived.isascii() and archived.isdigit() else -1


def delivery_of(
    stanza: Element, names: Names, *, archived: str, delay: Element | None, read: int, handle: object
) -> Delivery | None:
    """A message with a body as a delivery; None for every other message."""
    body = stanza.find(f"{{{CLIENT}}}body")
    if body is None:
        return None
    own = f"{names.user}@{names.domain}"
    if stanza.get("type") == "groupchat":
        conversation, sender = names.in_room(stanza.get("from", ""))
    else:
        sender = names.of(stanza.get("from", own))
        conversation = conversation_of(sender, names.of(stanza.get("to", own)))
    delay = stanza.find(DELAY) if delay is None else delay
    mode = Mode.PAGE if read >= 0 else (Mode.LIVE if delay is None else Mode.BACKLOG)
    return Delivery(
        conversation=conversation,
        body=(body.text or "").encode(),
        sender=sender,
        key=key_of(stanza),
        id=shared_id(stanza, conversation),
        cursor=place_of(archived),
        mode=mode,
        read=read,
        time_ms=-1 if delay is None else _milliseconds(delay.get("stamp", "")),
        receipt_handle=handle,
    )


def _milliseconds(stamp: str) -> int:
    try:
        return round(datetime.fromisoformat(stamp).timestamp() * 1000)
    except ValueError:
        return -1
