"""What goes over an XMPP stream as a table: stanzas and the other elements below the stream's root."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import ClassVar, Final
from xml.sax.saxutils import escape

from waybill.drivers import xmpp_stanzas as stanzas
from waybill.drivers.base import Login, LoginRefused
from waybill.drivers.frame_table import (
    Broken,
    Cast,
    Example,
    Expected,
    Field,
    Framed,
    FrameTable,
    Heard,
    Kind,
    RawConnection,
    Saying,
    Side,
)
from waybill.drivers.xmpp_stream import XmppStream

_REJECTED, _TAKEN, _EITHER = Expected.REJECTED, Expected.TAKEN, Expected.EITHER
_SENTINEL: Final = "sentinel"
_QUOTES: Final = {"'": "&apos;", '"': "&quot;"}
_ERRORS: Final = frozenset({"internal-server-error"})


class XmppTable(FrameTable):
    """The elements of XMPP's core, of stream management and of the archive."""

    protocol = "XMPP"
    messages: ClassVar[bool] = False
    bounded: ClassVar[bool] = True
    faults: ClassVar[frozenset[str]] = _ERRORS

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self.examples = (*_said_by_client(cast), *_said_by_server())

    @property
    def largest(self) -> int:
        """The largest stanza that the target promises to take; 0 where it promises nothing."""
        return self.cast.limits.get("frame", 0)

    def wrap(self, packet: bytes) -> bytes:
        """The element itself."""
        return packet

    def written(self, example: Example, one: Field, value: bytes) -> bytes:
        """Text with XML's own characters escaped; everything else stands as it is."""
        text = value.decode("utf-8", "surrogateescape")
        return escape(text, _QUOTES).encode("utf-8", "surrogateescape")

    def renumbered(self, example: Example, number: int) -> Example:
        """Another id, which the answer has, too."""
        if example.reference is None:
            return example
        place = example.field("id")
        spelled = b"%08d" % number
        packet = example.packet[: place.start] + spelled + example.packet[place.end :]
        return dataclasses.replace(example, packet=packet, reference=number)

    def wrong(self, example: Example, one: Field) -> Iterator[tuple[str, bytes, Expected]]:
        """What breaks the XML, and numbers that are none."""
        for name, value in {
            "a tag": b"<x/>",
            "an ampersand": b"&",
            "an unknown entity": b"&waybill;",
            "a character that XML has not": b"&#0;",
            "a surrogate": b"&#xD800;",
            "a quote and an attribute": b"' x='1",
            "end of CDATA": b"]]>",
        }.items():
            quoted = example.packet[one.start - 1 : one.start] == b"'"
            broken = name not in ("a tag", "a quote and an attribute", "end of CDATA") or (
                quoted and name == "a tag"
            )
            yield name, value, _REJECTED if broken else _EITHER
        for value in (b"", b"NaN", b"-1", b"1e308", b"9223372036854775808", b"9" * 400):
            yield f"the text '{value[:20].decode()}'", value, _EITHER

    def without(self, example: Example, one: Field) -> bytes | None:
        """The element with nothing in the field's place."""
        return example.packet[: one.start] + example.packet[one.end :]

    def nested(self, example: Example, depth: int) -> tuple[bytes, Expected] | None:
        """Elements in elements below a message."""
        if example.name != "message":
            return None
        inside = b"<x>" * depth + b"</x>" * depth
        packet = example.packet.replace(b"</message>", inside + b"</message>")
        return packet, _REJECTED if self.largest and len(packet) > self.largest else _EITHER

    def crowded(self, example: Example, count: int) -> tuple[bytes, Expected] | None:
        """So many attributes."""
        if example.name not in ("message", "presence"):
            return None
        attributes = b"".join(b" a%d='1'" % number for number in range(count))
        start = b"<" + example.name.encode()
        packet = example.packet.replace(start, start + attributes, 1)
        return packet, _REJECTED if self.largest and len(packet) > self.largest else _EITHER

    def padded(self, example: Example, size: int) -> bytes | None:
        """A message with a body that fills it."""
        if example.name != "message":
            return None
        return example.packet.replace(b"<body>", b"<body>" + b"x" * max(0, size - len(example.packet)), 1)

    def framing(self) -> Sequence[Framed]:
        """XML that is none, or that XMPP does not allow (RFC 6120, 11)."""
        return list(_framed(self.example("message").packet))

    def expects(self, example: Example, one: Field, text: str) -> Expected:
        """Every text that XML can carry is legal, but for addresses."""
        if stanzas.text_of(text.encode()) is None:
            return _REJECTED
        if example.name == "auth":
            return _REJECTED
        return _TAKEN if one.kind in (Kind.BODY, Kind.KEY) and example.name == "message" else _EITHER

    def of_bytes(self, example: Example, one: Field) -> Expected:
        """What is no UTF-8 is no XML."""
        return _REJECTED

    def open(self, login: Login) -> RawConnection:
        """Connects and opens the stream."""
        return _RawXmpp(login)


class _RawXmpp(RawConnection):
    """A stream on which anything can be said."""

    def __init__(self, login: Login) -> None:
        self._xmpp = XmppStream(login)
        self.stream = self._xmpp.bytes

    def log_in(self) -> None:
        """Authenticates and binds the device's resource."""
        try:
            self._xmpp.authenticate(identify=True)
            self._xmpp.bind()
        except LoginRefused as refused:
            raise Broken(str(refused), code=refused.outcome.code) from None

    def sentinel(self) -> bytes:
        """A ping of the server."""
        return f"<iq type='get' id='{_SENTINEL}'><ping xmlns='urn:xmpp:ping'/></iq>".encode()

    def hear(self) -> Heard:  # noqa: PLR0911 - one for each case
        """The next element."""
        element = self._xmpp.reader.read()
        if element is None:
            return Heard(Saying.FAREWELL, "stream-closed")
        kind, number = element.get("type"), element.get("id", "")
        reference = int(number) if number.isdigit() else None
        if element.tag == stanzas.STREAM_ERROR:
            return Heard(Saying.FAREWELL, _condition(element))
        if element.tag == f"{{{stanzas.SASL}}}failure":
            return Heard(Saying.REFUSAL, _condition(element))
        if element.tag == stanzas.IQ and number == _SENTINEL:
            return Heard(Saying.SENTINEL)
        if kind == "error":
            return Heard(Saying.REFUSAL, _condition(element), reference=reference)
        if element.tag == stanzas.IQ and kind == "result":
            return Heard(Saying.ANSWER, "result", reference=reference)
        if element.tag == f"{{{stanzas.SASL}}}success":
            return Heard(Saying.ANSWER, "success")
        return Heard(Saying.OTHER, element.tag.rpartition("}")[2])


def _condition(element: object) -> str:
    """The condition of an error, whatever it stands in."""
    found = [
        one.tag.rpartition("}")[2]
        for one in element.iter()  # type: ignore[attr-defined]
        if one.tag.startswith(
            ("{urn:ietf:params:xml:ns:xmpp-stanzas}", "{urn:ietf:params:xml:ns:xmpp-streams}")
        )
        or (one.tag.startswith(f"{{{stanzas.SASL}}}") and not one.tag.endswith("failure"))
    ]
    return next((one for one in found if one != "text"), "error")


def _written(name: str, parts: Sequence[str | tuple[str, Kind, str]], **more: bool) -> Example:
    """An example from its text and its fields."""
    packet, fields = b"", []
    for part in parts:
        if isinstance(part, str):
            packet += part.encode()
            continue
        field, kind, value = part
        fields.append(Field(field, kind, len(packet), len(packet) + len(value.encode())))
        packet += value.encode()
    reference = 1 if any(one.kind is Kind.REFERENCE for one in fields) else None
    return Example(name, name, Side.CLIENT, packet, tuple(fields), reference=reference, **more)


def _said_by_client(cast: Cast) -> Iterator[Example]:
    other = ("to", Kind.NAME, cast.other)
    number = ("id", Kind.REFERENCE, "00000001")
    yield _written(
        "auth",
        [f"<auth xmlns='{stanzas.SASL}' mechanism='", ("mechanism", Kind.WORD, "PLAIN"), "'>",
         ("credential", Kind.SECRET, "AGFsaWNlAHdyb25n"), "</auth>"],
        taken=False, answered=False, ends=True,
    )  # fmt: skip
    yield _written(
        "message",
        ["<message type='chat' to='", other, "@localhost' id='", number, "'><body>", ("body", Kind.BODY, "hello"),
         "</body><origin-id xmlns='urn:xmpp:sid:0' id='", ("origin-id", Kind.KEY, "k-1"), "'/></message>"],
        answered=False,
    )  # fmt: skip
    yield _written(
        "presence",
        ["<presence to='", other, "@localhost' id='", number, "'><show>", ("show", Kind.WORD, "away"),
         "</show><status>", ("status", Kind.BODY, "gone"), "</status><priority>", ("priority", Kind.NUMBER, "1"),
         "</priority></presence>"],
        answered=False,
    )  # fmt: skip
    questions: tuple[tuple[str, str, list[str | tuple[str, Kind, str]]], ...] = (
        ("iq-ping", "get", ["<ping xmlns='", ("namespace", Kind.FLAG, "urn:xmpp:ping"), "'/>"]),
        ("iq-roster", "set", ["<query xmlns='jabber:iq:roster'><item jid='", ("contact", Kind.NAME, cast.other),
         "@localhost' name='", ("name", Kind.TITLE, "Bob"), "'/></query>"]),
        ("iq-archive", "set", ["<query xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'><max>",
         ("max", Kind.NUMBER, "10"), "</max><after>", ("after", Kind.KEY, "1"), "</after></set></query>"]),
        ("iq-last", "get", ["<query xmlns='", ("namespace", Kind.FLAG, "jabber:iq:last"), "'/>"]),
    )  # fmt: skip
    for name, kind, inside in questions:
        yield _written(
            name, [f"<iq type='{kind}' id='", number, "'>", *inside, "</iq>"], taken=name == "iq-ping"
        )
    for name, text in {
        "enable": "<enable xmlns='urn:xmpp:sm:3'/>",
        "a": "<a xmlns='urn:xmpp:sm:3' h='0'/>",
        "r": "<r xmlns='urn:xmpp:sm:3'/>",
        "resume": "<resume xmlns='urn:xmpp:sm:3' previd='x' h='0'/>",
    }.items():
        yield _written(name, [text], taken=False, answered=False)
    yield _written("stream end", ["</stream:stream>"], answered=False, ends=True)


def _said_by_server() -> Iterator[Example]:
    for name, text in {
        "features": "<stream:features/>",
        "challenge": f"<challenge xmlns='{stanzas.SASL}'>AA==</challenge>",
        "success": f"<success xmlns='{stanzas.SASL}'/>",
        "failure": f"<failure xmlns='{stanzas.SASL}'><not-authorized/></failure>",
        "proceed": f"<proceed xmlns='{stanzas.TLS}'/>",
        "enabled": "<enabled xmlns='urn:xmpp:sm:3' id='x' resume='true'/>",
        "resumed": "<resumed xmlns='urn:xmpp:sm:3' previd='x' h='0'/>",
        "stream error": "<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
        "iq result": "<iq type='result' id='r-1'/>",
        "delivery of another": "<message from='bob@localhost' to='alice@localhost'><body>forged</body></message>",
    }.items():
        # RFC 6120 lets a server ignore elements that it does not know; a sender that is somebody else it must not.
        yield Example(name, name, Side.SERVER, text.encode(), taken="forged" in text, answered=False)


def _framed(message: bytes) -> Iterator[Framed]:
    laughs = b"".join(
        b'<!ENTITY l%d "%s">' % (level, b"&l%d;" % (level - 1) * 10 if level else b"lol")
        for level in range(10)
    )
    header = b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='%s' version='1.0'>" % (
        stanzas.STREAMS.encode()
    )
    for name, wire in {
        "a billion laughs": b"<!DOCTYPE lolz [" + laughs + b"]><message><body>&l9;</body></message>",
        "a document type": b"<!DOCTYPE x>" + message,
        "an external entity": b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><message><body>&e;</body></message>',
        "an entity of a parameter": b'<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:9/"> %p;]>',
        "an entity that is not declared": message.replace(b"hello", b"&e;"),
        "a declaration in the middle": b"<?xml version='1.0'?>" + message,
        "an attribute twice": message.replace(b"<message", b"<message to='a' to='b'", 1),
        "an attribute without quotes": message.replace(b"type='chat'", b"type=chat"),
        "an attribute without a value": message.replace(b"type='chat'", b"type"),
        "a prefix that nobody declared": b"<nobody:message/>",
        "tags that do not match": message.replace(b"</body>", b"</b>"),
        "tags that cross": b"<message><a><b></a></b></message>",
        "'<' in an attribute": message.replace(b"type='chat'", b"type='<'"),
        "a name that begins with a digit": b"<1message/>",
        "NUL": message.replace(b"hello", b"\0"),
        "a control character": message.replace(b"hello", b"\x01"),
        "a reference to NUL": message.replace(b"hello", b"&#0;"),
        "a surrogate in UTF-8": message.replace(b"hello", b"\xed\xa0\x80"),
        "two bytes for a slash": message.replace(b"hello", b"\xc0\xaf"),
        "0xFF": b"\xff" * 16,
        "UTF-16": message.decode().encode("utf-16"),
        "JSON": b'{"type": "send"}<',
        "HTTP": b"GET / HTTP/1.1\r\n\r\n<",
        "TLS within TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    }.items():
        expected = Expected.EITHER if name == "a declaration in the middle" else Expected.REJECTED
        yield Framed(name, wire, expected)
    for name, wire in {
        "a comment": b"<!-- waybill -->" + message,
        "an instruction": b"<?php echo 1 ?>" + message,
        "CDATA": message.replace(b"hello", b"<![CDATA[<x>]]>"),
        "text between stanzas": b"waybill" + message,
        "an element that nobody knows": b"<waybill xmlns='urn:waybill'/>",
        "a stanza of another namespace": b"<message xmlns='jabber:server' to='a@localhost'/>",
    }.items():
        yield Framed(name, wire, Expected.EITHER)
    yield Framed("a second header of a stream", header, Expected.EITHER)
    for cut in range(1, len(message), 7):
        yield Framed(f"the end after {cut} bytes", message[:cut], ends=True)
    yield Framed("a name of 1 MB", b"<" + b"a" * 2**20, ends=True)
    yield Framed("an attribute of 1 MB without an end", b"<message to='" + b"a" * 2**20, ends=True)
    yield Framed("100,000 elements without an end", b"<x>" * 100_000, ends=True)
