"""The control packets of MQTT 5 and 3.1.1 as a table: a fixed header with the length of the rest, then fields."""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from waybill.drivers.base import Login
from waybill.drivers.byte_stream import PIECE, Broken, ByteStream
from waybill.drivers.frame_table import (
    CONTROL,
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
from waybill.drivers.mqtt_framing import LARGEST, framed, packet, string, variable

_REJECTED, _TAKEN, _EITHER = Expected.REJECTED, Expected.TAKEN, Expected.EITHER

_CONNECT, _CONNACK, _PUBLISH, _PUBACK, _PUBREC, _PUBREL, _PUBCOMP = range(1, 8)
_SUBSCRIBE, _SUBACK, _UNSUBSCRIBE, _UNSUBACK, _PINGREQ, _PINGRESP, _DISCONNECT, _AUTH = range(8, 16)
_REFUSED: Final = 0x80
_SENTINEL: Final = 65_535
_IMPLEMENTATION_ERRORS: Final = frozenset({"0x83"})


class MqttTable(FrameTable):
    """The control packets of one version of MQTT.

    Args:
        cast: Who appears.
        version: The protocol level, 5 or 4.
    """

    messages = False
    bounded = True
    faults = _IMPLEMENTATION_ERRORS

    def __init__(self, cast: Cast, version: int) -> None:
        self.cast = cast
        self.protocol = "MQTT 5" if version == 5 else "MQTT 3.1.1"
        self._version = version
        self.examples = (*self._said_by_client(), *self._said_by_server())

    @property
    def largest(self) -> int:
        """The body that the target promises to take, with room for a topic; 0 where it promises nothing."""
        body = self.cast.limits.get("body")
        return body + 66_000 if body else 0

    def sealed(self, packet: bytes) -> bytes:
        """The remaining length is that of the rest."""
        size = 1
        while packet[size] & 0x80 and size < 4:
            size += 1
        rest = packet[size + 1 :]
        return packet[:1] + variable(len(rest)) + rest

    def spliced(self, example: Example, values: Mapping[str, bytes]) -> bytes:
        """As for every table; the length of the properties is right again, too."""
        if "key" in values and "properties" not in values:
            told = b"\x26" + string(b"key") + values["key"]
            values = {**values, "properties": variable(len(told)) + told[: -len(values["key"])]}
        return super().spliced(example, values)

    def wrap(self, packet: bytes) -> bytes:
        """The packet itself."""
        return packet

    def written(self, example: Example, one: Field, value: bytes) -> bytes:
        """The bytes behind their length, where the field has one."""
        return string(value[:65_535]) if one.prefix else value

    def renumbered(self, example: Example, number: int) -> Example:
        """Another packet id; the largest one is the sentinel's."""
        if example.reference is None:
            return example
        reference = number % (_SENTINEL - 1) + 1
        place = next(one for one in example.fields if one.kind is Kind.REFERENCE)
        data = example.packet[: place.start] + reference.to_bytes(2, "big") + example.packet[place.end :]
        return dataclasses.replace(example, packet=data, reference=reference)

    def wrong(self, example: Example, one: Field) -> Iterator[tuple[str, bytes, Expected]]:
        """Numbers at the ends of their range, and lengths that are not true."""
        value = example.packet[one.start : one.end]
        if one.kind is Kind.REFERENCE:
            yield "the packet id 0", b"\0\0", _REJECTED
        if one.kind in (Kind.NUMBER, Kind.REFERENCE):
            for number in sorted({0, 1, 0x7F, 0x80, 0xFF} - set(value[-1:])):
                filled = bytes((number,)) * len(value)
                if filled not in (value, b"\0\0") and filled != b"\xff\xff":
                    yield f"the bytes {filled.hex()}", filled, _EITHER
        if one.prefix:
            text = value[2:]
            for length in sorted({0, 1, len(text) - 1, len(text) + 1, 255, 65_535} - {len(text), -1}):
                rest = len(example.packet) - one.start - 2
                yield (
                    f"a length of {length}",
                    struct.pack(">H", length) + text,
                    (_REJECTED if length > rest else _EITHER),
                )

    def without(self, example: Example, one: Field) -> bytes | None:
        """The packet without the field, its length right: what follows takes the place."""
        return self.sealed(example.packet[: one.start] + example.packet[one.end :])

    def nested(self, example: Example, depth: int) -> tuple[bytes, Expected] | None:
        """A topic, or a filter, of so many levels."""
        if example.name not in ("PUBLISH", "SUBSCRIBE") or depth > 32_000:
            return None
        one = next(each for each in example.fields if each.kind is Kind.NAME)
        return self.spliced(example, {one.name: self.written(example, one, b"a/" * depth)}), (
            self._denied() if example.name == "PUBLISH" else _EITHER
        )

    def crowded(self, example: Example, count: int) -> tuple[bytes, Expected] | None:
        """So many filters, or so many user properties."""
        if example.name in ("SUBSCRIBE", "UNSUBSCRIBE"):
            option = b"\x01" if example.name == "SUBSCRIBE" else b""
            return self.sealed(example.packet + (string(b"waybill/none") + option) * count), _EITHER
        if example.name == "PUBLISH" and self._version == 5:
            told = (b"\x26" + string(b"a") * 2) * count
            number = (example.reference or 1).to_bytes(2, "big")
            return packet(0x32, string(b"waybill") + number + variable(len(told)) + told + b"x"), _EITHER
        return None

    def padded(self, example: Example, size: int) -> bytes | None:
        """A body that fills the packet."""
        if example.name != "PUBLISH":
            return None
        return self.sealed(example.packet + b"x" * max(0, size - len(example.packet)))

    def framing(self) -> Sequence[Framed]:
        """Headers, lengths and properties against the standard."""
        return framed(self._topic(), self._version)

    def expects(self, example: Example, one: Field, text: str) -> Expected:
        """Topics of others are not permitted, bodies and properties are any text, filters may be granted."""
        if example.name == "PUBLISH" and one.kind is Kind.NAME:
            return self._denied()
        if example.name == "PUBLISH" and one.kind is Kind.BODY:
            return _TAKEN
        if "\0" in text:
            return _REJECTED if one.kind is Kind.NAME else _EITHER
        if (
            one.kind is Kind.KEY
            and not CONTROL.search(text)
            and "\ufdd0" not in text
            and "\U0010fffe" not in text
        ):
            return _TAKEN
        if example.name == "CONNECT" and one.name != "client id":
            return _REJECTED
        return _EITHER

    def of_bytes(self, example: Example, one: Field) -> Expected:
        """Bodies are bytes; everything else is UTF-8, and what is not ends the connection."""
        return _TAKEN if one.kind is Kind.BODY else _EITHER if one.kind is Kind.SECRET else _REJECTED

    def open(self, login: Login) -> RawConnection:
        """Connects."""
        return _RawMqtt(login, self._version)

    # -- examples --------------------------------------------------------------------------------------------

    def _denied(self) -> Expected:
        """MQTT 3.1.1 has no word for a publish that is not permitted: it is dropped."""
        return _REJECTED if self._version == 5 else _EITHER

    def _topic(self) -> bytes:
        return f"waybill/direct/{self.cast.other}/{self.cast.own}".encode()

    @property
    def _none(self) -> bytes:
        return b"\0" if self._version == 5 else b""

    def _said_by_client(self) -> Iterator[Example]:
        own = self.cast.own
        inbox = f"waybill/direct/{own}/+".encode()
        yield _connect(own, f"{own}:{self.cast.device}", self.cast.token, self._version)
        key = [
            ("properties", Kind.BINARY, b"\x0c\x26" + string(b"key"), 0),
            ("key", Kind.KEY, string(b"k-01"), 2),
        ]
        told = key if self._version == 5 else []
        number = ("packet id", Kind.REFERENCE, b"\0\1", 0)
        topic = ("topic", Kind.NAME, string(self._topic()), 2)
        body = ("body", Kind.BODY, b"hello", 0)
        yield _laid_out("PUBLISH", 0x32, [topic, number, *told, body])
        for name, first in (("PUBACK", 0x40), ("PUBREC", 0x50), ("PUBREL", 0x62), ("PUBCOMP", 0x70)):
            yield dataclasses.replace(_laid_out(name, first, [number]), taken=False, answered=False)
        none = [("properties", Kind.BINARY, self._none, 0)] if self._none else []
        wish, options = ("filter", Kind.NAME, string(inbox), 2), ("options", Kind.NUMBER, b"\x01", 0)
        yield _laid_out("SUBSCRIBE", 0x82, [number, *none, wish, options])
        yield _laid_out("UNSUBSCRIBE", 0xA2, [number, *none, wish])
        yield dataclasses.replace(_laid_out("PINGREQ", 0xC0, []), answered=False)
        yield dataclasses.replace(_laid_out("DISCONNECT", 0xE0, []), answered=False, ends=True)
        if self._version == 5:
            yield dataclasses.replace(_laid_out("AUTH", 0xF0, []), taken=False, answered=False)

    def _said_by_server(self) -> Iterator[Example]:
        for name, data in {
            "CONNACK": packet(0x20, b"\0\0" + self._none),
            "SUBACK": packet(0x90, b"\0\1" + self._none + b"\1"),
            "UNSUBACK": packet(0xB0, b"\0\1" + self._none),
            "PINGRESP": packet(0xD0, b""),
        }.items():
            yield Example(name, f"{data[0]:02X}", Side.SERVER, data, answered=False)


def _connect(user: str, client: str, password: str, version: int) -> Example:
    none = [("properties", Kind.BINARY, b"\0", 0)] if version == 5 else []
    fields = [
        ("protocol", Kind.WORD, string(b"MQTT"), 2),
        ("level", Kind.NUMBER, bytes((version,)), 0),
        ("flags", Kind.NUMBER, b"\xc2", 0),
        ("keep alive", Kind.NUMBER, b"\0\x3c", 0),
        *none,
        ("client id", Kind.NAME, string(client.encode()), 2),
        ("user", Kind.NAME, string(user.encode()), 2),
        ("password", Kind.SECRET, string(password.encode()), 2),
    ]
    return dataclasses.replace(_laid_out("CONNECT", 0x10, fields), taken=False, answered=False, ends=True)


def _laid_out(name: str, first: int, fields: Sequence[tuple[str, Kind, bytes, int]]) -> Example:
    """An example, its fields one after the other."""
    rest = b"".join(data for _, _, data, _ in fields)
    whole = packet(first, rest)
    at, places = len(whole) - len(rest), []
    for field, kind, data, prefix in fields:
        if data:
            places.append(Field(field, kind, at, at + len(data), prefix))
        at += len(data)
    reference = 1 if any(kind is Kind.REFERENCE for _, kind, _, _ in fields) else None
    return Example(name, f"{first:02X}", Side.CLIENT, whole, tuple(places), reference=reference)


class _RawMqtt(RawConnection):
    """A stream of control packets on which anything can be said."""

    def __init__(self, login: Login, version: int) -> None:
        url = urlsplit(login.endpoint.url)
        if url.scheme not in ("mqtt", "mqtts"):
            raise Broken("the table of MQTT is for its TCP listener (mqtt, mqtts)", code="not-possible")
        secure = {"mqtt": "tcp", "mqtts": "tls"}[url.scheme]
        port = url.port or {"mqtt": 1883, "mqtts": 8883}[url.scheme]
        endpoint = dataclasses.replace(login.endpoint, url=f"{secure}://{url.hostname}:{port}")
        self._login, self._version = login, version
        self.stream = ByteStream(endpoint, login.deadline, login.piece)
        self._buffer = bytearray()

    def log_in(self) -> None:
        """Says CONNECT for a session that begins anew, and waits for the CONNACK."""
        shown = self._login.credential
        client = f"{shown.user}:{self._login.device}"
        self.write(_connect(shown.user, client, shown.password or shown.token, self._version).packet)
        first, rest = self._next()
        if first >> 4 != _CONNACK or rest[1] != 0:
            raise Broken(f"the server answered {bytes((first, *rest)).hex()}", code="refused")

    def sentinel(self) -> bytes:
        """The end of a subscription that there never was."""
        none = b"\0" if self._version == 5 else b""
        topic = f"waybill/direct/{self._login.credential.user}/sentinel".encode()
        return packet(0xA2, struct.pack(">H", _SENTINEL) + none + string(topic))

    def hear(self) -> Heard:
        """The next packet; a publish is acknowledged."""
        first, rest = self._next()
        kind = first >> 4
        if kind in (_PUBACK, _PUBREC, _PUBCOMP, _SUBACK, _UNSUBACK):
            return self._answer(kind, rest)
        if kind == _CONNACK:
            code = rest[1] if len(rest) > 1 else 0
            return Heard(Saying.FAREWELL, f"0x{code:02x}") if code else Heard(Saying.ANSWER, "CONNACK")
        if kind == _DISCONNECT:
            return Heard(Saying.FAREWELL, f"0x{rest[0] if rest else 0:02x}")
        return Heard(Saying.OTHER, f"packet {kind}")

    def _answer(self, kind: int, rest: bytes) -> Heard:
        number = int.from_bytes(rest[:2], "big")
        if kind == _UNSUBACK and number == _SENTINEL:
            return Heard(Saying.SENTINEL)
        codes = rest[2:3] if kind in (_PUBACK, _PUBREC, _PUBCOMP) else rest[-1:]
        code = codes[0] if codes and (self._version == 5 or kind == _SUBACK) else 0
        if code >= _REFUSED:
            return Heard(Saying.REFUSAL, f"0x{code:02x}", reference=number)
        return Heard(Saying.ANSWER, f"0x{code:02x}", reference=number)

    def _next(self) -> tuple[int, bytes]:
        while True:
            size = 1
            while size < len(self._buffer) and self._buffer[size] & 0x80:
                size += 1
            if size < len(self._buffer):
                length = sum(
                    (byte & 0x7F) << 7 * place for place, byte in enumerate(self._buffer[1 : size + 1])
                )
                if length > LARGEST:
                    raise Broken("the server sent a packet that is too long", code="malformed")
                end = size + 1 + length
                if len(self._buffer) >= end:
                    first, rest = self._buffer[0], bytes(self._buffer[size + 1 : end])
                    del self._buffer[:end]
                    return first, rest
            self._buffer += self.stream.recv(PIECE)
