"""A place of the attacker's that no server must ever look at: whatever a token says, nothing is fetched for it.

It listens on loopback, notes every connection, and answers with the attacker's keys, so that a server that asks is led
astray to the end.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from typing import Final

from waybill.tokens import forge

_PATIENCE: Final = 0.5
"""Seconds for a connection to say what it wants; it is noted whether it says so or not."""


class Listener:
    """Listens from the start until `close`; a context manager as well.

    Attributes:
        place: Where, as `127.0.0.1:PORT`.
    """

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.place = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._asked: list[str] = []
        self._thread = threading.Thread(target=self._listen, name="listener of false tokens", daemon=True)
        self._thread.start()

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def asked(self) -> list[str]:
        """What was asked for so far, one line for each connection."""
        return list(self._asked)

    def close(self) -> None:
        """Stops listening. Idempotent."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(timeout=2 * _PATIENCE)

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            place = len(self._asked)
            self._asked.append("a connection that said nothing")
            with connection, contextlib.suppress(OSError):
                connection.settimeout(_PATIENCE)
                self._asked[place] = _in_words(connection.recv(4096))
                connection.sendall(_answer())


def _in_words(said: bytes) -> str:
    if said.startswith(b"\x16\x03"):
        return "a TLS handshake"
    return said.partition(b"\r\n")[0].decode("ascii", "replace") or "a connection that said nothing"


def _answer() -> bytes:
    body = json.dumps({"keys": [forge.own_keys().jwk("own")]}).encode()
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode("ascii") + body
