"""A history in memory: documented columns, small integers throughout, strings only by their numbers.

The number of an event - its place in the file, counted from 1 - is the clock of every check: what stands earlier
happened earlier. Times are microseconds since the start and serve prose and the few bounds that are promised in time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from .assembly import Assembly, Malformed
from .events import Completion, CredentialKind, End, Operation, Transport
from .header import Header
from .membership import NEVER, START, Change, Ints, Membership
from .names import Names

if TYPE_CHECKING:
    from .messages import Messages

NONE = -1


@dataclass(frozen=True, slots=True)
class Sends:
    """One row for each attempt of a send: `message` says of which; `over_quota` is 1 or -1."""

    event: Ints
    time: Ints
    operation: Ints
    session: Ints
    conversation: Ints
    message: Ints
    digest: Ints
    length: Ints
    over_quota: Ints
    expires: Ints


@dataclass(frozen=True, slots=True)
class Invokes:
    """One row for each other operation: `what` is an `Operation`."""

    event: Ints
    time: Ints
    operation: Ints
    session: Ints
    what: Ints
    conversation: Ints
    user: Ints
    message: Ints
    value: Ints
    id: Ints
    delivery: Ints


@dataclass(frozen=True, slots=True)
class Oks:
    """One row for each completion that took effect: `message` is the send that the answer names."""

    event: Ints
    time: Ints
    operation: Ints
    id: Ints
    sequence: Ints
    value: Ints
    user: Ints
    conversation: Ints
    message: Ints
    complete: Ints


@dataclass(frozen=True, slots=True)
class NotOks:
    """One row for each other completion: `outcome` is FAIL or INFO."""

    event: Ints
    time: Ints
    operation: Ints
    outcome: Ints
    code: Ints


@dataclass(frozen=True, slots=True)
class Deliveries:
    """One row for each delivery: `sender` and `message` are what the server named, not what is true; `number` is -1
    where it is the place of the delivery among all."""

    event: Ints
    time: Ints
    session: Ints
    conversation: Ints
    sender: Ints
    message: Ints
    digest: Ints
    length: Ints
    id: Ints
    sequence: Ints
    cursor: Ints
    mode: Ints
    read: Ints
    server_time: Ints
    number: Ints


@dataclass(frozen=True, slots=True)
class Receipts:
    """One row for each receipt that a device saw; `operation` is the MARKERS that asked for it."""

    event: Ints
    time: Ints
    session: Ints
    conversation: Ints
    user: Ints
    delivered: Ints
    read: Ints
    id: Ints
    operation: Ints
    unread: Ints


@dataclass(frozen=True, slots=True)
class Cursors:
    """One row for each cursor that the server stated."""

    event: Ints
    time: Ints
    session: Ints
    value: Ints


@dataclass(frozen=True, slots=True)
class Presences:
    """One row for each presence change that a device was told."""

    event: Ints
    time: Ints
    session: Ints
    user: Ints
    online: Ints


@dataclass(frozen=True, slots=True)
class Sessions:
    """By session number: whose it is, how it was made, when it began and ended (`end` 0: it did not)."""

    device: Ints
    user: Ints
    version: Ints
    transport: Ints
    credential: Ints
    event: Ints
    time: Ints
    end: Ints
    end_event: Ints
    end_time: Ints
    node: list[str]
    protocol: list[str]


@dataclass(frozen=True, slots=True)
class Operations:
    """By operation number: what it was and how it ended (`what` 0: there is none of that number; `completion` 0: it
    never ended; `row` its row in `oks`)."""

    what: Ints
    session: Ints
    event: Ints
    time: Ints
    completion: Ints
    done: Ints
    done_time: Ints
    row: Ints
    code: Ints


@dataclass(slots=True)
class Fault:
    """A fault with its observed effect and its end (events; NEVER where there was none)."""

    number: int
    kind: str
    scope: str
    event: int
    time: int
    observed: int = NEVER
    end: int = NEVER
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Final:
    """A device's statement that its view ends here."""

    event: int
    time: int
    device: int
    complete: bool


@dataclass(frozen=True, slots=True)
class Deadline:
    """A drain deadline that passed, with what was still missing."""

    event: int
    time: int
    device: int
    missing: tuple[tuple[str, str], ...]


@dataclass(eq=False)
class History:
    """Everything that one file says. Users, devices, conversations, ids and messages are numbers everywhere; the lists
    of names resolve them."""

    header: Header
    path: str
    closed: bool
    torn: bool
    count: int
    users: list[str]
    devices: list[str]
    device_user: Ints
    conversations: list[str]
    codes: list[str]
    ids: Names
    keys: Names
    message_sender: Ints
    sends: Sends
    invokes: Invokes
    oks: Oks
    not_oks: NotOks
    deliveries: Deliveries
    receipts: Receipts
    cursors: Cursors
    presences: Presences
    sessions: Sessions
    operations: Operations
    faults: list[Fault]
    finals: list[Final]
    deadlines: list[Deadline]
    memberships: dict[int, dict[int, Membership]]

    def promise(self, name: str, default: Any) -> Any:
        """What the target promises under a name."""
        return self.header.promises.get(name, default)

    @cached_property
    def messages(self) -> Messages:
        """What is known of each message."""
        from .messages import gather

        return gather(self)

    def membership(self, conversation: int, user: int) -> Membership | None:
        """A user's membership of a conversation whose members are known; None if nobody knows its members."""
        members = self.memberships.get(conversation)
        if members is None:
            return None
        found = members.get(user)
        if found is None:
            found = Membership(outside=[(START, NEVER)])
        return found

    @cached_property
    def rows_of_devices(self) -> list[Ints]:
        """For each device the rows of its deliveries, in order."""
        from .views import rows_of_devices

        return rows_of_devices(self)

    @cached_property
    def devices_of_user(self) -> dict[int, list[int]]:
        """The devices of each user."""
        devices: dict[int, list[int]] = {}
        for device, user in enumerate(self.device_user.tolist()):
            devices.setdefault(user, []).append(device)
        return devices

    @cached_property
    def conversations_of_user(self) -> dict[int, list[int]]:
        """The conversations that each user may ever have been a member of."""
        found: dict[int, list[int]] = {}
        for conversation, members in self.memberships.items():
            for user in members:
                found.setdefault(user, []).append(conversation)
        return found

    @cached_property
    def final_begin(self) -> dict[int, int]:
        """For each device with a complete final read the event at which that read began: what existed then, it must
        hold."""
        from .events import Mode

        found: dict[int, int] = {}
        ended = {final.device: final for final in self.finals}
        complete = {device: final.event for device, final in ended.items() if final.complete}
        rows = np.flatnonzero(self.deliveries.mode == Mode.FINAL)
        begun = self.deliveries.event[rows].copy()
        asked = self.deliveries.read[rows]
        known = asked >= 0
        begun[known] = self.operations.event[asked[known]]
        device = self.sessions.device[self.deliveries.session[rows]]
        for number, event in complete.items():
            earlier = max((f.event for f in self.finals if f.device == number and f.event < event), default=0)
            mine = begun[(device == number) & (begun > earlier) & (begun < event)]
            found[number] = int(mine.min()) if len(mine) else event
        return found

    def healthy(self, begin: int, end: int) -> bool:
        """Whether no fault was in force at any time between two events."""
        return all(fault.event > end or fault.end < begin for fault in self.faults)


def build(assembly: Assembly, *, path: str, closed: bool, torn: bool) -> History:
    """The history of what was gathered.

    Raises:
        Malformed: Events name sessions, operations or names that the file does not have.
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
    finals: list[Final] = []
    deadlines: list[Deadline] = []
    for event, time, line in assembly.lines:
        match line["event"]:
            case "fault-start":
                fault = line.get("fault", len(faults) + 1)
                kind, scope = str(line.get("kind", "fault")), str(line.get("scope", ""))
                faults[fault] = Fault(len(faults) + 1, kind, scope, event, time, details=line.get("details") or {})
            case "fault-observed" if (started := _fault(faults, line)) is not None:
                started.observed = min(started.observed, event)
            case "fault-end" if (started := _fault(faults, line)) is not None:
                started.end = min(started.end, event)
            case "final":
                finals.append(Final(event, time, device_number(line["device"]), bool(line.get("complete", True))))
            case "deadline":
                missing = tuple((str(one[0]), str(one[1])) for one in line.get("missing", ()))
                deadlines.append(Deadline(event, time, device_number(line["device"]), missing))
    sends, invokes = Sends(**tables["send"]), Invokes(**tables["invoke"])
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
        finals=finals,
        deadlines=deadlines,
        memberships={},
    )
    history.memberships = _memberships(assembly, history)
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


def _array(column: Any) -> Ints:
    if not len(column):
        return np.empty(0, dtype={"b": np.int8, "i": np.int32, "q": np.int64}[column.typecode])
    return np.frombuffer(column, dtype=column.typecode)


def _table(assembly: Assembly, kind: str) -> dict[str, Ints]:
    gathered = assembly.kinds[kind]
    table = {"event": _array(gathered.events), "time": _array(gathered.times)}
    for name, column in gathered.columns.items():
        values = _array(column)
        mapping = assembly.maps.get(_MAPPED.get(name, ""))
        if mapping is not None and len(values):
            values = np.array([*mapping, NONE], dtype=values.dtype)[values]
        names = assembly.names.get(_MAPPED.get(name, ""))
        if names is not None and len(values) and int(values.max()) >= len(names):
            raise Malformed(f"{kind!r} names {name} {int(values.max())}, but its table has {len(names)} names")
        table[name] = values
    return table


def _sessions(assembly: Assembly, device_number: Any) -> Sessions:
    users = assembly.names["users"]
    begun = {line["session"]: (event, time, line) for event, time, line in assembly.lines if line["event"] == "session"}
    size = max(begun, default=0) + 1
    columns = {name: np.full(size, NONE, dtype=np.int32) for name in ("device", "user", "version")}
    columns |= {name: np.zeros(size, dtype=np.int8) for name in ("transport", "credential", "end")}
    columns |= {name: np.full(size, NEVER, dtype=np.int32) for name in ("event", "end_event")}
    columns |= {name: np.full(size, NONE, dtype=np.int64) for name in ("time", "end_time")}
    node, protocol = [""] * size, [""] * size
    for number, (event, time, line) in begun.items():
        columns["device"][number] = device_number(line["device"], line.get("user", ""))
        columns["user"][number] = users.number(line.get("user") or line["device"].partition("/")[0])
        columns["version"][number] = line.get("protocol_version", 0)
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
    highest = max((int(t.operation.max()) for t in (sends, invokes, oks, not_oks) if len(t.operation)), default=0)
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


def _memberships(assembly: Assembly, history: History) -> dict[int, dict[int, Membership]]:
    users, conversations = assembly.names["users"], assembly.names["conversations"]
    found: dict[int, dict[int, Membership]] = {}
    known: set[int] = set()

    def change(conversation: int, user: int, changed: Change) -> None:
        if conversation >= 0 and user >= 0:
            found.setdefault(conversation, {}).setdefault(user, Membership()).changes.append(changed)

    initial = Change(True, START, START, True, told=False)
    for name, members in assembly.header.conversations.items():
        found.setdefault(conversations.number(name), {})
        known.add(conversations.number(name))
        for member in members:
            change(conversations.number(name), users.number(member), initial)
    created: dict[int, list[str]] = {}
    for _, _, line in assembly.lines:
        if line["event"] == "members":
            known.add(conversations.number(line["conversation"]))
            for member in line.get("members", ()):
                change(conversations.number(line["conversation"]), users.number(member), initial)
        elif line["event"] == "create":
            created[line["operation"]] = [str(member) for member in line["members"]]
    invokes, operations = history.invokes, history.operations
    kinds = (Operation.CREATE, Operation.ADD, Operation.REMOVE, Operation.LEAVE)
    for row in np.flatnonzero(np.isin(invokes.what, kinds)).tolist():
        operation, what = int(invokes.operation[row]), Operation(int(invokes.what[row]))
        completion, begun = int(operations.completion[operation]), int(operations.event[operation])
        if completion == Completion.FAIL:
            continue
        definite = completion == Completion.OK
        done = int(operations.done[operation]) if definite else NEVER
        changed = Change(what in (Operation.CREATE, Operation.ADD), begun, done, definite)
        conversation, user = int(invokes.conversation[row]), int(invokes.user[row])
        myself = int(history.sessions.user[invokes.session[row]])
        if what is Operation.CREATE:
            if definite:
                ok = int(operations.row[operation])
                named = int(history.oks.conversation[ok])
                if named < 0 and conversation < 0 and history.oks.id[ok] >= 0:
                    named = conversations.number(history.ids[int(history.oks.id[ok])])
                conversation = named if named >= 0 else conversation
            known.add(conversation)
            for member in (myself, *(users.number(name) for name in created.get(operation, ()))):
                change(conversation, member, changed)
        else:
            change(conversation, myself if what is Operation.LEAVE else user, changed)
    for members_of in found.values():
        for membership in members_of.values():
            membership.settle()
    return {conversation: members for conversation, members in found.items() if conversation in known}
