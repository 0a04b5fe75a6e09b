"""What a device holds, over all its sessions."""

from __future__ import annotations

from typing import NamedTuple

from waybill.devices.sending import Sending
from waybill.drivers.base import Delivery, Receipt

Identity = tuple[str, str, str] | tuple[str, bytes]


class Item(NamedTuple):
    """One delivery, in the scenario's names."""

    conversation: str
    sender: str
    delivery: Delivery


class Inbox:
    """Everything that a device was given, in the order in which it came.

    Messages are recognised by conversation, sender and key; where a protocol, the sender's or the device's own,
    carries no key, by conversation and body; where a delivery names no conversation either, by its body alone.

    Attributes:
        cursor: The highest place in the log that came with a delivery; -1 for none.
        items: Every delivery of every session, redeliveries and pages included.
        typing: Who is typing, by (conversation, user).
        members: The members of each group as the server announced them last.
    """

    def __init__(self, keyed: bool) -> None:
        self.cursor = -1
        self.items: list[Item] = []
        self.typing: dict[tuple[str, str], bool] = {}
        self.members: dict[str, list[str]] = {}
        self._keyed = keyed
        self._held: set[Identity] = set()
        self._receipts: dict[tuple[str, str], tuple[int, int]] = {}

    def add(self, conversation: str, sender: str, delivery: Delivery) -> None:
        """Keeps a delivery."""
        self.items.append(Item(conversation, sender, delivery))
        self.cursor = max(self.cursor, delivery.cursor)
        if self._keyed and delivery.key:
            self._held.add((conversation, sender, delivery.key))
        else:
            self._held.add((conversation, delivery.body))

    def holds(self, sending: Sending) -> bool:
        """Whether the device was given this message, on whatever way."""
        if self._keyed and sending.keyed:
            return (sending.conversation.name, sending.user, sending.key) in self._held
        return (sending.conversation.name, sending.body) in self._held or ("", sending.body) in self._held

    def is_of(self, delivery: Delivery, sending: Sending) -> bool:
        """Whether a delivery is this message."""
        if self._keyed and sending.keyed:
            return delivery.key == sending.key
        return delivery.body == sending.body

    @property
    def distinct(self) -> int:
        """How many different messages it holds."""
        return len(self._held)

    def note_receipt(self, conversation: str, user: str, receipt: Receipt) -> None:
        """Keeps the highest watermarks seen."""
        delivered, read = self._receipts.get((conversation, user), (-1, -1))
        self._receipts[conversation, user] = (max(delivered, receipt.delivered), max(read, receipt.read))

    def receipt(self, conversation: str, user: str) -> tuple[int, int]:
        """The highest (delivered, read) watermarks that the device saw of a user; -1 for none."""
        return self._receipts.get((conversation, user), (-1, -1))
