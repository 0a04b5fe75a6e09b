"""Which downgrades can be tried from this machine: each is tried first at a server of our own that goes along."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from waybill.tls.careless_servers import (
    CarelessStreamServer,
    EagerServer,
    FinishingMiddle,
    GoingOnServer,
    LeadingAwayServer,
    TakingUpServer,
)
from waybill.tls.control_servers import WeakServer
from waybill.tls.downgrades import DOWNGRADES, Downgrade, run
from waybill.tls.places import Outcome, Place, Result


def proven(wanted: Sequence[Downgrade] = DOWNGRADES) -> tuple[list[Downgrade], list[Result]]:
    """The downgrades that some control server went along with, and why each of the others says nothing.

    A server under test is never tried with one of the others.
    """
    known, missed = [], []
    with _careless() as places:
        for one in wanted:
            seen = []
            for place in places:
                if one.starttls and place.upgrade is None:
                    continue
                seen.append(run(one, place))
                if seen[-1].outcome is Outcome.ACCEPTED:
                    known.append(one)
                    break
            else:
                why = "could not be tried from this machine: " + "; ".join(result.detail for result in seen)
                missed.append(Result("the control servers", one.name, Outcome.NOT_OFFERED, why, one.source))
    return known, missed


@contextmanager
def _careless() -> Iterator[list[Place]]:
    with ExitStack() as open_now:
        servers = [
            open_now.enter_context(server())
            for server in (
                GoingOnServer,
                TakingUpServer,
                EagerServer,
                LeadingAwayServer,
                CarelessStreamServer,
            )
        ]
        secretive = open_now.enter_context(CarelessStreamServer(offers_login=False))
        weak = open_now.enter_context(WeakServer())
        finishing = open_now.enter_context(FinishingMiddle(weak.place))
        yield [
            *(server.place for server in servers),
            secretive.place,
            replace(weak.place, host=finishing.host, port=finishing.port),
        ]
