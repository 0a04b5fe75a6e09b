"""A stream of messages in the background, for what must be shown while traffic goes on."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from waybill.devices import waits
from waybill.devices.conversation import Conversation
from waybill.devices.sending import Sending
from waybill.devices.waiting import Deadline, DeadlinePassed

if TYPE_CHECKING:
    from waybill.devices.device import Device


class Stream:
    """Sends from one device until it is told to stop: a closed loop, so that no queue grows without bound.

    While the device has no session the stream rests, and goes on with the next session. Made by
    `Scenario.start_sending`.

    Attributes:
        sendings: What it sent so far.
    """

    def __init__(
        self,
        device: Device,
        conversation: Conversation,
        rate: float | None,
        in_flight: int,
        size: int,
        count: int | None,
    ) -> None:
        self.device = device
        self.conversation = conversation
        self.sendings: list[Sending] = []
        self._rate = rate
        self._in_flight = in_flight
        self._size = size
        self._count = count
        self._stopping = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"stream {device.name}", daemon=True)

    def start(self) -> None:
        """Begins to send."""
        self._thread.start()

    def stop(self, *, deadline: float = 30.0) -> list[Sending]:
        """Stops, waits until every send of the stream has an outcome, and returns them all.

        Raises:
            DeadlinePassed: Some have none.
            Exception: What went wrong in the background.
        """
        limit = Deadline(deadline)
        self.abandon()
        self._thread.join(limit.remaining())
        if self._thread.is_alive():
            raise DeadlinePassed(
                f"The stream of {self.device.name} to {self.conversation.name} did not stop within "
                f"{deadline:g} s: its last send could not be written. "
                f"{self.device.name} is {self.device.state}."
            )
        if self._error is not None:
            raise self._error
        waits.wait_until_answered([self.device], self.sendings, limit)
        return self.sendings

    def abandon(self) -> None:
        """Tells it to stop without waiting for anything."""
        self._stopping = True
        self.device.changed()

    def _run(self) -> None:
        try:
            while self._go_on():
                pass
        except BaseException as error:
            self._error = error

    def _go_on(self) -> bool:
        """Sends one piece when there is room; False at the end."""
        device, rate = self.device, self._rate
        open_sends = waits.Unanswered(self.sendings[-2 * self._in_flight :])
        low = self._in_flight // 2
        device.signal.wait_until(
            lambda: self._stopping or (device.connected and open_sends.count() <= low), Deadline(3600)
        )
        if self._count is not None and len(self.sendings) >= self._count:
            return False
        if self._stopping:
            return False
        if not device.connected:
            return True
        piece = 1 if rate else max(1, self._in_flight - open_sends.count())
        if self._count is not None:
            piece = min(piece, self._count - len(self.sendings))
        made = [device.compose(self.conversation, size=self._size) for _ in range(piece)]
        self.sendings.extend(made)
        device.send_composed(made, in_flight=max(self._in_flight, piece))
        if rate:
            device.signal.wait_until(lambda: self._stopping, Deadline(1 / rate))
        return True
