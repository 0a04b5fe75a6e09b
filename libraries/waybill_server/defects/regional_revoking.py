"""Nodes that keep a revocation to themselves."""

from __future__ import annotations

from waybill_server.cluster.ledger import ClusterLedger
from waybill_server.defects.registry import seeded
from waybill_server.ledger import Ledger
from waybill_server.records import Revoked, RevokeRequest


@seeded("revocation-per-node", seam="cluster ledger", noticed={"TOK-3": ("nothing works",)})
class RevocationPerNode(ClusterLedger):
    """A revocation holds at the node that was told of it."""

    def revoke(self, request: RevokeRequest) -> Revoked:
        """Revokes here."""
        return Ledger.revoke(self, request)
