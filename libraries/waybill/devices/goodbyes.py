"""Saying goodbye for many devices at once: a server may take its time over each (ejabberd at least 0.1 s)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from waybill.devices.together import together

if TYPE_CHECKING:
    from waybill.devices.device import Device

_AT_ONCE: Final = 16
"""The most goodbyes under way."""


def close_all(devices: Sequence[Device]) -> None:
    """Says goodbye for every device that has a session, and waits until all the sessions are over.

    Raises:
        Exception: What went wrong with one of them; the others were closed all the same.
    """
    together(devices, lambda device: device.close(), _AT_ONCE)
