"""Running a probe: what a server makes of an offer that it must refuse."""

from __future__ import annotations

from waybill.tls.hello import (
    DEFLATE,
    TLS_1_3,
    VERSION_NAMES,
    Ending,
    NoHello,
    Offer,
    ServerHello,
    ask,
)
from waybill.tls.places import ANSWER, Outcome, Place, Result
from waybill.tls.probes import FLOORS, Probe, Wrong
from waybill.tls.renegotiation import renegotiate
from waybill.tls.weak_suites import NAMES, STRONG, STRONG_1_3

_NO: dict[Ending, Outcome] = {
    Ending.ALERT: Outcome.REFUSED,
    Ending.CLOSED: Outcome.REFUSED,
    Ending.RESET: Outcome.REFUSED,
    Ending.SILENT: Outcome.UNANSWERED,
    Ending.FOREIGN: Outcome.UNANSWERED,
}


def run(probe: Probe, place: Place, *, deadline: float = ANSWER) -> Result:
    """Makes one offer on a connection of its own and says what became of it.

    Args:
        probe: The offer.
        place: Where to make it.
        deadline: Seconds for the answer.
    """
    try:
        connection = place.connect(deadline)
    except OSError as error:
        outcome, detail = Outcome.UNANSWERED, f"it cannot be reached: {error}"
    else:
        with connection:
            if probe.wrong is Wrong.RENEGOTIATION:
                outcome, detail = renegotiate(connection, place.name, deadline)
            else:
                outcome, detail = _judge(probe, ask(connection, probe.offer, place.name, deadline))
    return Result(place.title, probe.name, outcome, detail, probe.source)


def best_version(place: Place, floor: str = "1.2", *, deadline: float = ANSWER) -> ServerHello | NoHello:
    """What a server makes of the best offer, written by the same hand as all the bad ones.

    A server that answers it with a hello understands them, so that its refusals mean something.

    Raises:
        OSError: It cannot be reached.
    """
    offer = Offer(TLS_1_3, (*STRONG_1_3,) if FLOORS[floor] == TLS_1_3 else (*STRONG_1_3, *STRONG))
    with place.connect(deadline) as connection:
        return ask(connection, offer, place.name, deadline)


def _judge(probe: Probe, answer: ServerHello | NoHello) -> tuple[Outcome, str]:
    if isinstance(answer, NoHello):
        return _NO[answer.ending], answer.detail
    chose = f"it chose {VERSION_NAMES.get(answer.version, hex(answer.version))}"
    if (answer.suite,) == probe.offer.suites and answer.version == probe.offer.version:
        chose = "it agreed"
    elif answer.suite:
        chose += f" with {NAMES.get(answer.suite, f'suite 0x{answer.suite:04X}')}"
    match probe.wrong:
        case Wrong.COMPRESSION if answer.compression == DEFLATE:
            return Outcome.ACCEPTED, f"{chose} and compression"
        case Wrong.COMPRESSION:
            return Outcome.REFUSED, f"{chose} and no compression"
        case Wrong.NO_SIGNAL if not answer.secure_renegotiation:
            return Outcome.ACCEPTED, f"{chose} and signalled nothing"
        case Wrong.NO_SIGNAL:
            return Outcome.REFUSED, f"{chose} and signalled it"
    return Outcome.ACCEPTED, chose
