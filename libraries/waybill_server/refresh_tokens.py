"""Refresh tokens: each is good for one use and gives the next one; a second use ends all that came of the same grant.

Whoever uses a token that was used before may be a thief or the one who was robbed; nobody can tell, so the family ends
(RFC 9700, section 4.14.2). Only digests are stored.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

LIFETIME = 30 * 86_400
"""Seconds that a family lives, whatever is done with it."""


class Family(NamedTuple):
    """A grant, and what all tokens that come of it say.

    Attributes:
        family: Its id, the claim `sid`.
        user: The account.
        client: The client that it was given to.
        device: The device that the tokens are for; empty for any.
        key: The public key that they are bound to, a JWK as JSON; empty for none.
        once: Each access token is good for one login.
        scope: The scope as asked for.
    """

    family: str
    user: str
    client: str
    device: str
    key: str
    once: bool
    scope: str


class RefreshRefused(Exception):
    """The refresh token is not good; the text says why. What it changed is to be kept."""


class RefreshTokens:
    """The refresh tokens in an issuer's database; every call belongs into a transaction.

    Args:
        connection: The database.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def begin(self, family: Family, now: float) -> str:
        """The first refresh token of a grant."""
        over = "SELECT family FROM family WHERE expires < ?"
        self._connection.execute(f"DELETE FROM refresh WHERE family IN ({over})", (int(now),))
        self._connection.execute(f"DELETE FROM family WHERE family IN ({over})", (int(now),))
        self._connection.execute(
            "INSERT INTO family VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)", (*family, int(now) + LIFETIME)
        )
        return self._next(family.family)

    def use(self, token: str, now: float) -> tuple[Family, str]:
        """Uses a refresh token up; gives its grant, and the next one.

        Raises:
            RefreshRefused: It is not good (any more).
        """
        row = self._connection.execute(
            "SELECT used, ended, expires, family, user, client, device, key, once, scope "
            "FROM refresh JOIN family USING (family) WHERE digest = ?",
            (_digest(token),),
        ).fetchone()
        if row is None:
            raise RefreshRefused("no such refresh token")
        used, ended, expires, *names, once, scope = row
        family = _family(names, once, scope)
        if used:
            self.end(family.family)
            raise RefreshRefused("the refresh token was used before; its grant is ended")
        if ended or expires <= now:
            raise RefreshRefused("the grant is ended")
        self._connection.execute("UPDATE refresh SET used = 1 WHERE digest = ?", (_digest(token),))
        return family, self._next(family.family)

    def family_of(self, token: str) -> Family | None:
        """The grant of a refresh token, used or not."""
        row = self._connection.execute(
            "SELECT family, user, client, device, key, once, scope "
            "FROM refresh JOIN family USING (family) WHERE digest = ?",
            (_digest(token),),
        ).fetchone()
        return None if row is None else _family(row[:5], *row[5:])

    def end(self, family: str) -> int:
        """Ends a grant; gives 1 if it was not ended already."""
        return self._connection.execute(
            "UPDATE family SET ended = 1 WHERE family = ? AND NOT ended", (family,)
        ).rowcount

    def end_all(self, user: str, device: str) -> int:
        """Ends a user's grants, or those that a device could use: its own, and those for no device in particular."""
        return self._connection.execute(
            "UPDATE family SET ended = 1 WHERE user = ? AND NOT ended AND (? = '' OR device IN ('', ?))",
            (user, device, device),
        ).rowcount

    def _next(self, family: str) -> str:
        token = secrets.token_urlsafe(32)
        self._connection.execute("INSERT INTO refresh VALUES (?, ?, 0)", (_digest(token), family))
        return token


def _family(names: Sequence[str], once: int, scope: str) -> Family:
    family, user, client, device, key = names
    return Family(family, user, client, device, key, bool(once), scope)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
