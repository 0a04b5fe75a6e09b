"""The first message of a TLS handshake written by hand, and the first answer of the server read.

An SSL library offers only what it supports itself. A server must also be asked for what no library of today has any
more: SSL 2 and 3, RC4, export suites, compression. One hello and one answer are enough to know whether a server goes on
with an offer; no key is ever agreed on.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import struct
import time
from dataclasses import dataclass
from enum import Enum
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

SSL_2, SSL_3, TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3 = 0x0002, 0x0300, 0x0301, 0x0302, 0x0303, 0x0304

VERSION_NAMES: Final = {
    SSL_2: "SSL 2.0",
    SSL_3: "SSL 3.0",
    TLS_1_0: "TLS 1.0",
    TLS_1_1: "TLS 1.1",
    TLS_1_2: "TLS 1.2",
    TLS_1_3: "TLS 1.3",
}

NULL_COMPRESSION, DEFLATE = 0, 1

_ALERT, _HANDSHAKE = 21, 22
_CLIENT_HELLO, _SERVER_HELLO = 1, 2
_SSL_2_SERVER_HELLO = 4
_SSL_2_KINDS: Final = (0x010080, 0x030080, 0x0700C0, 0x060040)
"""The suites of SSL 2: RC4, RC2, triple DES and DES, all with MD5."""

SERVER_NAME, GROUPS, POINT_FORMATS, SIGNATURES = 0, 10, 11, 13
SUPPORTED_VERSIONS, KEY_SHARE, RENEGOTIATION_INFO = 43, 51, 0xFF01
RENEGOTIATION_SIGNAL: Final = 0x00FF
"""The suite that stands for an empty renegotiation_info where there are no extensions (RFC 5746, 3.3)."""

_X25519 = 29
_GROUPS: Final = (_X25519, 23, 24, 256)
"""x25519, secp256r1, secp384r1, ffdhe2048."""

_SIGNATURES: Final = (0x0403, 0x0503, 0x0804, 0x0805, 0x0401, 0x0501, 0x0601, 0x0203, 0x0201)
"""ECDSA, RSA-PSS and RSA with SHA-2; with SHA-1 as well, so that no server refuses for want of an algorithm."""

_WARNING, _CLOSE_NOTIFY = 1, 0

ALERTS: Final = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    40: "handshake_failure",
    47: "illegal_parameter",
    50: "decode_error",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    100: "no_renegotiation",
    109: "missing_extension",
    112: "unrecognized_name",
}


class Ending(Enum):
    """What came in place of a ServerHello."""

    ALERT = "alert"
    """The server says no."""
    CLOSED = "closed"
    """It closed the connection."""
    RESET = "reset"
    """It reset the connection."""
    SILENT = "silent"
    """Nothing came in time."""
    FOREIGN = "foreign"
    """Something that is no TLS."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a hello offers.

    Attributes:
        version: The newest version that the client claims to speak.
        suites: The cipher suites, by their numbers in the IANA registry.
        compressions: The compression methods.
        session: The id of a session to take up.
        extensions: Further extensions, by their numbers.
    """

    version: int
    suites: tuple[int, ...] = ()
    compressions: tuple[int, ...] = (NULL_COMPRESSION,)
    session: bytes = b""
    extensions: tuple[tuple[int, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class ServerHello:
    """What the server chose.

    Attributes:
        version: The version.
        suite: The cipher suite; 0 for SSL 2, whose server only lists its own.
        compression: The compression method.
        secure_renegotiation: It signalled RFC 5746; TLS 1.3 has no renegotiation and counts as signalled.
        random: The server's random bytes, the last of which mark a downgrade (RFC 8446, 4.1.3).
    """

    version: int
    suite: int
    compression: int = NULL_COMPRESSION
    secure_renegotiation: bool = False
    random: bytes = b""


@dataclass(frozen=True, slots=True)
class NoHello:
    """Why there is no ServerHello.

    Attributes:
        ending: What came in its place.
        detail: In words.
    """

    ending: Ending
    detail: str


def client_hello(offer: Offer, name: str = "") -> bytes:
    """The record with the hello.

    Args:
        offer: What it offers. TLS 1.3 is offered together with TLS 1.2; everything older alone.
        name: The host name to ask for; an address is not sent.
    """
    if offer.version == SSL_2:
        return _ssl_2_hello()
    suites = offer.suites
    if offer.version == SSL_3:
        suites = (*suites, RENEGOTIATION_SIGNAL)
    body = (
        struct.pack(">H", min(offer.version, TLS_1_2))
        + os.urandom(32)
        + _vector(os.urandom(32) if offer.version == TLS_1_3 else offer.session, 1)
        + _vector(b"".join(struct.pack(">H", suite) for suite in suites), 2)
        + _vector(bytes(offer.compressions), 1)
    )
    if offer.version != SSL_3:
        further = [_extension(*one) for one in offer.extensions]
        body += _vector(b"".join([*_extensions(offer.version, name), *further]), 2)
    handshake = bytes([_CLIENT_HELLO]) + _vector(body, 3)
    return struct.pack(">BHH", _HANDSHAKE, min(offer.version, TLS_1_0), len(handshake)) + handshake


def ask(connection: socket.socket, offer: Offer, name: str, deadline: float) -> ServerHello | NoHello:
    """Sends a hello and reads the answer.

    Args:
        connection: A connection on which nothing of TLS was said yet.
        offer: What to offer.
        name: The host name to ask for.
        deadline: Seconds for the answer.
    """
    reader = _Reader(connection, time.monotonic() + deadline)
    try:
        connection.settimeout(deadline)
        connection.sendall(client_hello(offer, name))
        return _read_ssl_2(reader) if offer.version == SSL_2 else _read(reader)
    except _Ended as ended:
        return NoHello(ended.ending, str(ended))
    except TimeoutError:
        return NoHello(Ending.SILENT, f"no answer within {deadline:g} s")
    except ConnectionError as error:
        return NoHello(Ending.RESET, f"it reset the connection ({error.strerror})")


def alert_name(number: int) -> str:
    """The name of an alert."""
    return ALERTS.get(number, f"alert {number}")


def _ssl_2_hello() -> bytes:
    kinds = b"".join(kind.to_bytes(3, "big") for kind in _SSL_2_KINDS)
    challenge = os.urandom(16)
    body = struct.pack(">BHHHH", _CLIENT_HELLO, SSL_2, len(kinds), 0, len(challenge)) + kinds + challenge
    return struct.pack(">H", 0x8000 | len(body)) + body


def _extensions(version: int, name: str) -> list[bytes]:
    groups = b"".join(struct.pack(">H", group) for group in _GROUPS)
    found = [
        _extension(RENEGOTIATION_INFO, b"\0"),
        _extension(GROUPS, _vector(groups, 2)),
        _extension(POINT_FORMATS, b"\1\0"),
    ]
    if is_host_name(name):
        found.insert(0, _extension(SERVER_NAME, _vector(b"\0" + _vector(name.encode("idna"), 2), 2)))
    if version >= TLS_1_2:
        signatures = b"".join(struct.pack(">H", algorithm) for algorithm in _SIGNATURES)
        found.append(_extension(SIGNATURES, _vector(signatures, 2)))
    if version == TLS_1_3:
        share = X25519PrivateKey.generate().public_key().public_bytes_raw()
        found.append(_extension(SUPPORTED_VERSIONS, _vector(struct.pack(">HH", TLS_1_3, TLS_1_2), 1)))
        found.append(_extension(KEY_SHARE, _vector(struct.pack(">H", _X25519) + _vector(share, 2), 2)))
    return found


def is_host_name(name: str) -> bool:
    """Whether a name can be asked for in a hello: addresses cannot."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return bool(name)
    return False


def _extension(number: int, content: bytes) -> bytes:
    return struct.pack(">H", number) + _vector(content, 2)


def _vector(content: bytes, width: int) -> bytes:
    return len(content).to_bytes(width, "big") + content


class _Ended(Exception):
    """There will be no ServerHello."""

    def __init__(self, ending: Ending, detail: str) -> None:
        super().__init__(detail)
        self.ending = ending


class _Reader:
    """Reads exactly so many bytes until a point in time."""

    def __init__(self, connection: socket.socket, until: float) -> None:
        self._connection = connection
        self._until = until

    def read(self, count: int) -> bytes:
        content = b""
        while len(content) < count:
            left = self._until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._connection.settimeout(left)
            piece = self._connection.recv(count - len(content))
            if not piece:
                raise _Ended(Ending.CLOSED, "it closed the connection")
            content += piece
        return content


def _read_ssl_2(reader: _Reader) -> ServerHello:
    head = reader.read(3)
    if head[0] in (_ALERT, _HANDSHAKE) and head[1] == 3:
        return _read(reader, head)
    if head[0] & 0x80 and head[2] == _SSL_2_SERVER_HELLO:
        return ServerHello(SSL_2, 0)
    raise _Ended(Ending.FOREIGN, f"it answered with bytes that are no TLS: {head!r}")


def _read(reader: _Reader, begun: bytes = b"") -> ServerHello:
    """Reads records until there is a ServerHello."""
    handshake = b""
    while True:
        head = begun + reader.read(5 - len(begun))
        begun = b""
        kind, major, length = head[0], head[1], int.from_bytes(head[3:5], "big")
        if kind not in (_ALERT, _HANDSHAKE) or major != 3:
            raise _Ended(Ending.FOREIGN, f"it answered with bytes that are no TLS: {head!r}")
        content = reader.read(length)
        if kind == _ALERT:
            if len(content) >= 2 and content[0] == _WARNING and content[1] != _CLOSE_NOTIFY:
                continue
            name = alert_name(content[1]) if len(content) >= 2 else "an empty alert"
            raise _Ended(Ending.ALERT, f"it refused with the alert {name}")
        handshake += content
        if len(handshake) >= 4 and len(handshake) >= 4 + int.from_bytes(handshake[1:4], "big"):
            return _server_hello(handshake)


def _server_hello(handshake: bytes) -> ServerHello:
    body = handshake[4 : 4 + int.from_bytes(handshake[1:4], "big")]
    try:
        if handshake[0] != _SERVER_HELLO:
            raise ValueError
        version = int.from_bytes(body[:2], "big")
        at = 35 + body[34]
        suite, compression = int.from_bytes(body[at : at + 2], "big"), body[at + 2]
        extensions = _read_extensions(body[at + 5 :])
    except (ValueError, IndexError):
        raise _Ended(
            Ending.FOREIGN, f"it answered with a handshake message that is no ServerHello: {handshake[:8]!r}"
        ) from None
    if SUPPORTED_VERSIONS in extensions:
        version = int.from_bytes(extensions[SUPPORTED_VERSIONS], "big")
    secure = RENEGOTIATION_INFO in extensions or version == TLS_1_3
    return ServerHello(version, suite, compression, secure, body[2:34])


def _read_extensions(content: bytes) -> dict[int, bytes]:
    found = {}
    while content:
        number, length = struct.unpack(">HH", content[:4])
        found[number] = content[4 : 4 + length]
        content = content[4 + length :]
    return found
