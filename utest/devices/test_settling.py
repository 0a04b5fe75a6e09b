"""Ending many sessions."""

from __future__ import annotations

import threading
from typing import cast

import pytest

from waybill.devices.device import Device
from waybill.devices.settling import close_all


class Waiting:
    """Stands in for a device whose server says goodbye when all of them were told to end."""

    def __init__(self, together: threading.Barrier) -> None:
        self.together = together
        self.closed = False

    def close(self) -> None:
        self.together.wait(5.0)
        self.closed = True


def test_sessions_are_ended_all_at_once() -> None:
    together = threading.Barrier(20)
    waiting = [Waiting(together) for _ in range(20)]
    close_all([cast("Device", one) for one in waiting])
    assert all(one.closed for one in waiting)


def test_what_goes_wrong_at_an_end_is_not_swallowed() -> None:
    class Failing:
        def close(self) -> None:
            raise RuntimeError("the goodbye failed")

    with pytest.raises(RuntimeError, match="the goodbye failed"):
        close_all([cast("Device", Failing())])


def test_nobody_to_say_goodbye_to_is_nothing_to_do() -> None:
    close_all([])
