"""The form of a target that has several nodes: found, refused, and started with the same defect."""

from __future__ import annotations

from pathlib import Path

import pytest

from waybill.commands.expectations import lacking_nodes
from waybill.targets import (
    MeansMissing,
    TargetError,
    TargetFileError,
    find_target,
    read_target,
    several_nodes,
)
from waybill.targets.find import all_defects

BUNDLED = Path(__file__).parents[2] / "resources" / "targets"


def copied(folder: Path, name: str, old: str, new: str) -> Path:
    text = (BUNDLED / f"{name}.toml").read_text(encoding="utf-8")
    assert old in text
    path = folder / f"{name}.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def test_a_target_of_one_node_names_its_form_of_several() -> None:
    form = several_nodes(find_target("reference"))

    assert form.name == "reference-regions"
    assert several_nodes(form) is form
    assert lacking_nodes(find_target("reference")) == []


def test_a_defect_of_nodes_among_several_is_applied_to_that_form_alone() -> None:
    carried = find_target("reference+outbox-in-memory")
    form = several_nodes(carried)

    assert carried.variant is not None
    assert carried.variant.breaks == ("PAR-1",)
    assert carried.launch == find_target("reference").launch
    assert form.launch is not None
    commands = {process.name: process.command for process in form.launch.processes}
    assert [name for name, command in commands.items() if "outbox-in-memory" in command] == [
        "north",
        "south",
        "west",
    ]


def test_a_defect_that_the_form_cannot_have_leaves_nothing_to_prove() -> None:
    with pytest.raises(MeansMissing, match="has not the variant 'drop-every-nth'"):
        several_nodes(find_target("reference+drop-every-nth"))


def test_all_defects_are_those_of_both_forms() -> None:
    names = [defect.name for defect in all_defects(find_target("reference"))]

    assert {"drop-every-nth", "outbox-in-memory", "liar"} <= set(names)
    assert len(names) == len(set(names))


def test_without_a_form_of_several_nodes_it_says_so() -> None:
    mosquitto = find_target("mosquitto")

    with pytest.raises(MeansMissing, match=r"mosquitto has one node, and .*several_nodes"):
        several_nodes(mosquitto)
    assert lacking_nodes(mosquitto) == ["nodes", "peer links", "peers"]


def test_the_form_is_found_from_the_folder_of_the_file(tmp_path: Path) -> None:
    copied(tmp_path, "reference-regions", 'name = "reference-regions"', 'name = "mine"')
    path = copied(tmp_path, "reference", '"reference-regions"', '"./reference-regions.toml"')

    assert several_nodes(read_target(path)).name == "mine"


def test_a_form_of_one_node_is_refused(tmp_path: Path) -> None:
    path = copied(tmp_path, "reference", '"reference-regions"', '"mosquitto"')

    with pytest.raises(TargetError, match="several_nodes names mosquitto, which has one node"):
        several_nodes(read_target(path))


def test_a_target_of_several_nodes_needs_no_form(tmp_path: Path) -> None:
    path = copied(
        tmp_path, "reference-regions", "\n[launch]\n", '\nseveral_nodes = "reference"\n\n[launch]\n'
    )

    with pytest.raises(TargetFileError, match="this target has 3 nodes itself"):
        read_target(path)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('[peers]\nnode = "north"', '[peers]\nnode = "nort"', "there is no launched node 'nort'"),
        ('port = "peers"\nas', 'port = "peer"\nas', "north has no port 'peer'"),
        ('as = "south"', 'as = "north"', "expected another node than 'north'"),
        ('hello = "00', 'hello = "0x', "expected bytes as hexadecimal digits"),
        ('process = ["north", ', 'process = ["norht", ', "there is no process 'norht'"),
    ],
)
def test_what_it_says_of_its_nodes_is_checked(tmp_path: Path, old: str, new: str, problem: str) -> None:
    with pytest.raises(TargetFileError, match=problem):
        read_target(copied(tmp_path, "reference-regions", old, new))
