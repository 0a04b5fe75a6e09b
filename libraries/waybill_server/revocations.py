"""What is revoked, and whether somebody was let in by it.

A revoked token is refused for ever. Of a revoked user or device all tokens are refused that were issued up to the
second of the revocation; later ones are good. All of it is forgotten when no token that it could concern is valid.

Node and issuer both keep this table. One thread at a time changes it, within a transaction that somebody else begins
and ends.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import NamedTuple

from waybill_server.conversations import legal_name
from waybill_server.identity import LONGEST_LIFETIME, Identity

TABLE = """
CREATE TABLE revocation (
    token TEXT NOT NULL,
    user TEXT NOT NULL,
    device TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (token, user, device)
) STRICT, WITHOUT ROWID;
"""

LONGEST_TOKEN_ID = 256


class RevocationFaulty(Exception):
    """A revocation that cannot be read; the text says why."""


class Target(NamedTuple):
    """What a revocation is about: a token by its id, or a user, or a user's device; the other texts are empty."""

    token: str = ""
    user: str = ""
    device: str = ""

    def document(self) -> dict[str, str]:
        """As the interfaces of administration write it."""
        return {name: value for name, value in self._asdict().items() if value}


class Revocation(NamedTuple):
    """A target and the milliseconds since 1970 when it was revoked."""

    target: Target
    at: int

    def concerns(self, admission: Admission) -> bool:
        """Whether it revokes this admission."""
        token, user, device = self.target
        if token:
            return token == admission.token
        return (
            user == admission.user
            and device in ("", admission.device)
            and admission.issued <= self.at // 1000
        )


class Admission:
    """By what a session was let in. Its requests carry it, and the writer judges them by it.

    Attributes:
        user: Who logged in.
        device: The device that logged in; empty where none did.
        token: The id of the token.
        issued: The second of its issue.
        expires: The second of its end.
        once: It was good for one login.
        ended: An administrator ended the session; the writer's thread sets it.
    """

    __slots__ = (
        "device", "ended", "expires", "issued", "judged", "once", "revoked", "token", "user"
    )  # fmt: skip

    def __init__(self, identity: Identity, device: str) -> None:
        self.user = identity.user
        self.device = device
        self.token = identity.token_id
        self.issued = identity.issued_at
        self.expires = identity.expires
        self.once = identity.once
        self.ended = False
        self.revoked = False
        self.judged = 0


class Revocations:
    """The revocations behind one writer connection; all of them are in memory.

    Args:
        connection: The writer's connection.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._at: dict[Target, int] = {}
        self._version = 0

    def load(self) -> None:
        """Reads everything from the database, which is the truth after a transaction that did not commit."""
        rows = self._connection.execute("SELECT token, user, device, at FROM revocation")
        self._at = {Target(*names): at for *names, at in rows}
        self._version += 1

    def purge(self, now: int) -> None:
        """Forgets what no valid token can be concerned by.

        Args:
            now: Milliseconds since 1970.
        """
        before = now - 1000 * (int(LONGEST_LIFETIME) + 1)
        self._connection.execute("DELETE FROM revocation WHERE at < ?", (before,))
        for target in [target for target, at in self._at.items() if at < before]:
            del self._at[target]

    def revoke(self, target: Target, at: int) -> Revocation:
        """Revokes; a revocation that stands already only becomes later."""
        at = max(at, self._at.get(target, 0))
        self._connection.execute(
            "INSERT INTO revocation VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET at = excluded.at",
            (*target, at),
        )
        self._at[target] = at
        self._version += 1
        return Revocation(target, at)

    def admits(self, admission: Admission) -> bool:
        """Whether an admission still stands. For the thread that revokes: it is looked up once after each change."""
        if admission.judged != self._version:
            admission.revoked = self.concern(admission)
            admission.judged = self._version
        return not admission.revoked

    def concern(self, admission: Admission) -> bool:
        """Whether an admission is revoked. For every thread."""
        if Target(token=admission.token) in self._at:
            return True
        until = max(
            self._at.get(Target(user=admission.user), -1),
            self._at.get(Target(user=admission.user, device=admission.device), -1),
        )
        return admission.issued <= until // 1000

    def newest(self, user: str) -> int:
        """The newest revocation of a user or of any device of theirs, in milliseconds since 1970; 0 without one."""
        return max((at for target, at in tuple(self._at.items()) if target.user == user), default=0)


def target_of(document: Mapping[str, object]) -> Target:
    """Reads a revocation as the interfaces of administration take it.

    Raises:
        RevocationFaulty: It is none.
    """
    if not all(isinstance(value, str) and value for value in document.values()):
        raise RevocationFaulty("a value is no text, or is empty")
    names = {name: str(value) for name, value in document.items()}
    if names.keys() not in ({"token"}, {"user"}, {"user", "device"}):
        raise RevocationFaulty('expected {"token"}, {"user"} or {"user", "device"}')
    target = Target(**names)
    if len(target.token) > LONGEST_TOKEN_ID:
        raise RevocationFaulty(f"a token id has at most {LONGEST_TOKEN_ID} characters")
    if any(name and not legal_name(name) for name in (target.user, target.device)):
        raise RevocationFaulty("a name has characters of A-Z a-z 0-9 . _ - only")
    return target
