"""Nodes that lose something between them when one of them is another release."""

from __future__ import annotations

import re
from collections.abc import Sequence

from waybill_server.cluster.ledger import ClusterLedger
from waybill_server.cluster.link import Link
from waybill_server.cluster.records import Append, Entered, Sent, Watermarks, pack, unpack
from waybill_server.defects.registry import seeded
from waybill_server.records import Message
from waybill_server.v1.operations import KEY_BYTES

EVERYTHING = 1_000_000

OF_V1 = re.compile(f"[0-9a-f]{{{2 * KEY_BYTES}}}")
"""The keys that a node makes for clients of wire v1, which have none."""


@seeded("upgrade-drops-outbox", seam="cluster link", noticed={"UPG-1": ("lost-acked",)})
class UpgradeDropsOutbox(Link):
    """Messages that waited for a node are forgotten when it comes back as another release."""

    _met = 0
    _forgotten = 0

    def next_records(self, limit: int) -> Sequence[tuple[int, bytes]]:
        """The records that go next, without those messages."""
        if self._met not in (0, self.release):
            waiting = self._stock.outgoing(self.peer, self._sent, EVERYTHING)
            self._forgotten = waiting[-1][0] if waiting else self._sent
        self._met = self.release
        nothing = pack(Watermarks("", "", 0, 0))
        return [
            (number, nothing if number <= self._forgotten and _carries_message(record) else record)
            for number, record in super().next_records(limit)
        ]


def _carries_message(record: bytes) -> bool:
    return isinstance(unpack(record), Sent | Append)


@seeded("old-node-rejects-new-rows", seam="cluster ledger", noticed={"UPG-1": ("to be given",)})
class OldNodeRejectsNewRows(ClusterLedger):
    """A node of release 1 takes no entry of a log from a newer node: it does not know all of its members."""

    def enter_copy(self, entered: Entered) -> Message:
        """Notes a place of a log, if there is nothing new about it."""
        if entered.received is not None and not self.release.counts_received:
            raise ValueError("unknown member 'received'")
        return super().enter_copy(entered)


@seeded("upgrade-forgets-v1-clients", seam="cluster ledger", noticed={"UPG-1": ("to be given",)})
class UpgradeForgetsV1Clients(ClusterLedger):
    """A node of release 2 gives nobody what v1 clients at other nodes sent."""

    def place(
        self, message: Message, recipients: Sequence[str], expires: int | None
    ) -> tuple[tuple[str, int], ...]:
        """Gives a message of another node its places in the logs, unless a v1 client wrote it."""
        if self.release.counts_received and OF_V1.fullmatch(message.key):
            return ()
        return super().place(message, recipients, expires)
