"""What comes back of what is said on wire v1 (docs/wire-v1.md), on its TCP listener.

Groups that do not exist are spoken of, since wire v1 has no operation that adds a named member to one: a server answers
with an error. So its frames about groups (31, 33, 35, 36) do not occur, and RATE_LIMITED (FF) neither.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import ClassVar, Final

from waybill.drivers import iris_frames as frames
from waybill.drivers.base import Delivery
from waybill.drivers.echo import Echo, Exchange, Return, Script, Told, Values, Voice
from waybill.drivers.frame_table import FrameTable
from waybill.history.events import Operation

_ONE, _OTHER, _GUEST = Voice.ONE, Voice.OTHER, Voice.GUEST
_LONGEST: Final = 60_000
"""Bytes of a ciphertext: it is delivered with its sender and header in one body."""
_NUMBER: Final = struct.Struct(">I")
_GROUP: Final = b"no such group"


class IrisEcho(Echo):
    """The exchanges of wire v1.

    Args:
        table: The frames; their cast is one and other.
        guest: The account of the guest, and the token that it shows.
    """

    login: str = "01"
    refusals: ClassVar[frozenset[str]] = frozenset({"FE", "FF"})

    def __init__(self, table: FrameTable, guest: tuple[str, str]) -> None:
        self.table = table
        self._own, self._other = table.cast.own.encode(), table.cast.other.encode()
        self._guest = guest
        self._body = min(table.cast.limits.get("body", 65_535), 65_535)
        self._messages = 0
        self._bodies = 0

    def script(self, values: Values) -> Script:
        """Every kind of message and its acknowledgement, questions, notices, and a guest's visit."""
        yield from self._messages_of_every_kind(values)
        nobody = values.name().encode()
        status = Return(_ONE, "06", {"user": nobody, "online": 0, "last_seen": 0})
        yield Exchange(_ONE, "05", _frame(0x05, _text(nobody)), (status,))
        prekeys = Return(_ONE, "22")
        yield Exchange(_ONE, "20", _frame(0x20, _text(self._bytes(values, 8_192), 4)), (prekeys,))
        yield Exchange(_ONE, "21", _frame(0x21, _text(nobody)), (prekeys,))
        for operation, active in ((0x70, 1), (0x71, 0)):
            notice = Return(_OTHER, "72", {"sender": self._own, "active": active})
            yield Exchange(_ONE, f"{operation:02X}", _frame(operation, _text(self._other)), (notice,))
        title = values.title(64).encode()
        made = Return(_ONE, "FE", instead="31")
        yield Exchange(_ONE, "30", _frame(0x30, _text(title)), (made,))
        error, group = Return(_ONE, "FE"), _text(_GROUP)
        header, key = _text(self._bytes(values, 1_024)), _text(self._bytes(values, 8_192), 4)
        yield Exchange(_ONE, "32", _frame(0x32, group), (error,))
        yield Exchange(_ONE, "33", _frame(0x33, group, header, key), (error,))
        yield Exchange(_ONE, "35", _frame(0x35, group), (error,))
        yield Exchange(_ONE, "36", _frame(0x36, group, key), (error,))
        login = frames.login(*self._guest)
        yield Exchange(_GUEST, "01", login, (Return(_GUEST, "03"),), whole=True, leaves=True)

    def read(self, packet: bytes) -> Told:
        """A frame of the server, which must be exactly one and the same again when it is written."""
        if packet == frames.LOGIN_OK:
            return Told("03", {})
        frame = frames.decode_packet(packet)
        if frame is None or frames.encode(frame) != packet:
            return Told("?", {}, f"{packet[:80]!r} is no frame, or another than it was read as")
        members = {name: getattr(frame, name) for name in frame.__slots__}  # type: ignore[attr-defined]
        if not isinstance(frame, frames.ReliableMessage):
            return Told(f"{frame.operation:02X}", members)
        within = frames.decode_packet(frame.body) if frame.body[:1] == b"\x24" else None
        carried = "24" if isinstance(within, frames.EncryptedDelivery) else ""
        delivery = Delivery("", frame.body, id=frame.id.decode("utf-8", "backslashreplace"))
        return Told("10", members, deliveries=(delivery,), carries=carried, confirmed=True)

    def passes_by(self, told: Told, user: str) -> bool:
        """The sentinel asks about the account itself, and no exchange does."""
        return told.opcode == "06" and told.members["user"] == user.encode()

    def trailing(self, values: Values) -> Iterator[Exchange]:
        """Nothing: on TCP frames follow each other without end."""
        yield from ()

    def _messages_of_every_kind(self, values: Values) -> Script:
        target = _text(self._other)
        for opcode in (0x02, 0x07, 0x10):
            body = self._unique(values, self._body)
            number = struct.pack(">Q", values.number(0, 2**64 - 1)) if opcode == 0x07 else b""
            said = _text(body, 4 if opcode == 0x10 else 2)
            yield from self._message(opcode, _frame(opcode, target, number, said), body)
        first, second = self._unique(values, 65_535), self._unique(values, 65_535)
        batch = _text(_text(first) + _text(second), 4)
        yield from self._message(0x04, _frame(0x04, target, batch), first, second)
        header, secret = self._bytes(values, 1_024), self._unique(values, _LONGEST)
        fields = _text(header) + _text(secret, 4)
        given = _frame(0x24, _text(self._own), fields)
        yield from self._message(0x23, _frame(0x23, target, fields), given)

    def _message(self, opcode: int, packet: bytes, *bodies: bytes) -> Script:
        came = yield Exchange(
            _ONE,
            f"{opcode:02X}",
            packet,
            tuple(Return(_OTHER, "10", {"body": body}) for body in bodies),
            operation=Operation.SEND,
            key=self._key(),
            body=bodies[0],
            also=tuple((self._key(), body) for body in bodies[1:]),
            answered=False,
        )
        for told in came[_OTHER]:
            identity: bytes = told.members.get("id", b"")
            # The connection acknowledged it when it came; once more changes nothing.
            yield Exchange(_OTHER, "03", frames.acknowledgement(identity), whole=True)
            read = Return(_ONE, "75", {"id": identity, "reader": self._other})
            yield Exchange(_OTHER, "74", _frame(0x74, _text(identity), _text(self._own)), (read,))

    def _key(self) -> str:
        self._messages += 1
        return f"wire-{self._messages}"

    def _unique(self, values: Values, most: int) -> bytes:
        """Bytes like no others: by them alone a message is known."""
        self._bodies += 1
        return _NUMBER.pack(self._bodies) + self._bytes(values, most)[_NUMBER.size :]

    def _bytes(self, values: Values, most: int) -> bytes:
        """Text, or bytes that are none."""
        text = values.body(most).encode()
        made: bytes = values.chosen(text, text[::-1], bytes(255 - one for one in text))
        return made[:most]


def _frame(operation: int, *fields: bytes) -> bytes:
    return bytes((operation,)) + b"".join(fields)


def _text(value: bytes, prefix: int = 2) -> bytes:
    """Bytes behind their length."""
    return len(value).to_bytes(prefix, "big") + value
