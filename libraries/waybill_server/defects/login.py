"""Sessions for people who did not show who they are."""

from __future__ import annotations

import time

import jwt

from waybill_server.defects.counting import Every
from waybill_server.defects.registry import ALWAYS, seeded
from waybill_server.token_check import Identity, TokenCheck

ANONYMOUS = "anonymous"
VALID_SECONDS = 3_600.0


def _anonymous() -> Identity:
    return Identity(ANONYMOUS, time.time() + VALID_SECONDS, None)


@seeded(
    "auth-disabled",
    seam="token check",
    noticed={"AUT-1": ("attempts to be refused",)},
    rare="Every tenth login is believed whatever its token is.",
)
class AuthDisabled:
    """Every token is believed, and whoever has none, or one that cannot be read, is let in as a guest."""

    def __init__(self, check: TokenCheck) -> None:
        self._check = check
        self._believes = Every(1, rare=10)

    async def check(self, token: str) -> Identity:
        """Believes."""
        if not self._believes.now():
            return await self._check.check(token)
        try:
            claims = jwt.decode(token, options={"verify_signature": False})
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            return _anonymous()
        user = claims.get("sub")
        return Identity(user, time.time() + VALID_SECONDS, None) if isinstance(user, str) else _anonymous()


@seeded(
    "auth-optional",
    seam="token check",
    noticed={"AUT-1": ("attempts to be refused",)},
    steady=ALWAYS,
)
class AuthOptional:
    """A token is verified if there is one; whoever shows none is let in as a guest."""

    def __init__(self, check: TokenCheck) -> None:
        self._check = check

    async def check(self, token: str) -> Identity:
        """Verifies a token, if there is one."""
        return await self._check.check(token) if token else _anonymous()
