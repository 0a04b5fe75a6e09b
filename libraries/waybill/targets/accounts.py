"""The pool of accounts: made for a launched target and written in the server's own format, or read from a
file."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from waybill.targets.errors import TargetError

_MOSQUITTO_ROUNDS: Final = 101
"""PBKDF2 rounds, as mosquitto_passwd takes them; passwords of a pool are random and live for minutes."""


@dataclass(frozen=True, slots=True)
class Account:
    """One account of a target; its password never appears in a repr.

    Attributes:
        user: The account's name at the server.
        password: Its password.
        role: What it may do beyond what users may: `moderator`, `admin`, or nothing.
    """

    user: str
    password: str = field(repr=False)
    role: str = ""


def make_accounts(count: int) -> list[Account]:
    """New accounts `user-001`, `user-002`, ... with random passwords."""
    return [Account(f"user-{number:03d}", secrets.token_urlsafe(18)) for number in range(1, count + 1)]


def make_staff(roles: Mapping[str, int | str]) -> list[Account]:
    """New accounts with the numbers of each role, `moderator-01`, ... with random passwords."""
    return [
        Account(f"{role}-{number:02d}", secrets.token_urlsafe(18), role)
        for role, count in roles.items()
        for number in range(1, int(count) + 1)
    ]


def write_accounts(accounts: Sequence[Account], path: Path, form: str) -> None:
    """Writes accounts for the server, readable by its owner only.

    Args:
        accounts: What to write.
        path: Where.
        form: `jsonl-sha256`: one object per line with `user`, `salt` (hex) and `password_sha256`, the hex
            digest of the salt's bytes followed by the password, and `roles` where it has any;
            `mosquitto`: the lines that mosquitto_passwd
            makes; `plain`: lines `user:password`.
    """
    line = {"jsonl-sha256": _json_line, "mosquitto": _mosquitto_line, "plain": _plain_line}[form]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text("".join(f"{line(account)}\n" for account in accounts), encoding="utf-8")


def read_accounts(path: Path) -> list[Account]:
    """The accounts of a file with lines `user:password`; blank lines and lines with `#` first are left out.

    Raises:
        TargetError: The file cannot be read, or a line is of another form.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TargetError(f"The accounts cannot be read from {path}: {error}") from None
    accounts = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        user, colon, password = line.strip().partition(":")
        if not (user and colon and password):
            raise TargetError(f"{path}, line {number}: expected user:password, found something else.")
        accounts.append(Account(user, password))
    if not accounts:
        raise TargetError(f"{path} lists no account; expected lines user:password.")
    return accounts


def _json_line(account: Account) -> str:
    salt = secrets.token_bytes(16)
    digest = hashlib.sha256(salt + account.password.encode()).hexdigest()
    roles = {"roles": [account.role]} if account.role else {}
    return json.dumps({"user": account.user, "password_sha256": digest, "salt": salt.hex(), **roles})


def _mosquitto_line(account: Account) -> str:
    salt = secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", account.password.encode(), salt, _MOSQUITTO_ROUNDS)
    coded = (base64.b64encode(part).decode() for part in (salt, digest))
    return f"{account.user}:$7${_MOSQUITTO_ROUNDS}${'$'.join(coded)}"


def _plain_line(account: Account) -> str:
    return f"{account.user}:{account.password}"
