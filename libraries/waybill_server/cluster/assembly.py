"""Puts a node with peers together."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from waybill_server.clock import Clock
from waybill_server.cluster.breaker import Breaker
from waybill_server.cluster.clock import PlacedClock
from waybill_server.cluster.cluster import MakeBreaker, Peers
from waybill_server.cluster.effects import Effects
from waybill_server.cluster.homes import Homes
from waybill_server.cluster.ledger import ClusterLedger
from waybill_server.cluster.link import Link
from waybill_server.cluster.presence import ClusterPresence
from waybill_server.cluster.router import ClusterRouter
from waybill_server.cluster.store import ClusterStore
from waybill_server.cluster.tls import PeerTls
from waybill_server.limits import Limits
from waybill_server.node import Settings, assemble
from waybill_server.router import Router
from waybill_server.services import Services
from waybill_server.token_check import TokenCheck


def assemble_cluster(
    settings: Settings,
    token_check: TokenCheck,
    *,
    ledger: type[ClusterLedger] = ClusterLedger,
    store: type[ClusterStore] = ClusterStore,
    router: type[ClusterRouter] = ClusterRouter,
    link: type[Link] = Link,
    breaker: MakeBreaker = Breaker,
    tls: type[PeerTls] = PeerTls,
) -> Services:
    """Puts a node with peers together: the one place where the parts that it has for them are chosen.

    Raises:
        DataRefused: The data directory is in use or damaged.
        CannotUseCertificate: A file of the cluster's TLS cannot be used.
    """
    cluster = settings.cluster
    assert cluster is not None
    homes = Homes(settings.name, cluster.peers)
    clock = PlacedClock(homes.place)
    the_router = router(clock)
    opened: list[ClusterStore] = []

    def open_store(
        path: Path, clock: Clock, router: Router, limits: Limits, *, version: int, migrate: bool
    ) -> ClusterStore:
        made = partial(ledger, homes=homes, release=settings.release)
        opened.append(
            store(
                path, clock, router, limits,
                ledger=made, homes=homes, release=settings.release, version=version, migrate=migrate,
            )
        )  # fmt: skip
        return opened[0]

    services = assemble(
        settings,
        token_check,
        clock=lambda: clock,
        router=lambda: the_router,
        store=open_store,
        presence=ClusterPresence,
    )
    services.beyond = Peers(
        homes, settings.host, cluster, opened[0], the_router,
        release=settings.release.number, tls=tls(cluster), link=link, breaker=breaker,
    )  # fmt: skip
    opened[0].witness = Effects(services)
    return services
