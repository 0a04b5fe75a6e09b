"""Connections that are cut at every byte of an exchange: of a send, its answer, its delivery and its acknowledgement.

Where every byte lies is taken from a rehearsal. Over TLS a server sees nothing of a record that did not arrive whole;
so the frame itself is cut as well: it is sent in two records, of which only the first one arrives.
"""

from __future__ import annotations

import dataclasses
import itertools
import random
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from waybill.devices.policy import Acknowledge
from waybill.devices.sending import UNSENT
from waybill.devices.waiting import CapabilityMissing, Deadline, DeadlinePassed, NotAcknowledged
from waybill.drivers.base import Capability
from waybill.faults.disturbances import Disturbance, Way, cut_after
from waybill.faults.effects import FaultWithoutEffect
from waybill.faults.exchange import SIZE, Exchange, Measures
from waybill.history.events import Completion
from waybill.network.flow import Ending

if TYPE_CHECKING:
    from waybill.devices.conversation import Conversation
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario
    from waybill.devices.sending import Sending
    from waybill.faults.links import LinkFaults

BEYOND: Final = 2
"""Bytes beyond the measured end: numbers in frames grow by a digit. A cut that lies beyond the end of an exchange
meets the next one."""
EXCHANGES: Final = 4
"""The most exchanges that a cut may take to be met."""
LOGINS: Final = 3
"""The most logins of a device after a cut; a cut that was not met yet may meet the first of them."""


@dataclass(frozen=True, slots=True)
class CutPoint:
    """One place of an exchange at which a connection ends.

    Attributes:
        part: Which part of the exchange: `send`, `frame`, `answer`, `delivery` or `receipt`.
        after: Bytes of it that still arrive.
        ending: How the connection ends.
    """

    part: str
    after: int
    ending: Ending

    def disturbance(self, around: int) -> Disturbance:
        """The cut on the link; a piece of a frame arrives in a record of its own."""
        passing = self.after + around if self.part == "frame" and self.after else self.after
        way = Way.FROM if self.part in ("answer", "delivery") else Way.TO
        made = cut_after(way, passing, self.ending)
        return dataclasses.replace(made, details={**made.details, "part": self.part, "of_it": self.after})


def cut_points(measures: Measures, random_: random.Random) -> tuple[list[CutPoint], list[CutPoint]]:
    """Every place at which to cut off the sender, and every place at which to cut off the receiver, in random order.

    Every second byte ends by a reset, the others in order; where it begins is drawn.
    """

    def points(part: str, size: int) -> Iterator[CutPoint]:
        endings = itertools.cycle(random_.sample(list(Ending), len(Ending)))
        for after in range(size):
            yield CutPoint(part, after, next(endings))

    sender = [
        *points("send", measures.send + BEYOND),
        *points("frame", measures.frame and measures.frame + BEYOND),
        *points("answer", measures.answer + BEYOND),
    ]
    receiver = [*points("delivery", measures.delivery + BEYOND)]
    if measures.receipt:
        receiver += points("receipt", measures.receipt + BEYOND)
    for each in (sender, receiver):
        random_.shuffle(each)
    return sender, receiver


class Cuts:
    """Cuts within a scenario.

    Args:
        scenario: Whose traffic it is.
        faults: Cuts and heals links.
        deadline: Seconds for every answer and return.

    Attributes:
        failed: Something went wrong, so nothing more is cut.
    """

    def __init__(self, scenario: Scenario, faults: LinkFaults, deadline: float) -> None:
        self.scenario = scenario
        self.faults = faults
        self.deadline = deadline
        self.failed = threading.Event()

    def at_every_byte(self, pairs: Sequence[tuple[Device, Device]]) -> dict[str, int]:
        """Cuts the connections of senders and receivers at every byte of an exchange; returns how often in which part.

        After each cut the device comes back, and the sender retries what it knows no outcome of, under its key.

        Args:
            pairs: Senders and receivers, who share the places among themselves.

        Raises:
            CapabilityMissing: The server acknowledges nothing, so nobody knows what to retry.
            DeadlinePassed: An answer or a delivery did not come, or a device did not get back in.
            FaultWithoutEffect: A connection did not end where it was cut.
        """
        if Capability.SENDER_ACK not in self.scenario.driver.capabilities:
            raise CapabilityMissing(self.scenario.driver.name, Capability.SENDER_ACK.value)
        lanes = [_Lane(self, sender, receiver) for sender, receiver in pairs]
        with ThreadPoolExecutor(len(lanes), thread_name_prefix="cuts") as pool:
            list(pool.map(_Lane.arrive, lanes))
            measures = lanes[0].measure()
            sender_points, receiver_points = cut_points(measures, self.scenario.random)
            for number, lane in enumerate(lanes):
                lane.plan = list(
                    itertools.zip_longest(
                        sender_points[number :: len(lanes)], receiver_points[number :: len(lanes)]
                    )
                )
                lane.around = measures.around
            list(pool.map(_Lane.run, lanes))
        counts: dict[str, int] = {}
        for point in [*sender_points, *receiver_points]:
            counts[point.part] = counts.get(point.part, 0) + 1
        return counts


class _Lane:
    """One sender and one receiver, whose exchanges are cut one after the other."""

    def __init__(self, cuts: Cuts, sender: Device, receiver: Device) -> None:
        self._scenario = cuts.scenario
        self._faults = cuts.faults
        self._deadline = cuts.deadline
        self._sender = sender
        self._receiver = receiver
        self._conversation: Conversation = cuts.scenario.direct(sender.user, receiver.user)
        self._failed = cuts.failed
        self._piece = 0
        self.plan: list[tuple[CutPoint | None, CutPoint | None]] = []
        self.around = 0

    def arrive(self) -> None:
        """Both log in."""
        self._sender.connect()
        self._receiver.connect()

    def measure(self) -> Measures:
        """Rehearses. Meanwhile the receiver acknowledges when told to, so that each part can be told from the next."""
        receiver, links = self._receiver, self._faults.links()
        receiver.acknowledge_policy = Acknowledge.MANUAL
        measures = Exchange(links, self._sender, receiver, self._conversation, self._deadline).measure()
        receiver.acknowledge_policy = Acknowledge.AUTO
        return measures

    def run(self) -> None:
        """Cuts at every place of the plan, or until another lane has failed; in the end both are online."""
        try:
            for sender_point, receiver_point in self.plan:
                if self._failed.is_set():
                    return
                self._cut(sender_point, receiver_point)
            for device in (self._sender, self._receiver):
                self._back(device)
        except BaseException:
            self._failed.set()
            raise

    def _cut(self, sender_point: CutPoint | None, receiver_point: CutPoint | None) -> None:
        self._piece = sender_point.after if sender_point and sender_point.part == "frame" else 0
        if self._piece:
            self._sender.close()
        points = ((self._sender, sender_point), (self._receiver, receiver_point))
        epochs = {}
        for device, point in points:
            self._back(device)
            if point is not None:
                epochs[device] = device.usable()[0]
                self._faults.begin(device.name, device.node, point.disturbance(self.around))
        self._exchange_until_met(list(epochs))
        for device, epoch in epochs.items():
            if not device.signal.wait_until(lambda epoch=epoch: not epoch.alive, Deadline(self._deadline)):  # type: ignore[misc]
                raise DeadlinePassed(
                    f"The connection of {device.name} was cut; {device.name} is still {device.state}."
                )
            self._faults.end([device.name])

    def _exchange_until_met(self, cut: list[Device]) -> None:
        for _ in range(EXCHANGES):
            self._exchange()
            if all(self._faults.met(device.name, device.node) for device in cut):
                return
        missed = ", ".join(device.name for device in cut)
        raise FaultWithoutEffect(
            f"The connections of {missed} were to be cut in the middle of an exchange; {EXCHANGES} exchanges later "
            f"they are not."
        )

    def _exchange(self) -> None:
        """Sends one message, and sees it acknowledged, delivered and acknowledged by its receiver, however often the
        two have to come back."""
        limit = Deadline(self._deadline)
        self._back(self._sender)
        sending = self._sender.send(self._conversation, size=SIZE)
        self._piece = 0
        while not self._taken(sending, limit):
            self._back(self._sender)
            self._sender.retry(sending)
        while not self._given(sending, limit):
            self._back(self._receiver)
        self._acknowledged(limit)

    def _taken(self, sending: Sending, limit: Deadline) -> bool:
        self._scenario.wait_until_answered([sending], deadline=limit.remaining())
        last = sending.last
        if not sending.taken:
            if last is not None and last.completion is Completion.FAIL and last.code not in UNSENT:
                raise NotAcknowledged(
                    f"{sending.name} was sent again under its key after its connection was cut, and was refused "
                    f"({last.code}: {last.text})."
                )
            if limit.passed:
                raise DeadlinePassed(f"{sending.name} was not acknowledged within {limit.seconds:g} s.")
        return sending.taken

    def _given(self, sending: Sending, limit: Deadline) -> bool:
        """Whether the receiver has it; False if its connection ended before."""
        receiver = self._receiver

        def looked() -> bool:
            return receiver.inbox.holds(sending) or not receiver.connected

        if not receiver.signal.wait_until(looked, limit):
            raise DeadlinePassed(
                f"{receiver.name} expected {sending.name} within {limit.seconds:g} s. {receiver.name} is "
                f"{receiver.state}."
            )
        return receiver.inbox.holds(sending)

    def _acknowledged(self, limit: Deadline) -> None:
        """Returns when the receiver has acknowledged what it was given, or its connection is gone: then it is given
        again, and acknowledged with what comes next."""
        receiver, (epoch, _) = self._receiver, self._receiver.usable()
        if not receiver.signal.wait_until(lambda: epoch.settled or not epoch.alive, limit):
            raise DeadlinePassed(
                f"{receiver.name} should have acknowledged what it was given within {limit.seconds:g} s: of "
                f"{len(epoch.deliveries)} messages {epoch.acknowledged} are or are being acknowledged, and "
                f"{'no' if epoch.at_rest else 'an'} answer is missing. {receiver.name} is {receiver.state}."
            )

    def _back(self, device: Device) -> None:
        """Connects a device whose connection is gone.

        Raises:
            DeadlinePassed: It got no session.
        """
        for _ in range(LOGINS):
            if device.connected:
                return
            piece = self._piece if device is self._sender else None
            outcome = device.try_connect(deadline=self._deadline, piece=piece)
        if not device.connected:
            raise DeadlinePassed(
                f"{device.name} could not come back after its connection was cut: {outcome.code}: {outcome.text}"
            )
