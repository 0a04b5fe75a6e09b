"""Where users and conversations are at home: a stable choice over the configured names of the nodes.

Rendezvous hashing: every node computes the same home from the names alone, and a further name takes only its share. A
home does not change while its node is down; what is for it waits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache

from waybill_server.conversations import direct_members

REMEMBERED = 65_536

RULES = "rules"
"""What the rules of administrators are at home as."""


class Homes:
    """The nodes of a cluster, as one of them sees them.

    Args:
        own: The node's own name.
        peers: The names of the others.

    Attributes:
        own: The node's own name.
        peers: The names of the others, sorted.
        names: All names, sorted.
    """

    def __init__(self, own: str, peers: Iterable[str]) -> None:
        self.own = own
        self.peers = tuple(sorted(peers))
        self.names = tuple(sorted((own, *self.peers)))
        self._of = lru_cache(REMEMBERED)(self._choose)

    @property
    def place(self) -> int:
        """The node's place among all names."""
        return self.names.index(self.own)

    def user(self, user: str) -> str:
        """The node that numbers a user's log."""
        return self._of(f"user {user}")

    def conversation(self, conversation: str) -> str:
        """The node that numbers a conversation's messages: of a direct one the home of its first user."""
        members = direct_members(conversation)
        return self.user(members[0]) if members else self._of(f"group {conversation}")

    def rules(self) -> str:
        """The node that decides about rules."""
        return self._of(RULES)

    def _choose(self, what: str) -> str:
        return max(self.names, key=lambda name: hashlib.sha256(f"{name}\n{what}".encode()).digest())
