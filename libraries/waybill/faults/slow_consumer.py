"""A device that reads nothing: what the server sends it stays in buffers until it reads on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from waybill.faults.effects import FaultWithoutEffect
from waybill.network.network import Network

if TYPE_CHECKING:
    from waybill.devices.device import Device
    from waybill.drivers.base import Endpoint
    from waybill.network.link import Link


class SlowConsumer:
    """One device of a scenario behind a link on which nothing is read for a while.

    Args:
        device: The device.
    """

    def __init__(self, device: Device) -> None:
        self.device = device
        self._network: Network | None = None
        self._link: Link | None = None
        self._fault = 0

    def begin(self) -> None:
        """Connects the device again through a link, and reads nothing on it from then on.

        Raises:
            ValueError: It reads nothing already.
        """
        if self._network is not None:
            raise ValueError(f"{self.device.name} reads nothing already; let it read on first.")
        scenario = self.device.scenario
        endpoint = scenario.target.endpoint()
        parts = urlsplit(endpoint.url)
        self._network = Network()
        self._link = self._network.link(self.device.name, (parts.hostname or "", parts.port or 0))
        self._fault = scenario.recorder.fault_start("slow-consumer", self.device.name)
        self.device.reconnect(endpoint=_through(endpoint, self._link))
        self._network.do(self._link.down.stall)

    def give_up(self) -> None:
        """Takes the link away, whatever was on it; nothing happens without one."""
        if self._network is not None:
            self._network.close()
        self._network = self._link = None

    def end(self, *, deadline: float) -> int:
        """Reads on until everything that is owed has come, and connects directly again; returns how many messages had
        been held back.

        Raises:
            DeadlinePassed: Something owed did not come.
            FaultWithoutEffect: Nothing had been held back.
            ValueError: It reads.
        """
        if self._network is None or self._link is None:
            raise ValueError(f"{self.device.name} is not a slow consumer.")
        scenario = self.device.scenario
        held = [one for one in scenario.owed(self.device) if not self.device.inbox.holds(one)]
        if held:
            scenario.recorder.fault_observed(
                self._fault,
                f"{len(held)} acknowledged messages wait for {self.device.name}, who reads nothing",
            )
        self._network.do(self._link.down.resume)
        try:
            if not self.device.connected:
                self.device.connect()
            self.device.wait_for_deliveries(held, deadline=deadline)
            self.device.reconnect()
        finally:
            self.give_up()
        scenario.recorder.fault_end(self._fault)
        if not held:
            raise FaultWithoutEffect(
                f"No acknowledged message waited for {self.device.name} while it read nothing, so nothing is shown."
            )
        return len(held)


def _through(endpoint: Endpoint, link: Link) -> Endpoint:
    """The endpoint, dialled through a link; its certificate is that of the server all the same."""
    parts = urlsplit(endpoint.url)
    url = urlunsplit((parts.scheme, f"{link.host}:{link.port}", parts.path, parts.query, ""))
    return replace(endpoint, url=url, server_name=endpoint.server_name or parts.hostname)
