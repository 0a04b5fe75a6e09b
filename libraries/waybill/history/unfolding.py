"""A history event by event, each spelled out as an object, whichever spelling the file has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from .assembly import Assembly, Line, Malformed
from .build import build
from .events import Completion, Mode, Operation
from .header import Header
from .layout import MISSING
from .model import History
from .reader import read_with_lines
from .spelled import Spelled

OWN = (
    "session", "end", "final", "deadline", "members", "fault-start", "fault-observed", "fault-end",
    "administration-start", "administration-end",
)  # fmt: skip
"""Events that are objects in the file already."""


@dataclass(frozen=True, slots=True)
class Unfolded:
    """A history as its events.

    Attributes:
        history: What it says.
        events: Its events in order, as objects of the long form (docs/history.md); every operation, fault and
            operation of administration has its number. Sessions that the writer left out are left out here too.
    """

    history: History
    events: list[dict[str, Any]]


def unfold(path: Path | str) -> Unfolded:
    """The events of a history file.

    Raises:
        HistoryUnreadable: The file is no history.
    """
    history, lines = read_with_lines(path)
    return Unfolded(history, _events(history, lines))


def fold(header: Header, events: Iterable[dict[str, Any]], *, closed: bool) -> History:
    """The history of some events.

    Args:
        header: Its header.
        events: Objects of the long form, in order.
        closed: Whether it is whole, or breaks off.

    Raises:
        ValueError: The events do not make a history: one needs another that is not there.
    """
    assembly = Assembly(header)
    spelled = Spelled(assembly)
    for event in events:
        spelled.add(event)
    try:
        return build(assembly, path="", closed=closed, torn=False)
    except (TypeError, KeyError, IndexError) as error:
        raise Malformed(f"the events do not make a history: {error}") from error


def write(
    path: Path, header: Header, events: Iterable[dict[str, Any]], *, closed: bool, comment: str
) -> Path:
    """Writes events as a history file in the long form, with a comment under its header."""
    lines = [header.to_line(), {"comment": comment}, *events]
    if closed:
        lines.append({"end": {}})
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    return path


def _events(history: History, lines: list[Line]) -> list[dict[str, Any]]:
    implied = {line["session"] for _, _, line in lines if line.get("implied")}
    spelling = _Spelling(history, implied)
    found: dict[int, tuple[int, dict[str, Any]]] = {}
    for kind in ("sends", "invokes", "oks", "not_oks", "deliveries", "receipts", "cursors", "presences"):
        table = getattr(history, kind)
        for row in range(len(table.event)):
            event = getattr(spelling, kind)(table, row)
            found[int(table.event[row])] = int(table.time[row]), event
    faults = administrations = 0
    for number, time, line in lines:
        event = {name: value for name, value in line.items() if name != "implied"}
        match line["event"]:
            case "create":
                found[number][1]["members"] = line["members"]
                continue
            case "session" if line.get("implied"):
                continue
            case "fault-start":
                faults += 1
                event.setdefault("fault", faults)
            case "fault-observed" | "fault-end":
                event.setdefault("fault", faults)
            case "administration-start":
                administrations += 1
                event.setdefault("administration", administrations)
            case "administration-end":
                event.setdefault("administration", administrations)
            case "end" if line["session"] in implied:
                del event["session"]
        found[number] = time, event
    return [
        {"event": event.pop("event"), **({} if time == MISSING else {"time": time}), **event}
        for _, (time, event) in sorted(found.items())
    ]


class _Spelling:
    """Spells the rows of the tables out, with names in place of numbers; what is not known is left out."""

    def __init__(self, history: History, implied: set[int]) -> None:
        self._history = history
        self._implied = implied

    def sends(self, table: Any, row: int) -> dict[str, Any]:
        """One attempt of a message."""
        return {
            "event": "send",
            **self._session(table, row),
            "operation": int(table.operation[row]),
            **self._names(table, row, "conversation"),
            "key": self._history.keys[int(table.message[row])],
            "digest": int(table.digest[row]),
            "length": int(table.length[row]),
            **({"over_quota": True} if table.over_quota[row] == 1 else {}),
            **_numbers(table, row, "expires"),
        }

    def invokes(self, table: Any, row: int) -> dict[str, Any]:
        """Any other operation."""
        return {
            "event": Operation(int(table.what[row])).name.lower(),
            **self._session(table, row),
            "operation": int(table.operation[row]),
            **self._names(table, row, "conversation", "user", "key", "id"),
            **_numbers(table, row, "value", "delivery"),
        }

    def oks(self, table: Any, row: int) -> dict[str, Any]:
        """An operation that took effect."""
        return {
            "event": "ok",
            **self._session_of_operation(table, row),
            **self._names(table, row, "id", "user", "conversation", "key"),
            **_numbers(table, row, "sequence", "value"),
            **({"complete": True} if table.complete[row] == 1 else {}),
        }

    def not_oks(self, table: Any, row: int) -> dict[str, Any]:
        """An operation that did not take effect, or of which nobody knows."""
        return {
            "event": Completion(int(table.outcome[row])).name.lower(),
            **self._session_of_operation(table, row),
            **self._names(table, row, "code"),
        }

    def deliveries(self, table: Any, row: int) -> dict[str, Any]:
        """A message that a device was given; its number among all is told, since others may be left out."""
        number = int(table.number[row])
        return {
            "event": "deliver",
            **self._session(table, row),
            **self._names(table, row, "conversation", "sender", "key", "id"),
            "digest": int(table.digest[row]),
            "length": int(table.length[row]),
            **_numbers(table, row, "sequence", "cursor"),
            "mode": Mode(max(int(table.mode[row]), int(Mode.LIVE))).name.lower(),
            **_numbers(table, row, "read", "server_time"),
            "number": number if number >= 0 else row + 1,
        }

    def receipts(self, table: Any, row: int) -> dict[str, Any]:
        """How far a user was given a conversation, and has read it; or which message has expired."""
        expired = int(table.expired[row])
        return {
            "event": "receipt",
            **self._session(table, row),
            **self._names(table, row, "conversation", "user", "id"),
            **_numbers(table, row, "delivered", "read", "operation", "unread"),
            **({"expired": self._history.keys[expired]} if expired >= 0 else {}),
        }

    def cursors(self, table: Any, row: int) -> dict[str, Any]:
        """A cursor that the server stated."""
        return {"event": "cursor", **self._session(table, row), "value": int(table.value[row])}

    def presences(self, table: Any, row: int) -> dict[str, Any]:
        """A user who came or went."""
        return {
            "event": "presence-seen",
            **self._session(table, row),
            **self._names(table, row, "user"),
            "online": bool(table.online[row]),
        }

    def _session(self, table: Any, row: int) -> dict[str, Any]:
        return self._named_session(int(table.session[row]))

    def _session_of_operation(self, table: Any, row: int) -> dict[str, Any]:
        operation = int(table.operation[row])
        device = self._named_session(int(self._history.operations.session[operation]))["device"]
        return {"device": device, "operation": operation}

    def _named_session(self, session: int) -> dict[str, Any]:
        device = self._history.devices[int(self._history.sessions.device[session])]
        return {"device": device} if session in self._implied else {"device": device, "session": session}

    def _names(self, table: Any, row: int, *columns: str) -> dict[str, Any]:
        history = self._history
        named: dict[str, Any] = {
            "conversation": history.conversations,
            "user": history.users,
            "sender": history.users,
            "key": history.keys,
            "id": history.ids,
            "code": history.codes,
        }
        found = {}
        for column in columns:
            number = int(getattr(table, "message" if column == "key" else column)[row])
            if number >= 0:
                found[column] = named[column][number]
        return found


def _numbers(table: Any, row: int, *columns: str) -> dict[str, Any]:
    return {column: int(value) for column in columns if (value := getattr(table, column)[row]) != MISSING}
