"""Keywords for input that no client should send: malformed, outsized, or text that is code somewhere else."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum

from robot.api import logger
from robot.api.deco import keyword, library
from robot.libraries.BuiltIn import BuiltIn

from waybill.devices.waiting import DeadlinePassed
from waybill.drivers.base import Capability
from waybill.drivers.frame_table import Expected
from waybill.hostile.assault import Assault, send_texts
from waybill.hostile.sorts import Input, Sort
from waybill.version import __version__
from WaybillLibrary import current, stage

ANSWER = timedelta(seconds=5)
PATIENCE = timedelta(seconds=20)
UNSENDABLE = frozenset({"not-text", "body-not-text", "key-not-text"})
"""The codes of drivers for text that their protocol cannot carry."""


class HostileKind(Enum):
    """Which hostile input is said.

    `BEFORE_LOGIN`: by somebody who never logs in. `AFTER_LOGIN`: by a user, and wrong in its form. `TEXT`: by a user,
    and text in its fields is a query, a log line, a path, a command or no text at all.
    """

    BEFORE_LOGIN = "before login"
    AFTER_LOGIN = "after login"
    TEXT = "text"


@library(scope="GLOBAL", version=__version__, doc_format="MARKDOWN", auto_keywords=False)
class HostileInput:
    """Input that no client should send, made from the driver's table of frames. docs/hostile-input.md lists its sorts.

    It is said by an account that appears nowhere else in the scenario, on connections of its own.
    """

    def __init__(self) -> None:
        self._assaults: tuple[object, Assault] | None = None

    @keyword
    def try_hostile_input(
        self, kind: HostileKind, *, witness: str, reader: str, deadline: timedelta = ANSWER
    ) -> None:
        """Says hostile input of one kind, several hundred, and remembers what the server did with each.

        After every batch somebody who has nothing to do with it sends a message, which must arrive. The figure `inputs`
        counts what the server was given time to react to.

        Args:
            kind: Which input.
            witness: Who sends a message after every batch; must be online.
            reader: Who must be given it; must be online.
            deadline: How long the server may take over each input.

        Example:

        ```robotframework
        *** Test Cases ***
        Nobody is disturbed by malformed frames
            Connect People    alice and bob
            Try Hostile Input    AFTER_LOGIN    witness=alice    reader=bob
            Hostile Input Should Be Harmless
        ```
        """
        scenario = stage.scenario()
        assault = self._assault(deadline.total_seconds())
        inputs = {
            HostileKind.BEFORE_LOGIN: assault.before_login,
            HostileKind.AFTER_LOGIN: assault.after_login,
            HostileKind.TEXT: assault.texts,
        }[kind]()
        sender, receiver = scenario.device(witness), scenario.device(reader)
        conversation = scenario.direct(witness, reader)

        def still_served() -> None:
            sending = sender.send(conversation)
            scenario.wait_until_answered([sending], deadline=PATIENCE.total_seconds())
            receiver.wait_for_deliveries(deadline=PATIENCE.total_seconds())

        try:
            assault.say(inputs, still_served)
        except DeadlinePassed as error:
            logger.warn(f"{witness} and {reader} were no longer served: {error}")
        current.case.show(inputs=assault.inputs)
        shown = "".join(f"<li>{line}</li>" for line in assault.by_sort())
        logger.info(
            f"<details><summary>{assault.inputs} of {len(inputs)} inputs to {assault.table.protocol}</summary>"
            f"<ul>{shown}</ul></details>",
            html=True,
        )

    @keyword
    def send_hostile_input(
        self, packet: str | bytes, *, logged_in: bool = True, deadline: timedelta = ANSWER
    ) -> str:
        """Says one thing on a connection of its own and returns what became of it: `taken`, `refused`, `ended` or
        `silent`.

        Args:
            packet: What to say, without what the transport adds (a WebSocket frame around it).
            logged_in: Log in before.
            deadline: How long the server may take.

        Example:

        ```robotframework
        *** Test Cases ***
        A frame of nothing ends the session
            ${became} =    Send Hostile Input    {}
            Should Be Equal    ${became}    ended
        ```
        """
        assault = self._assault(deadline.total_seconds())
        data = packet.encode() if isinstance(packet, str) else packet
        wire = (assault.table.wrap(data),)
        one = Input(Sort.WHOLE, "", "by hand", wire, Expected.EITHER, logged_in, last=True, packet=data)
        reaction = assault.say([one], lambda: None)[0]
        logger.info(reaction.in_words())
        current.case.show(inputs=assault.inputs)
        return reaction.became.value

    @keyword
    def send_hostile_text(self, sender: str, recipient: str, *, deadline: timedelta = PATIENCE) -> None:
        """Sends messages whose bodies and keys are code, lines, paths or tricks elsewhere: as messages they are legal.

        They must be taken; whether they arrive byte for byte is for `Check History` to say. A body that the protocol
        cannot carry does not leave the client and does not count.

        Args:
            sender: Who sends; must be online.
            recipient: To whom.
            deadline: How long all of it may take.

        Example:

        ```robotframework
        *** Test Cases ***
        A message about SQL is a message
            Connect People    alice and bob
            Send Hostile Text    alice    bob
            Check History
        ```
        """
        scenario = stage.scenario()
        self._assault(ANSWER.total_seconds())
        keys = Capability.IDEMPOTENCY_KEY in scenario.driver.capabilities
        sent = send_texts(scenario, scenario.device(sender), recipient, keys=keys)
        scenario.wait_until_answered(sent, deadline=deadline.total_seconds())
        left = [one for one in sent if one.outcome is None or one.outcome.code not in UNSENDABLE]
        refused = [one for one in left if not one.taken]
        if refused or not left:
            raise AssertionError(
                f"Expected every text to be taken as a message; {len(refused)} of {len(left)} were not, the first one "
                f"{refused[0].body[:80] if refused else ''!r} with key {refused[0].key if refused else ''!r}: "
                f"{refused[0].outcome if refused else 'none could be sent'}."
            )
        logger.info(f"{len(left)} of {len(sent)} texts were taken")

    @keyword
    def hostile_input_should_be_harmless(self) -> None:
        """Fails if hostile input ended a process, was taken, got no answer, or left something behind.

        The figures `crashes` and `injected` count ended processes and faults in logs, and what was left behind: lines
        that hostile text began in a log, control characters in a log, files, and refused text in the server's data.
        Logs and data can be looked at where the kit launched the server; elsewhere `injected` is not counted.

        Example:

        ```robotframework
        *** Test Cases ***
        Nobody is disturbed by malformed frames
            Connect People    alice and bob
            Try Hostile Input    TEXT    witness=alice    reader=bob
            Hostile Input Should Be Harmless
        ```
        """
        assault = self._running()
        findings = assault.findings()
        crashes = sum(
            one.count for one in findings if one.anomaly in ("hostile-input-crash", "hostile-input-fault")
        )
        current.case.show(crashes=crashes)
        if stage.target().launched:
            current.case.show(
                injected=sum(one.count for one in findings if one.anomaly == "hostile-input-trace")
            )
        else:
            BuiltIn().set_test_message("Logs and data of the server were not at hand.", append=True)
        if findings:
            current.case.findings += [one.plain() for one in findings]
            told = "\n".join(f"- {one.sentence}" for one in findings)
            raise AssertionError(f"Expected {assault.inputs} hostile inputs to do nothing; found:\n{told}")

    def _assault(self, deadline: float) -> Assault:
        """The one of the running scenario."""
        scenario = stage.scenario()
        if self._assaults is None or self._assaults[0] is not scenario:
            self._assaults = scenario, Assault(scenario, stage.target(), deadline=deadline)
        return self._assaults[1]

    def _running(self) -> Assault:
        if (
            self._assaults is None
            or self._assaults[0] is not stage.scenario()
            or not self._assaults[1].reactions
        ):
            raise AssertionError("Nothing was said, so nothing is shown; use `Try Hostile Input` first.")
        return self._assaults[1]
