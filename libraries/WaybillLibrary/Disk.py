"""Keywords for a server whose disk fails."""

from __future__ import annotations

from datetime import timedelta

from robot.api import logger
from robot.api.deco import keyword, library

from waybill.faults.disk import DiskFault, DiskFaults
from waybill.faults.disk_failures import DiskFailures
from waybill.faults.mechanisms import Mechanism
from waybill.version import __version__
from WaybillLibrary import stage
from WaybillLibrary.Messages import common_conversation
from WaybillLibrary.words import CONVERTERS

WAIT = timedelta(seconds=30)


@library(
    scope="GLOBAL", version=__version__, doc_format="MARKDOWN", converters=CONVERTERS, auto_keywords=False
)
class Disk:
    """Lets the disk of the target's first node be full, fail, or take no more writes, and mends it again.

    A fault is carried out by one of three mechanisms, with the same events in the history and the same proof that
    something met it:

    | mechanism | what stands between the server and its data | what it takes |
    |---|---|---|
    | `INTERPOSED` | a library in its processes | `faulty_disk` at the start; a C compiler; no static program |
    | `TMPFS` | a small file system that is really full | `small_disk` at the start; a kernel that lets it be mounted |
    | `STRACE` | a tracer of its processes, static ones too | `strace`, and the right to trace |

    Where this machine does not let it be done, the scenario ends without a verdict and says why.
    """

    @keyword
    def send_while_disk_fails(
        self,
        fault: DiskFault,
        sender: str,
        receiver: str,
        *,
        count: int,
        power_loss: bool = False,
        mechanism: Mechanism = Mechanism.INTERPOSED,
        first: int = 1,
        deadline: timedelta = WAIT,
    ) -> None:
        """Sends messages while the server's disk fails, and sees the service return when it is mended.

        Half of the messages come one after the other, the others at once, since a server may commit these together.
        Every send must get an outcome. Meanwhile the receiver reads its log, which needs no write, and the server must
        not end. Afterwards everybody who lost the connection comes back, retries what is unknown, and one more message
        must be acknowledged.

        Args:
            fault: What is wrong with the disk.
            sender: Who writes.
            receiver: To whom.
            count: How many messages.
            power_loss: Let the power fail while the disk still does; the target must have been started with
                `faulty_disk`.
            mechanism: What carries the fault out.
            first: The first call of the server that it is about, counted from 1: over all its threads, and for each of
                them by `STRACE`.
            deadline: How long an answer, or the return of the service, may take.

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup    Start Target    reference    faulty_disk=True

        *** Test Cases ***
        A full disk costs nobody what was acknowledged
            Connect People    alice and bob
            Send While Disk Fails    IS FULL    alice    bob    count=20
            Check History
        ```
        """
        scenario = stage.scenario()
        _failures(deadline).send_while(
            fault,
            scenario.device(sender),
            scenario.device(receiver),
            common_conversation(sender, receiver),
            count,
            mechanism=mechanism,
            first=first,
            then_lose_power=power_loss,
        )
        logger.info(f"{scenario.acknowledged_count} messages are acknowledged so far")

    @keyword
    def kill_in_the_middle_of_a_write(
        self, sender: str, receiver: str, *, deadline: timedelta = WAIT
    ) -> None:
        """Ends the server in the middle of a write to its data, during a burst, and starts it on what is there.

        Args:
            sender: Who writes.
            receiver: To whom.
            deadline: How long the write, and the return of the service, may take.

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup    Start Target    reference    faulty_disk=True

        *** Test Cases ***
        A torn write costs nobody what was acknowledged
            Connect People    alice and bob
            Kill In The Middle Of A Write    alice    bob
            Check History
        ```
        """
        device, conversation = stage.scenario().device(sender), common_conversation(sender, receiver)
        _failures(deadline).tear_a_write(device, conversation)


def _failures(deadline: timedelta) -> DiskFailures:
    scenario = stage.scenario()
    disk = DiskFaults(stage.target(), lambda: scenario.recorder)
    return DiskFailures(scenario, disk, stage.faults(), stage.target().nodes[0], deadline.total_seconds())
