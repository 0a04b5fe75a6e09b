"""What must be refused is refused clearly, what must stay is compared, and a fault that met nothing proves nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from waybill.faults.effects import FaultWithoutEffect
from waybill.faults.migrations import Migrations, require_untouched
from waybill.faults.restarts import Damage, damage_largest
from waybill.faults.upkeep import first_line, require_refused
from waybill.faults.views import View

DATA = Path("/run/node/data")


@dataclass
class Ended:
    status: int | None
    said: str


def test_a_clear_refusal_is_one() -> None:
    require_refused(Ended(3, f"{DATA}/store is damaged"), "a start", DATA)


@pytest.mark.parametrize(
    ("ended", "problem"),
    [
        (Ended(None, ""), "a start to be refused; it became ready"),
        (Ended(0, f"{DATA}"), "with a status of its own; it ended with 0"),
        (Ended(-11, f"{DATA}"), "with a status of its own; it ended with -11"),
        (Ended(1, "something is wrong"), "names the data .*something is wrong"),
        (Ended(1, f"Traceback (most recent call last):\n{DATA}"), "names the data .*Traceback"),
    ],
)
def test_what_is_no_clear_refusal_is_named(ended: Ended, problem: str) -> None:
    with pytest.raises(AssertionError, match=problem):
        require_refused(ended, "a start", DATA)


def test_the_first_line_is_one_with_something_in_it() -> None:
    assert first_line("\n  \n  it is damaged \nmore") == "it is damaged"
    assert first_line("\n") == "(nothing)"


def test_views_differ_by_what_is_gone_new_or_changed() -> None:
    before = View({"a": (1,), "b": (2,), "c": (3,)})
    assert before.changes(before) == []
    assert before.changes(View({"a": (1,), "b": (9,), "d": (4,)})) == [
        "b was (2,) and is (9,)",
        "c is gone",
        "d is new",
    ]


def test_data_are_untouched_if_every_file_is_the_same() -> None:
    require_untouched({"a": "1"}, {"a": "1"}, "it")
    with pytest.raises(AssertionError, match="untouched by it; changed: a, b, c"):
        require_untouched({"a": "1", "b": "2"}, {"a": "3", "c": "4"}, "it")


@pytest.mark.parametrize("damage", Damage)
def test_the_largest_file_is_damaged_and_no_other(tmp_path: Path, damage: Damage) -> None:
    (tmp_path / "small").write_bytes(b"s" * 10)
    large = tmp_path / "sub" / "large"
    large.parent.mkdir()
    large.write_bytes(b"l" * 20_000)

    assert damage_largest(tmp_path, damage) == "sub/large"

    assert (tmp_path / "small").read_bytes() == b"s" * 10
    expected = {
        Damage.IS_OVERWRITTEN: b"l" * 4096 + b"\xff" * 8192 + b"l" * 7712,
        Damage.IS_CUT: b"l" * 10_000,
        Damage.IS_EMPTY: b"",
        Damage.IS_MISSING: None,
    }[damage]
    assert (large.read_bytes() if large.exists() else None) == expected


class Table:
    """A table whose rules nothing ever meets, as with a program that takes no library."""

    watched = DATA

    def arm(self, rule: Any) -> int:
        return 1

    def matched(self, rule: int) -> int:
        return 0

    acted = matched

    def disarm(self, rule: int) -> None:
        pass


def test_a_migration_that_writes_nothing_proves_nothing() -> None:
    faults = SimpleNamespace(stop=lambda *_: None)
    upkeep = SimpleNamespace(migrate=lambda _: Ended(0, ""))
    scenario = SimpleNamespace(devices=[], present=[])
    migrations = Migrations(scenario, faults, upkeep, "node", Table)  # type: ignore[arg-type]
    with pytest.raises(FaultWithoutEffect, match="wrote nothing"):
        migrations.killed(1)


def test_a_migration_that_fails_is_told_with_its_first_line() -> None:
    faults = SimpleNamespace(stop=lambda *_: None)
    upkeep = SimpleNamespace(migrate=lambda _: Ended(5, "no room\n"))
    migrations = Migrations(SimpleNamespace(devices=[], present=[]), faults, upkeep, "node", Table)  # type: ignore[arg-type]
    with pytest.raises(AssertionError, match="it ended with 5: no room"):
        migrations.killed(1)
