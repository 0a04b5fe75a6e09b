"""Goodbyes of many devices: all at once, and each of them whatever becomes of the others."""

from __future__ import annotations

import threading

import pytest

from waybill.devices.goodbyes import close_all


class Meeting:
    """A device whose goodbye ends when so many others are saying theirs."""

    def __init__(self, barrier: threading.Barrier, trouble: Exception | None = None) -> None:
        self.closed = False
        self._barrier = barrier
        self._trouble = trouble

    def close(self) -> None:
        self._barrier.wait(10)
        if self._trouble is not None:
            raise self._trouble
        self.closed = True


def test_goodbyes_are_said_at_once() -> None:
    barrier = threading.Barrier(5)
    devices = [Meeting(barrier) for _ in range(5)]
    close_all(devices)  # type: ignore[arg-type]
    assert all(device.closed for device in devices)


def test_more_than_are_under_way_at_once_are_all_closed() -> None:
    devices = [Meeting(threading.Barrier(1)) for _ in range(60)]
    close_all(devices)  # type: ignore[arg-type]
    assert all(device.closed for device in devices)


def test_trouble_with_one_is_told_after_the_others_were_closed() -> None:
    barrier = threading.Barrier(3)
    devices = [Meeting(barrier, OSError("broken")), Meeting(barrier), Meeting(barrier)]
    with pytest.raises(OSError, match="broken"):
        close_all(devices)  # type: ignore[arg-type]
    assert [device.closed for device in devices] == [False, True, True]


def test_nobody_has_nobody_to_say_goodbye_to() -> None:
    close_all([])
