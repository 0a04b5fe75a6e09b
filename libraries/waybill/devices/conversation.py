"""A conversation as a scenario knows it: its name, its name at the server, and who was a member when."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from waybill.devices.sending import Sending


@dataclass(slots=True)
class Spell:
    """One membership: it certainly holds from the send with order `since` on, and no longer from `until`
    on."""

    since: int
    until: int | None = None


@dataclass(eq=False, slots=True)
class Conversation:
    """A direct or group conversation.

    Attributes:
        name: The scenario's name: `alice+bob` for a direct one, the given name for a group.
        server_name: The server's name; empty until a group was made.
        group: Whether its membership can change.
        spells: Each user's memberships, oldest first.
        taken: The acknowledged (or accepted) sends of each sending device in the order of sending; the last one is
            the high-water mark of its stream.
    """

    name: str
    server_name: str = ""
    group: bool = False
    spells: dict[str, list[Spell]] = field(default_factory=dict)
    taken: dict[str, list[Sending]] = field(default_factory=dict)

    @property
    def members(self) -> list[str]:
        """The present members, in the order of joining."""
        return [user for user, spells in self.spells.items() if spells[-1].until is None]

    def joined(self, user: str, order: int) -> None:
        """The user is a member of everything sent from now on."""
        if user not in self.members:
            self.spells.setdefault(user, []).append(Spell(order))

    def left(self, user: str, order: int) -> None:
        """The user is no member of anything sent from now on."""
        spells = self.spells.get(user)
        if spells and spells[-1].until is None:
            spells[-1].until = order

    def had(self, user: str, order: int) -> bool:
        """Whether the user was a member when the send with this order was made."""
        return any(
            spell.since <= order and (spell.until is None or order < spell.until)
            for spell in self.spells.get(user, ())
        )

    def note_taken(self, sending: Sending) -> None:
        """Adds to the sending device's stream; only the reader thread of that device calls this."""
        stream = self.taken.setdefault(sending.device, [])
        if not stream or stream[-1].order < sending.order:
            stream.append(sending)
        else:
            place = bisect.bisect_left(stream, sending.order, key=lambda one: one.order)
            if stream[place] is not sending:
                stream.insert(place, sending)
