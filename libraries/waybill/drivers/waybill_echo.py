"""What comes back of what is said on wire v2 (docs/wire-v2.md)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Final

import msgspec

from waybill.drivers import waybill_frames as frames
from waybill.drivers.base import Delivery, Login, Outcome
from waybill.drivers.echo import Echo, Exchange, Return, Script, Told, Values, Voice, within
from waybill.drivers.frame_table import FrameTable
from waybill.history.events import Completion, Mode, Operation

_EXACT: Final = 2**53
_NOT_SENTINEL: Final = _EXACT - 2
"""References stay below that of the sentinel."""
_BEHIND: Final = (b'{"type":"bye"}', b"{", b"}", b"x", b"\x00", b",", b"null", b'""')
"""Another frame, part of one, and what JSON knows nothing of."""
_ONE, _OTHER, _GUEST = Voice.ONE, Voice.OTHER, Voice.GUEST


class WaybillEcho(Echo):
    """The exchanges of wire v2.

    Args:
        table: The frames; their cast is one and other.
        guest: How the guest logs in.

    Attributes:
        login: The frame that ends a login: the proof, where the guest has a key.
    """

    refusals: ClassVar[frozenset[str]] = frozenset({"refused", "closing"})

    def __init__(self, table: FrameTable, guest: Login) -> None:
        self.table = table
        self._own, self._other = table.cast.own, table.cast.other
        self._guest = guest
        self.login = "hello" if guest.credential.key is None else "proof"
        limits = table.cast.limits
        self._body = limits.get("body", 65_536)
        self._name, self._key = limits.get("name", 64), limits.get("key", 64)
        first, second = sorted((self._own, self._other))
        self._direct = f"d:{first}:{second}"

    def script(self, values: Values) -> Script:
        """A message and what follows from it, questions, a group from its beginning to its end, a guest's visit."""
        yield from self._message(values)
        yield from self._questions(values)
        yield from self._group(values)
        yield from self._visit(values)

    def read(self, packet: bytes) -> Told:
        """A frame of the server: strict JSON, of a known type, that reads the same after it was written again."""
        try:
            members = json.loads(packet.decode(), object_pairs_hook=_once, parse_constant=_no_constant)
            read = frames.decode(packet)
        except (ValueError, RecursionError, frames.Malformed) as error:
            return Told("?", {}, f"{error} in {packet[:80]!r}")
        again = msgspec.json.decode(msgspec.json.encode(read))
        fault = "" if within(again, members) else f"reads as {again}, and says {members}"
        return Told(members["type"], members, fault, _given(read), _ended(read))

    def passes_by(self, told: Told, user: str) -> bool:
        """The answer has the largest reference, which no exchange has."""
        return told.members.get("ref") == _EXACT - 1

    def trailing(self, values: Values) -> Iterator[Exchange]:
        """Every operation of a session, each with every sort of thing behind it in the same message."""
        direct, nobody = {"conversation": self._direct}, values.name()
        operations: dict[str, Mapping[str, Any]] = {
            "ack": {"ref": 1, "cursor": 0},
            "sync": {"ref": 1, "after": 0, "limit": 1},
            "read": {"ref": 1, **direct, "sequence": 0},
            "markers": {"ref": 1, **direct},
            "presence": {"ref": 1, "user": nobody},
            "watch": {"ref": 1, "users": [nobody]},
            "typing": {**direct, "active": True},
            "group-create": {"ref": 1, "name": "a group", "members": []},
            "group-info": {"ref": 1, "conversation": "g:00"},
        }
        for more in _BEHIND:
            key, body = values.key(self._key), values.body(60)
            said = json.dumps({"type": "send", "ref": 1, **direct, "key": key, "body": body}).encode()
            yield Exchange(
                Voice.ONE, "send", said + more, operation=Operation.SEND, key=key, body=body.encode()
            )
            for operation, members in operations.items():
                yield Exchange(
                    Voice.ONE, operation, json.dumps({"type": operation, **members}).encode() + more
                )

    def _message(self, values: Values) -> Script:
        key, body = values.key(self._key), values.body(self._body)
        said = {"conversation": self._direct, "key": key, "body": body}
        message = {**said, "sender": self._own}
        sent = {"operation": Operation.SEND, "key": key, "body": body.encode()}
        named = {"conversation": self._direct, "key": key, "duplicate": False}
        came = yield self._asks(
            values, _ONE, "send", said, "accepted", named, Return(_OTHER, "deliver", message), **sent
        )
        accepted, delivered = came[_ONE][0].members, came[_OTHER][0].members
        same = {name: accepted.get(name) for name in ("id", "sequence", "time")}
        yield self._asks(values, _ONE, "send", said, "accepted", {**named, **same, "duplicate": True}, **sent)
        named = {name: accepted.get(name) for name in ("id", "conversation", "sequence", "key")}
        forever = {**named, "expires": None, "expired": False}
        yield self._asks(values, _ONE, "status", {"key": key}, "status", forever)
        cursor, sequence = delivered.get("cursor", 0), accepted.get("sequence", 0)
        moved = {"conversation": self._direct, "user": self._other, "delivered": sequence}
        yield self._asks(
            values, _OTHER, "ack", {"cursor": cursor}, "acked", {"cursor": cursor},
            Return(_ONE, "receipt", moved), operation=Operation.ACKNOWLEDGE, value=cursor,
        )  # fmt: skip
        mark = {"conversation": self._direct, "sequence": sequence}
        yield self._asks(
            values, _OTHER, "read", mark, "marked", mark, Return(_ONE, "receipt", {**moved, "read": sequence}),
            operation=Operation.READ, value=sequence,
        )  # fmt: skip
        entry = {name: value for name, value in delivered.items() if name != "type"}
        yield self._asks(
            values, _OTHER, "sync", {"after": cursor - 1, "limit": values.number(1, _EXACT)}, "page",
            {"entries": [entry], "cursor": cursor, "complete": True}, operation=Operation.SYNC, value=cursor - 1,
        )  # fmt: skip

    def _questions(self, values: Values) -> Script:
        conversation = {"conversation": self._direct}
        yield self._asks(values, _ONE, "markers", conversation, "markers", conversation)
        nobody = {"user": values.name()}
        never = {**nobody, "online": False, "last_seen": None}
        yield self._asks(values, _ONE, "presence", nobody, "presence", never)
        users = [values.name() for _ in range(values.number(0, 3))]
        states = [Return(_ONE, "presence", {"ref": None, "user": user, "online": False}) for user in users]
        yield self._asks(values, _ONE, "watch", {"users": users}, "watching", {"users": users}, *states)
        types = {**conversation, "active": values.chosen(True, False)}
        notice = Return(_OTHER, "typing", {**types, "user": self._own})
        yield Exchange(_ONE, "typing", self._spelled(values, "typing", types), (notice,))
        blocked = values.name()
        yield self._asks(values, _ONE, "block", {"user": blocked}, "blocked", {"users": [blocked]})
        yield self._asks(values, _ONE, "blocks", {}, "blocked", {"users": [blocked]})
        yield self._asks(values, _ONE, "unblock", {"user": blocked}, "blocked", {"users": []})

    def _group(self, values: Values) -> Script:
        name, nobody = values.title(self._name), values.name()

        def change(
            voice: Voice, operation: str, said: Mapping[str, Any], members: list[str], user: str, action: str
        ) -> Exchange:
            now = {"name": name, "members": members, "change": {"user": user, "action": action}}
            listener = _OTHER if voice is _ONE else _ONE
            return self._asks(
                values, voice, operation, said, "group", now, Return(listener, "group", {"ref": None, **now})
            )

        both = [self._own, self._other]
        made = {"name": name, "members": [self._other]}
        came = yield change(_ONE, "group-create", made, both, self._own, "created")
        group = {"conversation": came[_ONE][0].members.get("conversation", "")}
        about = {**group, "user": nobody}
        yield change(_ONE, "group-add", about, [*both, nobody], nobody, "added")
        state = {**group, "name": name, "members": [*both, nobody], "change": None}
        yield self._asks(values, _OTHER, "group-info", group, "group", state)
        yield change(_OTHER, "group-remove", about, both, nobody, "removed")
        yield change(_OTHER, "group-leave", group, [self._own], self._other, "left")
        refused = {"code": "not-a-member", "definite": True, "retry_after": None}
        yield self._asks(values, _OTHER, "group-info", group, "refused", refused)

    def _visit(self, values: Values) -> Script:
        user, device = self._guest.credential.user, self._guest.device
        token, key = self._guest.credential.token, self._guest.credential.key
        wanted = [one for one in ("receipts", "typing", "presence") if values.chosen(True, False)]
        hello = {
            "versions": values.chosen([3], [3, 2], [0, 3], [2, 3, 10_000_000]),
            "device": device,
            "token": token,
            "cursor": values.chosen(None, 0, values.number(0, _EXACT)),
            "capabilities": [*wanted, values.name()],
        }
        welcome = {"version": 3, "user": user, "device": device, "cursor": 0, "head": 0}
        last, said = "hello", self._spelled(values, "hello", hello)
        if key is not None:
            came = yield Exchange(_GUEST, "hello", said, (Return(_GUEST, "challenge", {}),))
            nonce = str(came[_GUEST][0].members.get("nonce", ""))
            proof = {"signature": frames.proof(key, nonce, device, token).signature}
            last, said = "proof", self._spelled(values, "proof", proof)
        yield Exchange(_GUEST, last, said, (Return(_GUEST, "welcome", welcome),))
        farewell = Return(_GUEST, "closing", {"code": "bye"})
        yield Exchange(_GUEST, "bye", self._spelled(values, "bye", {}), (farewell,), ends=True)

    def _asks(
        self,
        values: Values,
        voice: Voice,
        word: str,
        said: Mapping[str, Any],
        answer: str,
        told: Mapping[str, Any],
        *notices: Return,
        **record: Any,
    ) -> Exchange:
        ref = values.number(-_EXACT, _NOT_SENTINEL)
        packet = self._spelled(values, word, {"ref": ref, **said})
        return Exchange(
            voice, word, packet, (Return(voice, answer, {"ref": ref, **told}), *notices), **record
        )

    def _spelled(self, values: Values, operation: str, members: Mapping[str, Any]) -> bytes:
        """A frame in one of the many spellings that JSON has for it, now and then with a member that nobody knows."""
        told = {"type": operation, **members}
        if values.chosen(True, False):
            told = values.shuffled(told)
        if values.chosen(True, False, False):
            told["x-" + values.name()] = values.chosen(
                None, [1, {"ref": 1}], "type", {"body": "no"}, 1.5, True
            )
        dumps: Callable[..., str] = json.dumps
        text = dumps(
            told,
            ensure_ascii=values.chosen(True, False),
            separators=values.chosen((",", ":"), (", ", ": "), (" ,\n", "\t: ")),
        )
        return text.encode()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member that occurs twice")
    return members


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word}, which JSON does not have")


def _given(frame: Any) -> tuple[Delivery, ...]:
    """The messages in a frame."""
    match frame:
        case frames.Deliver():
            entries: list[frames.Entry] = [frame]
            mode = Mode.LIVE
        case frames.PageRead():
            entries, mode = frame.entries, Mode.PAGE
        case _:
            return ()
    return tuple(
        Delivery(one.conversation, one.body.encode(), one.sender, one.key, one.id, one.sequence, one.cursor, mode,
                 -1, one.time)
        for one in entries
    )  # fmt: skip


def _ended(frame: Any) -> Outcome | None:
    """How the operation ended that a frame answers."""
    match frame:
        case frames.Accepted():
            sequence = -1 if frame.sequence is None else frame.sequence
            return Outcome(Completion.OK, id=frame.id or "", sequence=sequence, key=frame.key)
        case frames.Acked():
            return Outcome(Completion.OK, cursor=frame.cursor)
        case frames.PageRead():
            return Outcome(Completion.OK, cursor=frame.cursor, complete=frame.complete)
        case frames.Marked():
            return Outcome(Completion.OK, sequence=frame.sequence)
        case frames.Refused():
            return Outcome(Completion.FAIL if frame.definite else Completion.INFO, frame.code)
    return None
