"""A call of the interface of administration, and how it comes out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from waybill_server.enforcement import Enforcement
from waybill_server.issuer_client import IssuerClient
from waybill_server.revocations import Admission
from waybill_server.services import Services
from waybill_server.token_check import Identity


@dataclass(frozen=True, slots=True)
class Call:
    """A call whose caller is known and has a role that may make it.

    Attributes:
        services: The node.
        enforcement: Ends sessions.
        issuer: Who is told of revocations.
        caller: Who calls.
        admission: By what the caller was let in.
        token: The caller's token.
        name: The name within the path; empty if it has none.
        query: What follows the path.
        body: The body.
    """

    services: Services
    enforcement: Enforcement
    issuer: IssuerClient
    caller: Identity
    admission: Admission
    token: str
    name: str
    query: Mapping[str, str]
    body: Mapping[str, object]


class Outcome(NamedTuple):
    """How a call comes out: an HTTP status and a JSON object."""

    status: int
    document: Mapping[str, object]


class Failed(Exception):
    """A call that was not done."""

    def __init__(self, status: int, error: str, text: str = "") -> None:
        super().__init__(text)
        self.outcome = Outcome(status, {"error": error} | ({"text": text} if text else {}))


Operation = Callable[[Call], Awaitable[Outcome]]
