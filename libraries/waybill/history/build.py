"""Makes a history of what was read."""

from __future__ import annotations

from typing import Any

import numpy as np

from .assembly import Assembly, Malformed
from .events import Completion, CredentialKind, End, Operation, Transport
from .membership import NEVER, Ints
from .model import History
from .rolls import memberships
from .tables import (
    Administration,
    Cursors,
    Deadline,
    Deliveries,
    Fault,
    Final,
    Invokes,
    NotOks,
    Oks,
    Operations,
    Presences,
    Receipts,
    Sends,
    Sessions,
)

NONE = -1


def build(assembly: Assembly, *, path: str, closed: bool, torn: bool) -> History:
    """The history of what was gathered.

    Raises:
        Malformed: Events name sessions, operations or names that the file does not have; a send has no
            conversation or no key.
    """
    tables = {kind: _table(assembly, kind) for kind in assembly.kinds}
    users = assembly.names["users"]
    devices: list[str] = []
    owners: list[int] = []
    device_numbers: dict[str, int] = {}

    def device_number(name: str, user: str = "") -> int:
        if name not in device_numbers:
            device_numbers[name] = len(devices)
            devices.append(name)
            owners.append(users.number(user or name.partition("/")[0]))
        return device_numbers[name]

    for name, user in assembly.header.device_names().items():
        device_number(name, user)
    sessions = _sessions(assembly, device_number)
    faults: dict[Any, Fault] = {}
    administrations: dict[Any, Administration] = {}
    finals: list[Final] = []
    deadlines: list[Deadline] = []
    for event, time, line in assembly.lines:
        match line["event"]:
            case "fault-start":
                fault = line.get("fault", len(faults) + 1)
                kind, scope = str(line.get("kind", "fault")), str(line.get("scope", ""))
                faults[fault] = Fault(
                    len(faults) + 1, kind, scope, event, time, details=line.get("details") or {}
                )
            case "fault-observed" if (started := _fault(faults, line)) is not None:
                started.seen(event, time, str(line.get("text", "")))
            case "fault-end" if (started := _fault(faults, line)) is not None:
                started.over(event, time)
            case "administration-start":
                number = line.get("administration", len(administrations) + 1)
                administrations[number] = Administration(
                    len(administrations) + 1,
                    str(line["operation"]),
                    event,
                    time,
                    user=users.number(line["user"]) if line.get("user") else NONE,
                    device=device_number(line["device"]) if line.get("device") else NONE,
                    session=int(line.get("session", NONE)),
                    token=int(line.get("token", 0)),
                )
            case "administration-end" if (asked := _administration(administrations, line)) is not None:
                asked.done, asked.done_time = event, time
                asked.outcome = Completion[line.get("outcome", "ok").upper()]
            case "final":
                finals.append(
                    Final(event, time, device_number(line["device"]), bool(line.get("complete", True)))
                )
            case "deadline":
                missing = tuple((str(one[0]), str(one[1])) for one in line.get("missing", ()))
                deadlines.append(Deadline(event, time, device_number(line["device"]), missing))
    _as_sent(tables["send"], tables["deliver"], _array(assembly.message_senders))
    sends, invokes = _sends(tables["send"]), Invokes(**tables["invoke"])
    oks, not_oks = Oks(**tables["ok"]), NotOks(**tables["not_ok"])
    used = [sends.session, invokes.session, *(tables[kind]["session"] for kind in _ON_SESSIONS)]
    for column in used:
        unknown = column[(column < 0) | (column >= len(sessions.device))]
        if len(unknown) or (len(column) and bool((sessions.device[column] < 0).any())):
            raise Malformed("an event names a session that no `session` event began")
    operations = _operations(sends, invokes, oks, not_oks)
    history = History(
        header=assembly.header,
        path=path,
        closed=closed,
        torn=torn,
        count=assembly.count,
        users=list(users),
        devices=devices,
        device_user=np.array(owners, dtype=np.int32),
        conversations=[],
        codes=list(assembly.names["codes"]),
        ids=assembly.names["ids"],
        keys=assembly.names["messages"],
        message_sender=_array(assembly.message_senders),
        sends=sends,
        invokes=invokes,
        oks=oks,
        not_oks=not_oks,
        deliveries=Deliveries(**tables["deliver"]),
        receipts=Receipts(**tables["receipt"]),
        cursors=Cursors(**tables["cursor"]),
        presences=Presences(**tables["presence"]),
        sessions=sessions,
        operations=operations,
        faults=list(faults.values()),
        administrations=list(administrations.values()),
        finals=finals,
        deadlines=deadlines,
        memberships={},
    )
    history.memberships = memberships(assembly, history)
    history.conversations = list(assembly.names["conversations"])
    history.users = list(users)
    return history


_ON_SESSIONS = ("deliver", "receipt", "cursor", "presence")
_MAPPED = {
    "conversation": "conversations",
    "user": "users",
    "sender": "users",
    "message": "messages",
    "id": "ids",
    "code": "codes",
}


def _fault(faults: dict[Any, Fault], line: dict[str, Any]) -> Fault | None:
    return faults.get(line["fault"]) if "fault" in line else next(reversed(faults.values()), None)


def _administration(known: dict[Any, Administration], line: dict[str, Any]) -> Administration | None:
    named = line.get("administration")
    return known.get(named) if named is not None else next(reversed(known.values()), None)


def _array(column: Any) -> Ints:
    if not len(column):
        return np.empty(0, dtype={"b": np.int8, "i": np.int32, "q": np.int64}[column.typecode])
    return np.frombuffer(column, dtype=column.typecode)


def _of_ours(values: Ints, mapping: Ints, spelled: Ints) -> Ints:
    """Numbers of the file's tables as numbers of ours; those of events that were spelled out are ours already."""
    of_file = np.array(values)
    of_file[spelled] = NONE
    mapped: Ints = mapping[of_file]
    mapped[spelled] = values[spelled]
    return mapped


def _table(assembly: Assembly, kind: str) -> dict[str, Ints]:
    gathered = assembly.kinds[kind]
    table = {"event": _array(gathered.events), "time": _array(gathered.times)}
    for name, column in gathered.columns.items():
        values = column.values()
        mapping = assembly.maps.get(_MAPPED.get(name, ""))
        if mapping is not None and len(values):
            values = _of_ours(
                values, np.array([*mapping, NONE], dtype=values.dtype), _array(gathered.spelled)
            )
        names = assembly.names.get(_MAPPED.get(name, ""))
        if names is not None and len(values) and int(values.max()) >= len(names):
            raise Malformed(
                f"{kind!r} names {name} {int(values.max())}, but its table has {len(names)} names"
            )
        table[name] = values
    return table


def _as_sent(send: dict[str, Ints], deliver: dict[str, Ints], message_sender: Ints) -> None:
    """Fills in what a delivery leaves out because it is as in the first attempt of its message."""
    message = deliver["message"]
    first = np.full(len(message_sender) + 1, NONE, dtype=np.int64)
    first[send["message"][::-1]] = np.arange(len(send["message"]))[::-1]
    row = first[message]
    known = row >= 0
    body = known & (deliver["digest"] < 0)
    for name, wanted in (
        ("digest", body),
        ("length", body),
        ("conversation", known & (deliver["conversation"] < 0)),
    ):
        deliver[name] = np.where(wanted, send[name][row] if len(send[name]) else NONE, deliver[name])
    owner = np.append(message_sender, NONE)[message]
    deliver["sender"] = np.where(deliver["sender"] < 0, owner, deliver["sender"])


def _sends(table: dict[str, Ints]) -> Sends:
    """The sends; each has a conversation and a key."""
    sends = Sends(**table)
    for column, lacks in ((sends.message, "key"), (sends.conversation, "conversation")):
        if (column < 0).any():
            event = int(sends.event[column < 0][0])
            raise Malformed(
                f"event {event} is a send without a {lacks}: a send names its conversation and its key"
            )
    return sends


def _sessions(assembly: Assembly, device_number: Any) -> Sessions:
    users = assembly.names["users"]
    begun = {
        line["session"]: (event, time, line)
        for event, time, line in assembly.lines
        if line["event"] == "session"
    }
    size = max(begun, default=0) + 1
    columns = {name: np.full(size, NONE, dtype=np.int32) for name in ("device", "user", "version")}
    columns["token"] = np.zeros(size, dtype=np.int32)
    columns |= {name: np.zeros(size, dtype=np.int8) for name in ("transport", "credential", "end")}
    columns |= {name: np.full(size, NEVER, dtype=np.int32) for name in ("event", "end_event")}
    columns |= {name: np.full(size, NONE, dtype=np.int64) for name in ("time", "end_time")}
    node, protocol = [""] * size, [""] * size
    for number, (event, time, line) in begun.items():
        columns["device"][number] = device_number(line["device"], line.get("user", ""))
        columns["user"][number] = users.number(line.get("user") or line["device"].partition("/")[0])
        columns["version"][number] = line.get("protocol_version", 0)
        columns["token"][number] = line.get("token", 0)
        columns["transport"][number] = Transport[line.get("transport", "tls").upper()]
        columns["credential"][number] = CredentialKind[line.get("credential", "valid").upper()]
        columns["event"][number] = event
        columns["time"][number] = time
        node[number], protocol[number] = line.get("node", ""), line.get("protocol", "")
    for event, time, line in assembly.lines:
        if line["event"] == "end" and line["session"] in begun and not columns["end"][line["session"]]:
            columns["end"][line["session"]] = End[line.get("end", "closed").upper()]
            columns["end_event"][line["session"]] = event
            columns["end_time"][line["session"]] = time
    return Sessions(node=node, protocol=protocol, **columns)


def _operations(sends: Sends, invokes: Invokes, oks: Oks, not_oks: NotOks) -> Operations:
    highest = max(
        (int(t.operation.max()) for t in (sends, invokes, oks, not_oks) if len(t.operation)), default=0
    )
    size = highest + 1
    what = np.zeros(size, dtype=np.int8)
    session = np.zeros(size, dtype=np.int32)
    event = np.full(size, NEVER, dtype=np.int32)
    time = np.full(size, NONE, dtype=np.int64)
    completion = np.zeros(size, dtype=np.int8)
    done = np.full(size, NEVER, dtype=np.int32)
    done_time = np.full(size, NONE, dtype=np.int64)
    row = np.full(size, NONE, dtype=np.int32)
    code = np.full(size, NONE, dtype=np.int32)
    for table, kind in ((sends, np.int8(Operation.SEND)), (invokes, invokes.what)):
        what[table.operation] = kind
        session[table.operation] = table.session
        event[table.operation] = table.event
        time[table.operation] = table.time
    completion[not_oks.operation] = not_oks.outcome
    done[not_oks.operation] = not_oks.event
    done_time[not_oks.operation] = not_oks.time
    code[not_oks.operation] = not_oks.code
    backwards = slice(None, None, -1)
    completion[oks.operation] = Completion.OK
    done[oks.operation[backwards]] = oks.event[backwards]
    done_time[oks.operation[backwards]] = oks.time[backwards]
    row[oks.operation[backwards]] = np.arange(len(oks.operation), dtype=np.int32)[backwards]
    orphans = (completion > 0) & (what == 0)
    if orphans.any():
        raise Malformed(f"operation {int(np.flatnonzero(orphans)[0])} is completed, but no event invokes it")
    return Operations(what, session, event, time, completion, done, done_time, row, code)
