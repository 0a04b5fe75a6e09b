"""A listener that sees what a Robot process opens and which secrets it handles, for tests of what it may not do.

It writes what it saw into the folder that the environment variable `WITNESS` names, one file for each process: which
paths were opened (an audit hook sees every `open`, whoever calls it), and which passwords, tokens, refresh tokens, keys
of devices and proofs of them there were.
"""

from __future__ import annotations

import base64
import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization

from waybill.tokens.device_keys import DeviceKey
from waybill.tokens.obtain import Token, TokenClient

_opened: set[str] = set()
_secrets: dict[str, set[str]] = {
    name: set() for name in ("passwords", "tokens", "refresh_tokens", "keys", "proofs")
}


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
        _opened.add(str(Path(os.fsdecode(arguments[0])).absolute()))


sys.addaudithook(_watch)

launching: Any = importlib.import_module("waybill.targets.launch")
"""The module; its package has a function of the same name."""

_token, _sign = TokenClient._token, DeviceKey.sign
_make_accounts, _make_staff = launching.make_accounts, launching.make_staff


def _obtained(self: TokenClient, *arguments: Any, **options: Any) -> Token:
    token = _token(self, *arguments, **options)
    _secrets["tokens"].add(token.text)
    if token.refresh:
        _secrets["refresh_tokens"].add(token.refresh)
    return token


def _signed(self: DeviceKey, content: bytes) -> bytes:
    """Notes the private key and the signature, in the forms in which they might be written."""
    signature = _sign(self, content)
    private = self._private.private_numbers().private_value.to_bytes(32, "big")
    pem = self._private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _secrets["keys"].update((private.hex(), _base64(private), pem.decode().splitlines()[1]))
    _secrets["proofs"].update((signature.hex(), _base64(signature)))
    return signature


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _noting(make: Any) -> Any:
    """The function that makes accounts, watched."""

    def made(*arguments: Any) -> Any:
        accounts = make(*arguments)
        _secrets["passwords"].update(account.password for account in accounts)
        return accounts

    return made


TokenClient._token = _obtained  # type: ignore[method-assign]
DeviceKey.sign = _signed  # type: ignore[method-assign]
launching.make_accounts, launching.make_staff = _noting(_make_accounts), _noting(_make_staff)


class Witness:
    """Listener: writes what was seen when Robot ends."""

    ROBOT_LISTENER_API_VERSION = 3

    def close(self) -> None:
        """Robot is at its end."""
        seen = {"opened": sorted(_opened), **{name: sorted(found) for name, found in _secrets.items()}}
        path = Path(os.environ["WITNESS"]) / f"{os.getpid()}.json"
        path.write_text(json.dumps(seen), encoding="utf-8")
