"""What somebody notices of what others try: messages, receipts, typing, presence, groups.

That nothing came is known once something came that took the same path later: somebody who may do it does the same.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from waybill.devices.notice import Notice
from waybill.devices.waiting import Deadline, DeadlinePassed

if TYPE_CHECKING:
    from waybill.devices.conversation import Conversation
    from waybill.devices.device import Device
    from waybill.devices.sending import Sending

SEEN: Final = 5.0
"""Seconds for what may reach a victim to get there."""


class Victim:
    """One device that keeps what it is told, from now on.

    Args:
        device: The device.
    """

    def __init__(self, device: Device) -> None:
        self.device = device
        self.notices: list[Notice] = []
        device.notices = self.notices
        self._from = len(device.inbox.items)

    def saw(self, what: str, conversation: str, user: str, value: str = "", *, since: int = 0) -> bool:
        """Whether it was told this, among the notices from a place on."""
        wanted = Notice(what, conversation, user, value)
        return any(one == wanted or (not value and one[:3] == wanted[:3]) for one in self.notices[since:])

    def wait(self, what: str, conversation: str, user: str, value: str = "", *, since: int = 0) -> None:
        """Waits until it was told this.

        Raises:
            DeadlinePassed: It was not, so that what it was not told before shows nothing.
        """
        told = self.device.signal.wait_until(
            lambda: self.saw(what, conversation, user, value, since=since), Deadline(SEEN)
        )
        if not told:
            where = f" in {conversation}" if conversation else ""
            raise DeadlinePassed(
                f"{self.device.name} expected to be told within {SEEN:g} s of {what} of {user}{where}"
                f"{f' ({value})' if value else ''}, which must get there; {self.device.name} is {self.device.state}."
            )

    def wait_for(self, sending: Sending) -> None:
        """Waits until it was given a message that must get there.

        Raises:
            DeadlinePassed: It was not.
        """
        self.device.wait_for_deliveries([sending], deadline=SEEN)

    def sees_typing(self, person: Device, conversation: Conversation) -> bool:
        """Whether it sees within the deadline that somebody, who may be seen, types."""
        since = len(self.notices)
        person.typing(conversation, True)
        return self.device.signal.wait_until(
            lambda: self.saw("typing", conversation.name, person.user, "active", since=since), Deadline(SEEN)
        )

    def traces(self, intruders: Collection[str], conversations: Collection[str]) -> list[str]:
        """What it was told, and given, of some people in some conversations, besides their presence."""
        found = [
            f"{self.device.name} was told of {one.what} of {one.user} in {one.conversation}"
            for one in self.notices
            if one.conversation in conversations and set(one.user.split(",")) & set(intruders)
        ]
        found += [
            f"{self.device.name} was given a message of {item.sender} in {item.conversation}"
            for item in self.device.inbox.items[self._from :]
            if item.conversation in conversations and item.sender in intruders
        ]
        return list(dict.fromkeys(found))
