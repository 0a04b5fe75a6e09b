"""A client's hello taken apart, changed, and put together again, as somebody in the middle can do with it.

Nothing in a hello is secret or signed. What protects it is the end of the handshake: both sides must have seen the
same.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from waybill.tls.hello import SUPPORTED_VERSIONS, TLS_1_2, TLS_1_3
from waybill.tls.weak_suites import COMMON, STRONG_1_3

HANDSHAKE: Final = 22
_CLIENT_HELLO: Final = 1
_HEAD: Final = 5
"""Bytes of a record before its content: kind, version, length."""

EXTENDED_MASTER_SECRET, SESSION_TICKET = 23, 35
PRE_SHARED_KEY, EARLY_DATA, COOKIE, KEY_EXCHANGE_MODES, KEY_SHARE = 41, 42, 44, 45, 51
_OF_TLS_1_3: Final = frozenset(
    {SUPPORTED_VERSIONS, PRE_SHARED_KEY, EARLY_DATA, COOKIE, KEY_EXCHANGE_MODES, KEY_SHARE}
)


class NoClientHello(ValueError):
    """These bytes are no hello of a client."""


@dataclass(frozen=True, slots=True)
class ClientHello:
    """What a client offers.

    Attributes:
        version: The version in its old place, where TLS 1.3 says 1.2.
        random: The client's random bytes.
        session: The id of a session to take up.
        suites: The cipher suites.
        compressions: The compression methods.
        extensions: The extensions in their order, by their numbers.
    """

    version: int
    random: bytes
    session: bytes
    suites: tuple[int, ...]
    compressions: bytes
    extensions: tuple[tuple[int, bytes], ...]

    @classmethod
    def read(cls, record: bytes) -> ClientHello:
        """Takes a whole record apart.

        Raises:
            NoClientHello: It is none.
        """
        body = record[_HEAD:]
        try:
            if record[0] != HANDSHAKE or body[0] != _CLIENT_HELLO:
                raise NoClientHello(f"expected a hello of a client, found {record[:8]!r}")
            version, random, at = int.from_bytes(body[4:6], "big"), body[6:38], 38
            session, at = _vector_at(body, at, 1)
            suites, at = _vector_at(body, at, 2)
            compressions, at = _vector_at(body, at, 1)
            extensions = _vector_at(body, at, 2)[0] if at < len(body) else b""
            return cls(
                version,
                random,
                session,
                struct.unpack(f">{len(suites) // 2}H", suites),
                compressions,
                tuple(_extensions_in(extensions)),
            )
        except (IndexError, struct.error):
            raise NoClientHello(f"this hello of a client is cut short: {record[:8]!r}") from None

    @property
    def newest(self) -> int:
        """The newest version that it offers."""
        offered = dict(self.extensions).get(SUPPORTED_VERSIONS, b"")[1:]
        versions = struct.unpack(f">{len(offered) // 2}H", offered[: len(offered) // 2 * 2])
        return max((one for one in versions if one <= TLS_1_3), default=self.version)

    def record(self) -> bytes:
        """The record that says it."""
        extensions = b"".join(
            struct.pack(">HH", number, len(content)) + content for number, content in self.extensions
        )
        body = (
            struct.pack(">H", self.version)
            + self.random
            + struct.pack(">B", len(self.session))
            + self.session
            + struct.pack(f">H{len(self.suites)}H", 2 * len(self.suites), *self.suites)
            + struct.pack(">B", len(self.compressions))
            + self.compressions
            + struct.pack(">H", len(extensions))
            + extensions
        )
        handshake = bytes([_CLIENT_HELLO]) + len(body).to_bytes(3, "big") + body
        return struct.pack(">BHH", HANDSHAKE, 0x0301, len(handshake)) + handshake

    def lowered(self, version: int) -> ClientHello:
        """The same hello as a client would say it that knows nothing newer than this version.

        Below TLS 1.2 it offers suites of that time, for a client of today offers none that would do.
        """
        suites = tuple(suite for suite in self.suites if suite not in STRONG_1_3)
        return replace(
            self,
            version=version,
            suites=suites if version >= TLS_1_2 else tuple(COMMON),
            extensions=tuple(one for one in self.extensions if one[0] not in _OF_TLS_1_3),
        )

    def without_extension(self, number: int) -> ClientHello:
        """The same hello without one of its extensions."""
        return replace(self, extensions=tuple(one for one in self.extensions if one[0] != number))


def _vector_at(content: bytes, at: int, width: int) -> tuple[bytes, int]:
    length = int.from_bytes(content[at : at + width], "big")
    end = at + width + length
    if end > len(content):
        raise IndexError
    return content[at + width : end], end


def _extensions_in(content: bytes) -> Iterable[tuple[int, bytes]]:
    at = 0
    while at < len(content):
        number = int.from_bytes(content[at : at + 2], "big")
        value, at = _vector_at(content, at + 2, 2)
        yield number, value
