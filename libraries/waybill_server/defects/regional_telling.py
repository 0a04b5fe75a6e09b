"""Nodes that keep to themselves what must hold at all of them."""

from __future__ import annotations

from collections.abc import Callable

from waybill_server.cluster.frames import Call, ChangeGroup, Reply
from waybill_server.cluster.ledger import ClusterLedger
from waybill_server.cluster.store import ClusterStore
from waybill_server.defects.registry import seeded
from waybill_server.ledger import Ledger
from waybill_server.records import Blocked, BlockRequest, Refusal, Revoked, RevokeRequest


@seeded(
    "revocation-per-node",
    seam="cluster ledger",
    noticed={"TOK-3": ("revoked-accepted", "nothing works")},
)
class RevocationPerNode(ClusterLedger):
    """A revocation holds at the node that was told of it."""

    def revoke(self, request: RevokeRequest) -> Revoked:
        """Revokes here."""
        return Ledger.revoke(self, request)


@seeded(
    "block-per-node",
    seam="cluster ledger",
    noticed={"AZ-1": ("must be refused and took effect",)},
)
class BlockPerNode(ClusterLedger):
    """A block list holds at the home of the user whose it is."""

    def block(self, request: BlockRequest) -> Blocked | Refusal:
        """Changes it here."""
        return Ledger.block(self, request)


@seeded("leaving-elsewhere-ignored", seam="cluster store", noticed={"GRP-1": ("membership-leak",)})
class LeavingElsewhereIgnored(ClusterStore):
    """Who leaves a group, or is removed from it, at another node than its home is said to be out and stays in."""

    def answer(self, origin: str, call: Call, reply: Callable[[Reply], None]) -> None:
        """Does what another node asks for, or says so."""
        group = self.group(call.conversation) if isinstance(call, ChangeGroup) else None
        if not isinstance(call, ChangeGroup) or group is None or call.action == "added":
            super().answer(origin, call, reply)
            return
        user = call.users[0]
        members = tuple(member for member in group.members if member != user)
        reply(Reply(call.call, group=group._replace(members=members), user=user, action=call.action))
