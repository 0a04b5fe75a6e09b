"""Numbers and strings while a file is read: every string is kept once, and large tables only as they were written."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

import msgspec

_STRINGS = msgspec.json.Decoder(list[str])


class Names:
    """The strings of one table by their numbers.

    A table line of the file is kept as its bytes until one of its strings is asked for: a history of millions of
    messages has millions of ids and keys, of which a report names twenty.
    """

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._batches: list[list[str] | bytes] = []
        self._count = 0
        self._numbers: dict[str, int] | None = {}
        self._numbered = 0

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number: int) -> str:
        if not 0 <= number < self._count:
            return ""
        batch = bisect_right(self._firsts, number) - 1
        return self._strings(batch)[number - self._firsts[batch]]

    def __iter__(self) -> Iterator[str]:
        for batch in range(len(self._batches)):
            yield from self._strings(batch)

    def add_raw(self, raw: bytes, count: int) -> None:
        """Adds a JSON array of strings without looking into it."""
        self._firsts.append(self._count)
        self._batches.append(raw)
        self._count += count

    def add(self, name: str) -> int:
        """Adds one string whatever it is; returns its number."""
        number = self._count
        last = self._batches[-1] if self._batches else None
        if isinstance(last, list) and len(last) < 4096:
            last.append(name)
        else:
            self._firsts.append(number)
            self._batches.append([name])
        self._count += 1
        return number

    def number(self, name: str) -> int:
        """The number of a string, a new one if it has none; the empty string has -1."""
        if not name:
            return -1
        found = self.find(name)
        if found < 0:
            found = self.add(name)
            self._index()[name] = found
            self._numbered = self._count
        return found

    def find(self, name: str) -> int:
        """The number of a string, or -1."""
        return self._index().get(name, -1)

    def _index(self) -> dict[str, int]:
        if self._numbers is None:
            self._numbers = {}
        if self._numbered < self._count:
            start = bisect_right(self._firsts, self._numbered) - 1
            for batch in range(max(start, 0), len(self._batches)):
                first = self._firsts[batch]
                for place, name in enumerate(self._strings(batch)):
                    self._numbers.setdefault(name, first + place)
            self._numbered = self._count
        return self._numbers

    def _strings(self, batch: int) -> list[str]:
        strings = self._batches[batch]
        if isinstance(strings, bytes):
            decoded = _STRINGS.decode(strings)
            end = self._firsts[batch + 1] if batch + 1 < len(self._firsts) else self._count
            if len(decoded) != end - self._firsts[batch]:
                raise ValueError(
                    f"expected {end - self._firsts[batch]} names in a table line, found {len(decoded)}"
                )
            return decoded
        return strings
