"""Made-up values: legal, never the same key twice, the same for the same seed, and of every length that matters."""

from __future__ import annotations

import random
import re

from hypothesis import given
from hypothesis import strategies as st

from waybill.codec.values import LENGTHS, ODD, SeededValues


def values(seed: int = 1) -> SeededValues:
    return SeededValues(random.Random(seed))


@given(st.integers())
def test_the_same_seed_gives_the_same_values(seed: int) -> None:
    one, other = values(seed), values(seed)
    for _ in range(5):
        assert one.body(65_536) == other.body(65_536)
        assert one.key(64) == other.key(64)
        assert one.number(0, 2**53) == other.number(0, 2**53)


@given(st.integers(), st.integers(1, 300))
def test_values_are_within_their_bounds(seed: int, most: int) -> None:
    made = values(seed)
    assert len(made.body(most).encode()) <= max(most, 240)
    assert 1 <= len(made.title(most)) <= most
    assert made.title(most).isprintable()
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", made.name())
    assert 1 <= made.number(1, most) <= most
    assert 1 <= made.cut(most + 1) <= most


def test_keys_are_never_the_same_twice_and_as_long_as_they_may_be() -> None:
    made = values()
    keys = [made.key(64) for _ in range(2_000)]
    assert len(set(keys)) == len(keys)
    assert {len(key) for key in keys} >= {64}
    assert all(1 <= len(key) <= 64 for key in keys)


def test_bodies_have_every_length_at_which_encodings_change_and_every_odd_text() -> None:
    made = values()
    bodies = [made.body(65_536) for _ in range(200)]
    assert {len(body.encode()) for body in bodies} >= set(LENGTHS)
    assert all(any(odd in body for body in bodies) for odd in ODD)


def test_a_frame_is_cut_within_itself() -> None:
    made = values()
    assert {made.cut(2) for _ in range(20)} == {1}
    assert {made.cut(4) for _ in range(100)} == {1, 2, 3}


def test_members_are_the_same_in_another_order() -> None:
    members = {"a": 1, "b": [2], "c": None}
    orders = {tuple(values(seed).shuffled(members)) for seed in range(50)}
    assert len(orders) == 6
    assert values().shuffled(members) == members
