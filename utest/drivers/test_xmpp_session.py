"""A session over a stream that a test writes: what happens between reading and writing."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from types import SimpleNamespace
from typing import cast
from xml.etree.ElementTree import Element, fromstring

from tape import Tape

from waybill.drivers import xmpp_stanzas as stanzas
from waybill.drivers.base import Outcome, Welcome
from waybill.drivers.byte_stream import Broken
from waybill.drivers.xmpp_session import XmppSession
from waybill.drivers.xmpp_stanzas import Names
from waybill.drivers.xmpp_stream import XmppStream
from waybill.history.events import Completion, End

MESSAGE = (
    f"<message xmlns='{stanzas.CLIENT}' from='alice@localhost/phone' type='chat'><body>one</body></message>"
)


class Bytes:
    """A connection that keeps what is written; a closed one takes nothing."""

    def __init__(self) -> None:
        self.writing = threading.RLock()
        self.blocking: Callable[[], bool] = bool
        self.written: list[bytes] = []
        self.tries = 0
        self.closed = self.broken = self.handed = self.cutting = False
        self.writable = True
        self.first: Callable[[], None] = int  # type: ignore[assignment]

    def established(self) -> None:
        """The login is over, and the reader has not begun."""
        self.first()

    def write(self, data: bytes, deadline: float | None = None) -> None:
        """Takes it, unless the connection is closed."""
        self.tries += 1
        if self.tries > 100:
            raise AssertionError("it is written again and again")
        if self.closed:
            self.broken = True
            raise Broken("the connection broke")
        self.written.append(data)

    def abort(self, *, reset: bool) -> None:
        """Nobody is at the other end."""

    def close(self) -> None:
        """Nothing is to be closed."""


class Reader:
    """Elements that come one after the other; before each the session may write. Then the connection is over."""

    def __init__(self, bytes_: Bytes, elements: Sequence[str | Callable[[], None]]) -> None:
        self._bytes = bytes_
        self._elements = deque(elements)

    def read(self) -> Element:
        """The next one.

        Raises:
            Broken: There is none.
        """
        while True:
            self._bytes.blocking()
            if not self._elements:
                raise Broken("the connection was reset")
            element = self._elements.popleft()
            if isinstance(element, str):
                return fromstring(element)
            element()


class Acknowledging(Tape):
    """Acknowledges whatever it is given as soon as it may."""

    session: XmppSession

    def idle(self) -> None:
        """Acknowledges what came."""
        super().idle()
        for number, delivery in enumerate(self.deliveries, 1):
            if number not in self.asked:
                self.asked.add(number)
                self.session.acknowledge(number, delivery)

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[int] = set()


def run(
    bytes_: Bytes,
    elements: Sequence[str | Callable[[], None]],
    early: Sequence[str] = (),
    first: Callable[[XmppSession], None] | None = None,
) -> Acknowledging:
    """A session from its start to its end; what is to be done first is done before it reads."""
    tape = Acknowledging()
    stream = SimpleNamespace(
        bytes=bytes_,
        names=Names("bob", "localhost"),
        managed=True,
        early=[fromstring(one) for one in early],
        told=0,
        address="bob@localhost/phone",
        nobody=False,
        reader=Reader(bytes_, elements),
    )
    tape.session = XmppSession(cast("XmppStream", stream), tape, Welcome(version=1))
    if first is not None:
        bytes_.first = partial(first, tape.session)
    tape.session.start(greeted=0)
    tape.wait_end()
    return tape


def test_a_connection_that_takes_nothing_any_more_is_read_to_its_end() -> None:
    bytes_ = Bytes()

    def close() -> None:
        bytes_.closed = True

    tape = run(bytes_, [close, MESSAGE])

    assert bytes_.tries == 1, "what cannot be written is not written again"
    assert tape.end is End.LOST
    assert tape.outcomes == {1: Outcome(Completion.FAIL, "not-sent", "no byte of it left the client")}


def test_the_answer_to_a_question_of_the_login_is_none_to_a_later_one() -> None:
    bytes_ = Bytes()
    answers = [f"<a xmlns='{stanzas.SM}' h='{count}'/>" for count in (0, 1, 1)]

    tape = run(
        bytes_,
        [*answers[1:]],
        early=answers[:1],
        first=lambda one: one.send(9, "direct/alice/bob", "k", b"hi"),
    )

    assert stanzas.request() not in bytes_.written[0], "the login's question has no answer yet"
    assert bytes_.written[1:] == [stanzas.request()] * 2
    assert tape.outcomes == {9: Outcome(Completion.OK)}
