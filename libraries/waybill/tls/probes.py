"""What is offered to a server that must refuse it, as a table: each probe with the reason and its source."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from waybill.tls.hello import (
    DEFLATE,
    NULL_COMPRESSION,
    SSL_2,
    SSL_3,
    TLS_1_0,
    TLS_1_1,
    TLS_1_2,
    VERSION_NAMES,
    Offer,
)
from waybill.tls.weak_suites import COMMON, STRONG, WEAK, WEAK_SUITES


class Wrong(Enum):
    """What of a server's answer shows that it went on with what it must refuse."""

    ANY_HELLO = "any hello"
    """It answers the hello with one of its own."""
    COMPRESSION = "compression"
    """It chooses compression."""
    NO_SIGNAL = "no signal"
    """It agrees on TLS 1.2 and does not signal secure renegotiation."""
    RENEGOTIATION = "renegotiation"
    """It renegotiates when the client asks for it, after a complete handshake."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One offer that must be refused.

    Attributes:
        name: What is offered.
        why: Why it must be refused.
        source: Where that is said.
        offer: The hello; for a renegotiation the suites of the first handshake are those of the SSL library.
        wrong: What shows that it was accepted.
    """

    name: str
    why: str
    source: str
    offer: Offer
    wrong: Wrong = Wrong.ANY_HELLO


_EVERYTHING: Final = (*STRONG, *COMMON, *WEAK_SUITES)
"""A server that has the version must find a suite that it likes."""

_VERSIONS: Final = {
    SSL_2: "RFC 6176",
    SSL_3: "RFC 7568",
    TLS_1_0: "RFC 8996",
    TLS_1_1: "RFC 8996",
}

_OBSOLETE: Final = tuple(
    Probe(
        VERSION_NAMES[version],
        "it is broken and must not be negotiated",
        source,
        Offer(version, _EVERYTHING),
    )
    for version, source in _VERSIONS.items()
)

_BELOW_FLOOR: Final = Probe(
    "TLS 1.2",
    "the target promises TLS 1.3 and nothing below it",
    "tls_floor",
    Offer(TLS_1_2, (*STRONG, *COMMON)),
)

_SUITES: Final = tuple(
    Probe(f"TLS 1.2 with {name}", f"{weak.kind}: {weak.why}", weak.source, Offer(TLS_1_2, (number,)))
    for weak in WEAK
    for number, name in weak.suites.items()
)

_EXTRAS: Final = (
    Probe(
        "TLS 1.2 with compression",
        "the length of what is compressed gives secrets away (CRIME)",
        "RFC 9325, 3.3",
        Offer(TLS_1_2, (*STRONG, *COMMON), (DEFLATE, NULL_COMPRESSION)),
        Wrong.COMPRESSION,
    ),
    Probe(
        "TLS 1.2 without a signal of secure renegotiation",
        "an attacker's bytes can be put before a victim's",
        "RFC 5746, 3.6; RFC 9325, 3.5",
        Offer(TLS_1_2, (*STRONG, *COMMON)),
        Wrong.NO_SIGNAL,
    ),
    Probe(
        "renegotiation asked for by the client",
        "one connection can keep the server busy with handshakes",
        "RFC 9325, 3.5; CVE-2011-1473",
        Offer(TLS_1_2),
        Wrong.RENEGOTIATION,
    ),
)

FLOORS: Final = {"1.2": TLS_1_2, "1.3": TLS_1_2 + 1}
"""The lowest version that a target may promise to accept."""


def probes(floor: str = "1.2") -> tuple[Probe, ...]:
    """Everything that a server must refuse whose lowest version is the `floor`."""
    below = (_BELOW_FLOOR,) if FLOORS[floor] > TLS_1_2 else ()
    return (*_OBSOLETE, *below, *_SUITES, *_EXTRAS)
