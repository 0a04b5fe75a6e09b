"""Who a hello comes from, how that is proven, and how it is welcomed."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING

from waybill_server.client_frames import Hello
from waybill_server.conversations import legal_name
from waybill_server.frames import ADDED_CAPABILITIES, CAPABILITIES
from waybill_server.records import Place
from waybill_server.server_frames import Challenge, Welcome
from waybill_server.services import Services
from waybill_server.token_check import Identity, TokenRefused

if TYPE_CHECKING:
    from waybill_server.session import Session


async def identify(services: Services, hello: Hello) -> Identity:
    """Who says hello.

    Raises:
        TokenRefused: The token, or a name, is not valid.
    """
    limit = services.limits.name
    if not legal_name(hello.device) or len(hello.device) > limit:
        raise TokenRefused("the device has no legal name")
    identity = await services.token_check.check(hello.token or "")
    if not legal_name(identity.user) or len(identity.user) > limit:
        raise TokenRefused("the subject is no legal user name")
    if identity.device is not None and identity.device != hello.device:
        raise TokenRefused(f"the token is for device {identity.device!r}")
    return identity


class Proving:
    """A challenge that waits for its proof."""

    def __init__(self) -> None:
        self._proof: asyncio.Future[str] | None = None

    @property
    def open(self) -> bool:
        """Whether the next frame must be the proof."""
        return self._proof is not None and not self._proof.done()

    def proved(self, signature: str) -> None:
        """The proof came."""
        assert self._proof is not None
        self._proof.set_result(signature)

    def give_up(self) -> None:
        """The connection is over; nobody waits for the proof any more."""
        if self._proof is not None:
            self._proof.cancel()

    async def prove(self, session: Session, identity: Identity, hello: Hello) -> None:
        """Has the client prove that it has the key that its token names, if it names one.

        Raises:
            TokenRefused: It does not prove it.
        """
        key = identity.confirmation
        if key is None:
            return
        check = session.services.proof_check
        nonce = check.nonce()
        self._proof = asyncio.get_running_loop().create_future()
        session.answer(Challenge(nonce))
        if not check.proven(key, await self._proof, nonce, hello.device, hello.token or ""):
            raise TokenRefused("the key that the token names was not proven")


def capabilities_of(hello: Hello, *, early: bool) -> frozenset[str]:
    """What of the client's wishes this server can push; `early` in a session of version 2."""
    known = CAPABILITIES - ADDED_CAPABILITIES if early else CAPABILITIES
    return known & set(hello.capabilities)


def welcome_of(services: Services, session: Session, version: int, place: Place) -> Welcome:
    """The answer to a hello that is in order."""
    return Welcome(
        version=version,
        user=session.user,
        device=session.device,
        session=session.name,
        cursor=place.cursor,
        head=place.head,
        capabilities=sorted(session.capabilities),
        limits=asdict(services.limits),
        time=services.clock.wall_ms(),
    )
