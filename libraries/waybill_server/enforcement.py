"""What a revocation, or an administrator, does to what is going on.

A revocation counts from its place in the writer's order. A login before it is open when the revocation is handed back
to the event loop, and ends there; one behind it is refused, and so is whatever a revoked session asked for behind it.
So when a revocation is confirmed nothing of it goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from waybill_server.records import EndRequest, Refusal, Request, Result, Revoked, RevokeRequest
from waybill_server.revocations import Admission, Revocation, Target
from waybill_server.store import StoreFailed

if TYPE_CHECKING:
    from waybill_server.services import OpenSession, Services


class NotAdmitted(Exception):
    """Who asks was revoked meanwhile."""


class Enforced(NamedTuple):
    """A revocation of which nothing goes on, but for what goes on at nodes that could not be told.

    Attributes:
        at: The milliseconds since 1970 from which on it counts.
        ended: How many sessions were ended here.
        untold: The other nodes that are not known to enforce it yet.
    """

    at: int
    ended: int
    untold: tuple[str, ...] = ()


class Enforcement:
    """Ends what must not go on; for the event loop.

    Args:
        services: The node.
    """

    def __init__(self, services: Services) -> None:
        self.services = services

    async def revoke(
        self, target: Target, at: int | None, caller: Admission | None, *, everywhere: bool = True
    ) -> Enforced:
        """Revokes, and returns when nothing of it goes on.

        Args:
            target: What is revoked.
            at: Milliseconds since 1970 from which on it counts; None for now.
            caller: Who wants it.
            everywhere: Whether to wait for the other nodes; else nothing of it goes on here.

        Raises:
            NotAdmitted: The caller was revoked meanwhile.
            StoreFailed: It is not stored.
        """
        ended = 0

        def enforce(revoked: Revoked) -> None:
            nonlocal ended
            ended = self.end_all(Revocation(target, revoked.at))

        result = await self.store(lambda done: RevokeRequest(done, target, at, enforce, everywhere), caller)
        assert isinstance(result, Revoked)
        return Enforced(result.at, ended, result.untold)

    async def end(self, session: OpenSession, caller: Admission | None) -> None:
        """Ends one session, and returns when nothing of it goes on.

        Raises:
            NotAdmitted: The caller was revoked meanwhile.
            StoreFailed: It could not be done.
        """
        admission = session.admission
        assert admission is not None
        await self._asked(
            lambda done: EndRequest(done, admission), lambda result: self.close(session), caller
        )

    async def store(
        self, build: Callable[[Callable[[Result], None]], Request], caller: Admission | None
    ) -> Result:
        """Stores what a caller wants, and returns once it is committed.

        Raises:
            NotAdmitted: The caller was revoked meanwhile.
            StoreFailed: It is not stored.
        """
        return await self._asked(build, lambda result: None, caller)

    async def tell(self, inform: Callable[[], int]) -> int:
        """Tells the issuer of a revocation, in a thread; gives from when on it counts there."""
        return await asyncio.to_thread(inform)

    def end_all(self, revocation: Revocation) -> int:
        """Ends every session that a revocation concerns; gives their number."""
        concerned = [
            session
            for session in self.services.sessions
            if session.opened and session.admission is not None and revocation.concerns(session.admission)
        ]
        for session in concerned:
            self.close(session)
        return len(concerned)

    def close(self, session: OpenSession) -> None:
        """Ends a session whose admission does not stand any more."""
        session.close("revoked", "the session was revoked; log in again with another token")

    async def _asked(
        self,
        build: Callable[[Callable[[Result], None]], Request],
        committed: Callable[[Result], None],
        caller: Admission | None,
    ) -> Result:
        answered: asyncio.Future[Result] = asyncio.get_running_loop().create_future()

        def done(result: Result) -> None:
            if not isinstance(result, Refusal):
                committed(result)
            if not answered.done():
                answered.set_result(result)

        request = build(done)
        request.admission = caller
        self.services.store.submit(request)
        result = await answered
        if isinstance(result, Refusal):
            raise NotAdmitted if result.code == "not-admitted" else StoreFailed(result.text)
        return result
