"""Servers that take everybody's word when they cannot check it."""

from __future__ import annotations

import time

from waybill_server.defects.registry import seeded
from waybill_server.identity import Identity
from waybill_server.token_check import AUDIENCE, IssuerTokenCheck, TokenCheck, TokenRefused
from waybill_server.token_claims import identity_of
from waybill_server.token_form import opened


@seeded(
    "fails-open",
    seam="token check",
    noticed={"TOK-1": ("unauthorised-ok", "attempts to be refused")},
)
class FailsOpen:
    """Its token checker dies of the first token that it refuses; from then on everybody is who their token says."""

    def __init__(self, check: TokenCheck) -> None:
        assert isinstance(check, IssuerTokenCheck)
        self._check = check
        self._dead = False

    async def check(self, token: str) -> Identity:
        """Verifies as long as it lives; then reads."""
        if not self._dead:
            try:
                return await self._check.check(token)
            except TokenRefused:
                self._dead = True
                raise
        return identity_of(opened(token).claims, self._check.issuer, AUDIENCE, time.time())
