"""Revocations that do not end what they should end."""

from __future__ import annotations

import asyncio
from functools import partial

from waybill_server.defects.registry import seeded
from waybill_server.enforcement import Enforced, Enforcement
from waybill_server.ledger import Ledger
from waybill_server.node import Settings, assemble
from waybill_server.records import LoginRequest, Request
from waybill_server.revocations import Admission, Revocation, Target
from waybill_server.services import Services
from waybill_server.store import SqliteStore
from waybill_server.token_check import TokenCheck

LATE_SECONDS = 3.0

LATE = ("after the revocation was confirmed",)
ENTERED = ("to be refused",)


@seeded(
    "revocation-ignored-by-open-sessions",
    seam="assembly",
    noticed={"AUT-1": ("unauthorised-ok", "revoked-accepted"), "TOK-3": LATE},
)
def ignore_revocations_in_open_sessions(settings: Settings, token_check: TokenCheck) -> Services:
    """A revoked token opens no session any more, and the sessions that it opened before go on."""
    return assemble(
        settings,
        token_check,
        store=partial(SqliteStore, ledger=_LoginsAlone),
        enforcement=_EndsNothing,
    )


class _LoginsAlone(Ledger):
    """A ledger that asks of logins alone whether they are admitted."""

    def admits(self, request: Request) -> bool:
        """Whether the session that asks may still do so."""
        return not isinstance(request, LoginRequest) or super().admits(request)


class _EndsNothing(Enforcement):
    """A revocation that leaves sessions open."""

    def end_all(self, revocation: Revocation) -> int:
        """Ends none."""
        return 0


@seeded("revocation-late", seam="enforcement", noticed={"TOK-2": ENTERED, "TOK-3": LATE})
class RevocationLate(Enforcement):
    """A revocation is confirmed at once, and enforced three seconds later."""

    async def revoke(
        self, target: Target, at: int | None, caller: Admission | None, *, everywhere: bool = True
    ) -> Enforced:
        """Confirms, and revokes when the time has come."""
        now = self.services.clock.wall_ms()

        def begin() -> None:
            self._kept = asyncio.get_running_loop().create_task(
                super(RevocationLate, self).revoke(target, now, None)
            )

        asyncio.get_running_loop().call_later(LATE_SECONDS, begin)
        return Enforced(now, 0)


@seeded("revocation-lost-on-restart", seam="ledger", noticed={"TOK-3": ENTERED})
class RevocationLostOnRestart(Ledger):
    """Revocations are forgotten when the node starts."""

    def recover(self) -> None:
        """Begins with nothing revoked."""
        self.connection.execute("DELETE FROM revocation")
        super().recover()
