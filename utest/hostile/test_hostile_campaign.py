"""A campaign: who says what on which connection, and when it gives up."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from waybill.drivers.base import Credential, Endpoint, Login
from waybill.drivers.byte_stream import Broken
from waybill.drivers.frame_table import Expected, Heard, RawConnection, Saying
from waybill.hostile.campaign import BATCH, GIVE_UP, Campaign
from waybill.hostile.reaction import Became
from waybill.hostile.sorts import Input, Sort

ENDED = Broken("the server closed the connection")
SILENCE = Broken("no answer in time", code="timeout")


class Stream:
    patience = 1.0

    def expect(self, seconds: float) -> None:
        self.patience = seconds


class Connection(RawConnection):
    """Answers each input as its first byte asks for."""

    def __init__(self) -> None:
        self.stream = Stream()  # type: ignore[assignment]
        self.logged_in = self.closed = False
        self.said: list[bytes] = []

    def log_in(self) -> None:
        self.logged_in = True

    def write(self, *pieces: bytes) -> None:
        self.said += pieces

    def sentinel(self) -> bytes:
        return b"?"

    def hear(self) -> Heard:
        asked = self.said[-2] if len(self.said) > 1 else b""
        if asked.startswith(b"end"):
            raise ENDED
        if asked.startswith(b"silence"):
            raise SILENCE
        return Heard(Saying.SENTINEL)

    def close(self) -> None:
        self.closed = True


class Table:
    def __init__(self, refuse: bool = False) -> None:
        self.opened: list[Connection] = []
        self._refuse = refuse

    def open(self, login: Login) -> RawConnection:
        del login
        if self._refuse:
            raise Broken("unreachable", code="unreachable")
        self.opened.append(Connection())
        return self.opened[-1]


def campaign(table: Table, ways: int = 2) -> Campaign:
    login = Login(Endpoint("tcp://127.0.0.1:9"), Credential("alice"), "hostile")
    return Campaign(table, [login] * ways, 1.0)  # type: ignore[arg-type]


def inputs(*said: str, logged_in: bool = True) -> list[Input]:
    return [
        Input(Sort.TYPED, "", text, (text.encode(),), Expected.EITHER, logged_in=logged_in) for text in said
    ]


@pytest.fixture
def between() -> tuple[list[int], Callable[[], None]]:
    calls: list[int] = []
    return calls, lambda: calls.append(1)


def test_a_session_that_is_still_good_is_used_again() -> None:
    table = Table()
    reactions = campaign(table, 1).run(inputs("a", "b", "c"), lambda: None)
    assert [one.became for one in reactions] == [Became.TAKEN] * 3
    assert len(table.opened) == 1
    assert table.opened[0].logged_in
    assert table.opened[0].closed


def test_what_ended_a_connection_gets_the_next_one_a_new_one() -> None:
    table = Table()
    reactions = campaign(table, 1).run(inputs("end", "a"), lambda: None)
    assert [one.became for one in reactions] == [Became.ENDED, Became.TAKEN]
    assert len(table.opened) == 2


def test_what_is_said_before_the_login_has_a_connection_of_its_own() -> None:
    table = Table()
    campaign(table, 1).run(inputs("end", "end", logged_in=False), lambda: None)
    assert [one.logged_in for one in table.opened] == [False, False]


def test_reactions_come_in_the_order_of_the_inputs() -> None:
    said = [f"text {number}" for number in range(50)]
    reactions = campaign(Table(), 6).run(inputs(*said), lambda: None)
    assert [one.input.what for one in reactions] == said


def test_everybody_else_is_looked_after_between_batches(
    between: tuple[list[int], Callable[[], None]],
) -> None:
    calls, look = between
    campaign(Table()).run(inputs(*["a"] * (2 * BATCH + 1)), look)
    assert len(calls) == 3


def test_silence_ends_it_soon() -> None:
    reactions = campaign(Table(), 1).run(inputs(*["silence"] * 50), lambda: None)
    assert [one.became for one in reactions] == [Became.SILENT] * GIVE_UP


def test_a_server_that_cannot_be_reached_ends_it_soon() -> None:
    reactions = campaign(Table(refuse=True), 1).run(inputs(*["a"] * 50), lambda: None)
    assert [one.became for one in reactions] == [Became.UNREACHABLE] * GIVE_UP


def test_the_genuine_login_is_tried_on_every_way() -> None:
    table = Table()
    campaign(table, 3).check()
    assert [one.logged_in for one in table.opened] == [True] * 3
    with pytest.raises(Broken):
        campaign(Table(refuse=True)).check()
