"""Revocations that do not end what they should end."""

from __future__ import annotations

import asyncio
from functools import partial

from waybill_server.defects.counting import SoonAfter, figure
from waybill_server.defects.registry import seeded
from waybill_server.enforcement import Enforced, Enforcement
from waybill_server.ledger import Ledger
from waybill_server.node import Settings, assemble
from waybill_server.records import LoginRequest, Request
from waybill_server.revocations import Admission, Revocation, Target
from waybill_server.services import OpenSession, Services
from waybill_server.store import SqliteStore
from waybill_server.token_check import TokenCheck

LATE_SECONDS = 3.0
SOON = 2.0

LATE = ("after the revocation was confirmed",)
ENTERED = ("to be refused",)


@seeded(
    "revocation-ignored-by-open-sessions",
    seam="assembly",
    noticed={"AUT-1": ("unauthorised-ok", "revoked-accepted"), "TOK-3": LATE},
    rare="Of the open sessions that a revocation concerns, if they are several, the one opened last goes on.",
    rare_in=("TOK-3",),
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

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._spared: set[OpenSession] = set()

    def end_all(self, revocation: Revocation) -> int:
        """Ends none."""
        concerned = sorted(
            (
                session
                for session in self.services.sessions - self._spared
                if session.opened and session.admission and revocation.concerns(session.admission)
            ),
            key=lambda session: session.since,
        )
        # The same revocation comes again, with the moment from which on it counts at the issuer.
        spared = figure(len(concerned), rare=int(len(concerned) > 1))
        ended = concerned[: len(concerned) - spared]
        self._spared.update(concerned[len(ended) :])
        for session in ended:
            self.close(session)
        return len(ended)


@seeded(
    "revocation-late",
    seam="enforcement",
    noticed={"TOK-2": ENTERED, "TOK-3": ("revoked-accepted",)},
    rare="A revocation within two seconds of another one is confirmed at once, and enforced three seconds later.",
    rare_in=("TOK-3",),
)
class RevocationLate(Enforcement):
    """A revocation is confirmed at once, and enforced three seconds later."""

    _late = SoonAfter(SOON)

    async def revoke(
        self, target: Target, at: int | None, caller: Admission | None, *, everywhere: bool = True
    ) -> Enforced:
        """Confirms, and revokes when the time has come."""
        if not self._late.now():
            return await super().revoke(target, at, caller, everywhere=everywhere)
        now = self.services.clock.wall_ms()

        def begin() -> None:
            self._kept = asyncio.get_running_loop().create_task(
                super(RevocationLate, self).revoke(target, now, None)
            )

        asyncio.get_running_loop().call_later(LATE_SECONDS, begin)
        return Enforced(now, 0)


@seeded(
    "revocation-lost-on-restart",
    seam="ledger",
    noticed={"TOK-3": ENTERED},
    rare="The last revocation is forgotten when the node starts.",
)
class RevocationLostOnRestart(Ledger):
    """Revocations are forgotten when the node starts."""

    def recover(self) -> None:
        """Begins with nothing revoked."""
        newest = self.connection.execute("SELECT COALESCE(MAX(at), 0) FROM revocation").fetchone()[0]
        self.connection.execute("DELETE FROM revocation WHERE at >= ?", (figure(0, rare=newest),))
        super().recover()
