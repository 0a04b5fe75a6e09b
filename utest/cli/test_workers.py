"""How many suite files run at once where nobody says it."""

from __future__ import annotations

import os

import pytest

from waybill.commands.plan import default_workers


@pytest.mark.parametrize(
    ("processors", "launched", "elsewhere"), [(1, 1, 1), (2, 3, 2), (3, 4, 3), (8, 12, 8)]
)
def test_three_for_two_processors_and_fewer_where_a_server_is_shared(
    monkeypatch: pytest.MonkeyPatch, processors: int, launched: int, elsewhere: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(processors)))

    assert default_workers(launched=True) == launched
    assert default_workers(launched=False) == elsewhere
