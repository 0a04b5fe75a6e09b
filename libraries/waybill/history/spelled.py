"""The long form: one event a line, spelled out with names, as a person or a foreign tool writes it."""

from __future__ import annotations

import base64
from typing import Any

from .assembly import Assembly, Malformed
from .events import Completion, CredentialKind, End, Mode, Operation, Transport
from .layout import MISSING, body_digest

OPERATIONS = {operation.name.lower(): operation for operation in Operation}
PLAIN = (
    "end", "final", "deadline", "members", "fault-start", "fault-observed", "fault-end",
    "administration-start", "administration-end",
)  # fmt: skip
"""Events that are kept as they are written."""


class Spelled:
    """Adds long lines to an assembly; numbers the sessions and operations that the writer left unnumbered."""

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._users = assembly.names["users"]
        self._devices = assembly.header.device_names()
        self._user_of_session: dict[int, int] = {}
        self._session_of_device: dict[str, int] = {}
        self._sessions = 0
        self._operations: dict[Any, int] = {}
        self._owners: dict[int, int] = {}
        self._highest = 0
        self._open: dict[int, tuple[str, str, Any]] = {}
        self._adders = {
            "send": self._send,
            "ok": self._ok,
            "fail": self._not_ok,
            "info": self._not_ok,
            "deliver": self._deliver,
            "receipt": self._receipt,
            "cursor": self._cursor,
            "presence-seen": self._presence,
            "create": self._create,
            "session": self._session,
        }

    def add(self, line: dict[str, Any]) -> None:
        """Adds one long line.

        Raises:
            Malformed: It names no known event, or lacks what the event needs.
        """
        event = line["event"]
        time = line.get("time", MISSING)
        if not isinstance(time, int) or not isinstance(event, str):
            raise Malformed(
                f"expected a string `event` and a whole number of microseconds `time`, found {line!r}"
            )
        adder = self._adders.get(event)
        try:
            if adder is not None:
                adder(time, line)
            elif event in OPERATIONS:
                self._invoke(time, line)
            elif event in PLAIN:
                self._plain(time, line)
            else:
                known = sorted([*self._adders, *OPERATIONS, *PLAIN])
                raise Malformed(f"unknown event {event!r}; known: {', '.join(known)}")
        except KeyError as error:
            raise Malformed(f"event {event!r} lacks or does not know {error}: {line!r}") from error

    def _plain(self, time: int, line: dict[str, Any]) -> None:
        if line["event"] == "end":
            session = self._session_number(line)
            End[line.get("end", "closed").upper()]
            line = {**line, "session": session}
            if self._session_of_device.get(line.get("device", "")) == session:
                del self._session_of_device[line["device"]]
        if line["event"] in ("final", "deadline"):
            line["device"]
        if line["event"] == "administration-start":
            line["operation"]
        if line["event"] == "administration-end":
            Completion[line.get("outcome", "ok").upper()]
        self._assembly.add_line(time, line)

    def _session(self, time: int, line: dict[str, Any]) -> None:
        device = line["device"]
        number = line.get("session", self._sessions + 1)
        if not isinstance(number, int) or number < 0:
            raise Malformed(f"expected a whole number as `session`, found {number!r}")
        self._sessions = max(self._sessions, number)
        self._session_of_device[device] = number
        user = self._devices.get(device) or device.partition("/")[0]
        self._user_of_session[number] = self._users.number(user)
        Transport[line.get("transport", "tls").upper()]
        CredentialKind[line.get("credential", "valid").upper()]
        self._assembly.add_line(time, {**line, "session": number, "user": user})

    def _session_number(self, line: dict[str, Any]) -> int:
        """The session that a line belongs to: the one it names, or its device's latest, begun here if there is none."""
        if "session" in line:
            session = line["session"]
            if session not in self._user_of_session:
                raise Malformed(f"session {session!r} was never begun by a `session` event")
            return int(session)
        device = line["device"]
        if device not in self._session_of_device:
            number = self._sessions + 1
            self._sessions = number
            self._session_of_device[device] = number
            user = self._devices.get(device) or device.partition("/")[0]
            self._user_of_session[number] = self._users.number(user)
            implied = {"event": "session", "session": number, "device": device, "user": user, "implied": True}
            self._assembly.lines.append((self._assembly.count + 1, line.get("time", MISSING), implied))
        return self._session_of_device[device]

    def _begin(self, line: dict[str, Any], session: int) -> int:
        """The number of an operation that begins."""
        label = line.get("operation")
        if isinstance(label, int):
            number = label
            self._highest = max(self._highest, number)
        else:
            self._highest += 1
            number = self._highest
            if label is not None:
                self._operations[label] = number
        self._owners[number] = self._user_of_session[session]
        self._open[number] = (line.get("device", session), line.get("key", ""), line["event"])
        return number

    def _finish(self, line: dict[str, Any]) -> int:
        """The number of the operation that a completion belongs to."""
        label = line.get("operation")
        if isinstance(label, int):
            self._open.pop(label, None)
            return label
        if label is not None:
            number = self._operations[label]
            self._open.pop(number, None)
            return number
        device, key, of = line["device"], line.get("key"), line.get("of")
        for number, (its_device, its_key, its_event) in self._open.items():
            if its_device == device and key in (None, its_key) and of in (None, its_event):
                del self._open[number]
                return number
        raise Malformed(f"{device} has no open operation that this line could complete: {line!r}")

    def _conversation(self, line: dict[str, Any]) -> int:
        return self._assembly.names["conversations"].number(line.get("conversation", ""))

    def _id(self, line: dict[str, Any]) -> int:
        return self._assembly.names["ids"].number(str(line.get("id", "")))

    def _user(self, line: dict[str, Any], name: str = "user") -> int:
        return self._users.number(line.get(name, ""))

    @staticmethod
    def _body(line: dict[str, Any]) -> tuple[int, int]:
        if "digest" in line:
            return int(line["digest"]), int(line.get("length", MISSING))
        body = base64.b64decode(line["body_base64"]) if "body_base64" in line else line["body"].encode()
        return body_digest(body), len(body)

    def _send(self, time: int, line: dict[str, Any]) -> None:
        session = self._session_number(line)
        digest, length = self._body(line)
        key = line["key"]
        self._assembly.add(
            "send",
            time,
            {
                "operation": self._begin(line, session),
                "session": session,
                "conversation": self._conversation(line),
                "message": self._assembly.message(self._user_of_session[session], key),
                "digest": digest,
                "length": length,
                "over_quota": 1 if line.get("over_quota") else MISSING,
                "expires": line.get("expires", MISSING),
            },
        )

    def _invoke(self, time: int, line: dict[str, Any]) -> None:
        session = self._session_number(line)
        operation = self._begin(line, session)
        key = line.get("key", "")
        user = self._user_of_session[session]
        self._assembly.add(
            "invoke",
            time,
            {
                "operation": operation,
                "session": session,
                "what": OPERATIONS[line["event"]],
                "conversation": self._conversation(line),
                "user": self._user(line),
                "message": self._assembly.message(user, key),
                "value": line.get(
                    "value", line.get("cursor", line.get("after", line.get("sequence", MISSING)))
                ),
                "id": self._id(line),
                "delivery": line.get("delivery", MISSING),
            },
        )

    def _create(self, time: int, line: dict[str, Any]) -> None:
        session = self._session_number(line)
        operation = self._begin(line, session)
        values = {
            "operation": operation,
            "session": session,
            "what": int(Operation.CREATE),
            "conversation": self._conversation(line),
        }
        event = self._assembly.add("invoke", time, values)
        kept = {"event": "create", "operation": operation, "members": list(line.get("members", ()))}
        self._assembly.lines.append((event, time, kept))

    def _ok(self, time: int, line: dict[str, Any]) -> None:
        operation = self._finish(line)
        # With an operation named, a key does not look for one: it is what the server's answer says.
        named = line.get("key", "") if "operation" in line else ""
        value = line.get("value", line.get("cursor", line.get("online", MISSING)))
        self._assembly.add(
            "ok",
            time,
            {
                "operation": operation,
                "id": self._id(line),
                "sequence": line.get("sequence", MISSING),
                "value": int(value),
                "user": self._user(line),
                "conversation": self._conversation(line),
                "message": self._assembly.message(self._owners.get(operation, MISSING), named),
                "complete": 1 if line.get("complete") else MISSING,
            },
        )

    def _not_ok(self, time: int, line: dict[str, Any]) -> None:
        outcome = Completion.FAIL if line["event"] == "fail" else Completion.INFO
        code = self._assembly.names["codes"].number(str(line.get("code", "")))
        self._assembly.add(
            "not_ok", time, {"operation": self._finish(line), "outcome": outcome, "code": code}
        )

    def _deliver(self, time: int, line: dict[str, Any]) -> None:
        session = self._session_number(line)
        sender = self._user(line, "sender")
        digest, length = self._body(line)
        read = line.get("read", MISSING)
        self._assembly.add(
            "deliver",
            time,
            {
                "session": session,
                "conversation": self._conversation(line),
                "sender": sender,
                "message": self._assembly.message(sender, line.get("key", "")),
                "digest": digest,
                "length": length,
                "id": self._id(line),
                "sequence": line.get("sequence", MISSING),
                "cursor": line.get("cursor", MISSING),
                "mode": Mode[line.get("mode", "live").upper()],
                "read": read if isinstance(read, int) else self._operations[read],
                "server_time": line.get("server_time", MISSING),
                "number": line.get("number", MISSING),
            },
        )

    def _receipt(self, time: int, line: dict[str, Any]) -> None:
        session, operation = self._session_number(line), line.get("operation", MISSING)
        self._assembly.add(
            "receipt",
            time,
            {
                "session": session,
                "conversation": self._conversation(line),
                "user": self._user(line),
                "delivered": line.get("delivered", MISSING),
                "read": line.get("read", MISSING),
                "id": self._id(line),
                "operation": operation if isinstance(operation, int) else self._operations[operation],
                "unread": line.get("unread", MISSING),
                "expired": self._assembly.message(self._user_of_session[session], line.get("expired", "")),
            },
        )

    def _cursor(self, time: int, line: dict[str, Any]) -> None:
        self._assembly.add("cursor", time, {"session": self._session_number(line), "value": line["value"]})

    def _presence(self, time: int, line: dict[str, Any]) -> None:
        values = {
            "session": self._session_number(line),
            "user": self._user(line),
            "online": int(line["online"]),
        }
        self._assembly.add("presence", time, values)
