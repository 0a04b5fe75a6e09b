"""Makes hostile inputs from a table of frames: the same table and seed give the same inputs."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from waybill.drivers.frame_table import TEXTS, Example, Expected, Field, FrameTable, Kind
from waybill.hostile.phrases import BYTES, PHRASES, marker, phrase
from waybill.hostile.sorts import Input, Sort

_REJECTED, _TAKEN, _EITHER = Expected.REJECTED, Expected.TAKEN, Expected.EITHER

DEPTHS: Final = (50, 2_000, 100_000)
COUNTS: Final = (300, 2_000, 100_000)
SAMPLE: Final = 150
"""The most inputs of a sort that has one for each byte; each run has others."""


class Inputs:
    """Makes the inputs of one campaign.

    Args:
        table: The protocol.
        seed: Chooses among inputs that are one for each byte, and makes the markers.
    """

    def __init__(self, table: FrameTable, seed: int) -> None:
        self.table = table
        self.random = random.Random(seed)
        self._seed = seed
        self._numbers = itertools.count(1)

    def before_login(self, most: int = SAMPLE) -> list[Input]:
        """What somebody can say who never logs in."""
        return [
            *self._whole(logged_in=False),
            *self._direction(logged_in=False),
            *self._sampled(self._truncated(logged_in=False), 2 * most),
            *self._sampled(self._typed(logged_in=False), most),
            *self._sampled(self._missing(logged_in=False), most),
            *self._nested(logged_in=False),
            *self._oversize(logged_in=False),
            *self._framing(logged_in=False),
        ]

    def after_login(self, most: int = SAMPLE) -> list[Input]:
        """What somebody can say who did, as far as its form is wrong or unusual."""
        return [
            *self._direction(logged_in=True),
            *self._sampled(self._truncated(logged_in=True), most),
            *self._oversize(logged_in=True),
            *self._split(),
            *self._coalesced(),
            *self._twice(),
            *self._sampled(self._typed(logged_in=True), 3 * most),
            *self._missing(logged_in=True),
            *self._nested(logged_in=True),
            *self._crowded(),
            *self._framing(logged_in=True),
        ]

    def held(self) -> list[Input]:
        """Connections that say too little, or nothing."""
        login = self.table.wrap(self.table.of_client[0].packet)
        return [
            Input(Sort.HELD, "", name, pieces, _REJECTED, logged_in=False, hold=True, last=True)
            for name, pieces in {
                "nothing at all": (),
                "one byte": (login[:1],),
                "half a login": (login[: len(login) // 2],),
                "a login without its last byte": (login[:-1],),
            }.items()
        ]

    def texts(self) -> list[Input]:
        """Text that is something else elsewhere, in every text field of every operation."""
        made = []
        for example in self.table.of_client:
            for one in example.fields:
                if one.kind in TEXTS or one.kind is Kind.LIST:
                    made += list(self._texts(example, one.name))
        return made

    # -- sorts -----------------------------------------------------------------------------------------------

    def _whole(self, *, logged_in: bool) -> Iterator[Input]:
        for example in self._each(self.table.of_client):
            yield self._frame(Sort.WHOLE, example, "in order", example.packet, _REJECTED, logged_in)

    def _direction(self, *, logged_in: bool) -> Iterator[Input]:
        shared = {one.opcode for one in self.table.of_client}
        for example in self._each(self.table.of_server):
            open_to_both = example.opcode in shared or not example.taken
            expected = _EITHER if logged_in and open_to_both else _REJECTED
            yield self._frame(
                Sort.DIRECTION, example, "said by a client", example.packet, expected, logged_in, True
            )

    def _truncated(self, *, logged_in: bool) -> Iterator[Input]:
        for kind in self.table.of_client:
            for cut in range(1, len(kind.packet)):
                example = self._fresh(kind)
                packet = example.packet[:cut]
                expected = _EITHER if example.whole and logged_in else _REJECTED
                yield self._frame(
                    Sort.TRUNCATED, example, f"the first {cut} bytes", packet, expected, logged_in, True
                )

    def _oversize(self, *, logged_in: bool) -> Iterator[Input]:
        bound = self.table.largest
        for kind in self.table.of_client if logged_in else self.table.of_client[:2]:
            for size in (bound + 1,) if logged_in else (bound + 1, 2 * bound):
                example = self._fresh(kind)
                packet = self.table.padded(example, size) if bound else None
                if packet is not None:
                    yield self._frame(
                        Sort.OVERSIZE, example, f"{size} bytes", packet, _REJECTED, logged_in, last=True
                    )
            for name in self._names(kind):
                for factor in (0, 2, 10):
                    example = self._fresh(kind)
                    one = example.field(name)
                    size = factor * one.most or one.most + 1
                    if logged_in and one.most and one.kind in TEXTS:
                        value = self.table.written(example, one, b"x" * size)
                        if len(value) - one.prefix < size:
                            continue
                        packet = self.table.spliced(example, {one.name: value})
                        yield self._frame(
                            Sort.OVERSIZE,
                            example,
                            f"{size} bytes in '{one.name}'",
                            packet,
                            _REJECTED,
                            True,
                            True,
                        )

    def _split(self) -> Iterator[Input]:
        for example in self._goes_on():
            wire = self.table.wrap(example.packet)
            pieces = tuple(wire[n : n + 1] for n in range(len(wire)))
            yield self._made(Sort.SPLIT, example, "byte by byte", pieces)

    def _coalesced(self) -> Iterator[Input]:
        for example, other in itertools.pairwise(self._goes_on()):
            wire = self.table.wrap(example.packet) + self.table.wrap(other.packet)
            yield self._made(Sort.COALESCED, other, f"together with {example.name}", (wire,))

    def _twice(self) -> Iterator[Input]:
        for example in self._goes_on():
            yield self._made(Sort.TWICE, example, "two times", (self.table.wrap(example.packet) * 2,))

    def _typed(self, *, logged_in: bool) -> Iterator[Input]:
        for kind in self.table.of_client:
            for place in self._names(kind):
                for name, value, expected in self.table.wrong(kind, kind.field(place)):
                    example = self._fresh(kind)
                    one = example.field(place)
                    packet = self.table.spliced(example, {one.name: value})
                    what = f"{name} in '{one.name}'"
                    yield self._frame(
                        Sort.TYPED, example, what, packet, self._state(expected, logged_in), logged_in,
                        finish=not self.table.bounded, unnamed=one.kind is Kind.REFERENCE,
                    )  # fmt: skip

    def _missing(self, *, logged_in: bool) -> Iterator[Input]:
        for kind in self.table.of_client:
            for place in self._names(kind):
                example = self._fresh(kind)
                one = example.field(place)
                packet = self.table.without(example, one)
                if packet is not None:
                    expected = _REJECTED if self.table.messages else _EITHER
                    yield self._frame(
                        Sort.MISSING, example, f"without '{one.name}'", packet, self._state(expected, logged_in),
                        logged_in, finish=not self.table.bounded, unnamed=one.kind is Kind.REFERENCE,
                    )  # fmt: skip

    def _nested(self, *, logged_in: bool) -> Iterator[Input]:
        yield from self._grown(Sort.NESTED, DEPTHS, self.table.nested, "deep", logged_in)

    def _crowded(self) -> Iterator[Input]:
        yield from self._grown(Sort.CROWDED, COUNTS, self.table.crowded, "many", logged_in=True)

    def _grown(
        self,
        sort: Sort,
        sizes: Iterable[int],
        grow: Callable[[Example, int], tuple[bytes, Expected] | None],
        word: str,
        logged_in: bool,
    ) -> Iterator[Input]:
        for kind in self.table.of_client:
            for size in sizes:
                example = self._fresh(kind)
                if (grown := grow(example, size)) is not None:
                    packet, expected = grown
                    if example.ends and expected is _TAKEN:
                        expected = _EITHER
                    expected = self._state(expected, logged_in)
                    yield self._frame(
                        sort, example, f"{size} {word}", packet, expected, logged_in, example.ends
                    )

    def _framing(self, *, logged_in: bool) -> Iterator[Input]:
        for one in self.table.framing():
            expected = self._state(one.expected, logged_in)
            yield Input(
                Sort.FRAMING, "", one.name, (one.wire,), expected, logged_in, finish=one.ends,
                last=one.ends or expected is not _TAKEN,
            )  # fmt: skip

    def _texts(self, kind: Example, place: str) -> Iterator[Input]:
        for sort, phrases in PHRASES.items():
            for name in phrases:
                example, mark = self._fresh(kind), self._marker()
                one, text = example.field(place), phrase(sort, name, mark)
                expected = self.table.expects(example, one, text)
                yield self._said(sort, example, one, name, text.encode(), expected, mark)
        for name, value in BYTES.items():
            example, mark = self._fresh(kind), self._marker()
            one, data = example.field(place), mark.encode() + value
            expected = self.table.of_bytes(example, one)
            yield self._said(Sort.ENCODING, example, one, name, data, expected, mark)

    # -- parts -----------------------------------------------------------------------------------------------

    def _said(
        self,
        sort: Sort,
        example: Example,
        one: Field,
        name: str,
        value: bytes,
        expected: Expected,
        mark: str,
    ) -> Input:
        packet = self.table.spliced(example, {one.name: self.table.written(example, one, value)})
        login = example.name == self.table.of_client[0].name
        shown = packet.replace(self.table.cast.token.encode(), b"<secret>")
        return Input(
            sort, example.name, f"{name} in '{one.name}'", (self.table.wrap(packet),), expected,
            logged_in=not login, reference=example.reference, answered=example.answered,
            finish=example.whole and not login, last=login or example.whole, packet=shown, marker=mark,
        )  # fmt: skip

    def _frame(
        self,
        sort: Sort,
        example: Example,
        what: str,
        packet: bytes,
        expected: Expected,
        logged_in: bool,
        last: bool = False,
        finish: bool = False,
        unnamed: bool = False,
    ) -> Input:
        """An input that is one packet; `unnamed` if its answer cannot carry its reference."""
        cut = sort is Sort.TRUNCATED and not self.table.messages
        finish = cut or finish or (sort is Sort.DIRECTION and not self.table.bounded)
        finish = finish or (example.whole and logged_in)
        return Input(
            sort, example.name, what, (self.table.wrap(packet),), expected, logged_in, finish=finish,
            last=last or finish or not logged_in or example.ends, answered=example.answered and not unnamed,
            reference=example.reference, packet=packet,
        )  # fmt: skip

    @staticmethod
    def _made(sort: Sort, example: Example, what: str, pieces: tuple[bytes, ...]) -> Input:
        return Input(
            sort, example.name, what, pieces, _TAKEN, logged_in=True, reference=example.reference,
            answered=example.answered, packet=example.packet,
        )  # fmt: skip

    def _marker(self) -> str:
        return marker(next(self._numbers), self._seed)

    def _fresh(self, example: Example) -> Example:
        return self.table.renumbered(example, next(self._numbers))

    def _each(self, examples: Iterable[Example]) -> Iterator[Example]:
        return map(self._fresh, examples)

    @staticmethod
    def _names(example: Example) -> list[str]:
        return [one.name for one in example.fields]

    def _goes_on(self) -> list[Example]:
        """What is taken and leaves the session open."""
        return [
            self._fresh(one) for one in self.table.of_client if one.taken and not one.ends and not one.whole
        ]

    @staticmethod
    def _state(expected: Expected, logged_in: bool) -> Expected:
        return expected if logged_in else _REJECTED

    def _sampled(self, inputs: Iterator[Input], most: int) -> list[Input]:
        """So many of them, in their order; of each operation the first and the last one at least."""
        every = list(inputs)
        if len(every) <= most:
            return every
        ends = {0, len(every) - 1} | {
            place for place in range(1, len(every)) if every[place].operation != every[place - 1].operation
        }
        others = [place for place in range(len(every)) if place not in ends]
        chosen = ends | set(self.random.sample(others, max(0, most - len(ends))))
        return [every[place] for place in sorted(chosen)]
