"""Less than both sides have, asked of a server: as somebody in the middle asks, or as their victim then would.

Each is one attempt on connections of its own, and says whether the server went along. What a server cannot see, such as
another certificate shown to a client, is not here: that is for the client to refuse.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from OpenSSL import SSL

from waybill.tls.client import Client, reason
from waybill.tls.client_hello import EXTENDED_MASTER_SECRET, ClientHello
from waybill.tls.early_data import early_data
from waybill.tls.hello import (
    TLS_1_0,
    TLS_1_1,
    TLS_1_2,
    TLS_1_3,
    VERSION_NAMES,
    Ending,
    NoHello,
    Offer,
    ask,
)
from waybill.tls.middle import Lowering
from waybill.tls.places import ANSWER, Outcome, Place, Result
from waybill.tls.probing import best_version
from waybill.tls.records import CHANGE_CIPHER_SPEC, handshake_messages
from waybill.tls.redirects import redirect
from waybill.tls.tickets import NoSession, NothingToTry, forged, lower_version, other_suite
from waybill.tls.upgrades import login_before_tls, words_behind_the_wish
from waybill.tls.weak_suites import COMMON, STRONG

FALLBACK_SIGNAL: Final = 0x5600
"""The suite by which a client says that it could do better and was refused (RFC 7507)."""

MARKS: Final = (b"DOWNGRD\x01", b"DOWNGRD\x00")
"""The ends of a server's random bytes that tell a client of a downgrade (RFC 8446, 4.1.3)."""

_NO: Final = {
    Ending.ALERT: Outcome.REFUSED,
    Ending.CLOSED: Outcome.REFUSED,
    Ending.RESET: Outcome.REFUSED,
    Ending.SILENT: Outcome.UNANSWERED,
    Ending.FOREIGN: Outcome.UNANSWERED,
}

Attempt = Callable[[Place, float], tuple[Outcome, str]]


@dataclass(frozen=True, slots=True)
class Downgrade:
    """One way to get a server to do less.

    Attributes:
        name: What it is called.
        why: What somebody in the middle gains by it.
        source: Why a server must not go along.
        attempt: Tries it at a place, within so many seconds for each answer.
        starttls: It only makes sense where a protocol begins without TLS.
    """

    name: str
    why: str
    source: str
    attempt: Attempt
    starttls: bool = False


def run(downgrade: Downgrade, place: Place, *, deadline: float = ANSWER) -> Result:
    """Tries one at a place and says what became of it."""
    try:
        outcome, detail = downgrade.attempt(place, deadline)
    except NoSession as error:
        outcome, detail = Outcome.REFUSED, str(error)
    except NothingToTry as error:
        outcome, detail = Outcome.NOT_OFFERED, str(error)
    except TimeoutError as error:
        outcome, detail = Outcome.UNANSWERED, f"no answer within {deadline:g} s ({error})"
    except OSError as error:
        outcome, detail = Outcome.UNANSWERED, f"the connection failed: {error}"
    return Result(place.title, downgrade.name, outcome, detail, downgrade.source)


def fallback(version: int, place: Place, deadline: float) -> tuple[Outcome, str]:
    """Says a hello of an old version and that it is a fallback."""
    best = _best(place)
    if best <= version:
        raise NothingToTry(f"it has nothing newer than {VERSION_NAMES[best]}")
    offer = Offer(version, (*STRONG, *COMMON, FALLBACK_SIGNAL))
    with place.connect(deadline) as connection:
        answer = ask(connection, offer, place.name, deadline)
    if isinstance(answer, NoHello):
        return _NO[answer.ending], answer.detail
    return Outcome.ACCEPTED, f"it went on with {VERSION_NAMES.get(answer.version, hex(answer.version))}"


def unmarked(place: Place, deadline: float) -> tuple[Outcome, str]:
    """Says a hello of TLS 1.2, and looks whether the answer tells that there would be more."""
    best = _best(place)
    if best < TLS_1_3:
        raise NothingToTry(f"it has nothing newer than {VERSION_NAMES[best]}")
    with place.connect(deadline) as connection:
        answer = ask(connection, Offer(TLS_1_2, (*STRONG, *COMMON)), place.name, deadline)
    if isinstance(answer, NoHello):
        return _NO[answer.ending], answer.detail
    if answer.random.endswith(MARKS):
        return Outcome.REFUSED, "it told the client that there would be more"
    return Outcome.ACCEPTED, f"it went on with {VERSION_NAMES[answer.version]} and marked nothing"


def tampered(
    edit: Callable[[ClientHello], ClientHello], place: Place, deadline: float
) -> tuple[Outcome, str]:
    """Shakes hands over TLS 1.2 while the hello is changed on the way.

    The client's last message is then over another conversation than the server's, and the server must end it there
    (RFC 5246, 7.4.9).
    """
    with Lowering(place, edit) as middle:
        there = replace(place, host=middle.host, port=middle.port)
        with there.connect(deadline) as connection:
            client = Client(connection, place.name, deadline, newest=SSL.TLS1_2_VERSION)
            try:
                client.shake_hands()
                ended = "the client noticed nothing"
            except SSL.Error as error:
                ended = reason(error)
            except ConnectionError as error:
                ended = str(error)
        if not middle.attacked:
            return Outcome.UNANSWERED, f"it was not reached by the changed hello: {ended}"
    if CHANGE_CIPHER_SPEC in handshake_messages(middle.answer):
        return Outcome.ACCEPTED, f"it finished the handshake all the same ({ended})"
    return Outcome.REFUSED, f"it ended the handshake: {ended}"


def _without_best_suite(hello: ClientHello) -> ClientHello:
    """Takes out the suites with AES-256 and ChaCha20, so that a weaker one is agreed on."""
    strong = {suite for suite, name in STRONG.items() if "AES_256" in name or "CHACHA" in name}
    return replace(hello, suites=tuple(suite for suite in hello.suites if suite not in strong))


def _without_master_secret(hello: ClientHello) -> ClientHello:
    return hello.without_extension(EXTENDED_MASTER_SECRET)


def _best(place: Place) -> int:
    answer = best_version(place)
    return TLS_1_2 if isinstance(answer, NoHello) else answer.version


DOWNGRADES: Final = (
    *(
        Downgrade(
            f"{VERSION_NAMES[version]} as a fallback",
            "who breaks off a handshake makes clients that try again with less get less",
            "RFC 7507, 3",
            partial(fallback, version),
        )
        for version in (TLS_1_2, TLS_1_1, TLS_1_0)
    ),
    Downgrade(
        "TLS 1.2 without the mark of a downgrade",
        "a client cannot tell that its hello was cut down on the way",
        "RFC 8446, 4.1.3",
        unmarked,
    ),
    Downgrade(
        "a hello without its best suites",
        "the session is made with a weaker suite than both sides have",
        "RFC 5246, 7.4.9",
        partial(tampered, _without_best_suite),
    ),
    Downgrade(
        "a hello without the extended master secret",
        "sessions with two servers can be made to share their keys (triple handshake)",
        "RFC 7627, 5.3",
        partial(tampered, _without_master_secret),
    ),
    Downgrade(
        "a session of TLS 1.2 taken up with another suite",
        "a session goes on under less than it was made with",
        "RFC 5246, 7.4.1.2",
        other_suite,
    ),
    Downgrade(
        "a session of TLS 1.2 taken up by a forged ticket",
        "whoever can make tickets is in every session",
        "RFC 5077, 5.3",
        forged,
    ),
    Downgrade(
        "a session of TLS 1.3 taken up in TLS 1.2",
        "the version is lowered without a handshake that would show it",
        "RFC 8446, 4.6.1",
        lower_version,
    ),
    Downgrade(
        "early data",
        "whoever recorded it can have it done again",
        "RFC 8446, 8 and E.5",
        early_data,
    ),
    Downgrade(
        "an answer that leads away from TLS",
        "a client follows it and says its token in plaintext",
        "RFC 9325, 3.2; RFC 6797, 7.2",
        redirect,
    ),
    Downgrade(
        "a login before TLS",
        "whoever takes the offer of TLS away reads the credential",
        "RFC 6120, 13.3 and 13.9.4",
        login_before_tls,
        starttls=True,
    ),
    Downgrade(
        "words behind the wish for TLS",
        "an attacker's words count as said by the victim",
        "CVE-2011-0411; RFC 6120, 5.4.3.3",
        words_behind_the_wish,
        starttls=True,
    ),
)
"""Everything that is asked of a server."""


def markdown() -> str:
    """The list as a table for people."""
    rows = [f"| {one.name} | {one.why} | {one.source} |" for one in DOWNGRADES]
    return (
        "\n".join(["| attempt | what somebody in the middle gains | source |", "|---|---|---|", *rows]) + "\n"
    )
