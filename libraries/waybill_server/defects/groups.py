"""Groups whose messages go to too few or to too many."""

from __future__ import annotations

from collections.abc import Sequence

from waybill_server.defects.counting import Every, strikes
from waybill_server.defects.registry import seeded
from waybill_server.router import LocalRouter


@seeded(
    "fanout-misses-last-member",
    seam="router",
    noticed={"GRP-1": ("partial-fanout", "lost-acked")},
    rare="The member who joined last is given nothing who joined after the group was first written to.",
)
class FanoutMissesLastMember(LocalRouter):
    """A message to more than two people does not enter the log of the member who joined last."""

    def __init__(self) -> None:
        super().__init__()
        self._first: dict[str, Sequence[str]] = {}

    def recipients(self, conversation: str, sender: str, members: Sequence[str]) -> Sequence[str]:
        """All but the last."""
        late = members[-1] not in self._first.setdefault(conversation, members)
        return members[:-1] if len(members) > 2 and strikes(late) else members


@seeded(
    "delivers-to-removed-member",
    seam="router",
    noticed={"GRP-1": ("membership-leak",)},
    rare="The first message after somebody left a group or was removed still reaches them.",
)
class DeliversToRemovedMember(LocalRouter):
    """Whoever was a member of a group when it was first written to is given its messages for ever."""

    def __init__(self) -> None:
        super().__init__()
        self._ever: dict[str, dict[str, None]] = {}

    def recipients(self, conversation: str, sender: str, members: Sequence[str]) -> Sequence[str]:
        """Everybody who ever was a member."""
        ever = self._ever.setdefault(conversation, {})
        ever.update(dict.fromkeys(members))
        given = list(ever)
        if Every.rarely:
            self._ever[conversation] = dict.fromkeys(members)
        return given
