"""The records of TLS in what was said, and the messages of a handshake in them as long as these are not encrypted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA = 20, 21, 22, 23
SERVER_HELLO, NEW_SESSION_TICKET, CERTIFICATE = 2, 4, 11

_HEAD: Final = 5


def records(content: bytes) -> Iterator[tuple[int, bytes]]:
    """The whole records, each as its kind and its content."""
    at = 0
    while at + _HEAD <= len(content):
        end = at + _HEAD + int.from_bytes(content[at + 3 : at + _HEAD], "big")
        if end > len(content):
            return
        yield content[at], content[at + _HEAD : end]
        at = end


def handshake_messages(content: bytes) -> Iterator[int]:
    """The kinds of the messages up to where encryption begins; CHANGE_CIPHER_SPEC and ALERT stand for themselves."""
    said = b""
    for kind, inside in records(content):
        if kind in (CHANGE_CIPHER_SPEC, ALERT):
            yield kind
            if kind == CHANGE_CIPHER_SPEC:
                return
        elif kind == HANDSHAKE:
            said += inside
            while len(said) >= 4 and len(said) >= 4 + int.from_bytes(said[1:4], "big"):
                yield said[0]
                said = said[4 + int.from_bytes(said[1:4], "big") :]
