"""Who may write to whom: block lists, which users keep themselves, and rules, which administrators make.

Both are small and asked about with every message, so all of them are in memory. The writer's thread changes them, every
thread reads them; each change puts a new value in place of the old one, so a reader sees the one or the other.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

ANYBODY = "*"
"""The sender or the recipient of a rule that holds for everybody."""


class Rule(NamedTuple):
    """Whether messages from a sender to a recipient are allowed; either may be `ANYBODY`."""

    sender: str
    recipient: str
    allowed: bool


class Permissions:
    """The block lists and rules behind one writer connection.

    Args:
        connection: The writer's connection.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        # The lists are dictionaries for their order and for a quick look.
        self._blocked: dict[str, dict[str, None]] = {}
        self._rules: dict[tuple[str, str], bool] = {}

    def load(self) -> None:
        """Reads everything from the database, which is the truth after a transaction that did not commit."""
        blocked: dict[str, dict[str, None]] = {}
        for user, other in self._connection.execute("SELECT user, other FROM block ORDER BY place"):
            blocked.setdefault(user, {})[other] = None
        rules = self._connection.execute("SELECT sender, recipient, allowed FROM rule")
        self._rules = {(sender, recipient): bool(allowed) for sender, recipient, allowed in rules}
        self._blocked = blocked

    # What everybody asks.

    def blocked(self, user: str) -> tuple[str, ...]:
        """Whom a user blocks, in the order of blocking."""
        return tuple(self._blocked.get(user, ()))

    def blocks(self, user: str, other: str) -> bool:
        """Whether a user blocks another."""
        return other in self._blocked.get(user, ())

    def rules(self) -> list[Rule]:
        """All rules, by sender and recipient."""
        return [Rule(*pair, allowed) for pair, allowed in sorted(self._rules.items())]

    def may_write(self, sender: str, recipient: str) -> bool:
        """Whether messages of the sender may reach the recipient; to oneself everybody may write."""
        if sender == recipient:
            return True
        return not self.blocks(recipient, sender) and self._ruled(sender, recipient)

    def sees(self, user: str, other: str) -> bool:
        """Whether a user may learn that another is there."""
        return not self.blocks(other, user)

    def notices_pass(self, members: Sequence[str]) -> bool:
        """Whether receipts and typing notices pass between the members of a conversation: not between two of whom one
        blocks the other. In a group everything goes on."""
        if len(members) != 2 or not self._blocked:
            return True
        one, other = members
        return not self.blocks(one, other) and not self.blocks(other, one)

    def _ruled(self, sender: str, recipient: str) -> bool:
        """The most specific rule wins; without one it is allowed."""
        rules = self._rules
        if rules:
            pairs = ((sender, recipient), (ANYBODY, recipient), (sender, ANYBODY), (ANYBODY, ANYBODY))
            for pair in pairs:
                if pair in rules:
                    return rules[pair]
        return True

    # What the writer changes, within a transaction that somebody else begins and ends.

    def block(self, user: str, other: str) -> None:
        """Puts another user on a user's block list."""
        if not self.blocks(user, other):
            self._connection.execute("INSERT INTO block (user, other) VALUES (?, ?)", (user, other))
            self._blocked[user] = self._blocked.get(user, {}) | {other: None}

    def unblock(self, user: str, other: str) -> None:
        """Takes another user off a user's block list."""
        if self.blocks(user, other):
            self._connection.execute("DELETE FROM block WHERE user = ? AND other = ?", (user, other))
            self._blocked[user] = {one: None for one in self._blocked[user] if one != other}

    def rule(self, sender: str, recipient: str, allowed: bool | None) -> None:
        """Makes a rule for a pair in place of an earlier one; None removes it."""
        if allowed is None:
            self._connection.execute(
                "DELETE FROM rule WHERE sender = ? AND recipient = ?", (sender, recipient)
            )
            self._rules = {pair: one for pair, one in self._rules.items() if pair != (sender, recipient)}
        else:
            self._connection.execute(
                "INSERT INTO rule VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET allowed = excluded.allowed",
                (sender, recipient, int(allowed)),
            )
            self._rules = self._rules | {(sender, recipient): allowed}
