"""A listener that sees what a Robot process opens and which secrets it handles, for tests of what it may not do.

It writes what it saw into the folder that the environment variable `WITNESS` names, one file for each process: which
paths were opened (an audit hook sees every `open`, whoever calls it), and which passwords and tokens there were.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from waybill.tokens.obtain import Token, TokenClient

_opened: set[str] = set()
_secrets: dict[str, set[str]] = {"passwords": set(), "tokens": set()}


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
        _opened.add(str(Path(os.fsdecode(arguments[0])).absolute()))


sys.addaudithook(_watch)

launching: Any = importlib.import_module("waybill.targets.launch")
"""The module; its package has a function of the same name."""

_obtain, _make_accounts = TokenClient.obtain, launching.make_accounts


def _obtained(self: TokenClient, *arguments: Any, **options: Any) -> Token:
    token = _obtain(self, *arguments, **options)
    _secrets["tokens"].add(token.text)
    return token


def _made(count: int) -> Any:
    accounts = _make_accounts(count)
    _secrets["passwords"].update(account.password for account in accounts)
    return accounts


TokenClient.obtain = _obtained  # type: ignore[method-assign]
launching.make_accounts = _made


class Witness:
    """Listener: writes what was seen when Robot ends."""

    ROBOT_LISTENER_API_VERSION = 3

    def close(self) -> None:
        """Robot is at its end."""
        seen = {"opened": sorted(_opened), **{name: sorted(found) for name, found in _secrets.items()}}
        path = Path(os.environ["WITNESS"]) / f"{os.getpid()}.json"
        path.write_text(json.dumps(seen), encoding="utf-8")
