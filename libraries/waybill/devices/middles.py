"""What somebody in the middle of a device and its server can do, as attacks on a login."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import unquote, urlsplit

from waybill.drivers.base import Endpoint
from waybill.history.events import Transport
from waybill.tls.authority import Authority
from waybill.tls.client_hello import ClientHello
from waybill.tls.hello import TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3, VERSION_NAMES
from waybill.tls.impostor import Impostor, own_certificates, stolen_certificates
from waybill.tls.middle import Interrupting, Lowering, Middle
from waybill.tls.places import Place
from waybill.tls.probes import FLOORS
from waybill.tls.records import CHANGE_CIPHER_SPEC, SERVER_HELLO, handshake_messages
from waybill.tls.starttls_middle import NAMESPACE, Answering, Pushing, Stripping

PROTOCOL_VERSION_ALERT: Final = b"\x15\x03\x01\x00\x02\x02\x46"

_PROCEED: Final = f"<proceed xmlns='{NAMESPACE}'/>".encode()
_FAILURE: Final = f"<failure xmlns='{NAMESPACE}'/>".encode()

PLAINTEXT_WORDS: Final = {
    "wss": b"HTTP/1.1 307 Temporary Redirect\r\nLocation: ws://127.0.0.1/\r\nContent-Length: 0\r\n\r\n",
    "mqtts": b"\x20\x03\x00\x00\x00",
    "xmpps": b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' version='1.0' id='middle' "
    b"xmlns:stream='http://etherx.jabber.org/streams'><stream:features/>",
}
"""How a server without TLS begins in each protocol; a redirect does for the others."""


@dataclass(frozen=True, slots=True)
class Way:
    """A port as a device reaches it, and what somebody on the way to it has.

    Attributes:
        place: The port, without what is said before TLS.
        endpoint: How a device connects there.
        starttls: TLS begins after the protocol does.
        folder: Where certificates may be made.
        authority: The promised authority with its key; None where nobody has that.
        floor: The lowest version that the target promises to accept.
    """

    place: Place
    endpoint: Endpoint
    starttls: bool
    folder: Path
    authority: Authority | None
    floor: str

    @property
    def names(self) -> list[str]:
        """Every name that a device may ask a certificate for."""
        url = urlsplit(self.endpoint.url)
        names = (self.endpoint.server_name, url.hostname, unquote(url.path.strip("/")), self.place.name)
        return list(dict.fromkeys(name for name in names if name and "/" not in name))

    def through(self, middle: Middle) -> Endpoint:
        """The endpoint by which a device is led through the middle; the certificate that it expects stays the same."""
        url = urlsplit(self.endpoint.url)
        names_domain = url.scheme.startswith("xmpp") and url.path.strip("/")
        name = self.endpoint.server_name or (None if names_domain else url.hostname)
        led = url._replace(netloc=f"{middle.host}:{middle.port}").geturl()
        return replace(self.endpoint, url=led, server_name=name)


@dataclass(frozen=True, slots=True)
class Ambush:
    """One thing that somebody in the middle does to a login.

    Attributes:
        id: Its name in short, which is that of the device that meets it, too.
        what: What it does.
        source: Why nothing may come of it.
        transport: What carries the session if there is one.
        middle: Stands in the way.
        gone_along: In words how the other side went along though there is no session; empty if it did not.
    """

    id: str
    what: str
    source: str
    transport: Transport
    middle: Callable[[], Middle]
    gone_along: Callable[[Middle], str] = lambda _: ""


def ambushes(way: Way) -> Iterator[Ambush]:
    """Everything that can be done on this way."""
    yield from _certificates(way)
    yield from _versions(way)
    yield from _upgrades(way) if way.starttls else _interruptions(way)


def _certificates(way: Way) -> Iterator[Ambush]:
    shown = own_certificates(way.folder, way.names)
    if way.authority is not None:
        shown += stolen_certificates(way.folder, way.names, way.authority)
    for one in shown:
        yield Ambush(
            one.id,
            f"shows {one.name}",
            "RFC 9525, 6; RFC 5280, 6",
            Transport.WRONG_CERTIFICATE,
            partial(Impostor, way.place, one.context, starttls=way.starttls),
        )


def _versions(way: Way) -> Iterator[Ambush]:
    for version in (TLS_1_2, TLS_1_1, TLS_1_0):
        yield Ambush(
            f"lowered-to-{VERSION_NAMES[version].lower().replace(' ', '-').replace('.', '-')}",
            f"leaves nothing in the hello that is newer than {VERSION_NAMES[version]}",
            "RFC 8446, 4.1.3 and D.5",
            Transport.OLD_TLS,
            partial(Lowering, way.place, partial(_lowered, version)),
            partial(_went_on, version, FLOORS[way.floor]),
        )


def _lowered(version: int, hello: ClientHello) -> ClientHello:
    return hello.lowered(version) if hello.newest > version else hello


def _went_on(version: int, floor: int, middle: Middle) -> str:
    """What the server's answer to a lowered hello says."""
    assert isinstance(middle, Lowering)
    said = list(handshake_messages(middle.answer))
    if SERVER_HELLO not in said:
        return ""
    if version < floor:
        return f"the server went on with {VERSION_NAMES[version]}"
    if CHANGE_CIPHER_SPEC in said and not (middle.asked and middle.asked.newest < TLS_1_3):
        return "the server finished a handshake whose hello it never saw"
    return ""


def _interruptions(way: Way) -> Iterator[Ambush]:
    scheme = urlsplit(way.endpoint.url).scheme
    yield Ambush(
        "handshake-broken-off",
        "breaks off every handshake, for the device to try with less",
        "RFC 7507, 1; RFC 8996",
        Transport.OLD_TLS,
        partial(Interrupting, way.place, PROTOCOL_VERSION_ALERT),
        _tried_with_less,
    )
    yield Ambush(
        "plaintext-instead-of-tls",
        "answers in plaintext, as a server without TLS would",
        "RFC 9325, 3.2",
        Transport.PLAINTEXT,
        partial(Interrupting, way.place, PLAINTEXT_WORDS.get(scheme, PLAINTEXT_WORDS["wss"])),
        _tried_with_less,
    )


def _tried_with_less(middle: Middle) -> str:
    assert isinstance(middle, Interrupting)
    if middle.spoken_to:
        return "the device spoke in plaintext"
    versions = [hello.newest for hello in middle.asked]
    if versions and min(versions) < versions[0]:
        return f"the device tried again with {VERSION_NAMES.get(min(versions), hex(min(versions)))}"
    return ""


def _upgrades(way: Way) -> Iterator[Ambush]:
    source = "RFC 6120, 5.4.3 and 13.3"
    plain = Transport.PLAINTEXT
    yield Ambush(
        "upgrade-not-offered",
        "takes the offer of TLS out of the features, and offers a login instead",
        source,
        plain,
        partial(Stripping, way.place),
    )
    yield Ambush(
        "upgrade-refused",
        "refuses the upgrade in the server's place, and offers a login",
        source,
        plain,
        partial(Answering, way.place, _FAILURE),
    )
    yield Ambush(
        "upgrade-pretended",
        "tells the device to go ahead with TLS, and goes on in plaintext",
        source,
        plain,
        partial(Answering, way.place, _PROCEED),
    )
    yield Ambush(
        "words-behind-the-go-ahead",
        "puts words in plaintext behind the server's go-ahead",
        "CVE-2011-0411; RFC 6120, 5.4.3.3",
        plain,
        partial(Pushing, way.place),
    )


def markdown() -> str:
    """The list as a table for people."""
    place = Place("", "", 0, "localhost")
    seen: dict[str, Ambush] = {}
    with TemporaryDirectory() as folder:
        for starttls in (False, True):
            endpoint = Endpoint("xmpp://localhost/localhost" if starttls else "wss://localhost")
            way = Way(place, endpoint, starttls, Path(folder), Authority(Path(folder) / "promised"), "1.2")
            seen |= {one.id: one for one in ambushes(way)}
    rows = [f"| `{one.id}` | {one.what} | {one.source} |" for one in seen.values()]
    return "\n".join(["| attack | somebody in the middle | source |", "|---|---|---|", *rows]) + "\n"
