"""The parts of a node that its sessions share."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from waybill_server.clock import Clock
from waybill_server.codec import Codec
from waybill_server.connection import Connection
from waybill_server.enforcement import Enforcement
from waybill_server.expiry_watch import ExpiryWatch
from waybill_server.feeder import Feeder
from waybill_server.limits import Limits, Timing
from waybill_server.presence import PresenceBoard
from waybill_server.proof import ProofCheck
from waybill_server.releases import NEWEST, Release
from waybill_server.revocations import Admission
from waybill_server.router import Router
from waybill_server.store import Store
from waybill_server.tls import MakeContext, tls_context
from waybill_server.token_check import TokenCheck
from waybill_server.versions import CommonVersion, common_version

if TYPE_CHECKING:
    from waybill_server.v1.reading import MakeReader


class Beyond(Protocol):
    """The other nodes, as this one sees them."""

    async def listen(self) -> int:
        """Opens the port for them; gives its number.

        Raises:
            OSError: It cannot be opened.
        """

    def begin(self) -> None:
        """Connects to them, from now on."""

    async def catch_up(self) -> None:
        """Returns when this node has what every other one that can be reached had for it, or after a bound."""

    async def hear_no_more(self) -> None:
        """Takes nothing more from them; what this one has for them still goes its way."""

    async def end(self) -> None:
        """Gives up every connection."""

    def links(self) -> list[dict[str, object]]:
        """The state of the link to each of them, as administration shows it."""


class Droppable(Protocol):
    """A connection, as the node sees it."""

    heard: float

    def abort(self) -> None:
        """Drops the connection."""


class OpenSession(Protocol):
    """A connection's session, as the node sees it."""

    name: str
    user: str
    device: str
    admission: Admission | None
    since: int

    @property
    def connection(self) -> Droppable:
        """The connection."""

    @property
    def opened(self) -> bool:
        """Whether somebody is logged in."""

    def tick(self, now: float) -> None:
        """Looks after silence, stalling and expiry; called several times a second."""

    def close(self, code: str, text: str) -> None:
        """Says why, and closes."""


@dataclass(slots=True)
class Services:
    """What `assemble` put together.

    Attributes:
        feeder: How a device is given its log.
        connection: How a client's bytes become messages.
        tls: What connections are encrypted with, made of a certificate and its key.
        v1_reader: How a v1 client's bytes become frames; None for the listener's own reader, which is loaded with it.
        proof_check: How a client proves that it has the key that its token names.
        enforcement: What becomes of open sessions by a revocation.
        common_version: Which wire version a session speaks.
        release: Which release of the server this is.
        sessions: Every connection that is not over, logged in or not.
        draining: The node is shutting down: no operation begins any more.
        quiet: Set whenever the last connection has gone.
        beyond: The other nodes; None for a node alone.
    """

    store: Store
    router: Router
    codec: Codec
    clock: Clock
    token_check: TokenCheck
    limits: Limits
    timing: Timing
    presence: PresenceBoard
    expiry: ExpiryWatch
    feeder: type[Feeder] = Feeder
    connection: type[Connection] = Connection
    tls: MakeContext = tls_context
    v1_reader: MakeReader | None = None
    proof_check: ProofCheck = field(default_factory=ProofCheck)
    enforcement: type[Enforcement] = Enforcement
    common_version: CommonVersion = common_version
    release: Release = NEWEST
    sessions: set[OpenSession] = field(default_factory=set)
    draining: bool = False
    quiet: asyncio.Event = field(default_factory=asyncio.Event)
    beyond: Beyond | None = None

    def ended(self, session: OpenSession) -> None:
        """A connection is down."""
        self.sessions.discard(session)
        if not self.sessions:
            self.quiet.set()
