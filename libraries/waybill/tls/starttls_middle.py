"""Somebody in the middle of a connection that begins without TLS, and wants it to stay so."""

from __future__ import annotations

import re
import socket
from typing import Final

from waybill.tls.middle import Middle
from waybill.tls.places import ANSWER, Place

NAMESPACE: Final = "urn:ietf:params:xml:ns:xmpp-tls"

_STARTTLS: Final = re.compile(rb"<starttls\b[^>]*/>|<starttls\b.*?</starttls>", re.DOTALL)
_PLAIN: Final = (
    b"<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>"
)
_FEATURES: Final = (
    b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' version='1.0' id='middle' from='localhost' "
    b"xmlns:stream='http://etherx.jabber.org/streams'><stream:features>" + _PLAIN + b"</stream:features>"
)
_END: Final = b"</stream:features>"


class Stripping(Middle):
    """Takes the offer of TLS out of what the server says.

    Args:
        server: The server in whose place it listens.
        offers_login: It offers a login where the server offers none.
    """

    def __init__(self, server: Place, *, offers_login: bool = True) -> None:
        self._offer = _PLAIN if offers_login else b""
        super().__init__(server)

    def meet(self, client: socket.socket) -> None:
        """Passes on, but for the server's features."""
        held, done = b"", False

        def down(content: bytes) -> bytes:
            nonlocal held, done
            if done:
                return content
            held += content
            if _END not in held:
                return b""
            done = True
            self.attacked += 1
            bare = _STARTTLS.sub(b"", held)
            return bare if b"<mechanisms" in bare else bare.replace(_END, self._offer + _END)

        with self.upstream() as server:
            self.pass_on(client, server, down=down)


class Answering(Middle):
    """Answers the wish for TLS in the server's place, and offers a login in plaintext.

    Args:
        server: The server in whose place it listens.
        answer: What it answers; the server never hears of the wish.
    """

    def __init__(self, server: Place, answer: bytes) -> None:
        self._answer = answer
        super().__init__(server)

    def meet(self, client: socket.socket) -> None:
        """Passes on up to the wish."""
        spoken = b""

        def up(content: bytes) -> bytes:
            nonlocal spoken
            spoken += content
            return b"" if b"<starttls" in spoken else content

        with self.upstream() as server:
            self.pass_on(client, server, up, until=lambda: b"<starttls" in spoken)
        self.attacked += 1
        client.settimeout(ANSWER)
        client.sendall(self._answer)
        client.sendall(_FEATURES)
        while content := client.recv(65_536):
            self.heard += content


class Pushing(Middle):
    """Puts words of its own, unencrypted, behind the server's go-ahead: what a client takes for said over TLS."""

    def meet(self, client: socket.socket) -> None:
        """Passes on, with more behind the go-ahead."""

        def down(content: bytes) -> bytes:
            if b"<proceed" not in content:
                return content
            self.attacked += 1
            return content + _FEATURES

        with self.upstream() as server:
            self.pass_on(client, server, down=down)
