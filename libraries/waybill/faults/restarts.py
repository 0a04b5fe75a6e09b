"""Restarts of a node, and starts that must be refused: a second one on its data, and one on data that are damaged."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from waybill.faults.migrations import require_untouched
from waybill.faults.recovery import recover
from waybill.faults.upkeep import Upkeep, first_line, require_refused

if TYPE_CHECKING:
    from waybill.devices.conversation import Conversation
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario
    from waybill.faults.process import ProcessFaults

BURST: Final = 40
"""Messages of each sender that a restart meets on their way."""
PAGE: Final = 4096
"""Bytes of a page of most stores and file systems; the first one, which says what the file is, is left alone."""


class Damage(Enum):
    """What became of the largest file of the data, which is where a store keeps most. The value names it in the
    history."""

    IS_OVERWRITTEN = "overwritten"
    """Some pages in it are garbage."""
    IS_CUT = "cut"
    """Its second half is missing."""
    IS_EMPTY = "emptied"
    """It is there, with nothing in it."""
    IS_MISSING = "removed"
    """It is not there."""


class Restarts:
    """Restarts of one node within a scenario.

    Args:
        scenario: Whose traffic it is.
        faults: Stops, kills and starts the node.
        upkeep: Gives what can be done to its data.
        node: Its name.
        deadline: Seconds that clients have to notice, and to be answered.
    """

    def __init__(
        self,
        scenario: Scenario,
        faults: ProcessFaults,
        upkeep: Callable[[], Upkeep],
        node: str,
        deadline: float,
    ) -> None:
        self.scenario = scenario
        self._faults = faults
        self._upkeep = upkeep
        self._node = node
        self._deadline = deadline

    def in_turn(self, senders: Sequence[Device], conversations: Sequence[Conversation], times: int) -> None:
        """Ends the node so many times while messages are on their way, in good order and by a kill in turn.

        Each time the clients come back, and retry what they do not know the outcome of.
        """
        for turn in range(times):
            present = self.scenario.present
            for sender, conversation in zip(senders, conversations, strict=True):
                sender.send_many(conversation, BURST, in_flight=2 * BURST)
            if turn % 2:
                self._faults.kill(self._node, f"restart {turn + 1} of {times}")
            else:
                self._faults.stop(self._node, f"restart {turn + 1} of {times}")
            recover(self.scenario, self._faults, self._node, present, self._deadline)

    def second_start(self, sender: Device, conversation: Conversation) -> None:
        """Starts a second process on the node's data, which must be refused; the node goes on.

        Raises:
            AssertionError: It was not refused.
        """
        upkeep = self._upkeep()
        fault = self._faults.recorder().fault_start("double-start", self._node)
        ended = upkeep.try_second_start()
        require_refused(ended, f"a second start on the data of {self._node}", upkeep.data)
        self._faults.recorder().fault_observed(fault, first_line(ended.said))
        self.scenario.wait_until_acknowledged([sender.send(conversation)], deadline=self._deadline)
        self._faults.recorder().fault_end(fault)

    def damaged(self, damage: Damage) -> None:
        """Starts the node on damaged data, which it must refuse and leave as they are; then on the whole ones.

        Raises:
            AssertionError: It did not refuse, or changed something.
        """
        upkeep, recorder = self._upkeep(), self._faults.recorder()
        present = self.scenario.present
        for device in present:
            device.close()
        self._faults.stop(self._node, f"before its data are damaged ({damage.value})")
        aside = upkeep.data.with_name(f"{upkeep.data.name}.whole")
        shutil.copytree(upkeep.data, aside)
        try:
            file = damage_largest(upkeep.data, damage)
            before = upkeep.digests()
            fault = recorder.fault_start("damage", self._node, file=file, damage=damage.value)
            ended = upkeep.try_start()
            if ended.status is None:
                self._faults.processes.kill(self._node)
            what = f"a start of {self._node} whose file {file} is {damage.value}"
            require_refused(ended, what, upkeep.data)
            require_untouched(before, upkeep.digests(), f"{self._node}, which refused them")
            recorder.fault_observed(fault, first_line(ended.said))
        finally:
            shutil.rmtree(upkeep.data)
            aside.rename(upkeep.data)
        recover(self.scenario, self._faults, self._node, present, self._deadline)
        recorder.fault_end(fault)


def damage_largest(data: Path, damage: Damage) -> str:
    """Damages the largest file; returns its path below the folder."""
    files = [file for file in data.rglob("*") if file.is_file()]
    largest = max(files, key=lambda file: file.stat().st_size)
    size = largest.stat().st_size
    match damage:
        case Damage.IS_OVERWRITTEN:
            with largest.open("r+b") as file:
                file.seek(PAGE)
                file.write(b"\xff" * min(2 * PAGE, max(size - PAGE, 1)))
        case Damage.IS_CUT:
            with largest.open("r+b") as file:
                file.truncate(size // 2)
        case Damage.IS_EMPTY:
            largest.write_bytes(b"")
        case Damage.IS_MISSING:
            largest.unlink()
    return str(largest.relative_to(data))
