"""The frames of wire v2 as a table (docs/wire-v2.md): JSON objects in WebSocket messages."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final

from websocket import ABNF

from waybill.drivers.base import Login
from waybill.drivers.frame_table import (
    CONTROL,
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
from waybill.drivers.waybill_framing import frame, framed
from waybill.drivers.waybill_inbound import FrameReader

_REJECTED, _TAKEN, _EITHER = Expected.REJECTED, Expected.TAKEN, Expected.EITHER

_KINDS: Final = {
    "ref": Kind.REFERENCE,
    "device": Kind.NAME,
    "user": Kind.NAME,
    "sender": Kind.NAME,
    "conversation": Kind.NAME,
    "token": Kind.SECRET,
    "key": Kind.KEY,
    "body": Kind.BODY,
    "name": Kind.TITLE,
    "code": Kind.WORD,
    "text": Kind.BODY,
    "id": Kind.WORD,
    "session": Kind.WORD,
}
"""What the members are that are text; the others follow from their values."""

_MOST: Final = {"name": ("name", 64), "device": ("name", 64), "user": ("name", 64), "key": ("key", 64)}
_LARGEST_INTEGER: Final = 2**53
_LARGEST_FRAME: Final = 262_144
_LARGEST_BODY: Final = 65_536
_LEGAL_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_DEEP: Final = 500
"""Levels of nesting that wire v2 takes; from twice as many on it is malformed."""

_WRONG: Final[Mapping[str, str]] = {
    "null": "null",
    "true": "true",
    "a fraction": "1.5",
    "a number": "17",
    "a text": '"17"',
    "an empty list": "[]",
    "a list in a list": "[[]]",
    "an object": '{"a": 1}',
    "nothing": "",
}
_TYPES: Final = {bool: "true", int: "a number", str: "a text", list: "an empty list", type(None): "null"}
_BAD_NUMBERS: Final = {"NaN", "Infinity", "-Infinity", "+1", "0x10", "01"}
"""What JSON has no spelling for."""


_BAD_STRINGS: Final = {
    "half a surrogate pair": rb"\ud800",
    "the other half": rb"\udc00",
    "a surrogate pair turned round": rb"\udc00\ud800",
    "a line end that is not escaped": b"a\nb",
    "NUL that is not escaped": b"a\0b",
    "an unknown escape": rb"\x41",
    "half an escape": rb"\u00",
    "a backslash at the end": b"\\",
}
"""What JSON, or UTF-8 after it, has no place for within a text."""


class WaybillTable(FrameTable):
    """The frames of wire v2."""

    protocol = "wire v2"
    messages: ClassVar[bool] = True
    bounded: ClassVar[bool] = True
    faults: ClassVar[frozenset[str]] = frozenset({"storage"})

    @property
    def largest(self) -> int:
        """The server's limit for a message."""
        return self._frame

    def of_bytes(self, example: Example, one: Field) -> Expected:
        """A message that is not UTF-8 ends the session."""
        return _REJECTED

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self.examples = (*_said_by_client(cast), *_said_by_server(cast))
        self._frame = cast.limits.get("frame", _LARGEST_FRAME)

    def wrap(self, packet: bytes) -> bytes:
        """A masked text message; the mask is always the same, so that the same input is the same bytes."""
        return frame(packet)

    def written(self, example: Example, one: Field, value: bytes) -> bytes:
        """A JSON string; control characters, quotes and backslashes are escaped, everything else stands as it is."""
        escaped = re.sub(rb'[\x00-\x1f"\\]', lambda found: b"\\u%04x" % found.group()[0], value)
        text = b'"' + escaped + b'"'
        return b"[" + text + b"]" if one.kind is Kind.LIST else text

    def renumbered(self, example: Example, number: int) -> Example:
        """Another reference, and another key for a send."""
        if example.reference is None:
            return example
        members = json.loads(example.packet)
        del members["type"]
        members["ref"] = number
        if "key" in members:
            members["key"] = f"k-{number}"
        return replace(
            _example(example.side, example.name, members),
            taken=example.taken, answered=example.answered, ends=example.ends,
        )  # fmt: skip

    def wrong(self, example: Example, one: Field) -> Iterator[tuple[str, bytes, Expected]]:
        """Every type that JSON has but the right one, and the numbers that are out of bounds or no numbers."""
        right = json.loads(example.packet[one.start : one.end])
        nullable = one.name in ("cursor", "token") and example.name == "hello"
        for name, spelled in _WRONG.items():
            if name == _TYPES[type(right)] or (name == "null" and nullable):
                continue
            yield name, spelled.encode(), _REJECTED
        if isinstance(right, str):
            for name, text in _BAD_STRINGS.items():
                yield name, b'"' + text + b'"', _REJECTED
        if one.kind in (Kind.NUMBER, Kind.REFERENCE):
            for spelled in _BAD_NUMBERS | {"1e308", "-1e308", "1e999", "9" * 400}:
                yield f"the number {spelled[:16]}", spelled.encode(), _REJECTED
            for power in (31, 32, 53, 63, 64):
                number = 2**power
                for value in (number, number + 1, -number - 1):
                    legal = abs(value) <= _LARGEST_INTEGER and (value >= 0 or one.kind is Kind.REFERENCE)
                    yield f"the number {value}", b"%d" % value, _EITHER if legal else _REJECTED
            yield "the number -1", b"-1", _EITHER if one.kind is Kind.REFERENCE else _REJECTED
            yield "the number -0", b"-0", _EITHER
            yield "the number 1e1", b"1e1", _EITHER

    def without(self, example: Example, one: Field) -> bytes | None:
        """The object without this member; what may be left out is told by the examples of `hello`."""
        if example.name == "hello" and one.name in ("cursor", "capabilities"):
            return None
        members = json.loads(example.packet)
        del members[one.name]
        return _encode(members)

    def nested(self, example: Example, depth: int) -> tuple[bytes, Expected] | None:
        """One more member, which a receiver does not know, with lists in lists."""
        value = b"[" * depth + b"]" * depth
        packet = example.packet[:-1] + b', "more": ' + value + b"}"
        if len(packet) > self._frame or depth > 2 * _DEEP:
            return packet, _REJECTED
        return packet, _TAKEN if depth <= _DEEP and example.taken else _EITHER

    def crowded(self, example: Example, count: int) -> tuple[bytes, Expected] | None:
        """A list of so many, or so many members that nobody knows."""
        lists = [one for one in example.fields if one.kind is Kind.LIST]
        if not lists:
            packet = example.packet[:-1] + b"".join(b', "m%d": 0' % n for n in range(count)) + b"}"
            legal = len(packet) <= self._frame and example.taken
            return packet, _TAKEN if legal else _REJECTED if len(packet) > self._frame else _EITHER
        one = lists[-1]
        unit = b"3" if one.name == "versions" else b'"u"'
        values = (
            unit if one.name == "versions" else b'"u%d"' % number if one.name != "capabilities" else unit
            for number in range(count)
        )
        return self.spliced(
            example, {one.name: b"[" + b",".join(values) + b"]"}
        ), _REJECTED if count > 1000 else _EITHER

    def padded(self, example: Example, size: int) -> bytes | None:
        """One more member, which a receiver does not know."""
        start = example.packet[:-1] + b', "more": "'
        return start + b"x" * (size - len(start) - 2) + b'"}'

    def framing(self) -> Sequence[Framed]:
        """WebSocket frames against RFC 6455."""
        return framed(self.example("presence").packet, self._frame)

    def expects(self, example: Example, one: Field, text: str) -> Expected:  # noqa: PLR0911 - one for each case
        """Names are of few letters; keys and bodies are any text, titles any text that can be shown. What is wrong with
        a typing notice is ignored without a word; a key that is asked about was used before, or was not."""
        if example.name in ("typing", "status"):
            return _EITHER
        match one.kind:
            case Kind.BODY:
                return _TAKEN if len(text.encode()) <= self._body else _REJECTED
            case Kind.KEY:
                return _TAKEN if 0 < len(text) <= (one.most or 64) else _REJECTED
            case Kind.TITLE:
                if not text.strip() or len(text) > (one.most or 64) or CONTROL.search(text):
                    return _REJECTED
                return _TAKEN if text.isascii() else _EITHER
            case Kind.LIST if one.name == "capabilities" or (
                one.name != "versions" and _LEGAL_NAME.fullmatch(text)
            ):
                return _EITHER
            case Kind.NAME if one.name != "conversation" and _LEGAL_NAME.fullmatch(text):
                return _EITHER
        return _REJECTED

    @property
    def _body(self) -> int:
        return self.cast.limits.get("body", _LARGEST_BODY)

    def open(self, login: Login) -> RawConnection:
        """Connects and opens the WebSocket."""
        return _RawWaybill(login)


class _RawWaybill(RawConnection):
    """A WebSocket below which anything can be said."""

    _SENTINEL: Final = _LARGEST_INTEGER - 1

    def __init__(self, login: Login) -> None:
        from waybill.drivers.waybill_v2 import open_socket

        self._login = login
        self.stream = open_socket(login)
        self._reader = FrameReader(self.stream)

    def log_in(self) -> None:
        """Says hello and waits for the welcome."""
        from waybill.drivers.base import LoginRefused
        from waybill.drivers.waybill_v2 import log_in

        try:
            log_in(self.stream, self._reader, self._login)
        except LoginRefused as refused:
            raise Broken(str(refused), code=refused.outcome.code) from None

    def sentinel(self) -> bytes:
        """A question about oneself."""
        question = {"type": "presence", "ref": self._SENTINEL, "user": self._login.credential.user}
        wrapped: bytes = ABNF.create_frame(_encode(question), ABNF.OPCODE_TEXT).format()
        return wrapped

    def hear(self) -> Heard:  # noqa: PLR0911 - one for each case
        """The next message; pings and the close are answered."""
        opcode, payload = self._reader.read()
        if opcode == ABNF.OPCODE_PING:
            self.write(ABNF.create_frame(payload, ABNF.OPCODE_PONG).format())
            return Heard(Saying.OTHER, "ping")
        if opcode == ABNF.OPCODE_CLOSE:
            with contextlib.suppress(Broken):
                self.write(ABNF.create_frame(payload[:2], ABNF.OPCODE_CLOSE).format())
            return Heard(Saying.FAREWELL, f"close {int.from_bytes(payload[:2], 'big')}")
        if opcode != ABNF.OPCODE_TEXT:
            return Heard(Saying.OTHER, f"opcode {opcode}")
        self.tap(payload)
        said: dict[str, Any] = json.loads(payload)
        reference = said.get("ref")
        match said["type"]:
            case "presence" if reference == self._SENTINEL:
                return Heard(Saying.SENTINEL)
            case "refused":
                return Heard(Saying.REFUSAL, said["code"], said.get("text", ""), reference)
            case "closing":
                return Heard(Saying.FAREWELL, said["code"], said.get("text", ""))
            case "deliver":
                body = said["body"].encode("utf-8", "surrogatepass")
                return Heard(Saying.OTHER, "deliver", text=said["key"], body=body)
            case name if isinstance(reference, int):
                return Heard(Saying.ANSWER, name, reference=reference)
            case name:
                return Heard(Saying.OTHER, name)


def _encode(members: Mapping[str, Any]) -> bytes:
    return json.dumps(members, separators=(", ", ": ")).encode()


def _example(side: Side, name: str, members: Mapping[str, Any], **more: bool) -> Example:
    """An example, whose fields are found while it is written."""
    packet = b'{"type": "%s"' % name.encode()
    fields = []
    for member, value in members.items():
        packet += b', "%s": ' % member.encode()
        encoded = json.dumps(value).encode()
        kind = _KINDS.get(member)
        if kind is None or (kind is Kind.REFERENCE and value is None):
            kind = (
                Kind.LIST
                if isinstance(value, list)
                else Kind.FLAG
                if isinstance(value, bool)
                else Kind.NUMBER
            )
        most = _MOST.get(member, ("", 0))[1]
        fields.append(Field(member, kind, len(packet), len(packet) + len(encoded), most=most))
        packet += encoded
    return Example(name, name, side, packet + b"}", tuple(fields), reference=members.get("ref"), **more)


def _said_by_client(cast: Cast) -> list[Example]:
    first, second = sorted((cast.own, cast.other))
    direct, group = f"d:{first}:{second}", "g:00"

    def example(name: str, /, *, taken: bool = True, **members: Any) -> Example:
        asked = members if name in ("hello", "proof", "typing", "bye") else {"ref": 1, **members}
        return _example(
            Side.CLIENT,
            name,
            asked,
            taken=taken,
            answered=name not in ("typing", "bye"),
            ends=name in _ENDING,
        )

    return [
        example(
            "hello",
            versions=[2, 3],
            token=cast.token,
            device=cast.device,
            cursor=0,
            capabilities=["receipts"],
        ),
        example("proof", signature="A" * 86, taken=False),
        example("send", conversation=direct, key="k-1", body="hello"),
        example("ack", cursor=0),
        example("sync", after=0, limit=10),
        example("read", conversation=direct, sequence=0),
        example("markers", conversation=direct),
        example("presence", user=cast.other),
        example("watch", users=[cast.other]),
        example("typing", conversation=direct, active=True),
        example("group-create", name="a group", members=[cast.other]),
        example("group-add", conversation=group, user=cast.other, taken=False),
        example("group-remove", conversation=group, user=cast.other, taken=False),
        example("group-leave", conversation=group, taken=False),
        example("group-info", conversation=group, taken=False),
        example("block", user="nobody-at-all"),
        example("unblock", user="nobody-at-all"),
        example("blocks"),
        example("status", key="a key that nobody used", taken=False),
        example("bye"),
    ]


_ENDING: Final = ("hello", "proof", "bye")


def _said_by_server(cast: Cast) -> list[Example]:
    first, second = sorted((cast.own, cast.other))
    direct = f"d:{first}:{second}"
    message = {
        "id": "0199c5a8c1b40003", "conversation": direct, "sequence": 1, "sender": cast.other, "device": "phone",
        "key": "k-1", "body": "hello", "time": 1760000000123,
    }  # fmt: skip
    expiring = {name: message[name] for name in ("id", "conversation", "sequence", "key")}
    marks = {"user": cast.other, "delivered": 1, "read": 1}
    group = {"conversation": "g:00", "name": "a group", "members": [cast.own]}
    said: dict[str, dict[str, Any]] = {
        "challenge": {"nonce": "A" * 43},
        "welcome": {
            "version": 3, "user": cast.other, "device": "phone", "session": "6f1d", "cursor": 0, "head": 0,
            "capabilities": [], "limits": {}, "time": 0,
        },
        "accepted": {"ref": 1, "id": message["id"], "conversation": direct, "sequence": 1, "key": "k-1", "time": 0,
                     "duplicate": False},
        "refused": {"ref": 1, "code": "malformed", "definite": True, "retry_after": None, "text": "no"},
        "deliver": {"cursor": 1, **message},
        "acked": {"ref": 1, "cursor": 1},
        "page": {"ref": 1, "entries": [{"cursor": 1, **message}], "cursor": 1, "complete": True},
        "marked": {"ref": 1, "conversation": direct, "sequence": 1},
        "receipt": {"conversation": direct, **marks},
        "markers": {"ref": 1, "conversation": direct, "users": [marks]},
        "presence": {"ref": 1, "user": cast.other, "online": True, "last_seen": 0},
        "watching": {"ref": 1, "users": [cast.other]},
        "typing": {"conversation": direct, "user": cast.other, "active": True},
        "group": {"ref": 1, **group, "change": None},
        "blocked": {"ref": 1, "users": [cast.other]},
        "status": {"ref": 1, **expiring, "expires": 1760000060123, "expired": True},
        "closing": {"code": "draining", "text": "goodbye"},
    }  # fmt: skip
    return [_example(Side.SERVER, name, members) for name, members in said.items()]


SHARED: Final = frozenset({"markers", "presence", "status", "typing"})
"""Operations of both sides: as a client's, what a server says is legal, since unknown members are ignored."""
