"""Disk and clock of a launched node can be disturbed, and where they cannot the reason is told."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from test_launch import target

from waybill.interposer.build import NotInterposable
from waybill.interposer.table import Action, Operation, Rule
from waybill.targets import MeansFailed, MeansMissing, interposition, launch


def test_a_node_that_loses_its_power_loses_what_it_never_synced(tmp_path: Path) -> None:
    with launch(target(), tmp_path / "run", interposed=True) as running:
        starts = tmp_path / "run" / "node" / "data" / "starts"
        assert starts.read_text().count("\n") == 1

        lost = running.lose_power()

        assert lost.writes == 1
        assert not starts.exists()
        assert running.alive() is False
        running.start()
        assert starts.read_text().count("\n") == 1


def test_without_a_power_loss_a_killed_node_keeps_it(tmp_path: Path) -> None:
    with launch(target(), tmp_path / "run", interposed=True) as running:
        running.kill()
        running.start()
        assert (tmp_path / "run" / "node" / "data" / "starts").read_text().count("\n") == 2


def test_rules_reach_the_node(tmp_path: Path) -> None:
    with launch(target(), tmp_path / "run", interposed=True) as running:
        table = running.interposed()
        rule = table.arm(Rule(Operation.WRITE, Action.FAIL, path=f"{table.watched}*", number=errno.ENOSPC))
        running.kill()
        with pytest.raises(Exception, match="No space left on device"):
            running.start()
        assert table.acted(rule) >= 1


def test_a_target_that_was_launched_without_says_so(tmp_path: Path) -> None:
    with launch(target(), tmp_path / "run") as running:
        with pytest.raises(MeansMissing, match="was not launched for that"):
            running.interposed()
        with pytest.raises(MeansMissing, match="stays UNPROVEN"):
            running.lose_power()
        assert running.alive()


def test_a_machine_that_cannot_says_why_when_it_matters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(*_: object) -> None:
        raise NotInterposable("there is no C compiler")

    monkeypatch.setattr(interposition, "Table", cannot)
    with launch(target(), tmp_path / "run", interposed=True) as running:
        with pytest.raises(MeansMissing, match="there is no C compiler"):
            running.lose_power()
        assert running.alive()


def test_a_program_that_takes_no_library_is_noticed(tmp_path: Path) -> None:
    with launch(
        target(more='environment = { LD_PRELOAD = "" }'), tmp_path / "run", interposed=True
    ) as running:
        node = running._interpositions["node"]
        assert node.table([running.pid()])
        with pytest.raises(MeansMissing, match="takes no library from LD_PRELOAD"):
            node.table([1])


def test_a_node_that_writes_elsewhere_proves_nothing(tmp_path: Path) -> None:
    with launch(target("silent-data"), tmp_path / "run", interposed=True) as running:
        table = running.interposed()
        table.forget_undo()
        table._write("Q", 112, 0)
        with pytest.raises(MeansFailed, match=r"no change under .*data was seen"):
            running.lose_power()
