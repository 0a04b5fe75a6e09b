"""One who takes part in the exchanges: a raw connection, and what came on it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from waybill.drivers.base import ACCEPTED, Login
from waybill.drivers.echo import Echo, Exchange, Return, Told, Voice
from waybill.drivers.frame_table import Broken, RawConnection, Saying
from waybill.history.events import Completion, End, Mode, Operation

if TYPE_CHECKING:
    from waybill.devices.names import Names
    from waybill.history.recorder import Recorder


class Missing(Exception):
    """What had to come did not: the connection ended, or nothing came in time."""


class Party:
    """A connection whose traffic is recorded as a session of a device.

    Args:
        voice: Who it is.
        echo: The protocol.
        login: As whom to log in.
        recorder: The history.
        names: The names in it.
        device: The device's name in it.
        deadline: Seconds that the server has for each answer.

    Attributes:
        told: Frames of the server that nobody has claimed yet.
        heard: Told of every frame of the server.
    """

    def __init__(
        self, voice: Voice, echo: Echo, login: Login, recorder: Recorder, names: Names, device: str, deadline: float
    ) -> None:  # fmt: skip
        self.voice = voice
        self.told: list[Told] = []
        self.heard: Callable[[Told], None] = lambda told: None
        self._echo = echo
        self._login = login
        self._recorder = recorder
        self._names = names
        self._device = device
        self._deadline = deadline
        self._connection: RawConnection | None = None
        self._session = -1
        self._open = -1
        self._open_kind: Operation | None = None
        self._unanswered: list[int] = []

    @property
    def connection(self) -> RawConnection:
        """Its connection, made when it is needed."""
        if self._connection is None:
            made = self._echo.table.open(self._login)
            made.tap = self._take
            self._connection = made
            self._session = self._recorder.session(self._device, protocol=self._echo.table.protocol)
        return self._connection

    def log_in(self) -> None:
        """Logs in as the driver does.

        Raises:
            Broken: The server did not let it in.
        """
        connection = self.connection
        connection.log_in()
        self.logged_in()

    def logged_in(self) -> None:
        """Records that the login succeeded."""
        self._recorder.ok(self._recorder.invoke(self._session, Operation.LOGIN))

    def began(self, exchange: Exchange, conversation: str) -> None:
        """Records what is about to be said."""
        self._open, self._open_kind = -1, exchange.operation
        if exchange.operation is Operation.SEND:
            sends = [(exchange.key, exchange.body), *exchange.also]
            numbers = [self._recorder.send(self._session, conversation, *one) for one in sends]
            if exchange.answered:
                (self._open,) = numbers
            self._unanswered = [] if exchange.answered else numbers
        elif exchange.operation is not None:
            named = conversation if exchange.operation is Operation.READ else ""
            self._open = self._recorder.invoke(
                self._session, exchange.operation, conversation=named, value=exchange.value
            )

    def wrote(self) -> None:
        """Records that what was said left whole, which is all that is ever known of some sends."""
        self._give_up(ACCEPTED)

    def _give_up(self, code: str) -> None:
        for operation in self._unanswered:
            self._recorder.info(operation, code)
        self._unanswered = []

    def gave_up(self, code: str) -> None:
        """Records that nobody knows what became of what was said last."""
        self._give_up(code)
        if self._open >= 0:
            self._recorder.info(self._open, code)
            self._open = -1

    def quiet(self) -> bool:
        """Whether nothing waits to be read but signs of life; what does is kept.

        Raises:
            Missing: The connection ended.
        """
        before = len(self.told)
        while self.connection.stream.arrived and len(self.told) == before:
            self._hear()
        return len(self.told) == before

    def pass_by(self) -> None:
        """Asks a question and waits for its answer, so that the server has read what others said before.

        Raises:
            Missing: The connection ended, or no answer came.
        """
        try:
            self.connection.stream.expect(self._deadline)
            self.connection.write(self.connection.sentinel())
        except Broken as broken:
            raise Missing(str(broken)) from None
        while self._hear() is not Saying.SENTINEL:
            pass

    def wait_for(self, wanted: Return) -> Told:
        """The first unclaimed frame of this operation that says this, waited for.

        A frame of the operation that says something else is what is given if no better one comes.

        Raises:
            Missing: None came.
        """
        until = time.monotonic() + self._deadline
        while True:
            for told in self.told:
                if wanted.is_met(told):
                    self.told.remove(told)
                    return told
            instead = [one for one in self.told if one.opcode in (wanted.opcode, "?", *self._echo.refusals)]
            if instead:
                raise Missing(f"instead came {instead[0].opcode} {_short(dict(instead[0].members))}")
            if time.monotonic() > until:
                raise Missing("nothing came in time")
            self._hear()

    def is_refused(self) -> bool:
        """Whether what was said last is refused, or ends the connection, before anything that was asked later is
        answered."""
        connection = self.connection
        try:
            connection.write(connection.sentinel())
            while True:
                match self._hear():
                    case Saying.REFUSAL | Saying.FAREWELL:
                        return True
                    case Saying.ANSWER | Saying.SENTINEL:
                        return False
        except Missing as missing:
            return "in time" not in str(missing)
        except Broken:
            return True

    def ended(self) -> bool:
        """Whether the server ends the connection."""
        try:
            while True:
                self._hear()
        except Missing as missing:
            return "in time" not in str(missing)

    def leave(self) -> None:
        """Says that no more will come."""
        with contextlib.suppress(Broken):
            self.connection.finish()

    def close(self, end: End = End.CLOSED) -> None:
        """Ends the connection; the next use makes another one."""
        if self._connection is not None:
            self.gave_up("connection-cut")
            self._connection.close()
            self._connection = None
            self._recorder.end(self._session, end)

    def _hear(self) -> Saying:
        connection = self.connection
        connection.stream.expect(self._deadline)
        try:
            return connection.hear().saying
        except Broken as broken:
            why = "nothing came in time" if broken.code == "timeout" else f"the connection ended ({broken})"
            raise Missing(why) from None

    def _take(self, packet: bytes) -> None:
        told = self._echo.read(packet)
        if self._echo.passes_by(told, self._login.credential.user):
            return
        self.told.append(told)
        self.heard(told)
        page = self._open if told.deliveries and told.deliveries[0].mode is Mode.PAGE else -1
        for one in told.deliveries:
            number = self._recorder.deliver(
                self._session, self._names.conversation(one.conversation), self._names.user(one.sender), one.body,
                key=one.key, id=one.id, sequence=one.sequence, cursor=one.cursor, mode=one.mode, read=page,
                time_ms=one.time_ms,
            )  # fmt: skip
            if told.confirmed:
                self._recorder.info(
                    self._recorder.invoke_acknowledge(self._session, delivery=number), "unconfirmed"
                )
        if told.outcome is not None and self._open >= 0:
            self._complete(told)

    def _complete(self, told: Told) -> None:
        outcome, operation, self._open = told.outcome, self._open, -1
        assert outcome is not None
        if outcome.completion is Completion.FAIL:
            self._recorder.fail(operation, outcome.code)
        elif outcome.completion is Completion.INFO:
            self._recorder.info(operation, outcome.code)
        else:
            value = outcome.sequence if self._open_kind is Operation.READ else outcome.cursor
            send = self._open_kind is Operation.SEND
            self._recorder.ok(
                operation, id=outcome.id, sequence=outcome.sequence if send else -1,
                value=-1 if send else value, key=outcome.key, complete=outcome.complete,
            )  # fmt: skip


def _short(members: object) -> str:
    """What a frame says, if it is not too much."""
    shown = repr(members)
    return shown if len(shown) < 300 else f"{shown[:150]} ... {shown[-120:]}"
