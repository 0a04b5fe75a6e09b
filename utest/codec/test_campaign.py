"""Exchanges with a server of a few lines: a good one passes, and each sort of bad one is found out as what it is."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from waybill.codec.campaign import CHANGED, PREFIX, SPELLED, TRAILING, UNASKED, Campaign, Found
from waybill.codec.party import Missing
from waybill.codec.values import SeededValues
from waybill.drivers.echo import Echo, Exchange, Return, Script, Told, Values, Voice, within
from waybill.drivers.frame_table import Broken, Example, Side


@dataclass
class Server:
    """Gives back what it is told; `bad` names what is wrong with it."""

    bad: str = ""
    partial: bytes = b""
    parties: dict[Voice, Any] = field(default_factory=dict)

    def take(self, voice: Voice, wire: bytes) -> None:
        self.partial += wire
        if self.bad == "early":
            self.answer(voice, b"echo")
        if self.bad == "early to others" and voice is Voice.ONE:
            self.tell(Voice.OTHER, Told("echo", {}))
        if self.bad == "closes":
            raise Broken("the server closed the connection")
        if self.partial.endswith(b"."):
            text, self.partial = self.partial[:-1], b""
            self.answer(voice, text)

    def answer(self, voice: Voice, text: bytes) -> None:
        if self.bad == "silent":
            return
        told = Told("echo", {"text": text.upper() if self.bad == "upper" else text})
        self.tell(voice, Told("?", {}, "no frame") if self.bad == "misspelled" else told)
        if self.bad == "chatty":
            self.tell(Voice.OTHER, Told("gossip", {}))

    def tell(self, voice: Voice, told: Told) -> None:
        self.parties[voice].told.append(told)
        self.parties[voice].heard(told)


class Stub:
    """A party without a connection."""

    def __init__(self, voice: Voice, server: Server) -> None:
        self.voice, self.server = voice, server
        self.told: list[Told] = []
        self.log: Counter[str] = Counter()
        self.connection = self
        self.stream = self
        server.parties[voice] = self

    def heard(self, told: Told) -> None:
        raise NotImplementedError

    def expect(self, seconds: float) -> None:
        pass

    def write(self, data: bytes) -> None:
        self.server.take(self.voice, data)

    def log_in(self) -> None:
        self.log["logins"] += 1

    def logged_in(self) -> None:
        self.log["logged in"] += 1

    def began(self, exchange: Exchange, conversation: str) -> None:
        self.log["began"] += 1

    def gave_up(self, code: str) -> None:
        self.log[f"gave up: {code}"] += 1

    def wrote(self) -> None:
        self.log["wrote"] += 1

    def leave(self) -> None:
        self.log["left"] += 1

    def quiet(self) -> bool:
        return not self.told

    def pass_by(self) -> None:
        pass

    def is_refused(self) -> bool:
        return self.server.bad != "takes all"

    def ended(self) -> bool:
        return self.server.bad != "stays"

    def close(self) -> None:
        self.log["closed"] += 1

    def wait_for(self, wanted: Return) -> Told:
        for told in self.told:
            if wanted.is_met(told):
                self.told.remove(told)
                return told
        raise Missing(f"instead came {self.told}" if self.told else "nothing came in time")


class Table:
    """Two operations."""

    examples = (Example("say", "say", Side.CLIENT, b"x."), Example("echo", "echo", Side.SERVER, b"x"))

    def wrap(self, packet: bytes) -> bytes:
        return packet


class Saying(Echo):
    """Says one word after the other."""

    login = "hello"
    refusals = frozenset({"refused"})

    def __init__(self) -> None:
        table: Any = Table()
        self.table = table

    def script(self, values: Values) -> Script:
        word = values.name().replace(".", "").encode()
        yield Exchange(Voice.ONE, "say", word + b".", (Return(Voice.ONE, "echo", {"text": word}),))
        yield Exchange(
            Voice.GUEST, "say", b"bye.", (Return(Voice.GUEST, "echo", {"text": b"bye"}),), ends=True
        )

    def read(self, packet: bytes) -> Told:
        raise NotImplementedError

    def passes_by(self, told: Told, user: str) -> bool:
        raise NotImplementedError

    def trailing(self, values: Values) -> Iterator[Exchange]:
        for more in (b"!", b"?"):
            yield Exchange(Voice.ONE, "say", b"word." + more)


def campaign(bad: str = "") -> Campaign:
    server = Server(bad)
    parties: Any = {voice: Stub(voice, server) for voice in Voice}
    return Campaign(Saying(), SeededValues(random.Random(7)), parties, "alice+bob")


def test_a_good_server_gives_everything_back() -> None:
    good = campaign()
    good.talk(30)
    good.append()
    good.found.require_none()
    assert good.found.examples == {(Side.CLIENT, "say"): 60, (Side.SERVER, "echo"): 60}
    assert good.found.least(good.echo) == (2, 2, 60)
    assert (good.found.prefixes, good.found.trailing) == (60, 2)


@pytest.mark.parametrize(
    ("bad", "anomaly", "words"),
    [
        ("upper", CHANGED, "instead came"),
        ("silent", CHANGED, "nothing came in time"),
        ("stays", CHANGED, "the connection stayed open"),
        ("early", PREFIX, "bytes were answered with echo"),
        ("early to others", PREFIX, "bytes were answered with echo"),
        ("closes", PREFIX, "the server closed the connection before say"),
        ("misspelled", SPELLED, "no frame"),
        ("chatty", UNASKED, "gossip"),
    ],
)
def test_a_bad_server_is_found_out(bad: str, anomaly: str, words: str) -> None:
    found = campaign(bad)
    found.talk(30)
    assert anomaly in found.found.faults
    with pytest.raises(AssertionError, match=words):
        found.found.require_none()


def test_a_server_that_does_what_has_more_behind_it_is_found_out() -> None:
    lax = campaign("takes all")
    lax.append()
    assert lax.found.trailing == 0
    with pytest.raises(AssertionError, match=TRAILING):
        lax.found.require_none()


def test_an_operation_that_never_occurred_has_no_examples() -> None:
    found = Found(Counter({(Side.CLIENT, "say"): 7}))
    assert found.least(Saying()) == (1, 2, 0)
    assert found.missing(Saying()) == ["echo of the server"]


@pytest.mark.parametrize(
    ("part", "whole", "inside"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": 1}, {"a": 1.0}, False),
        ({"a": 1}, {}, False),
        ([1, 2], [1, 2], True),
        ([1], [1, 2], False),
        ({"a": [{"b": None}]}, {"a": [{"b": None, "c": 1}]}, True),
        ({"a": "é"}, {"a": "e\u0301"}, False),
    ],
)
def test_within(part: Any, whole: Any, inside: bool) -> None:
    assert within(part, whole) is inside
