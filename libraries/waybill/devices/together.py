"""Doing the same for many devices or nodes, some of them at the same moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

Each = TypeVar("Each")

AT_ONCE: Final = 4
"""Logins, or requests for a token, that are under way together: the server works on one while others are on their
way."""


def together(those: Sequence[Each], act: Callable[[Each], object], at_once: int = AT_ONCE) -> None:
    """Does something for each of these, so many at once, and returns when all of it is done.

    Raises:
        Exception: What went wrong with the first of them for which it did; the others had their turn all the same.
    """
    if those:
        with ThreadPoolExecutor(min(len(those), at_once), thread_name_prefix="together") as pool:
            list(pool.map(act, those))
