"""The issuer's accounts: a file of JSON lines, one account each.

`{"user": "alice", "salt": "<hexadecimal>", "password_sha256": "<64 hexadecimal digits>"}`, where the digest is
that of the salt's bytes followed by the password's UTF-8 bytes. The passwords are made for tests, random and
long; a slow hash would only slow the tests. `"roles": ["admin"]` says what an account may do; without it, `["user"]`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

from waybill_server.roles import ROLES, USER


class AccountsFaulty(Exception):
    """The file cannot be used; the text names the line."""


class Accounts:
    """Who may get a token.

    Args:
        path: The file.

    Raises:
        AccountsFaulty: It cannot be read, or a line is wrong.
    """

    def __init__(self, path: Path) -> None:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise AccountsFaulty(f"cannot read accounts {path}: {error}") from None
        self._accounts: dict[str, tuple[bytes, str, tuple[str, ...]]] = {}
        for number, line in enumerate(lines, 1):
            if line.strip():
                user, salt, digest, roles = _account(line, f"{path}:{number}")
                self._accounts[user] = (salt, digest, roles)

    def __len__(self) -> int:
        return len(self._accounts)

    def known(self, user: str) -> bool:
        """Whether there is such an account."""
        return user in self._accounts

    def roles(self, user: str) -> tuple[str, ...]:
        """What an account may do; nothing if there is none."""
        return self._accounts[user][2] if user in self._accounts else ()

    def valid(self, user: str, password: str) -> bool:
        """Whether the password is the user's; takes as long for an unknown user."""
        salt, digest, _ = self._accounts.get(user, (b"", "", ()))
        return hmac.compare_digest(password_digest(salt, password), digest)


def password_digest(salt: bytes, password: str) -> str:
    """The digest that the file holds for a password."""
    return hashlib.sha256(salt + password.encode()).hexdigest()


def _account(line: str, place: str) -> tuple[str, bytes, str, tuple[str, ...]]:
    try:
        account = json.loads(line)
        user, digest = account["user"], account["password_sha256"].lower()
        salt = bytes.fromhex(account["salt"])
        if not isinstance(user, str) or not user or len(bytes.fromhex(digest)) != 32:
            raise ValueError("a user is no text, or a digest has another length")
        roles = account.get("roles", [USER])
        if not isinstance(roles, list) or not roles or not all(role in ROLES for role in roles):
            raise ValueError(f"the roles are no list of {', '.join(ROLES)}")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise AccountsFaulty(
            f'{place}: expected {{"user", "salt", "password_sha256"}} with a hexadecimal salt and SHA-256: {error}'
        ) from None
    return user, salt, digest, tuple(roles)
