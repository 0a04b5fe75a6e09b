"""Migrations of a node's data: there and back again, killed on the way, and data that is too new."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from waybill.faults.effects import FaultWithoutEffect
from waybill.faults.upkeep import BACK, FORWARD, Upkeep, first_line, require_refused
from waybill.faults.views import View, look
from waybill.interposer.table import Action, Operation, Rule, Table

if TYPE_CHECKING:
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario
    from waybill.faults.process import ProcessFaults

KILL: Final = "migration-kill"
"""What a killed migration is called in the history."""


class Migrations:
    """Migrations of one node within a scenario.

    The first view is taken with the oldest release, before anything is migrated; every later one is compared with it.

    Args:
        scenario: Whose people read the data.
        faults: Stops and starts the node.
        upkeep: The node.
        node: Its name.
        table: Gives the rules that its processes follow.

    Attributes:
        rows: How many rows were compared each time.
        changed: How many were found changed.
    """

    def __init__(
        self,
        scenario: Scenario,
        faults: ProcessFaults,
        upkeep: Upkeep,
        node: str,
        table: Callable[[], Table],
    ) -> None:
        self.scenario = scenario
        self.rows = 0
        self.changed = 0
        self._faults = faults
        self._upkeep = upkeep
        self._node = node
        self._table = table
        self._first: View | None = None
        self._readers: Sequence[Device] = ()

    def there_and_back(self) -> None:
        """Forward, back and forward again; the node runs its newest release afterwards.

        Raises:
            AssertionError: A migration failed, or something reads otherwise than before.
        """
        self._look("before any migration")
        for turn, direction in enumerate((FORWARD, BACK, FORWARD), 1):
            self._down()
            self._run(direction, f"migration {turn}")
            self._up(direction, f"after migration {turn}, {direction}")

    def killed(self, times: int) -> None:
        """Goes back and forward so many times, each time killed once on each way and run again.

        The kills come at writes spread evenly over those that an undisturbed migration makes, which is done first, back
        and forward at once.

        Raises:
            AssertionError: A killed migration could not be run to its end, or something reads otherwise than before.
            FaultWithoutEffect: A migration ended before the write that was to kill it.
        """
        self._down()
        writes = {direction: self._counted(direction) for direction in (BACK, FORWARD)}
        ways = [(turn, direction) for turn in range(times) for direction in (BACK, FORWARD)]
        for place, (turn, direction) in enumerate(ways):
            if place:
                self._down()
            write = 1 + (writes[direction] - 1) * (2 * turn + 1) // (2 * times)
            self._killed_once(direction, write, writes[direction])
            self._up(direction, f"after a migration {direction} that was killed at write {write}")

    def too_new(self) -> None:
        """Starts the oldest release on the data of the newest, which it must refuse and leave as they are.

        Raises:
            AssertionError: It did not refuse, or something in the data changed.
        """
        self._down()
        newest, oldest = self._upkeep.releases[-1], self._upkeep.releases[0]
        before = self._upkeep.digests()
        fault = self._faults.recorder().fault_start("newer-schema", self._node, release=oldest)
        self._upkeep.change_release(oldest)
        ended = self._upkeep.try_start()
        if ended.status is None:
            self._faults.processes.kill(self._node)
        self._upkeep.change_release(newest)
        require_refused(ended, f"release {oldest} on the data of release {newest}", self._upkeep.data)
        require_untouched(before, self._upkeep.digests(), f"release {oldest}, which refused them")
        self._faults.recorder().fault_observed(fault, first_line(ended.said))
        self._up(FORWARD, f"after release {oldest} was refused its data")
        self._faults.recorder().fault_end(fault)

    def _killed_once(self, direction: str, write: int, writes: int) -> None:
        table, recorder = self._table(), self._faults.recorder()
        fault = recorder.fault_start(KILL, self._node, direction=direction, write=write)
        rule = table.arm(
            Rule(Operation.WRITE, Action.KILL_AFTER, path=f"{table.watched}*", first=write, last=write)
        )
        self._upkeep.migrate(direction)
        acted = table.acted(rule)
        table.disarm(rule)
        if not acted:
            recorder.fault_end(fault)
            raise FaultWithoutEffect(
                f"The migration {direction} of {self._node} made fewer than {write} writes to {table.watched} although "
                f"an undisturbed one made {writes}, so nothing is shown."
            )
        recorder.fault_observed(fault, f"the migration {direction} was killed at write {write} of {writes}")
        self._run(direction, f"the one that was killed at write {write} of {writes}")
        recorder.fault_end(fault)

    def _counted(self, direction: str) -> int:
        table = self._table()
        rule = table.arm(Rule(Operation.WRITE, Action.COUNT, path=f"{table.watched}*"))
        self._run(direction, "a migration that nothing disturbed")
        writes = table.matched(rule)
        table.disarm(rule)
        if not writes:
            raise FaultWithoutEffect(
                f"The migration {direction} of {self._node} wrote nothing to {table.watched}, so it cannot be killed "
                f"on its way."
            )
        return writes

    def _run(self, direction: str, what: str) -> None:
        ended = self._upkeep.migrate(direction)
        if ended.status != 0:
            raise AssertionError(
                f"Expected the migration {direction} of {self._node} to succeed ({what}); it ended with "
                f"{ended.status}: {first_line(ended.said)}"
            )

    def _down(self) -> None:
        self._readers = self.scenario.present
        for device in self._readers:
            device.close()
        self._faults.stop(self._node, "for a migration")

    def _up(self, direction: str, when: str) -> None:
        releases = self._upkeep.releases
        self._upkeep.change_release(releases[-1] if direction == FORWARD else releases[0])
        self._faults.start(self._node)
        for device in self._readers:
            device.connect()
        self._look(when)

    def _look(self, when: str) -> None:
        view = look(self.scenario, self.scenario.present)
        if self._first is None:
            self._first, self.rows = view, len(view.rows)
            return
        changes = self._first.changes(view)
        self.changed += len(changes)
        if changes:
            raise AssertionError(
                f"Expected the data to read the same {when}; {len(changes)} of {self.rows} rows do not: {changes[0]}."
            )


def require_untouched(before: dict[str, str], after: dict[str, str], by: str) -> None:
    """Data that must not have been changed.

    Raises:
        AssertionError: Naming a file that was.
    """
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    if changed:
        raise AssertionError(
            f"Expected the data to be left untouched by {by}; changed: {', '.join(changed)}."
        )
