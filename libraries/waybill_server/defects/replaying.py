"""Sessions for whoever stole or overheard what let somebody else in."""

from __future__ import annotations

import sqlite3
import time

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from waybill_server.clock import Clock
from waybill_server.defects.counting import FromOn, figure
from waybill_server.defects.registry import MOMENT, seeded
from waybill_server.ledger import Ledger
from waybill_server.limits import Limits
from waybill_server.proof import ProofCheck
from waybill_server.revocations import Admission
from waybill_server.router import Router
from waybill_server.token_check import Identity, TokenCheck

ACCEPTED = ("to be refused",)

NEWEST = 10
"""Nonces that a rare form takes."""

MARKED_AFTER = 0.2
"""Seconds until a token counts as used."""


@seeded(
    "token-not-bound-to-device",
    seam="token check",
    noticed={"TOK-2": ACCEPTED},
    rare="From the second time on that it is shown, a token is good on any device and for whoever holds it.",
)
class TokenNotBoundToDevice:
    """A token is good on any device and for whoever holds it: neither its device nor its key is looked at."""

    def __init__(self, check: TokenCheck) -> None:
        self._check = check
        self._unbound = FromOn(2)

    async def check(self, token: str) -> Identity:
        """Verifies, and forgets what the token is bound to."""
        identity = await self._check.check(token)
        return identity._replace(device=None, confirmation=None) if self._unbound.now(token) else identity


@seeded(
    "jti-cache-in-memory",
    seam="ledger",
    noticed={"TOK-2": ACCEPTED},
    steady=MOMENT,
)
class JtiCacheInMemory(Ledger):
    """Which one-time tokens were used is kept in memory alone: after a restart each is good once more."""

    def __init__(self, connection: sqlite3.Connection, clock: Clock, router: Router, limits: Limits) -> None:
        super().__init__(connection, clock, router, limits)
        self._remembered: set[str] = set()

    def _use(self, admission: Admission) -> bool:
        known = admission.token in self._remembered
        self._remembered.add(admission.token)
        return not known


@seeded(
    "one-time-token-marked-late",
    seam="ledger",
    noticed={"TOK-2": ACCEPTED},
    steady=MOMENT,
)
class OneTimeTokenMarkedLate(Ledger):
    """A one-time token counts as used only a moment after it let somebody in: of two logins at once both get in."""

    def __init__(self, connection: sqlite3.Connection, clock: Clock, router: Router, limits: Limits) -> None:
        super().__init__(connection, clock, router, limits)
        self._first: dict[str, float] = {}

    def _use(self, admission: Admission) -> bool:
        first = self._first.setdefault(admission.token, time.monotonic())
        return super()._use(admission) or time.monotonic() - first < MARKED_AFTER


@seeded(
    "ignores-proof-nonce",
    seam="proof check",
    noticed={"TOK-2": ACCEPTED},
    rare="A proof is good with any of the last 10 nonces, whichever connection they were given to.",
)
class IgnoresProofNonce(ProofCheck):
    """A proof is good whichever connection its nonce was given to: what was recorded works again."""

    def __init__(self) -> None:
        self._given: list[str] = []

    def nonce(self) -> str:
        """A new nonce, which is remembered."""
        self._given.append(super().nonce())
        return self._given[-1]

    def proven(
        self, key: EllipticCurvePublicKey, signature: str, nonce: str, device: str, token: str
    ) -> bool:
        """Tries every nonce that was ever given."""
        return any(
            super(IgnoresProofNonce, self).proven(key, signature, one, device, token)
            for one in self._given[-figure(len(self._given), rare=NEWEST) :]
        )
