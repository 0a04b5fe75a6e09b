"""Groups whose messages go to too few or to too many."""

from __future__ import annotations

from collections.abc import Sequence

from waybill_server.defects.registry import seeded
from waybill_server.router import LocalRouter


@seeded("fanout-misses-last-member", seam="router", noticed={"GRP-1": ("partial-fanout", "lost-acked")})
class FanoutMissesLastMember(LocalRouter):
    """A message to more than two people does not enter the log of the member who joined last."""

    def recipients(self, conversation: str, sender: str, members: Sequence[str]) -> Sequence[str]:
        """All but the last."""
        return members[:-1] if len(members) > 2 else members


@seeded("delivers-to-removed-member", seam="router", noticed={"GRP-1": ("membership-leak",)})
class DeliversToRemovedMember(LocalRouter):
    """Whoever was a member of a group when it was first written to is given its messages for ever."""

    def __init__(self) -> None:
        super().__init__()
        self._ever: dict[str, dict[str, None]] = {}

    def recipients(self, conversation: str, sender: str, members: Sequence[str]) -> Sequence[str]:
        """Everybody who ever was a member."""
        ever = self._ever.setdefault(conversation, {})
        ever.update(dict.fromkeys(members))
        return list(ever)
