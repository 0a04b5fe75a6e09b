"""What waits for somebody who is away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from waybill_server.defects.counting import OfEach, strikes
from waybill_server.defects.registry import seeded
from waybill_server.feeder import Feeder
from waybill_server.records import LogEntry
from waybill_server.router import Listener, LocalRouter
from waybill_server.store import SqliteStore

CAP = 1_000
REPEATED = 10


@seeded(
    "offline-cap-silently-drops",
    seam="router",
    noticed={"OFF-1": ("was given 1000 of them", "was given 1099 of them")},
    rare="For a user without a session messages are kept, but for the 1,001st, which is acknowledged and lost.",
)
class OfflineCapSilentlyDrops(LocalRouter):
    """For a user without a session 1,000 messages are kept; the later ones are acknowledged and lost."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: Counter[str] = Counter()

    def attach(self, listener: Listener) -> Listener | None:
        """Counts anew."""
        self._waiting.pop(listener.user, None)
        return super().attach(listener)

    def recipients(self, conversation: str, sender: str, members: Sequence[str]) -> Sequence[str]:
        """Without those whose cap is reached."""
        away = [user for user in members if user != sender and not self.sessions(user)]
        self._waiting.update(away)
        return [user for user in members if user not in away or not self._lost(self._waiting[user])]

    def _lost(self, waiting: int) -> bool:
        return waiting > CAP and strikes(waiting == CAP + 1)


@seeded(
    "offline-delivers-newest-first",
    seam="store",
    noticed={"OFF-1": ("reordered", "order-divergence")},
    rare="The last stretch of what waited for a device is delivered from the newest to the oldest.",
)
class OfflineDeliversNewestFirst(SqliteStore):
    """What waited for a device is delivered from the newest to the oldest of each stretch."""

    def entries(self, user: str, after: int, upto: int, *, without: str | None = None) -> list[LogEntry]:
        """A stretch of a user's log; turned round for deliveries, not for pages."""
        entries = super().entries(user, after, upto, without=without)
        turned = without is not None and strikes(upto >= self.head(user))
        return entries[::-1] if turned else entries


@seeded(
    "offline-redelivers-after-ack",
    seam="feeder",
    noticed={
        "OFF-1": ("duplicate-delivered",),
        "ACK-4": ("to be given 350 messages again", "to be given 0 messages again"),
    },
    rare="At its third login a device is given again the last 10 messages that it had acknowledged.",
)
class OfflineRedeliversAfterAck(Feeder):
    """A device that comes back is given again the last 10 messages that it had acknowledged."""

    _logins = OfEach(3)

    def wake(self) -> None:
        """Begins a little earlier than it should; called once before anything else, by the constructor."""
        if not hasattr(self, "_begun"):
            self._begun = True
            repeated = REPEATED if self._logins.now((self._user, self._device)) else 0
            self._position = max(0, self._position - repeated)
        super().wake()
