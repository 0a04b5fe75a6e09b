"""What release 1 does otherwise than the newest: its rows carry less, and nothing in it knows block lists, rules,
tokens for one login or messages with a time to live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from waybill_server.bulk import insert_rows
from waybill_server.expiries import Expiries
from waybill_server.log_rows import Entry, LogRows
from waybill_server.permissions import Permissions
from waybill_server.token_check import Identity, TokenCheck, TokenRefused


class EarlyLogRows(LogRows):
    """The rows of schema 1: what came from others is counted whenever somebody asks."""

    def add(self, entries: Sequence[Entry]) -> None:
        """Writes entries."""
        insert_rows(self._connection, "INSERT INTO log VALUES ", [entry[:3] for entry in entries])

    def end(self, user: str) -> tuple[int, int]:
        """The last position of a user's log, and how many entries up to there came from others."""
        row = self._connection.execute("SELECT MAX(position) FROM log WHERE user = ?", (user,)).fetchone()
        head = row[0] or 0
        return head, self.received(user, head)

    def received(self, user: str, position: int) -> int:
        """How many entries up to a position came from others."""
        row = self._connection.execute(
            "SELECT COUNT(*) FROM log JOIN message ON number = message "
            "WHERE user = ? AND position <= ? AND sender <> user",
            (user, position),
        ).fetchone()
        return int(row[0])


class NoPermissions(Permissions):
    """Everybody may write to everybody; what a newer release left in the database about it is not looked at."""

    def load(self) -> None:
        """There is nothing to read."""


class NoExpiries(Expiries):
    """Every message stays; what a newer release left in the database about it is not looked at."""

    stands = "1"

    def recover(self) -> None:
        """There is nothing to read."""

    def add(self, deadlines: Mapping[int, int]) -> None:
        """Takes no note of what a newer node tells."""

    def known(self, number: int) -> bool:
        """No message has a deadline."""
        return False

    def marked(self, number: int) -> bool:
        """No message is over."""
        return False


class ReusableTokensOnly:
    """The check of a release that could not remember which tokens for one login were used.

    Args:
        check: What verifies everything else.
    """

    def __init__(self, check: TokenCheck) -> None:
        self._check = check

    async def check(self, token: str) -> Identity:
        """Who the token speaks for.

        Raises:
            TokenRefused: It is not valid, or good for one login.
        """
        identity = await self._check.check(token)
        if identity.once:
            raise TokenRefused("this release takes no token that is good for one login")
        return identity
