"""Sessions that go on although what opened them is over."""

from __future__ import annotations

from waybill_server.defects.counting import Every
from waybill_server.defects.registry import seeded
from waybill_server.token_check import Identity, TokenCheck

YEAR = 31_536_000


@seeded(
    "session-outlives-expiry",
    seam="token check",
    noticed={"AUT-1": ("unauthorised-ok",)},
    rare="Every third session goes on for a year after its token has expired.",
)
class SessionOutlivesExpiry:
    """A token must be in order at login, and the session goes on for a year after it has expired."""

    def __init__(self, check: TokenCheck) -> None:
        self._check = check
        self._outlives = Every(1, rare=3)

    async def check(self, token: str) -> Identity:
        """Verifies, and puts the end off."""
        identity = await self._check.check(token)
        return identity._replace(expires=identity.expires + YEAR) if self._outlives.now() else identity
