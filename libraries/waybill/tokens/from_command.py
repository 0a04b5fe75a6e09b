"""Tokens that a program prints, for issuers that no grant of OAuth 2.0 describes."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from waybill.tokens.obtain import Token, TokenClient, TokenError
from waybill.tokens.reading import seconds_left

PASSWORD: str = "WAYBILL_PASSWORD"
"""The variable of the program's environment that has the account's password: other users of a machine can read the
arguments of programs, and not their environment."""


class CommandTokens:
    """Tokens that a program prints: alone on a line, or as the JSON object that a token endpoint answers with.

    Args:
        command: The program and its arguments; `{user}`, `{device}` and `{password}` stand for whom it is.
        folder: Where it runs.
        deadline: Seconds that it may take.
        where: The table that it is from, for error messages.
    """

    client: TokenClient | None = None

    def __init__(self, command: Sequence[str], folder: Path, deadline: float, where: str) -> None:
        self._command = tuple(command)
        self._folder = folder
        self._deadline = deadline
        self._where = where

    def obtain(
        self, user: str, password: str, *, device: str = "", more: Mapping[str, str] | None = None
    ) -> Token:
        """A token for an account, as `TokenSource.obtain` has it.

        Raises:
            TokenError: The program cannot be run, failed, took too long, or printed something else.
        """
        if more:
            raise TokenError(
                f"{self._where}: a program takes no parameters of a token request ({', '.join(more)})."
            )
        values = {"{user}": user, "{device}": device, "{password}": password}
        command = [_filled(part, values) for part in self._command]
        # It is no process of this run: it gets no mark of it, but whom to ask for.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("WAYBILL_")}
        try:
            done = subprocess.run(
                command,
                cwd=self._folder,
                env={**environment, PASSWORD: password},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=self._deadline,
                check=False,
            )
        except OSError as error:
            raise self._failed(user, f"cannot be run: {error.strerror}") from None
        except subprocess.TimeoutExpired:
            raise self._failed(user, f"still ran after {self._deadline:g} s") from None
        if done.returncode != 0:
            said = done.stderr.strip().partition("\n")[0] or "(nothing)"
            if password:
                said = said.replace(password, "(password)")
            raise self._failed(
                user, f"ended with status {done.returncode}; its standard error begins: {said}"
            )
        return self._token(user, done.stdout.strip())

    def _token(self, user: str, printed: str) -> Token:
        if not printed.startswith("{"):
            if not printed or len(printed.split()) != 1:
                lines = len(printed.splitlines())
                raise self._failed(user, f"printed {lines} lines; expected a token alone on one line")
            return Token(printed, seconds_left(printed) or 0.0)
        try:
            answer: Any = json.loads(printed)
        except ValueError as error:
            raise self._failed(user, f"printed an object that is no JSON: {error}") from None
        text = answer.get("access_token")
        if not isinstance(text, str) or not text:
            raise self._failed(
                user, f"printed an object without an access_token; found the keys {sorted(answer)}"
            )
        lifetime = answer.get("expires_in")
        known = isinstance(lifetime, int | float) and not isinstance(lifetime, bool)
        return Token(text, float(lifetime) if known else seconds_left(text) or 0.0)

    def _failed(self, user: str, what: str) -> TokenError:
        """The program with its arguments as they are in the target file: what fills them in may be secret."""
        return TokenError(
            f"No token for '{user}': the command of {self._where} {what}.\nCommand: {' '.join(self._command)}"
        )


def _filled(part: str, values: Mapping[str, str]) -> str:
    for placeholder, value in values.items():
        part = part.replace(placeholder, value)
    return part
