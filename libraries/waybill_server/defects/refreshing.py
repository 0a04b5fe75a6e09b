"""Refresh tokens that are worth something for too long."""

from __future__ import annotations

from collections.abc import Callable

from waybill_server.defects.registry import ALWAYS, seeded
from waybill_server.enforcement import Enforcement

ENTERED = ("to be refused",)


@seeded("refresh-survives-revocation", seam="enforcement", noticed={"TOK-3": ENTERED}, steady=ALWAYS)
class RefreshSurvivesRevocation(Enforcement):
    """The issuer is not told of a revocation: a refresh token of what was revoked still gives new access tokens."""

    async def tell(self, inform: Callable[[], int]) -> int:
        """Tells nobody."""
        return self.services.clock.wall_ms()
