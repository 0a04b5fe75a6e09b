"""Says many hostile inputs, on several connections at a time, each in the state that it asks for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from waybill.drivers.base import Login, LoginRefused
from waybill.drivers.frame_table import Broken, FrameTable, RawConnection, Saying
from waybill.hostile.reaction import Became, Reaction, react
from waybill.hostile.sorts import Input

BATCH: Final = 120
"""Inputs between two looks at whether everybody else is still served."""
GIVE_UP: Final = 3
"""Inputs that the server leaves without an answer, or cannot be given, after which the rest is not tried: each costs a
whole deadline, and these are enough to judge by."""


class Campaign:
    """Several raw connections that share out inputs.

    Args:
        table: The protocol.
        logins: As whom to log in, one for each connection that is open at a time.
        deadline: Seconds that the server has for each input.
        login_bound: Seconds after which the server ends a connection without a login, for those that are held open.
    """

    def __init__(
        self, table: FrameTable, logins: Sequence[Login], deadline: float, login_bound: float = 0.0
    ) -> None:
        self._table = table
        self._logins = list(logins)
        self._deadline = deadline
        self._login_bound = login_bound
        self._unanswered = 0

    def check(self) -> None:
        """Logs in genuinely on each connection and gets an answer: without that no refusal shows anything.

        Raises:
            Broken: The server did not let somebody in, or did not answer.
            LoginRefused: The same, before anything was said.
        """
        for way in range(len(self._logins)):
            connection = self._open(way, logged_in=True)
            try:
                connection.write(connection.sentinel())
                while connection.hear().saying is not Saying.SENTINEL:
                    pass
            finally:
                connection.close()

    def run(self, inputs: Sequence[Input], between: Callable[[], None]) -> list[Reaction]:
        """Says them all; returns what became of each, in the order of the inputs.

        Args:
            inputs: What to say.
            between: Called after every batch; what it raises ends the campaign.
        """
        reactions: list[Reaction] = []
        held = [one for one in inputs if one.hold]
        with ThreadPoolExecutor(len(self._logins) + len(held)) as pool:
            waiting = [pool.submit(self._alone, one) for one in held]
            rest = [one for one in inputs if not one.hold]
            ways = len(self._logins)
            for start in range(0, len(rest), BATCH):
                batch = rest[start : start + BATCH]
                shares = [batch[way::ways] for way in range(ways)]
                reactions += [one for done in pool.map(self._share, range(ways), shares) for one in done]
                between()
                if self._unanswered >= GIVE_UP:
                    break
            reactions += [one.result() for one in waiting]
        places = {id(one): place for place, one in enumerate(inputs)}
        return sorted(reactions, key=lambda one: places[id(one.input)])

    def _share(self, way: int, inputs: Sequence[Input]) -> list[Reaction]:
        """Says inputs one after the other; a session that is still good is used for the next one."""
        connection: RawConnection | None = None
        reactions = []
        try:
            for one in inputs:
                if self._unanswered >= GIVE_UP:
                    break
                if connection is not None and not one.logged_in:
                    connection.close()
                    connection = None
                try:
                    connection = connection or self._open(way, logged_in=one.logged_in)
                except (Broken, LoginRefused) as error:
                    self._unanswered += 1
                    reactions.append(Reaction(one, Became.UNREACHABLE, text=str(error), over=True))
                    continue
                reaction = react(connection, one, self._deadline)
                reactions.append(reaction)
                self._unanswered += reaction.became is Became.SILENT
                if reaction.over or reaction.became in (Became.ENDED, Became.SILENT):
                    connection.close()
                    connection = None
        finally:
            if connection is not None:
                connection.close()
        return reactions

    def _alone(self, one: Input) -> Reaction:
        """Holds a connection open that says too little."""
        try:
            connection = self._open(0, logged_in=False)
        except (Broken, LoginRefused) as error:
            return Reaction(one, Became.UNREACHABLE, text=str(error), over=True)
        try:
            return react(connection, one, self._login_bound + self._deadline)
        finally:
            connection.close()

    def _open(self, way: int, *, logged_in: bool) -> RawConnection:
        login = dataclasses.replace(self._logins[way], deadline=max(10.0, self._deadline))
        connection = self._table.open(login)
        if logged_in:
            try:
                connection.log_in()
            except BaseException:
                connection.close()
                raise
        return connection
