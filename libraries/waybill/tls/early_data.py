"""Data sent along with the hello (0-RTT of TLS 1.3), which whoever heard it can send again (RFC 8446, 8)."""

from __future__ import annotations

import time
from typing import Final

from cryptography.hazmat.bindings.openssl.binding import Binding
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from OpenSSL import SSL

from waybill.tls.client import Client, reason
from waybill.tls.client_hello import EARLY_DATA
from waybill.tls.hello import TLS_1_3
from waybill.tls.places import Outcome, Place
from waybill.tls.records import ALERT, APPLICATION_DATA, records
from waybill.tls.tickets import QUESTION, NoSession, begin

_ENCRYPTED_EXTENSIONS: Final = 8
_SECRET: Final = b"SERVER_HANDSHAKE_TRAFFIC_SECRET"


def early_data(place: Place, deadline: float) -> tuple[Outcome, str]:
    """Sends a question along with the hello, and once more every byte of that on another connection.

    Taking it once is accepting it: a profile of the protocol would have to say which words are harmless when they come
    again (RFC 8446, E.5), and there is none for WebSocket, MQTT or XMPP.

    Raises:
        NoSession: The server lets no session be taken up, or not with early data.
        OSError: It cannot be reached, or answers nothing.
    """
    known = begin(place, TLS_1_3, deadline)
    if not known.early_data:
        raise NoSession("its tickets allow no early data")
    with place.connect(deadline) as connection:
        client = Client(connection, place.name, deadline, earlier=known.client)
        _write_early(client, QUESTION)
        flight = client.unsent()
        connection.sendall(flight)
        try:
            client.shake_hands()
        except SSL.Error as error:
            return Outcome.REFUSED, f"it refused: {reason(error)}"
        suite = client.tls.get_cipher_name() or ""
    answer = _first_encrypted(client.received)
    secrets = [line.split()[2] for line in client.secrets if line.startswith(_SECRET)]
    if not _accepts(answer, bytes.fromhex(secrets[-1].decode()), suite):
        return Outcome.REFUSED, "it went on without the early data"
    again = _say_again(place, flight, len(answer), deadline)
    return Outcome.ACCEPTED, f"it took early data, {again}"


def _write_early(client: Client, content: bytes) -> None:
    library, foreign = Binding.lib, Binding.ffi
    written = foreign.new("size_t *")
    inner = client.tls._ssl  # pyOpenSSL has no words for early data
    if library.SSL_write_early_data(inner, content, len(content), written) != 1:
        raise NoSession("the SSL library of this machine sends no early data")


def _say_again(place: Place, flight: bytes, expected: int, deadline: float) -> str:
    """What becomes of the same bytes on another connection; an answer of the same form means the same."""
    with place.connect(deadline) as connection:
        connection.sendall(flight)
        until, said = time.monotonic() + deadline, b""
        while (left := until - time.monotonic()) > 0:
            connection.settimeout(left)
            try:
                received = connection.recv(65_536)
            except (ConnectionError, TimeoutError):
                break
            said += received
            kinds = [kind for kind, _ in records(said)]
            if not received or ALERT in kinds or APPLICATION_DATA in kinds:
                break
    took = len(_first_encrypted(said)) == expected
    return "and took the same bytes again" if took else "though not the same bytes again"


def _first_encrypted(content: bytes) -> bytes:
    return next((inside for kind, inside in records(content) if kind == APPLICATION_DATA), b"")


def _accepts(record: bytes, secret: bytes, suite: str) -> bool:
    """Whether the first thing that the server says in secret is that it takes the early data (RFC 8446, 4.2.10)."""
    digest: hashes.HashAlgorithm = hashes.SHA384() if suite.endswith("SHA384") else hashes.SHA256()
    size = 16 if "AES_128" in suite else 32
    key, nonce = _expand(secret, b"key", size, digest), _expand(secret, b"iv", 12, digest)
    cipher = ChaCha20Poly1305(key) if "CHACHA" in suite else AESGCM(key)
    head = bytes([APPLICATION_DATA, 3, 3]) + len(record).to_bytes(2, "big")
    said = cipher.decrypt(nonce, record, head)
    if said[0] != _ENCRYPTED_EXTENSIONS:
        return False
    at, end = 6, 4 + int.from_bytes(said[1:4], "big")
    while at + 4 <= end:
        if int.from_bytes(said[at : at + 2], "big") == EARLY_DATA:
            return True
        at += 4 + int.from_bytes(said[at + 2 : at + 4], "big")
    return False


def _expand(secret: bytes, label: bytes, length: int, digest: hashes.HashAlgorithm) -> bytes:
    """HKDF-Expand-Label (RFC 8446, 7.1) without a context."""
    full = b"tls13 " + label
    about = length.to_bytes(2, "big") + bytes([len(full)]) + full + b"\0"
    return HKDFExpand(digest, length, about).derive(secret)
