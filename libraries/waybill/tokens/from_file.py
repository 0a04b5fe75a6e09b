"""Tokens that somebody gave out before, in a file."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from waybill.tokens.obtain import Token, TokenClient, TokenError
from waybill.tokens.reading import seconds_left

_FORM = 'objects with "user", "token", and "device" where it is good for one device'


class IssuedTokens:
    """The tokens of a file: JSON lines with `user`, `device`, `token`, or the same as tables `[[token]]` in TOML.

    Attributes:
        users: The accounts that have one, in the order of the file.
    """

    client: TokenClient | None = None

    def __init__(self, path: Path) -> None:
        """Reads the file.

        Raises:
            TokenError: It cannot be read, says something else, or has tokens that are over; the message shows none.
        """
        self._path = path
        self._tokens: dict[tuple[str, str], str] = {}
        over = []
        for where, entry in _entries(path):
            user, device, token = (entry.get(name, "") for name in ("user", "device", "token"))
            if not (
                isinstance(user, str)
                and user
                and isinstance(token, str)
                and token
                and isinstance(device, str)
            ):
                raise TokenError(
                    f"{path}, {where}: expected {_FORM}; found the keys {sorted(map(str, entry))}."
                )
            if (user, device) in self._tokens:
                raise TokenError(f"{path}, {where}: '{_named(user, device)}' has two tokens; keep one.")
            left = seconds_left(token)
            if left is not None and left <= 0:
                over.append(f"{_named(user, device)} for {-left:.0f} s")
            self._tokens[user, device] = token
        if not self._tokens:
            raise TokenError(f"{path} has no token; expected {_FORM}.")
        if over:
            more = f", and {len(over) - 5} more" if len(over) > 5 else ""
            raise TokenError(
                f"{len(over)} of {len(self._tokens)} tokens in {path} are over: {', '.join(over[:5])}{more}. "
                f"Get new ones."
            )
        self.users = list(dict.fromkeys(user for user, _ in self._tokens))

    def obtain(
        self, user: str, password: str, *, device: str = "", more: Mapping[str, str] | None = None
    ) -> Token:
        """The token of an account for a device, or for any device, as `TokenSource.obtain` has it.

        Raises:
            TokenError: The file has none.
        """
        if more:
            raise TokenError(f"{self._path} takes no parameters of a token request ({', '.join(more)}).")
        token = self._tokens.get((user, device)) or self._tokens.get((user, ""))
        if token is None:
            has = ", ".join(one for name, one in self._tokens if name == user)
            raise TokenError(
                f"{self._path} has no token for '{_named(user, device)}'"
                + (f"; it has some for the devices {has}." if has else ", nor any other of this account.")
            )
        return Token(token, seconds_left(token) or 0.0)


def _named(user: str, device: str) -> str:
    return f"{user}/{device}" if device else user


def _entries(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every entry of a file with its place."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TokenError(f"The tokens cannot be read from {path}: {error}") from None
    if path.suffix == ".toml":
        try:
            tables = tomllib.loads(text).get("token", [])
        except tomllib.TOMLDecodeError as error:
            raise TokenError(f"{path} is not valid TOML: {error}") from None
        found = [(f"[[token]] {number}", entry) for number, entry in enumerate(tables, 1)]
    else:
        found = [
            (f"line {number}", _parsed(line))
            for number, line in enumerate(text.splitlines(), 1)
            if line.strip()
        ]
    for where, entry in found:
        if not isinstance(entry, dict):
            raise TokenError(f"{path}, {where}: expected {_FORM}.")
        yield where, entry


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None
