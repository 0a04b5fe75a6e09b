"""Frames of an earlier connection, said again on a new one: the bytes of a session as somebody has them who listened.

What a device said may come again by itself: a retry looks exactly like that. So a server may answer a send that is said
again by its own user, with the answer that it gave before; it may not take it once more. From anybody else, and before
a login, it must be refused. What it changed all the same is for the check of the history to find.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from waybill.devices.replaying import tapped
from waybill.devices.waiting import DeadlinePassed
from waybill.drivers.base import Capability, Login
from waybill.drivers.byte_stream import Broken
from waybill.drivers.frame_table import Cast, FrameTable, Heard, RawConnection, Saying
from waybill.tokens.attack import NotTried

if TYPE_CHECKING:
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario

REPLAY: Final = "replay"
"""The name of the fault in the history."""
SHOWN: Final = 3
_TELLING: Final = frozenset({Saying.ANSWER, Saying.REFUSAL, Saying.FAREWELL})


class By(Enum):
    """On whose connection a frame is said again."""

    ITS_DEVICE = "its-device"
    """The device that said it, logged in anew."""
    ANOTHER_DEVICE = "another-device"
    """Another device of its user."""
    A_STRANGER = "a-stranger"
    """Somebody who is in no conversation with its user."""
    NOBODY = "nobody"
    """Before any login."""


def say_again(
    scenario: Scenario, victim: Device, by: By, moment: str, *, stranger: str, deadline: float
) -> int:
    """Says everything again that a device said on the sessions on which somebody listened; returns how many frames.

    Args:
        scenario: The scenario; each frame is a fault in its history.
        victim: The device; it has no session now.
        by: On whose connection.
        moment: When this happens, in words.
        stranger: A person of the scenario who has no conversations.
        deadline: Seconds for the server to react to each frame.

    Raises:
        AssertionError: The server answered a frame as if it were in order, that is not.
        DeadlinePassed: The server did nothing that shows that it read a frame.
        NotTried: The driver keeps nothing of what is said.
        RuntimeError: Nobody listened, or the device has a session.
    """
    frames = [frame for one in tapped(scenario, victim).logins for frame in one.frames]
    if Capability.OVERHEARING not in scenario.driver.capabilities:
        raise NotTried(f"the driver {scenario.driver.name} cannot say again what was overheard")
    if victim.connected:
        raise RuntimeError(
            f"{victim.name} is {victim.state}; close it first, since its frames are said in its place."
        )
    login = _login(scenario, victim, by, stranger, deadline)
    table = scenario.driver.frame_table(Cast(login.credential.user, victim.account.user, login.device))
    if table is None:
        raise NotTried(f"the driver {scenario.driver.name} has no table of its protocol's frames")
    taken = _Sayer(scenario, table, login, victim, by, moment).say(frames)
    if taken:
        raise AssertionError(
            f"Expected every frame of {victim.name} to be refused when {by.value} says it again {moment}; "
            f"{len(taken)} of {len(frames)} were answered as if they were in order: {', '.join(taken[:SHOWN])}."
        )
    return len(frames)


def _login(scenario: Scenario, victim: Device, by: By, stranger: str, deadline: float) -> Login:
    account = scenario.user(stranger, ()).account if by is By.A_STRANGER else victim.account
    name = victim.device if by in (By.ITS_DEVICE, By.NOBODY) else f"{victim.device}-2"
    endpoint = scenario.target.endpoint(victim.node)
    return Login(endpoint, scenario.target.credential(account, name), name, deadline=deadline)


class _Sayer:
    """Says frames on connections of its own, and puts down what became of each."""

    def __init__(
        self, scenario: Scenario, table: FrameTable, login: Login, victim: Device, by: By, moment: str
    ) -> None:
        self._recorder = scenario.recorder
        self._table = table
        self._login = login
        self._victim = victim.name
        self._by = by
        self._moment = moment
        self._connection: RawConnection | None = None

    def say(self, frames: list[bytes]) -> list[str]:
        """Says all of it; returns what was answered as in order and must not be."""
        taken = []
        try:
            for number, frame in enumerate(frames, start=1):
                fault = self._recorder.fault_start(
                    REPLAY, self._victim, by=self._by.value, moment=self._moment, frame=number
                )
                answer = self._say(frame)
                self._recorder.fault_observed(
                    fault, f"the server said: {answer.saying.value} {answer.code}".strip()
                )
                self._recorder.fault_end(fault)
                if answer.saying is Saying.ANSWER and self._by in (By.A_STRANGER, By.NOBODY):
                    taken.append(f"frame {number} ({answer.code})")
        finally:
            self._close()
        return taken

    def _say(self, frame: bytes) -> Heard:
        """Says one frame and returns the answer to it; on a connection that ended, a new one is made for the next."""
        connection = self._connection or self._open()
        answer = Heard(Saying.OTHER, "nothing")
        try:
            connection.stream.expect(self._login.deadline)
            # Before a login the sentinel is refused itself, which shows as well that what came before it was read.
            connection.write(frame, connection.sentinel())
            while True:
                heard = connection.hear()
                if heard.saying is Saying.SENTINEL:
                    return Heard(Saying.ANSWER, "presence") if self._by is By.NOBODY else answer
                if heard.saying in _TELLING and answer.saying is not Saying.ANSWER:
                    answer = heard
                if heard.saying is Saying.FAREWELL:
                    self._close()
                    return answer
        except Broken as broken:
            self._close()
            if broken.code == "timeout":
                raise DeadlinePassed(
                    f"Nothing shows that the server read a frame of {self._victim} that {self._by.value} said again "
                    f"{self._moment}: neither an answer nor the end of the connection within "
                    f"{self._login.deadline:g} s."
                ) from None
            return Heard(Saying.FAREWELL, broken.code)

    def _open(self) -> RawConnection:
        connection = self._connection = self._table.open(self._login)
        if self._by is not By.NOBODY:
            connection.log_in()
        return connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
