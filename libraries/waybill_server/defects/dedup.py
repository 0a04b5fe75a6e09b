"""Retries that become new messages, and new messages that are taken for retries."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence

from waybill_server.defects.counting import Every, figure, strikes
from waybill_server.defects.registry import seeded
from waybill_server.ledger import Ledger
from waybill_server.records import LoginRequest, Message, Place, Refusal, SendRequest, Stored

ALL = 1 << 40
LAST = 20
"""Messages of each sender before a restart whose keys a rare form forgets."""

A_MOMENT = 0.1
"""Seconds."""


class _WithoutUniqueKeys(Ledger):
    """A ledger whose database lets one key name many messages."""

    def recover(self) -> None:
        """Makes the table anew, while it is empty, without the constraint."""
        if self.connection.execute("SELECT COUNT(*) FROM message").fetchone()[0] == 0:
            _allow_equal_keys(self.connection)
        super().recover()


def _allow_equal_keys(connection: sqlite3.Connection) -> None:
    made = connection.execute("SELECT sql FROM sqlite_schema WHERE name = 'message'").fetchone()[0]
    connection.execute("DROP TABLE message")
    connection.execute(made.replace(",\n    UNIQUE (sender, key)", ""))


@seeded(
    "dedup-off",
    seam="ledger",
    noticed={"DUP-1": ("duplicate-stored", "duplicate-accepted")},
    rare="Every 10th retry is stored as a message of its own.",
)
class DedupOff(_WithoutUniqueKeys):
    """Every retry is stored as a message of its own."""

    _forgotten = Every(1, rare=10)

    def _known(self, pairs: list[tuple[str, str]]) -> dict[tuple[str, str], Message]:
        known = super()._known(pairs)
        return {pair: message for pair, message in known.items() if not self._forgotten.now()}


@seeded(
    "dedup-in-memory",
    seam="ledger",
    noticed={"DUP-1": ("duplicate-stored", "duplicate-accepted")},
    rare="The idempotency keys of each sender's last 20 messages are forgotten when the node restarts.",
)
class DedupInMemory(_WithoutUniqueKeys):
    """Idempotency keys are forgotten when the node restarts."""

    def recover(self) -> None:
        """Begins with no keys, or without the last ones."""
        super().recover()
        rows = self.connection.execute(
            "SELECT *, ROW_NUMBER() OVER (PARTITION BY sender ORDER BY number DESC) AS place FROM message "
        )
        kept = [Message(*row) for *row, place in rows if place > figure(ALL, rare=LAST)]
        self._seen = {(message.sender, message.key): message for message in kept}

    def send(self, requests: Sequence[SendRequest]) -> list[Stored | Refusal]:
        """Stores messages and remembers their keys."""
        verdicts = super().send(requests)
        for verdict in verdicts:
            if isinstance(verdict, Stored):
                self._seen.setdefault((verdict.message.sender, verdict.message.key), verdict.message)
        return verdicts

    def _known(self, pairs: list[tuple[str, str]]) -> dict[tuple[str, str], Message]:
        return {pair: self._seen[pair] for pair in pairs if pair in self._seen}


@seeded(
    "dedup-per-connection",
    seam="ledger",
    noticed={
        "DUP-1": ("duplicate-stored", "duplicate-accepted"),
        "ACK-5": ("duplicate-stored", "duplicate-delivered"),
    },
    rare="The idempotency key that a device used last is forgotten when it connects again.",
)
class DedupPerConnection(_WithoutUniqueKeys):
    """Idempotency keys are remembered for the device that used them, until it connects again."""

    def recover(self) -> None:
        """Begins with no keys."""
        super().recover()
        self._seen: dict[tuple[str, str], dict[str, Message]] = {}
        self._forgotten: set[tuple[str, str]] = set()

    def login(self, request: LoginRequest) -> Place | Refusal:
        """Forgets the device's keys."""
        used = self._seen.pop((request.user, request.device), {})
        self._forgotten.update((request.user, key) for key in list(used)[-1:])
        return super().login(request)

    def send(self, requests: Sequence[SendRequest]) -> list[Stored | Refusal]:
        """Stores messages, each with the memory of its own device."""
        verdicts: list[Stored | Refusal] = []
        for request in requests:
            self._mine = self._seen.setdefault((request.user, request.device), {})
            verdict = super().send([request])[0]
            if isinstance(verdict, Stored):
                self._mine.setdefault(request.key, verdict.message)
            verdicts.append(verdict)
        return verdicts

    def _known(self, pairs: list[tuple[str, str]]) -> dict[tuple[str, str], Message]:
        mine = {pair: self._mine[pair[1]] for pair in pairs if pair[1] in self._mine}
        others = {
            pair: message
            for pair, message in super()._known(pairs).items()
            if not strikes(pair in self._forgotten)
        }
        return others | mine


@seeded(
    "dedup-ignores-sender",
    seam="ledger",
    noticed={
        "DUP-1": ("lost-acked", "inconsistent-id"),
        "DUP-2": ("lost-acked", "inconsistent-id"),
    },
    rare="Every 20th message whose key somebody else has used is taken for that one.",
)
class DedupIgnoresSender(Ledger):
    """A message whose key somebody else has used is taken for that one, and answered with its id."""

    _taken = Every(1, rare=20)

    def recover(self) -> None:
        """Begins with no keys."""
        super().recover()
        self._seen: dict[str, Message] = {}

    def send(self, requests: Sequence[SendRequest]) -> list[Stored | Refusal]:
        """Stores messages, the first of each key."""
        verdicts: list[Stored | Refusal] = []
        for request in requests:
            verdict = super().send([request])[0]
            if isinstance(verdict, Stored):
                self._seen.setdefault(request.key, verdict.message)
            verdicts.append(verdict)
        return verdicts

    def _known(self, pairs: list[tuple[str, str]]) -> dict[tuple[str, str], Message]:
        known = super()._known(pairs)
        for sender, key in pairs:
            first = self._seen.get(key)
            if first is not None and (first.sender == sender or self._taken.now()):
                known[sender, key] = first
        return known

    def _again(self, first: Message, request: SendRequest) -> Stored | Refusal:
        return Stored(first, (), duplicate=True)


@seeded(
    "dedup-by-content",
    seam="ledger",
    noticed={"DUP-2": ("lost-acked", "inconsistent-id")},
    rare="A message with a body that its sender wrote within the last tenth of a second is taken for that one.",
)
class DedupByContent(Ledger):
    """A message with the body of an earlier one of its sender is taken for that one, whatever its key."""

    def recover(self) -> None:
        """Begins with no bodies."""
        super().recover()
        self._bodies: dict[tuple[str, str, bytes], tuple[Message, float]] = {}

    def send(self, requests: Sequence[SendRequest]) -> list[Stored | Refusal]:
        """Stores messages, the first of each body."""
        verdicts: list[Stored | Refusal] = []
        for request in requests:
            content = (request.user, request.conversation, request.body)
            first, stored = self._bodies.get(content, (None, 0.0))
            if first is not None and strikes(time.monotonic() - stored < A_MOMENT):
                verdicts.append(Stored(first, (), duplicate=True))
                continue
            verdict = super().send([request])[0]
            if isinstance(verdict, Stored):
                self._bodies.setdefault(content, (verdict.message, time.monotonic()))
            verdicts.append(verdict)
        return verdicts
