"""What administrators, and users for themselves, may do at the issuer: revoke what was given, change the key."""

from __future__ import annotations

import time
from collections.abc import Mapping

import jwt

from waybill_server.accounts import Accounts
from waybill_server.grants import TokenMaker
from waybill_server.identity import Identity
from waybill_server.issuer_keys import IssuerKeys
from waybill_server.issuer_store import IssuerStore
from waybill_server.refresh_tokens import RefreshTokens
from waybill_server.revocations import Admission, RevocationFaulty, Target, target_of
from waybill_server.roles import ADMIN, MODERATOR, USER
from waybill_server.token_check import ALGORITHM, AUDIENCE, require_header, verify
from waybill_server.token_claims import identity_of
from waybill_server.token_form import TokenRefused, opened


class CallRefused(Exception):
    """A call that was not done."""

    def __init__(self, status: int, error: str, text: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.document = {"error": error} | ({"text": text} if text else {})


class IssuerAdministration:
    """The calls.

    Args:
        maker: Makes the tokens.
        keys: The keys that sign them.
    """

    def __init__(self, maker: TokenMaker, keys: IssuerKeys) -> None:
        self._maker = maker
        self._keys = keys
        self._accounts: Accounts = maker.accounts
        self._store: IssuerStore = maker.store

    def caller(self, token: str) -> Identity:
        """Who calls.

        Raises:
            CallRefused: The token is none that is good without a proof and more than once.
        """
        try:
            parts = opened(token)
            require_header(parts.header)
            keys = {key["kid"]: key for key in self._keys.published()}
            jwk = keys.get(str(parts.header.get("kid")))
            if jwk is None:
                raise TokenRefused("the key is not in the set")
            verify(parts, jwt.PyJWK(jwk, algorithm=ALGORITHM))
            caller = identity_of(parts.claims, self._maker.issuer, AUDIENCE, time.time())
        except TokenRefused:
            raise CallRefused(401, "unauthenticated") from None
        concern = self._store.revocations.concern(Admission(caller, caller.device or ""))
        if caller.confirmation is not None or caller.once or concern:
            raise CallRefused(401, "unauthenticated")
        return caller

    def rotate(self, caller: Identity, body: Mapping[str, object]) -> dict[str, object]:
        """Makes a new key, which signs from now on.

        Raises:
            CallRefused: The caller is no administrator.
        """
        if ADMIN not in caller.roles:
            raise CallRefused(403, "forbidden")
        signing = self._keys.rotate()
        retired = [{"kid": key.public["kid"], "until": key.until} for key in self._keys.retired()]
        return {"kid": signing.kid, "retired": retired}

    def revoke(self, caller: Identity, body: Mapping[str, object]) -> dict[str, object]:
        """Ends what could give new tokens for a token, a user or a device; may be repeated.

        Raises:
            CallRefused: It cannot be read, or the caller may not.
        """
        try:
            target = target_of(body)
        except RevocationFaulty as faulty:
            raise CallRefused(400, "malformed", str(faulty)) from None
        with self._store.transaction() as connection:
            row = connection.execute(
                "SELECT user, family FROM issued WHERE token = ?", (target.token,)
            ).fetchone()
            holder, family = row or (target.user, "")
            if not self._may_revoke(caller, target, holder):
                raise CallRefused(403, "forbidden")
            now = int(time.time() * 1000)
            self._store.revocations.purge(now)
            at = self._store.revocations.revoke(target, now).at
            tokens = RefreshTokens(connection)
            ended = tokens.end(family) if target.token else tokens.end_all(target.user, target.device)
        return {"at": at, "grants_ended": ended}

    def _may_revoke(self, caller: Identity, target: Target, holder: str) -> bool:
        """An administrator everything, everybody what is their own, a moderator what is a mere user's. Whose a token is
        says the issuer's memory, whatever id the caller's own token has."""
        if ADMIN in caller.roles:
            return True
        if not holder:
            return target.token == caller.token_id
        return holder == caller.user or (
            MODERATOR in caller.roles and set(self._accounts.roles(holder)) == {USER}
        )
