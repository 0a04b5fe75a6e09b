"""Doing the same for many devices, some of them at the same moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from waybill.devices.device import Device

AT_ONCE: Final = 4
"""Logins, or requests for a token, that are under way together: the server works on one while others are on their
way."""


def together(devices: Sequence[Device], act: Callable[[Device], object], at_once: int = AT_ONCE) -> None:
    """Does something for each of these devices, so many at once, and returns when all of it is done.

    Raises:
        Exception: What went wrong with the first of them for which it did; the others had their turn all the same.
    """
    if devices:
        with ThreadPoolExecutor(min(len(devices), at_once), thread_name_prefix="together") as pool:
            list(pool.map(act, devices))
