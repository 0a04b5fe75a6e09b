"""People who come and go while somebody watches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from waybill.devices.device import Device


def come_and_go(
    devices: Sequence[Device],
    watcher: Device,
    times: int,
    *,
    goodbye: bool,
    bound: float,
    kept_from: Device | None = None,
) -> None:
    """Lets a user's devices come one after the other and leave in the same order, again and again.

    The watcher is told of the first arrival and of the last end within the bound, and asks after every step.

    Args:
        devices: The devices of one user, none of them connected.
        watcher: The device that looks.
        times: How often they come and go.
        goodbye: Whether they say goodbye.
        bound: Seconds within which the server promises to tell.
        kept_from: A device whose user is blocked: it watches and asks as well, and must learn nothing of it.
    """
    user = devices[0].user
    watchers = [watcher] if kept_from is None else [watcher, kept_from]
    for one in watchers:
        one.watch(user)
    for _ in range(times):
        for number, device in enumerate(devices):
            device.connect()
            if number == 0:
                watcher.wait_for_presence(user, True, deadline=bound)
            for one in watchers:
                one.ask_presence(user)
        for number, device in enumerate(devices, start=1):
            if goodbye:
                device.close()
            else:
                device.cut()
            if number == len(devices):
                watcher.wait_for_presence(user, False, deadline=bound)
            for one in watchers:
                one.ask_presence(user)
