"""Chaos by a schedule: mixed traffic through one fault after the other, after each of which everything is mended.

A round is calm traffic that must all be acknowledged, the faults in the middle of more traffic, and the mending. Then
the clients do what clients do: they connect again and retry what they do not know the outcome of, under the same
idempotency keys. Nothing is judged on the way but that service comes back; the history is, at the end.
"""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from waybill.devices.absences import come_back_and_retry, leave, wait_until_gone
from waybill.devices.traffic import IN_FLIGHT, Route, exchange
from waybill.devices.waiting import Deadline, DeadlinePassed, look_until
from waybill.faults.effects import FaultWithoutEffect
from waybill.faults.repertoire import DEATHS, OF_LINKS, SILENT, Kind, Repertoire
from waybill.faults.schedule import Fault, Round, Schedule, ScheduleError
from waybill.history.events import Operation

if TYPE_CHECKING:
    from waybill.devices.device import Device
    from waybill.devices.epoch import Epoch
    from waybill.devices.scenario import Scenario
    from waybill.devices.sending import Sending

SIZES: Final = (64, 512)
"""The smallest and the largest body of a message, in bytes."""


class Chaos:
    """Carries schedules out within a scenario.

    Args:
        scenario: Whose traffic it is.
        repertoire: Begins and ends faults.
        routes: Who writes, and where. The writers are connected.
        travellers: Devices that come and go: in each round one of them, in turn, is away and comes back in the middle
            of the faults.
        deadline: Seconds for every answer and every return.
    """

    def __init__(
        self,
        scenario: Scenario,
        repertoire: Repertoire,
        routes: Sequence[Route],
        travellers: Sequence[Device],
        deadline: float,
    ) -> None:
        self.scenario = scenario
        self._repertoire = repertoire
        self._routes = list(routes)
        self._first_routes = dict(reversed(self._routes))
        self._travellers = list(travellers)
        self._deadline = deadline

    def run(self, schedule: Schedule) -> None:
        """Carries every round out, then sends calmly what is missing of the schedule's messages: some were refused.

        A fault that nothing met is one without effect in the history, which says so.

        Raises:
            AssertionError: A node ended by itself, or a device lost its connection that had nothing to do with a fault.
            DeadlinePassed: Something got no outcome, or service did not return.
        """
        before = self.scenario.acknowledged_count
        for number, one in enumerate(schedule.rounds, 1):
            self._carry_out(one, f"round {number} of {len(schedule.rounds)}: {one}")
        while (missing := before + schedule.messages - self.scenario.acknowledged_count) > 0:
            self._calm(missing)

    def _carry_out(self, one: Round, name: str) -> None:
        draw = random.Random(f"{self.scenario.seed} {one}")
        traveller = draw.choice(self._travellers) if self._travellers else None
        if traveller is not None:
            leave([traveller], goodbye=draw.random() < 0.5)
        self._calm(one.calm)
        present = self.scenario.present
        sessions = {device: device.epoch for device in present}
        left = one.messages - self._send_until_faults(one, name, draw)
        coming = _Return(traveller, _place(one.faults, Kind.FILE_HANDLES), self._deadline)
        now = min(left, IN_FLIGHT)
        meanwhile = exchange(self.scenario, self._routes, now, sizes=SIZES)
        self._until_met(one.faults, meanwhile)
        self._require_alive(one.faults)
        self._mend(one.faults, sessions, coming)
        self.scenario.wait_until_answered(deadline=self._deadline)
        returning = [*present, *([traveller] if traveller else [])]
        retried = come_back_and_retry(returning)
        if traveller is not None and traveller.catches_up:
            traveller.read_log()
        healed = [device.send(conversation) for device, conversation in self._first_routes.items()]
        self.scenario.wait_until_acknowledged([*retried, *healed], deadline=self._deadline)
        self._calm(left - now)

    def _calm(self, count: int) -> None:
        """Traffic that must all be acknowledged."""
        sent = exchange(self.scenario, self._routes, count, sizes=SIZES)
        self.scenario.wait_until_acknowledged(sent, deadline=self._deadline)

    # -- the faults ------------------------------------------------------------------------------------------

    def _send_until_faults(self, one: Round, name: str, draw: random.Random) -> int:
        """Sends until the faults have begun, with half of what is left already on its way; returns how much was sent.

        Faults of nodes alone strike in the very thread that reads the acknowledgement on which they are due. Those of
        links come first, and their devices meet them before anything else happens.
        """
        of_links = [fault for fault in one.faults if Kind(fault.kind) in OF_LINKS]
        others = [fault for fault in one.faults if fault not in of_links]
        sent = min(one.onset + (one.messages - one.onset) // 2, IN_FLIGHT + one.onset)
        strike = _Strike([lambda fault=fault: self._begin(fault, name, draw) for fault in of_links or others])  # type: ignore[misc]
        before = self.scenario.acknowledged_count
        if one.onset:
            self.scenario.on_acknowledged(before + one.onset, strike)
        else:
            strike()
        if sent:
            exchange(self.scenario, self._routes, sent, sizes=SIZES)
        if not strike.ended.wait(self._deadline):
            raise DeadlinePassed(
                f"{one.onset} acknowledgements should have come within {self._deadline:g} s in {name}; "
                f"{self.scenario.acknowledged_count - before} came."
            )
        strike.require_done()
        if of_links:
            sent += self._meet(of_links)
            for fault in others:
                self._begin(fault, name, draw)
        return min(sent, one.messages)

    def _begin(self, fault: Fault, name: str, draw: random.Random) -> None:
        self._repertoire.begin(fault, name, draw)

    def _meet(self, of_links: Sequence[Fault]) -> int:
        """Lets the devices write whose links are disturbed, until they met it."""
        for fault in of_links:
            device = self.scenario.device(fault.place)
            device.send(self._first_routes[device])
        self._wait_until_met(of_links)
        return len(of_links)

    def _until_met(self, faults: Sequence[Fault], meanwhile: Sequence[Sending]) -> None:
        """Waits until whoever can be answered is, and until everything was met that this traffic alone may not meet."""
        kinds = {Kind(fault.kind) for fault in faults}
        if kinds & SILENT:
            self._wait_until_met(faults)
            return
        stalled = {fault.place for fault in faults if Kind(fault.kind) is Kind.STALL}
        answered = [one for one in meanwhile if not stalled & set(one.tried_by)]
        self.scenario.wait_until_answered(answered, deadline=self._deadline)
        self._wait_until_met([fault for fault in faults if Kind(fault.kind) is Kind.FILE_HANDLES])

    def _wait_until_met(self, faults: Sequence[Fault]) -> None:
        """Waits for it; what nothing meets by the deadline stays without an effect in the history."""
        look_until(lambda: all(map(self._repertoire.met, faults)), Deadline(self._deadline))

    def _require_alive(self, faults: Sequence[Fault]) -> None:
        """Nobody but those who were killed is gone."""
        killed = {fault.place for fault in faults if Kind(fault.kind) in DEATHS}
        for node in self.scenario.target.nodes:
            if node not in killed and self._repertoire.processes.processes.alive(node) is False:
                told = " and ".join(map(str, faults))
                raise AssertionError(f"Expected {node} to live on through {told}; it ended by itself.")

    # -- the mending -----------------------------------------------------------------------------------------

    def _mend(
        self, faults: Sequence[Fault], sessions: Mapping[Device, Epoch | None], coming: _Return
    ) -> None:
        """Ends every fault, once clients have noticed what they must.

        Clocks are put right last, when nobody is at a login any more: a token that was issued under the wrong clock
        would be shown under the right one.
        """
        for fault in sorted(faults, key=lambda one: Kind(one.kind) is Kind.CLOCK_STEP):
            kind = Kind(fault.kind)
            if kind is Kind.CLOCK_STEP:
                coming.wait()
            if kind in DEATHS:
                self._healed_for_the_dead(faults)
                wait_until_gone(list(sessions), fault.place, self._deadline)
            if kind is Kind.CUT and self._repertoire.met(fault):
                _until_over(self.scenario.device(fault.place), sessions, self._deadline)
            if kind in OF_LINKS and fault.place not in self._disturbed():
                continue
            # What nothing met makes the history vacuous, beside whatever else it shows.
            with contextlib.suppress(FaultWithoutEffect):
                self._repertoire.end(fault, deadline=self._deadline)
        coming.wait()
        if all(Kind(fault.kind) in OF_LINKS for fault in faults):
            self._require_undisturbed({fault.place for fault in faults}, sessions)

    def _disturbed(self) -> set[str]:
        return {name.partition("->")[0] for name in self._repertoire.links.disturbed}

    def _healed_for_the_dead(self, faults: Sequence[Fault]) -> None:
        """A stalled link would hide from its device that its node is gone."""
        for fault in faults:
            if Kind(fault.kind) in OF_LINKS and fault.place in self._disturbed():
                with contextlib.suppress(FaultWithoutEffect):
                    self._repertoire.end(fault, deadline=self._deadline)

    def _require_undisturbed(self, places: set[str], sessions: Mapping[Device, Epoch | None]) -> None:
        """Where links alone were disturbed everybody else is a bystander."""
        for device, session in sessions.items():
            if device.name not in places and (device.epoch is not session or not device.connected):
                raise AssertionError(
                    f"{device.name} had nothing to do with the links of {', '.join(sorted(places))} and should have "
                    f"stayed connected; it is {device.state}."
                )


class _Strike:
    """Lets faults begin, once, in whichever thread calls it."""

    def __init__(self, begins: Sequence[Callable[[], None]]) -> None:
        self._begins = begins
        self._trouble: BaseException | None = None
        self.ended = threading.Event()

    def __call__(self) -> None:
        try:
            for begin in self._begins:
                begin()
        except BaseException as error:
            self._trouble = error
        finally:
            self.ended.set()

    def require_done(self) -> None:
        """Raises what went wrong."""
        if self._trouble is not None:
            raise self._trouble


class _Return:
    """A device that logs in meanwhile, in the background, however that ends: it is recorded."""

    def __init__(self, device: Device | None, node: str | None, deadline: float) -> None:
        self._device = device
        self._thread: threading.Thread | None = None
        self._trouble: BaseException | None = None
        if device is not None:
            self._thread = threading.Thread(target=self._connect, args=(device, node, deadline), daemon=True)
            self._thread.start()

    def _connect(self, device: Device, node: str | None, deadline: float) -> None:
        try:
            device.try_connect(node, catch_up=False, deadline=deadline)
        except BaseException as error:
            self._trouble = error

    def wait(self) -> None:
        """Returns when its login has ended."""
        if self._thread is not None:
            self._thread.join()
        if self._trouble is not None:
            raise self._trouble


def mixed_routes(scenario: Scenario) -> list[Route]:
    """From every device that is connected to everybody, in conversations of two and, where there are groups, in one."""
    people, writers = list(scenario.users), scenario.present
    routes: list[Route] = [
        (device, scenario.direct(device.user, other))
        for device in writers
        for other in people
        if other != device.user
    ]
    if scenario.can(Operation.CREATE):
        group = writers[0].create_group("all", people)
        routes += [(device, group) for device in writers]
    return routes


def require_possible(schedule: Schedule, places: Mapping[str, Sequence[str]]) -> None:
    """Refuses a schedule with faults that cannot be done.

    Raises:
        ScheduleError: Naming the first of them, and what can be done.
    """
    for one in schedule.rounds:
        for fault in one.faults:
            if fault.place not in places.get(fault.kind, ()):
                can = "; ".join(f"{kind} at {', '.join(where)}" for kind, where in places.items() if where)
                raise ScheduleError(f"The schedule has {fault}, which cannot be done here. Possible: {can}.")


def _place(faults: Sequence[Fault], kind: Kind) -> str | None:
    return next((fault.place for fault in faults if Kind(fault.kind) is kind), None)


def _until_over(device: Device, sessions: Mapping[Device, Epoch | None], seconds: float) -> None:
    """Returns when a device has noticed that its connection was cut."""
    session = sessions.get(device)
    if not device.signal.wait_until(lambda: session is None or session.over is not None, Deadline(seconds)):
        raise DeadlinePassed(f"The connection of {device.name} was cut, but it is still {device.state}.")
