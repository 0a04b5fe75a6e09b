"""Servers that answer as if they served."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from waybill_server.defects.registry import seeded
from waybill_server.feeder import Feeder, Outlet
from waybill_server.ledger import Ledger
from waybill_server.node import Settings, assemble
from waybill_server.records import Refusal, SendRequest, Stored
from waybill_server.router import LocalRouter
from waybill_server.services import Services
from waybill_server.store import Store
from waybill_server.token_check import TokenCheck


@seeded(
    "liar",
    seam="ledger",
    noticed={"DEL-1": ("lost-acked", "was given 0 of them"), "ACK-1": ("lost-acked",)},
)
class Liar(Ledger):
    """Every message is acknowledged, and none is kept or delivered."""

    def send(self, requests: Sequence[SendRequest]) -> list[Stored | Refusal]:
        """Makes an answer up."""
        return [Stored(self._number(request), (), duplicate=False) for request in requests]


class _ToTheSender(LocalRouter):
    def recipients(self, conversation: str, sender: str, members: Sequence[str]) -> Sequence[str]:
        """Nobody but the sender."""
        return [sender]


class _EveryDevice(Feeder):
    """A feeder that passes nothing over, not even what the device sent itself."""

    def __init__(self, store: Store, outlet: Outlet, user: str, device: str, *rest: Any) -> None:
        super().__init__(store, outlet, user, "", *rest)


@seeded("echo", seam="assembly", noticed={"DEL-1": ("lost-acked", "was given 0 of them")})
def echo(settings: Settings, token_check: TokenCheck) -> Services:
    """Every message comes back to the device that sent it, and reaches nobody else."""
    return assemble(settings, token_check, router=_ToTheSender, feeder=_EveryDevice)
