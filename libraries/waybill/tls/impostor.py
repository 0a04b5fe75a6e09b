"""Somebody in the middle who ends TLS with a certificate of their own, and reads whatever a client then says."""

from __future__ import annotations

import datetime
import re
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from waybill.tls.authority import Authority, Certificate
from waybill.tls.middle import Edit, Middle
from waybill.tls.places import ANSWER, Place

_DAY: Final = datetime.timedelta(days=1)
_ANOTHER_HOST: Final = "another.example"
_BEGIN: Final = b"<mechanisms"
_MECHANISMS: Final = re.compile(rb"(<mechanisms\b[^>]*>).*?(</mechanisms>)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Shown:
    """A certificate that somebody in the middle shows.

    Attributes:
        id: Its name in short.
        name: What it is.
        context: What shows it.
    """

    id: str
    name: str
    context: ssl.SSLContext


class Impostor(Middle):
    """Shows a certificate, passes everything on to the real server, and reads it.

    Args:
        server: The server in whose place it listens.
        context: The TLS of its own.
        starttls: TLS begins where the server tells the client to go ahead.
    """

    def __init__(self, server: Place, context: ssl.SSLContext, *, starttls: bool) -> None:
        self._context = context
        self._starttls = starttls
        super().__init__(server)

    def meet(self, client: socket.socket) -> None:
        """Ends TLS on both sides."""
        with self.upstream() as server:
            if self._starttls:
                before = len(self.said)
                self.pass_on(client, server, until=lambda: b"<proceed" in self.said[before:])
            self.attacked += 1
            for one in (client, server):
                one.settimeout(ANSWER)
            with self._context.wrap_socket(client, server_side=True) as seen:
                self.kept(seen)
                with _trusting().wrap_socket(server) as passed:
                    self.kept(passed)
                    self.pass_on(seen, passed, down=only_plain())


def only_plain() -> Edit:
    """Leaves a client of XMPP no mechanism but the one that says the password (RFC 6120, 13.9.4)."""
    begun = b""

    def edit(content: bytes) -> bytes:
        nonlocal begun
        begun += content
        inside = _BEGIN in begun and b"</mechanisms>" not in begun
        if inside or any(begun.endswith(_BEGIN[:length]) for length in range(1, len(_BEGIN))):
            return b""
        whole, begun = begun, b""
        return _MECHANISMS.sub(rb"\1<mechanism>PLAIN</mechanism>\2", whole)

    return edit


def own_certificates(folder: Path, names: Sequence[str]) -> list[Shown]:
    """What anybody can make for these names: one signed by itself, and one of an authority that nobody trusts."""
    own = Authority(folder / "own", "Authority of somebody in the middle")
    return [
        Shown(
            "self-signed",
            "a certificate signed by itself",
            _context(own.issue(folder / "itself", names, self_signed=True)),
        ),
        Shown(
            "other-authority",
            "a certificate of another authority",
            _context(own.issue(folder / "another", names)),
        ),
    ]


def stolen_certificates(folder: Path, names: Sequence[str], authority: Authority) -> list[Shown]:
    """What the promised authority issued, and yet is not good for this server now."""
    now = datetime.datetime.now(datetime.UTC)
    return [
        Shown(
            "other-host",
            "a certificate of another host",
            _context(authority.issue(folder / "host", [_ANOTHER_HOST])),
        ),
        Shown(
            "expired",
            "a certificate that has expired",
            _context(authority.issue(folder / "expired", names, since=now - 30 * _DAY, until=now - _DAY)),
        ),
        Shown(
            "not-valid-yet",
            "a certificate that is not valid yet",
            _context(authority.issue(folder / "future", names, since=now + _DAY, until=now + 30 * _DAY)),
        ),
    ]


def good_certificate(folder: Path, names: Sequence[str], authority: Authority) -> Shown:
    """One that is right in every respect: with it somebody in the middle can read, which shows that they would."""
    return Shown("good", "a certificate that is good", _context(authority.issue(folder / "good", names)))


def _context(certificate: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    return context


def _trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
