"""Nodes that do not keep for each other, or from each other, what they should."""

from __future__ import annotations

import sqlite3
import ssl
from collections.abc import Sequence

from waybill_server.clock import Clock, message_time
from waybill_server.cluster.breaker import Breaker
from waybill_server.cluster.frames import SessionEnded, SessionOpened, SessionsOpen, Types
from waybill_server.cluster.homes import Homes
from waybill_server.cluster.ledger import ClusterLedger
from waybill_server.cluster.link import Link
from waybill_server.cluster.records import Sent, Watermarks, pack, unpack
from waybill_server.cluster.router import ClusterRouter
from waybill_server.cluster.store import ClusterStore
from waybill_server.cluster.tls import PeerTls
from waybill_server.defects.registry import seeded
from waybill_server.limits import Limits
from waybill_server.records import LoginRequest, Message, Place, Refusal, SendRequest
from waybill_server.releases import Release
from waybill_server.router import Router

LATER = 1000
"""Milliseconds after which what was accepted elsewhere counts as older than what its home has got since."""

ENTERED = ("to be refused",)


@seeded("outbox-in-memory", seam="cluster ledger", noticed={"PAR-1": ("lost-acked",)})
class OutboxInMemory(ClusterLedger):
    """What waits for another node is forgotten when the node starts."""

    def recover(self) -> None:
        """Begins with nothing that waits."""
        super().recover()
        nothing = pack(Watermarks("", "", 0, 0))
        self.connection.execute("UPDATE outbox SET record = ?", (nothing,))
        self.connection.execute("DELETE FROM pending")


@seeded("outbox-drains-out-of-order", seam="cluster link", noticed={"PAR-1": ("reordered",)})
class OutboxDrainsOutOfOrder(Link):
    """Of messages that wait for another node the newest goes first."""

    def next_records(self, limit: int) -> Sequence[tuple[int, bytes]]:
        """The records that go next, with their messages turned round."""
        rows = super().next_records(limit)
        messages = [record for _, record in rows if isinstance(unpack(record), Sent)]
        return [
            (number, messages.pop() if isinstance(unpack(record), Sent) else record)
            for number, record in rows
        ]


@seeded("heals-with-duplicates", seam="cluster ledger", noticed={"PAR-1": ("duplicate-delivered",)})
class HealsWithDuplicates(ClusterLedger):
    """When a link was broken and is there again, the last message that came over it is stored once more."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        clock: Clock,
        router: Router,
        limits: Limits,
        *,
        homes: Homes,
        release: Release,
    ) -> None:
        super().__init__(connection, clock, router, limits, homes=homes, release=release)
        self._last: dict[str, Message] = {}
        self._healed: set[str] = set()

    def applied(self, origin: str, store: str) -> int:
        """The number of the last record of a node that connects."""
        self._healed.add(origin)
        return super().applied(origin, store)

    def store_sent(self, origin: str, sent: Sent) -> tuple[Message, tuple[tuple[str, int], ...]]:
        """Numbers a message, behind the last one once more."""
        last = self._last.get(origin)
        if last is not None and origin in self._healed:
            self.place(last, self.members(last.conversation), None)
        self._healed.discard(origin)
        stored = super().store_sent(origin, sent)
        self._last[origin] = stored[0]
        return stored


@seeded("conflict-last-writer-drops", seam="cluster ledger", noticed={"PAR-1": ("lost-acked",)})
class ConflictLastWriterDrops(ClusterLedger):
    """What was accepted elsewhere is dropped if its conversation has gone on at its home since."""

    def store_sent(self, origin: str, sent: Sent) -> tuple[Message, tuple[tuple[str, int], ...]]:
        """Numbers a message, or drops it."""
        row = self.connection.execute(
            "SELECT * FROM message WHERE conversation = ? ORDER BY sequence DESC LIMIT 1",
            (sent.conversation,),
        ).fetchone()
        if row is not None and message_time(row[0]) > sent.at + LATER:
            return Message(*row), ()
        return super().store_sent(origin, sent)


@seeded(
    "failover-resets-cursor",
    seam="cluster ledger",
    noticed={"FOV-1": ("duplicate-delivered", "cursor-regression")},
)
class FailoverResetsCursor(ClusterLedger):
    """A device that never acknowledged at a node is given its whole log there."""

    def raise_cursor(self, user: str, device: str, cursor: int) -> None:
        """Takes no note of what a device acknowledged elsewhere."""

    def login(self, request: LoginRequest) -> Place | Refusal:
        """Finds where a device goes on."""
        place = super().login(request)
        known = self._cursor(request.user, request.device)
        return place._replace(cursor=0) if isinstance(place, Place) and known is None else place


@seeded("breaker-never-opens", seam="cluster breaker", noticed={"OPS-2": ("did not open",)})
class BreakerNeverOpens(Breaker):
    """However often a link fails, everybody goes on waiting for it."""

    def failed(self, cause: str, *, silent: bool) -> None:
        """Counts, and that is all."""
        self.failures += 1


@seeded("breaker-never-closes", seam="cluster breaker", noticed={"OPS-2": ("did not close",)})
class BreakerNeverCloses(Breaker):
    """A link that was there and was given up is never used again."""

    _met = False

    def succeeded(self) -> None:
        """The peer welcomed this node."""
        if self.passes or not self._met:
            self._met = True
            super().succeeded()


@seeded("peer-certificate-not-verified", seam="cluster tls", noticed={"TLS-3": ENTERED})
class PeerCertificateNotVerified(PeerTls):
    """Whoever connects and says the name of a node is one."""

    def server(self) -> ssl.SSLContext:
        """Asks for no certificate."""
        context = super().server()
        context.verify_mode = ssl.CERT_NONE
        return context

    def client(self) -> ssl.SSLContext:
        """Takes any certificate."""
        context = super().client()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context

    def vouches(self, secured: ssl.SSLObject, name: str) -> bool:
        """Whatever it shows."""
        return True


@seeded("jti-cache-per-node", seam="cluster store", noticed={"TOK-2": ("should have stayed connected",)})
class JtiCachePerNode(ClusterStore):
    """A token for one login is good for one at every node."""

    def _log_in(self, request: LoginRequest) -> None:
        self._write(request, patient=False)


@seeded("presence-per-node", seam="cluster router", noticed={"OFF-2": ("stale-read",)})
class PresencePerNode(ClusterRouter):
    """Who is at another node counts as offline."""

    def hear(self, node: str, frame: SessionsOpen | SessionOpened | SessionEnded | Types) -> None:
        """Takes note of typing alone."""
        if isinstance(frame, Types):
            super().hear(node, frame)


@seeded("dedup-per-node", seam="cluster ledger", noticed={"DUP-1": ("phantom",)})
class DedupPerNode(ClusterLedger):
    """A message that is sent again through another node is stored again."""

    def names_it(self, first: Message, request: SendRequest) -> bool:
        """Takes a known key for a new message."""
        return False


@seeded(
    "ttl-per-node",
    seam="cluster ledger",
    noticed={"TTL-1": ("the sender to be told of", "resurrected")},
)
class TtlPerNode(ClusterLedger):
    """A node takes no note of how long messages live that other nodes tell it of."""

    def insert_message(self, message: Message, expires: int | None) -> Message:
        """Stores a message of another node, which stays."""
        return super().insert_message(message, None)
