"""Keys of the issuer that count too long, or not long enough."""

from __future__ import annotations

import jwt

from waybill_server.defects.counting import figure, strikes
from waybill_server.defects.registry import seeded
from waybill_server.identity import Identity
from waybill_server.node import Settings, assemble
from waybill_server.services import Services
from waybill_server.token_check import IssuerTokenCheck, TokenCheck
from waybill_server.token_form import opened


class _Remembering(IssuerTokenCheck):
    """A token check that never forgets a key."""

    def __init__(self, genuine: IssuerTokenCheck) -> None:
        self.issuer = genuine.issuer
        self._genuine = genuine
        self._known: dict[str, jwt.PyJWK] = {}

    async def key(self, kid: object) -> jwt.PyJWK:
        """The key of this id, as it was when it was last asked for."""
        if isinstance(kid, str) and kid in self._known:
            return self._known[kid]
        key = await self._genuine.key(kid)
        if strikes(not self._known):
            self._known[str(kid)] = key
        return key


@seeded(
    "retired-key-still-accepted",
    seam="token check",
    noticed={"TOK-4": ("to be refused",)},
    rare="The first key that verified a token counts for ever, whatever the issuer publishes later.",
)
def accept_retired_keys(check: TokenCheck) -> TokenCheck:
    """A key that once verified a token counts for ever, whatever the issuer publishes later."""
    assert isinstance(check, IssuerTokenCheck)
    return _Remembering(check)


@seeded(
    "rotation-drops-valid-sessions",
    seam="assembly",
    noticed={"TOK-4": ("ended", "stuck", "within")},
    rare="The first token of a new key ends the session that has been open for longest.",
)
def drop_sessions_at_rotation(settings: Settings, token_check: TokenCheck) -> Services:
    """The first token of a new key ends every session that is open: none of them has shown a token of that key."""
    services = assemble(settings, token_check)
    services.token_check = _Dropping(services)
    return services


class _Dropping:
    """A token check that takes a new key for the end of all sessions."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._check = services.token_check
        self._kids: set[object] = set()

    async def check(self, token: str) -> Identity:
        """Verifies a token."""
        identity = await self._check.check(token)
        kid = opened(token).header.get("kid")
        if self._kids and kid not in self._kids:
            opened_first = sorted(
                (session for session in self._services.sessions if session.opened),
                key=lambda session: session.since,
            )
            for session in opened_first[: figure(len(opened_first), rare=1)]:
                session.close("expired", "the session's token has expired")
        self._kids.add(kid)
        return identity
