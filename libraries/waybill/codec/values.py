"""Values for frames, drawn from a seed: mostly ordinary, often such as codecs stumble over."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, Final

LENGTHS: Final = (0, 1, 2, 23, 24, 125, 126, 127, 128, 253, 254, 255, 256, 257, 65_535, 65_536)
"""Bytes of a value at which encodings write its length in another way, and their neighbours."""

ODD: Final = (
    "\x00", "\t\n\r", "\x1f", "\x7f", "\x80", '"', "\\", "\\u0041", "/", "<script>", "é", "e\u0301", "\u212b",
    "ﬁ", "\u1e9b\u0323", "\u200d", "\u202e", "\u2028", "\ufeff", "\ufffd", "\ufffe", "\ud7ff\ue000",
    "\U00010000", "\U0001f69a", "\U0001f468\u200d\U0001f467", "\U0010ffff", "{", "}", "null", " ",
)  # fmt: skip
"""Texts that somewhere between two ends are escaped, composed, folded, split, trimmed or dropped."""

_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"


class SeededValues:
    """The values of one run.

    Args:
        choice: Where they are drawn from.
        nobody: How every name begins, so that it is nobody's.
    """

    def __init__(self, choice: random.Random, nobody: str = "nobody-") -> None:
        self._choice = choice
        self._nobody = nobody
        self._keys = 0
        self._lengths: list[int] = []

    def number(self, least: int, most: int) -> int:
        """A whole number, often one at an end or at a power of two."""
        ends = [
            least,
            most,
            *(2**power + more for power in (7, 8, 15, 16, 31, 32, 53) for more in (-1, 0, 1)),
        ]
        if self._choice.random() < 0.5:
            return self._choice.choice([one for one in ends if least <= one <= most])
        return self._choice.randint(least, most)

    def chosen(self, *choices: Any) -> Any:
        """One of these."""
        return self._choice.choice(choices)

    def shuffled(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """The same members in another order."""
        return dict(self._choice.sample(list(members.items()), len(members)))

    def name(self) -> str:
        """A legal name that belongs to nobody."""
        return self._nobody + "".join(self._choice.choices(_LETTERS, k=self._choice.randint(1, 50)))

    def title(self, most: int) -> str:
        """Text of one to so many characters that can be shown."""
        shown = [one for one in ODD if one.isprintable() and one.strip()]
        return "t" + self._text(self._choice.randint(0, most - 1), shown)

    def key(self, most: int) -> str:
        """Text of one to so many characters, never the same twice."""
        self._keys += 1
        number = f"{self._keys}"
        return number + self._text(
            self._choice.choice([0, 1, most - len(number), most // 2]) or 1, ["k", *ODD]
        )

    def body(self, most: int) -> str:
        """Text of up to so many bytes of UTF-8, often of a length at which encodings change."""
        if self._choice.random() < 0.5:
            return self._text(self._choice.randint(0, 60), ODD)
        if not self._lengths:
            self._lengths = [one for one in LENGTHS if one <= most] + [most]
            self._choice.shuffle(self._lengths)
        length = self._lengths.pop()
        odd = self._choice.choice(ODD) if length < 1_000 else ""
        if len(odd.encode()) > length:
            odd = ""
        return odd + "x" * (length - len(odd.encode()))

    def cut(self, length: int) -> int:
        """A place within so many bytes, neither before the first nor behind the last."""
        return self._choice.choice([1, length - 1, self._choice.randint(1, length - 1)])

    def _text(self, most: int, odd: list[str] | tuple[str, ...]) -> str:
        """Text of at most so many characters."""
        text = ""
        while len(text) < most:
            text += self._choice.choice(odd) if self._choice.random() < 0.3 else self._choice.choice(_LETTERS)
        return text[:most]
