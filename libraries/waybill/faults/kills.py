"""Kills at chosen moments of the traffic, each followed by a start on the same data and the clients' return.

After each of them the clients do what clients do: they connect again and retry what they do not know the outcome of,
under the same idempotency keys.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from waybill.devices.absences import come_back_and_retry, wait_until_gone
from waybill.devices.waiting import DeadlinePassed
from waybill.faults.process import Death

if TYPE_CHECKING:
    from waybill.devices.conversation import Conversation
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario
    from waybill.faults.process import ProcessFaults

BURST = 200
"""Messages of each sender in flight when a kill should meet some acknowledged and some not: a few commits' worth."""
LARGE = 8192
"""Bytes of a body in a burst: so large that a commit of many takes milliseconds, which a kill can hit."""
EARLY = 24
"""The latest acknowledgement of a burst on which it is killed: among the first answers of a commit, not after them."""
DEADLINE = 20.0
"""Seconds for the acknowledgement that a kill waits for."""


class Kills:
    """Kills of one node within a scenario.

    Args:
        scenario: Whose traffic it is.
        faults: What kills and starts.
        node: The node.
        death: How it ends.
    """

    def __init__(
        self, scenario: Scenario, faults: ProcessFaults, node: str, death: Death = Death.IS_KILLED
    ) -> None:
        self.scenario = scenario
        self.faults = faults
        self.node = node
        self.death = death

    def after_acknowledgements(self, sender: Device, conversation: Conversation, count: int) -> None:
        """Kills on the last acknowledgement of so many messages; nothing else is under way."""
        self._kill_on(
            count,
            f"right after {count} messages were acknowledged",
            lambda: sender.send_many(conversation, count),
        )

    def during_burst(
        self, senders: Sequence[Device], conversations: Sequence[Conversation], times: int
    ) -> None:
        """Kills on an acknowledgement in the middle of a burst, again and again; the seed draws which one."""
        for _ in range(times):
            number = self.scenario.random.randint(1, EARLY)
            self._kill_on(
                number,
                f"on acknowledgement {number} of a burst",
                lambda: [
                    sender.send_many(conversation, BURST, in_flight=2 * BURST, size=LARGE)
                    for sender, conversation in zip(senders, conversations, strict=True)
                ],
            )

    def on_acknowledgement(self, sender: Device, conversation: Conversation, number: int) -> None:
        """Kills on one particular acknowledgement of messages that are sent one by one: what a server acknowledges
        before it is safe has nothing else to hide behind."""

        def one_by_one() -> None:
            for _ in range(number):
                self.scenario.wait_until_answered([sender.send(conversation)])

        moment = f"on acknowledgement {number} of messages sent one by one to somebody offline"
        self._kill_on(number, moment, one_by_one)

    def during_backlog(self, sender: Device, receiver: Device, conversation: Conversation) -> None:
        """Kills when an offline device came back and holds the first part of what waited for it."""
        sent = sender.send_many(conversation, BURST)
        self.scenario.wait_until_acknowledged(sent)
        receiver.connect()
        receiver.wait_for_deliveries(sent[:10])
        present = self.scenario.present
        self.faults.end(self.death, self.node, "while a backlog was delivered")
        self._recover(present)

    def after_restart(self, sender: Device, conversation: Conversation) -> None:
        """Kills twice: the second time on the first acknowledgement after the start."""
        present = self.scenario.present
        self.faults.end(self.death, self.node, "before a second kill")
        self._recover(present)
        self._kill_on(1, "on the first acknowledgement after a start", lambda: sender.send(conversation))

    def _kill_on(self, number: int, moment: str, traffic: Callable[[], object]) -> None:
        """Kills on the acknowledgement that is so many from now, in the very thread that reads it."""
        ended = threading.Event()
        trouble: list[BaseException] = []

        def strike() -> None:
            try:
                self.faults.end(self.death, self.node, moment)
            except BaseException as error:
                trouble.append(error)
            finally:
                ended.set()

        present, before = self.scenario.present, self.scenario.acknowledged_count
        self.scenario.on_acknowledged(before + number, strike)
        traffic()
        if not ended.wait(DEADLINE):
            raise DeadlinePassed(
                f"{number} acknowledgements should have come within {DEADLINE:g} s, so that {self.node} is killed on "
                f"the last of them; {self.scenario.acknowledged_count - before} came."
            )
        if trouble:
            raise trouble[0]
        self._recover(present)

    def _recover(self, present: Sequence[Device]) -> None:
        """Starts the node when everybody has noticed; they come back and retry what is unknown."""
        wait_until_gone(present, self.node, DEADLINE)
        self.scenario.wait_until_answered()
        self.faults.start(self.node)
        self.scenario.wait_until_acknowledged(come_back_and_retry(present))
