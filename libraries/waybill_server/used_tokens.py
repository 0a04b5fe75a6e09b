"""Tokens that are good for one login: which of them have had theirs."""

from __future__ import annotations

import sqlite3
from typing import Protocol

TABLE = """
CREATE TABLE used_token (
    token TEXT NOT NULL,
    user TEXT NOT NULL,
    expires INTEGER NOT NULL,
    PRIMARY KEY (token, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX used_token_end ON used_token (expires);
"""

KEPT_SECONDS = 86_400
"""How long a used token is remembered after its end: a clock that steps back must not make it good again."""


class UsedToken(Protocol):
    """A token and its user; times in seconds since 1970."""

    user: str
    token: str
    expires: float


class UsedTokens:
    """The used tokens behind one writer connection; changed within a transaction that somebody else begins and ends.

    Args:
        connection: The writer's connection.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def use(self, token: UsedToken, now: float) -> bool:
        """Uses a token up; false if it was used before."""
        self._connection.execute("DELETE FROM used_token WHERE expires < ?", (int(now) - KEPT_SECONDS,))
        used = self._connection.execute(
            "INSERT INTO used_token VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (token.token, token.user, int(token.expires)),
        )
        return used.rowcount == 1
