"""Plaintext on a port: what a server answers to bytes that begin no TLS handshake."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Final

from waybill.tls.places import ANSWER, Outcome, Place, Result

_MOST = 65_536

_CONNECT_5 = b"\x10\x15\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x08waybill0"
_STREAM = (
    b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' version='1.0' to='localhost' "
    b"xmlns:stream='http://etherx.jabber.org/streams'>"
)

SOURCE: Final = "RFC 9325, 3.2"


@dataclass(frozen=True, slots=True)
class Greeting:
    """How a protocol begins that a server could speak without TLS.

    Attributes:
        name: What it is called.
        content: The bytes; any server of that protocol answers them with something.
    """

    name: str
    content: bytes


GREETINGS: Final = (
    Greeting(
        "HTTP",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: d2F5YmlsbCB3YXliaWxsIQ==\r\n\r\n",
    ),
    Greeting("MQTT", _CONNECT_5),
    Greeting("XMPP", _STREAM),
    Greeting("line of text", b"HELLO\r\n"),
)

_TLS_ALERT = re.compile(rb"\x15\x03[\x00-\x04]\x00\x02")
_WRONG_PROTOCOL = re.compile(rb"HTTP/1\.[01] (400|426) ")
"""How some servers of HTTPS answer a request that came without TLS: they say that they will not."""

_STREAM_ENDS: Final = (b"</stream:features>", b"</stream:error>", b"</stream:stream>")
"""Where the first answer of a server of XMPP is complete."""


def speak(greeting: Greeting, place: Place, *, speaks_tls: bool, deadline: float = ANSWER) -> Result:
    """Says how a protocol begins, without TLS, and says what became of it.

    Args:
        greeting: What to say.
        place: Where. One that is known to begin TLS with STARTTLS may say that, and complain, but let nobody log in.
        speaks_tls: The same port answers a TLS handshake, so that an answer `400` only means "not without TLS".
        deadline: Seconds for the answer.
    """
    outcome, detail = _answer(greeting, place, speaks_tls, deadline)
    return Result(place.title, f"plaintext ({greeting.name})", outcome, detail, SOURCE)


def _answer(greeting: Greeting, place: Place, speaks_tls: bool, deadline: float) -> tuple[Outcome, str]:
    plain = Place(place.title, place.host, place.port, place.name)
    try:
        connection = plain.connect(deadline)
    except OSError as error:
        return Outcome.UNANSWERED, f"it cannot be reached: {error}"
    with connection:
        until, answer = time.monotonic() + deadline, b""
        try:
            connection.sendall(greeting.content)
            while len(answer) < _MOST:
                left = until - time.monotonic()
                if left <= 0:
                    raise TimeoutError
                connection.settimeout(left)
                piece = connection.recv(_MOST)
                if not piece:
                    break
                answer += piece
                if outcome := _judge(answer, speaks_tls, place.upgrade is not None):
                    return outcome
        except TimeoutError:
            if not answer:
                return (
                    Outcome.UNANSWERED,
                    f"silence for {deadline:g} s; it speaks neither TLS nor anything known",
                )
        except ConnectionError:
            if not answer:
                return Outcome.REFUSED, "it reset the connection"
    if not answer:
        return Outcome.REFUSED, "it closed the connection"
    return Outcome.ACCEPTED, f"it answered in plaintext: {answer[:60]!r}"


def _judge(answer: bytes, speaks_tls: bool, starttls: bool) -> tuple[Outcome, str] | None:
    """What an answer means as soon as that can be told; None while more is needed."""
    if answer[:1] == b"\x15":
        if _TLS_ALERT.match(answer):
            return Outcome.REFUSED, "it answered with a TLS alert"
        return None if len(answer) < 7 else (Outcome.ACCEPTED, f"it answered: {answer[:60]!r}")
    if speaks_tls and _WRONG_PROTOCOL.match(answer):
        return Outcome.REFUSED, f"it answered {answer.split(b' ', 2)[1].decode()}: not without TLS"
    if starttls and b"<stream:stream" in answer:
        if not any(end in answer for end in _STREAM_ENDS):
            return None
        if b"<mechanism" not in answer:
            return Outcome.REFUSED, "it offers STARTTLS and nothing else, or complains"
    return Outcome.ACCEPTED, f"it answered in plaintext: {answer[:60]!r}"
