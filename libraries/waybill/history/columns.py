"""Arithmetic on columns that the checks share; all of it linear but for the sorts it names."""

from __future__ import annotations

import numpy as np

from .membership import Bools, Ints


def first_of_each(values: Ints, size: int) -> Bools:
    """Marks the first occurrence of each value (0 <= value < size)."""
    first = np.full(size, -1, dtype=np.int64)
    places = np.arange(len(values))
    first[values[::-1]] = places[::-1]
    marked: Bools = first[values] == places
    return marked


def kept(chosen: Bools, *columns: Ints) -> tuple[Ints, ...]:
    """The chosen rows of some columns; the columns themselves if that is all of them."""
    return columns if chosen.all() else tuple(column[chosen] for column in columns)


def distinct(numbers: Ints) -> list[int]:
    """Which small numbers (0 or more) occur."""
    found: list[int] = np.flatnonzero(np.bincount(numbers)).tolist() if len(numbers) else []
    return found


def compact(values: Ints) -> tuple[Ints, int]:
    """Renumbers values (0 or more) to 0, 1, 2 ... in their order; returns them and how many there are."""
    if not len(values):
        return values.astype(np.int32), 0
    highest = int(values.max())
    if highest < 4 * len(values) + 1_000_000:
        used = np.zeros(highest + 1, dtype=np.bool_)
        used[values] = True
        numbers = np.cumsum(used, dtype=np.int32)
        numbers -= 1
        return numbers[values], int(numbers[-1]) + 1
    unique, inverse = np.unique(values, return_inverse=True)
    return inverse.astype(np.int32), len(unique)


def stable_order(groups: Ints, count: int) -> Ints:
    """The order that sorts small group numbers and keeps the order within each."""
    if len(groups) and bool((groups[1:] >= groups[:-1]).all()):
        return np.arange(len(groups))
    narrow = groups.astype(np.uint16) if count <= 1 << 16 else groups
    return np.argsort(narrow, kind="stable")


def passed_over(groups: Ints, values: Ints, highs: Ints) -> tuple[Ints, Ints]:
    """Finds in each group the places whose value lies below the highest `high` of an earlier place of the group.

    Args:
        groups: Group numbers, sorted.
        values: What must not lie below (0 or more, less than 2**31).
        highs: What it must not lie below (likewise).

    Returns:
        The places, and for each the earlier place with the highest `high`.
    """
    if len(groups) < 2:
        empty = np.empty(0, dtype=np.int64)
        return empty, empty
    wide = groups.astype(np.int64) << 32
    peaks = np.maximum.accumulate(wide | highs)
    before = peaks[:-1]
    bad = np.flatnonzero((before >= wide[1:]) & ((wide[1:] | values[1:]) < before)) + 1
    return bad, np.searchsorted(peaks, peaks[bad - 1], side="left")


def small(values: Ints) -> Ints:
    """The values themselves if they are small, else their ranks: comparable with each other, and below 2**31."""
    if len(values) and (int(values.max()) >= 1 << 31 or int(values.min()) < 0):
        return np.unique(values, return_inverse=True)[1].astype(np.int64)
    return values
