"""Sessions that go on although what opened them is over."""

from __future__ import annotations

from waybill_server.defects.registry import seeded
from waybill_server.token_check import Identity, TokenCheck

YEAR = 31_536_000


@seeded("session-outlives-expiry", seam="token check", noticed={"AUT-1": ("unauthorised-ok",)})
class SessionOutlivesExpiry:
    """A token must be in order at login, and the session goes on for a year after it has expired."""

    def __init__(self, check: TokenCheck) -> None:
        self._check = check

    async def check(self, token: str) -> Identity:
        """Verifies, and puts the end off."""
        identity = await self._check.check(token)
        return identity._replace(expires=identity.expires + YEAR)
