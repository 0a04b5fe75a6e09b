"""The frames of wire v1 as a table (docs/wire-v1.md): an operation, then fields, without an outer length."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import ClassVar, Final
from urllib.parse import urlsplit

from waybill.drivers import iris_frames as frames
from waybill.drivers.base import Login
from waybill.drivers.byte_stream import PIECE, Broken, ByteStream
from waybill.drivers.frame_table import (
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
from waybill.drivers.iris_link import TCP, TcpLink, open_link

_REJECTED, _TAKEN, _EITHER = Expected.REJECTED, Expected.TAKEN, Expected.EITHER

_NUMBERS: Final = {"u8": ">B", "u32": ">I", "u64": ">Q"}
_LENGTHS: Final = {"str16": ">H", "str32": ">I"}

_TARGET: Final = ("str16", "target", Kind.NAME, 256)
_GROUP: Final = ("str16", "group", Kind.NAME, 0)
_HEADER: Final = ("str16", "header", Kind.BINARY, 1024)
_CIPHERTEXT: Final = ("str32", "ciphertext", Kind.BINARY, 65_536)
_KEYS: Final = ("str32", "keys", Kind.BINARY, 8192)

_CLIENT: Final[tuple[tuple[int, str, tuple[tuple[str, str, Kind, int], ...], bool], ...]] = (
    (0x02, "SEND", (_TARGET, ("str16", "body", Kind.BODY, 65_535)), True),
    (0x04, "BATCH_SEND", (_TARGET, ("str32", "bodies", Kind.BINARY, 1 << 20)), True),
    (0x05, "GET_STATUS", (_TARGET,), True),
    (
        0x07,
        "SEND_SEQ",
        (_TARGET, ("u64", "sequence", Kind.NUMBER, 0), ("str16", "body", Kind.BODY, 65_535)),
        True,
    ),
    (0x10, "CBOR_MSG", (_TARGET, ("str32", "cbor", Kind.BINARY, 262_144)), True),
    (0x20, "UPLOAD_PREKEYS", (_KEYS,), True),
    (0x21, "FETCH_PREKEYS", (("str16", "user", Kind.NAME, 256),), True),
    (0x23, "E2EE_MSG", (("str16", "recipient", Kind.NAME, 256), _HEADER, _CIPHERTEXT), True),
    (0x30, "GROUP_CREATE", (("str16", "name", Kind.TITLE, 0),), False),
    (0x32, "GROUP_LEAVE", (_GROUP,), False),
    (0x33, "GROUP_MSG", (_GROUP, _HEADER, _CIPHERTEXT), False),
    (0x35, "GROUP_ROSTER", (_GROUP,), False),
    (0x36, "SENDER_KEY_DIST", (_GROUP, _KEYS), False),
    (0x70, "TYPING_START", (_TARGET,), True),
    (0x71, "TYPING_STOP", (_TARGET,), True),
    (0x74, "READ_RECEIPT", (("str16", "message id", Kind.WORD, 0), ("str16", "sender", Kind.NAME, 0)), True),
)
"""What a client says: operation, name, fields (layout, name, kind, most bytes), and whether its example is taken.
LOGIN and ACK, which end with the packet, are below."""

_VALUES: Final = {
    "body": b"hello",
    "bodies": b"\x00\x05hello\x00\x02ok",
    "cbor": b"\xa1\x61a\x01",
    "keys": b"\xa0",
    "header": b"\xa0",
    "ciphertext": b"\x00\x01\x02\x03",
    "group": b"g:00",
    "name": b"a group",
    "message id": b"0199c5a8c1b40003",
    "sequence": 1,
}

_ANSWERED: Final = frozenset({"GET_STATUS", "UPLOAD_PREKEYS", "FETCH_PREKEYS"})
_BOUND_OF_SERVER_BODY: Final = 65_536


class IrisTable(FrameTable):
    """The frames of wire v1."""

    protocol = "wire v1"
    messages: ClassVar[bool] = False
    bounded: ClassVar[bool] = False
    faults: ClassVar[frozenset[str]] = frozenset({"storage"})

    @property
    def largest(self) -> int:
        """The longest field that wire v1 knows; the limits of each operation are lower."""
        return 1 << 20

    def of_bytes(self, example: Example, one: Field) -> Expected:
        """Names are text; everything else is bytes."""
        if example.name == "LOGIN" or (one.kind is Kind.NAME and example.name != "FETCH_PREKEYS"):
            return _REJECTED
        return _EITHER

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self.examples = (*self._of_client(), *self._of_server())
        self._websocket = False

    def wrap(self, packet: bytes) -> bytes:
        """The packet itself: TCP needs nothing around it."""
        return packet

    def written(self, example: Example, one: Field, value: bytes) -> bytes:
        """The bytes behind their length; a length that cannot say it is the largest."""
        if not one.prefix:
            return value
        most: int = 256**one.prefix - 1
        return min(len(value), most).to_bytes(one.prefix, "big") + value[:most]

    def wrong(self, example: Example, one: Field) -> Iterator[tuple[str, bytes, Expected]]:
        """Lengths that are not true. A length that is too short or too long shifts everything after it."""
        value = example.packet[one.start + one.prefix : one.end]
        if one.kind is Kind.NUMBER:
            for number in (0, 2**31, 2**63, 2**64 - 1):
                yield f"the number {number}", number.to_bytes(8, "big"), _EITHER
        if not one.prefix:
            return
        largest = 256**one.prefix - 1
        yield "no text at all", bytes(one.prefix), _REJECTED if one.kind is Kind.NAME else _EITHER
        lengths = {len(value) - 1, len(value) + 1, 255, 256, 257, 32767, 32768, largest - 1, largest}
        if one.prefix == 4:
            lengths |= {2**16, 2**20, 2**20 + 1, 2**31 - 1, 2**31}
        for length in sorted(lengths - {len(value)}):
            bound = one.most if one.prefix == 4 or one.kind is Kind.NAME else largest
            expected = _REJECTED if bound and length > bound else _EITHER
            yield f"a length of {length}", length.to_bytes(one.prefix, "big") + value, expected

    def without(self, example: Example, one: Field) -> bytes | None:
        """The bytes without the field: the next one takes its place, and the end is missing."""
        return example.packet[: one.start] + example.packet[one.end :]

    def nested(self, example: Example, depth: int) -> tuple[bytes, Expected] | None:
        """CBOR that is nested so deep, where a field holds CBOR; the server need not look into it."""
        name = {"CBOR_MSG": "cbor", "UPLOAD_PREKEYS": "keys", "E2EE_MSG": "header"}.get(example.name)
        if name is None:
            return None
        one = example.field(name)
        value = b"\x81" * depth + b"\x00"
        too_large = bool(one.most) and len(value) > min(one.most, self._body)
        return self.spliced(
            example, {name: self.written(example, one, value)}
        ), _REJECTED if too_large else _EITHER

    def crowded(self, example: Example, count: int) -> tuple[bytes, Expected] | None:
        """A batch of so many bodies; a server may have a bound for them."""
        if example.name != "BATCH_SEND":
            return None
        one = example.field("bodies")
        value = b"\x00\x01x" * count
        return self.spliced(example, {"bodies": self.written(example, one, value)}), _REJECTED if len(
            value
        ) > one.most else _EITHER

    def padded(self, example: Example, size: int) -> bytes | None:
        """The last field filled up."""
        last = example.fields[-1] if example.fields else None
        if last is None or last.prefix != 4:
            return None
        value = b"x" * max(0, size - len(example.packet) + last.end - last.start - last.prefix)
        return self.spliced(example, {last.name: self.written(example, last, value)})

    def framing(self) -> Sequence[Framed]:
        """Operations that do not exist, the words of a server, and what belongs to other protocols."""
        known = {int(one.opcode, 16) for one in self.of_client}
        unknown = [
            Framed(f"the unknown operation {number:02X}", bytes((number,)) + b"\x00" * 8)
            for number in range(256)
            if number not in known
        ]
        return [
            *unknown,
            Framed("HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
            Framed("JSON", b'{"type": "presence", "ref": 1, "user": "u"}'),
            Framed("a WebSocket frame", b"\x81\x85\x00\x00\x00\x00hello"),
            Framed("TLS within TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
            Framed("XML", b"<?xml version='1.0'?>"),
            Framed("0xFF for 64 KiB", b"\xff" * 65_536),
            Framed("NUL for 64 KiB", b"\x00" * 65_536),
        ]

    def expects(self, example: Example, one: Field, text: str) -> Expected:
        """Names are of few letters, everything else is bytes. A service that is off looks at nothing."""
        data = text.encode()
        if example.name == "FETCH_PREKEYS":
            return _EITHER
        if not example.taken or example.name == "LOGIN":
            return _REJECTED
        if one.kind is Kind.NAME:
            legal = 0 < len(data) <= 64 and all(byte in _NAME_BYTES for byte in data)
            return _EITHER if legal else _REJECTED
        if one.kind is Kind.BODY:
            return _TAKEN if len(data) <= min(one.most, self._body) else _REJECTED
        return _EITHER

    @property
    def _body(self) -> int:
        return self.cast.limits.get("body", _BOUND_OF_SERVER_BODY)

    def open(self, login: Login) -> RawConnection:
        """Connects."""
        return _RawIris(login)

    def _of_client(self) -> Iterator[Example]:
        login = f"{self.cast.own}:{self.cast.token}".encode()
        credential = Field("credential", Kind.SECRET, 1, 1 + len(login))
        yield Example("LOGIN", "01", Side.CLIENT, b"\x01" + login, (credential,), taken=False, whole=True)
        for opcode, name, fields, taken in _CLIENT:
            yield self._laid_out(
                Side.CLIENT,
                opcode,
                name,
                fields,
                taken=taken,
                answered=name in _ANSWERED,
            )
        told = frames.acknowledgement(b"0199c5a8c1b40003")
        identity = Field("message id", Kind.WORD, 1, len(told))
        yield Example("ACK", "03", Side.CLIENT, told, (identity,), answered=False, whole=True)

    def _of_server(self) -> Iterator[Example]:
        yield Example("LOGIN_OK", "03", Side.SERVER, frames.LOGIN_OK, answered=False)
        names = {"user", "sender", "reader", "group"}
        for kind in frames.FROM_SERVER:
            fields = tuple(
                (layout, name, Kind.NAME if name in names else Kind.BINARY, 0)
                for layout, name in zip(kind.layout, kind.__slots__, strict=True)  # type: ignore[attr-defined]
            )
            yield self._laid_out(
                Side.SERVER, kind.operation, kind.__name__, fields, taken=True, answered=False
            )

    def _laid_out(
        self,
        side: Side,
        opcode: int,
        name: str,
        fields: Sequence[tuple[str, str, Kind, int]],
        *,
        taken: bool,
        answered: bool,
    ) -> Example:
        packet = bytes((opcode,))
        places = []
        for layout, field, kind, most in fields:
            start = len(packet)
            value = _VALUES.get(field, self.cast.other.encode())
            is_number = layout in _NUMBERS
            if is_number:
                packet += struct.pack(_NUMBERS[layout], value if isinstance(value, int) else 1)
            else:
                text = value if isinstance(value, bytes) else b""
                packet += struct.pack(_LENGTHS[layout], len(text)) + text
            prefix = struct.calcsize(_LENGTHS[layout]) if layout in _LENGTHS else 0
            places.append(Field(field, Kind.NUMBER if is_number else kind, start, len(packet), prefix, most))
        return Example(name, f"{opcode:02X}", side, packet, tuple(places), taken, answered)


_NAME_BYTES: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")


class _RawIris(RawConnection):
    """A stream on which anything can be said."""

    def __init__(self, login: Login) -> None:
        if urlsplit(login.endpoint.url).scheme not in TCP:
            raise Broken("the table of wire v1 is for its TCP listener (iris, iriss)", code="not-possible")
        self._login = login
        self.stream = ByteStream(login.endpoint, login.deadline, login.piece)
        self._link = open_link(self.stream, login.endpoint.url)
        self._buffer = bytearray()
        self._identified = False

    def log_in(self) -> None:
        """Says LOGIN and waits for the answer."""
        credential = self._login.credential
        self.write(frames.login(credential.user, credential.token or credential.password))
        assert isinstance(self._link, TcpLink)
        answer = self._link.login_answer()
        if answer != frames.LOGIN_OK:
            raise Broken("the server did not let it in", code=answer.decode())
        self._buffer += self._link.rest()
        self._identified = True

    def sentinel(self) -> bytes:
        """A question about oneself."""
        return frames.encode(frames.AskStatus(self._login.credential.user.encode()))

    def hear(self) -> Heard:
        """The next frame."""
        while True:
            if not self._identified and self._buffer:
                for word in frames.LOGIN_REFUSALS:
                    if self._buffer.startswith(word):
                        del self._buffer[: len(word)]
                        return Heard(Saying.FAREWELL, word.decode())
            if not self._identified and self._buffer.startswith(frames.LOGIN_OK):
                del self._buffer[: len(frames.LOGIN_OK)]
                self._identified = True
                self.tap(frames.LOGIN_OK)
                return Heard(Saying.ANSWER, "LOGIN_OK")
            found = self._next()
            if found is not None:
                return found
            self._buffer += self.stream.recv(PIECE)

    def _next(self) -> Heard | None:  # noqa: PLR0911 - one for each case
        if not self._identified and bytes(self._buffer[:1]) in (b"A", b"R", b"\x03"):
            return None
        try:
            found = frames.decode(self._buffer)
        except frames.Malformed as error:
            raise Broken(str(error), code="malformed") from None
        if found is None:
            return None
        frame, end = found
        self.tap(bytes(self._buffer[:end]))
        del self._buffer[:end]
        match frame:
            case frames.Status() if frame.user == self._login.credential.user.encode():
                return Heard(Saying.SENTINEL)
            case frames.ErrorReported():
                code, _, text = frame.reason.decode("utf-8", "replace").partition(": ")
                return Heard(Saying.REFUSAL, code, text)
            case frames.RateLimited():
                return Heard(Saying.REFUSAL, "RATE_LIMITED")
            case frames.ReliableMessage():
                self.write(frames.acknowledgement(frame.id))
                return Heard(Saying.OTHER, "RELIABLE_MSG", body=frame.body)
            case frames.Status() | frames.PrekeyResponse():
                return Heard(Saying.ANSWER, type(frame).__name__)
        return Heard(Saying.OTHER, type(frame).__name__)
