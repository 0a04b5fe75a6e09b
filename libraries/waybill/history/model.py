"""A history in memory: documented columns, small integers throughout, strings only by their numbers.

The number of an event - its place in the file, counted from 1 - is the clock of every check: what stands earlier
happened earlier. Times are microseconds since the start and serve prose and the few bounds that are promised in time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from .events import Mode
from .header import Header
from .membership import NEVER, START, Bools, Ints, Membership
from .names import Names
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

if TYPE_CHECKING:
    from .messages import Messages
    from .pages import Log, Page

__all__ = ["Fault", "History"]


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
    administrations: list[Administration]
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

    @cached_property
    def over(self) -> Bools:
        """For each message whether it has expired, and is owed to nobody any more."""
        from .expiry import over

        return over(self)

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
    def logs(self) -> dict[int, Log]:
        """Each user's log, as far as it is proven."""
        from .pages import logs

        return logs(self)

    @cached_property
    def pages(self) -> list[Page]:
        """Every page that was read, in the order of their invokes."""
        from .pages import pages

        return pages(self)

    @cached_property
    def tried_elsewhere(self) -> dict[int, Ints]:
        """For each device the messages that it tried after another device of its user had."""
        device = self.sessions.device[self.sends.session]
        rows = np.flatnonzero(device != self.messages.device[self.sends.message])
        return {
            number: self.sends.message[rows[device[rows] == number]]
            for number in np.unique(device[rows]).tolist()
        }

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
