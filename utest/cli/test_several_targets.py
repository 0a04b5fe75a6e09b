"""`waybill run` against several targets, and `waybill report` of several runs: one page for all of them."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
from pathlib import Path

import pytest
from test_commands import run
from world import GOOD, TARGET, build, interrupt, suite, waybill

from conftest import SOMEBODY
from waybill.commands.plan import for_robot, make_plans
from waybill.commands.results import seconds_by_suite
from waybill.readiness.cases import CASES, FILE, CaseRecord, write_json

NAMES = ("readiness.html", "readiness.md", "readiness.json")
BOTH = ("--target", "nobody.toml", "--target", "somebody.toml")


def read(folder: Path, name: str = "readiness.json") -> dict:
    return json.loads((folder / name).read_text(encoding="utf-8"))


def verdict(folder: Path, column: int, id_: str) -> str:
    return next(one["verdict"] for one in read(folder)["runs"][column]["guarantees"] if one["id"] == id_)


def test_one_page_has_a_column_for_each_target(side_by_side):
    assert side_by_side.process.returncode == 1, side_by_side.process.stdout + side_by_side.process.stderr
    page = read(side_by_side.folder)
    assert [(one["target"], one["folder"]) for one in page["runs"]] == [
        ("nobody", "nobody"),
        ("somebody", "somebody"),
    ]
    assert [verdict(side_by_side.folder, column, "DEL-1") for column in (0, 1)] == ["PROVEN", "BROKEN"]
    assert [verdict(side_by_side.folder, column, "DUP-1") for column in (0, 1)] == ["BROKEN", "WAIVED"]


def test_all_targets_get_the_same_seed_and_the_same_scenarios(side_by_side):
    records = [read(side_by_side.folder / name, "run.json") for name in ("nobody", "somebody")]
    assert [record["seed"] for record in records] == ["42", "42"]
    assert records[0]["selection"] == records[1]["selection"]
    assert records[0]["finished"] <= records[1]["started"]


def test_the_folder_of_each_run_is_complete_in_itself(side_by_side, capsys):
    for name in ("nobody", "somebody"):
        folder = side_by_side.folder / name
        assert {*NAMES, "run.json", "cases", "log.html", "report.html"} <= {
            one.name for one in folder.iterdir()
        }
        before = [(folder / page).read_bytes() for page in NAMES]
        assert run(capsys, "report", folder)[0] == 1
        assert [(folder / page).read_bytes() for page in NAMES] == before


def test_progress_and_conclusion_name_the_target(side_by_side):
    printed = side_by_side.process.stdout
    assert printed.startswith("Waybill ")
    assert "2 scenarios of 2 suites on nobody, then somebody, seed 42" in printed.splitlines()[0]
    assert re.search(r"^ *\d+:\d\d  nobody  \d/2  passed   One: Arrives", printed, re.MULTILINE)
    assert re.search(r"^ *\d+:\d\d  somebody  \d/2  FAILED   One: Arrives", printed, re.MULTILINE)
    assert "\nsomebody, target 2 of 2, into results/" in printed
    assert (
        "\nsomebody NOT READY: P0 DEL-1 is BROKEN: acknowledged messages were lost (3 times) in 'Arrives'\n"
        in printed
    )


def test_the_last_line_is_the_sum(side_by_side):
    assert side_by_side.process.stdout.splitlines()[-1] == "1 passed, 2 failed, 1 skipped"


def test_the_pages_that_it_names_are_there(side_by_side):
    named = re.findall(r"^  (results/\S+)  ", side_by_side.process.stdout, re.MULTILINE)
    assert [Path(name).name for name in named] == list(NAMES)
    assert all((side_by_side.world / name).is_file() for name in named)


def test_a_replay_line_is_about_one_target(side_by_side):
    replay = read(side_by_side.folder)["runs"][1]["scenarios"][0]["replay"]
    assert replay.count("--target") == 1
    assert "--target somebody.toml" in replay


def test_report_of_the_common_folder_builds_all_its_pages_again(side_by_side, capsys):
    folders = (side_by_side.folder, side_by_side.folder / "nobody", side_by_side.folder / "somebody")
    pages = [folder / name for folder in folders for name in NAMES]
    before = [page.read_bytes() for page in pages]
    for page in pages:
        page.unlink()
    code, out, _ = run(capsys, "report", side_by_side.folder)
    assert (code, out.splitlines()[-1]) == (1, "1 passed, 2 failed, 1 skipped")
    assert [page.read_bytes() for page in pages] == before


def test_an_unusable_target_stops_all_of_them_before_anything_starts(tmp_path):
    build(tmp_path, {"good": suite(GOOD)})
    missing = SOMEBODY.split("[endpoints")[0] + (
        '[endpoints.one]\nurl = "wss://{host}:{one.main}/v2"\n[users]\nfile = "u"\npool = 2\nformat = "mosquitto"\n'
        '[tokens]\nmethod = "password"\n[launch]\ninstall = "get it"\n[[launch.process]]\nname = "one"\n'
        'role = "node"\ncommand = ["no-such-program"]\nready = "round-trip"\n'
    )
    (tmp_path / "missing.toml").write_text(missing, encoding="utf-8")
    for name, says in (("nowhere.toml", "nowhere.toml"), ("missing.toml", "no-such-program")):
        done = waybill(tmp_path, "run", "suites", "--target", "nobody.toml", "--target", name)
        assert done.returncode == 3
        assert says in done.stderr
        assert not (tmp_path / "results").exists()


def test_two_targets_of_one_name_are_refused(tmp_path):
    build(tmp_path, {"good": suite(GOOD)})
    (tmp_path / "other.toml").write_text(TARGET, encoding="utf-8")
    done = waybill(tmp_path, "run", "suites", "--target", "nobody.toml", "--target", "other.toml")
    assert done.returncode == 3
    assert "Two targets are called nobody (nobody.toml and other.toml)" in done.stderr


def test_green_on_both_is_zero_and_require_ready_is_two(tmp_path):
    build(tmp_path, {"good": suite(GOOD)})
    (tmp_path / "somebody.toml").write_text(SOMEBODY, encoding="utf-8")
    assert waybill(tmp_path, "run", "suites", *BOTH).returncode == 0
    assert waybill(tmp_path, "report", "results/latest", "--require-ready").returncode == 2


def test_ctrl_c_ends_this_target_and_skips_the_rest(tmp_path):
    build(tmp_path, {"one": suite(GOOD, "Waits\n    [Tags]    OFF-1\n    Wait For Ever\n")})
    (tmp_path / "somebody.toml").write_text(SOMEBODY, encoding="utf-8")
    code, printed = interrupt(tmp_path, "One: Arrives", "run", "suites", *BOTH)
    assert code == 130
    assert "Stopped at nobody; not run: somebody." in printed
    assert "somebody NOT RUN: the run was stopped while nobody was tested" in printed
    folder = tmp_path / "results/latest"
    first, second = read(folder)["runs"]
    assert next(one["outcome"] for one in first["scenarios"]) == "passed"
    assert (second["verdict"], second["not_run"] != "") == ("NOT READY", True)
    assert "not run" in (folder / "readiness.html").read_text(encoding="utf-8")
    assert printed.splitlines()[-1] == "1 passed, 3 failed, 0 skipped"


def test_runs_of_different_places_are_merged_in_the_order_given(side_by_side, eventful, capsys, tmp_path):
    code, out, _ = run(capsys, "report", eventful.folder, side_by_side.folder, "-o", tmp_path / "page")
    assert code == 1
    page = read(tmp_path / "page")
    assert [one["target"] for one in page["runs"]] == ["nobody", "nobody", "somebody"]
    assert out.splitlines()[-1] == "3 passed, 10 failed, 2 skipped"
    before = [(tmp_path / "page" / name).read_bytes() for name in NAMES]
    run(capsys, "report", tmp_path / "page")
    assert [(tmp_path / "page" / name).read_bytes() for name in NAMES] == before


def test_without_output_the_page_of_several_runs_goes_beside_the_first(side_by_side, capsys, tmp_path):
    one, two = tmp_path / "results/one", tmp_path / "elsewhere/two"
    shutil.copytree(side_by_side.folder / "nobody", one)
    shutil.copytree(side_by_side.folder / "somebody", two)
    code, _, _ = run(capsys, "report", one, two, one)
    assert code == 1
    (folder,) = [path for path in (tmp_path / "results").iterdir() if path.name.endswith("-merged")]
    assert [one["folder"] for one in read(folder)["runs"]] == ["../one", "../../elsewhere/two"]
    assert not (tmp_path / "results/latest").exists()


def test_report_does_not_write_over_the_pages_of_a_run(side_by_side, capsys):
    nobody, somebody = side_by_side.folder / "nobody", side_by_side.folder / "somebody"
    code, _, err = run(capsys, "report", nobody, somebody, "--output", nobody)
    assert code == 3
    assert "its own pages would be lost" in err


def test_a_folder_that_is_no_run_is_named(side_by_side, capsys, tmp_path):
    code, _, err = run(capsys, "report", side_by_side.folder, tmp_path / "nothing", "-o", tmp_path / "page")
    assert code == 3
    assert "nothing is not the folder of a run" in err
    assert not (tmp_path / "page").exists()


def test_the_slowest_target_says_how_long_a_suite_takes(tmp_path):
    for target, end in (("quick", "26:54"), ("slow", "27:54")):
        case = CaseRecord(
            scenario="A",
            suite="S.One",
            status="passed",
            started="2027-03-14T09:26:53+00:00",
            finished=f"2027-03-14T09:{end}+00:00",
        )
        write_json(tmp_path / "latest" / target / CASES / "a" / FILE, case)
    assert seconds_by_suite(tmp_path) == {"S.One": 61.0}


@pytest.mark.parametrize(
    ("target", "becomes"),
    [
        ("mosquitto", "mosquitto"),
        ("mosquitto+persistence-off", "mosquitto+persistence-off"),
        ("mine.toml", "{here}/mine.toml"),
        ("mine.toml+no-disk", "{here}/mine.toml+no-disk"),
        ("far/mine.toml+no-disk", "{here}/far/mine.toml+no-disk"),
        ("a+b/mine.toml", "{here}/a+b/mine.toml"),
        ("a+b.toml", "{here}/a+b.toml"),
        ("./mine", "{here}/mine"),
    ],
)
def test_a_path_becomes_absolute_and_keeps_its_variant(monkeypatch, tmp_path, target, becomes):
    monkeypatch.chdir(tmp_path)
    assert for_robot(target) == becomes.format(here=tmp_path)


NO_DISK = """
[[variant]]
name = "no-disk"
description = "Keeps nothing  on disk."
breaks = ["ACK-1"]
promises = { dedup = "memory" }
"""


LAUNCHED = TARGET.replace(
    '[endpoints.one]\nurl = "wss://127.0.0.1:1/v2"\n',
    '[launch]\n[[launch.process]]\nname = "one"\nrole = "node"\nready = "json-line"\ncommand = ["true"]\n'
    '[endpoints.one]\nurl = "wss://{address}:{port}/v2"\n',
).replace('file = "users.txt"', 'file = "users.txt"\npool = 3\nformat = "jsonl-sha256"')


@pytest.mark.parametrize(
    ("targets", "asked", "workers"),
    [
        (["launched.toml"], None, 6),
        (["nobody.toml"], None, 4),
        (["launched.toml", "nobody.toml"], None, 4),
        (["launched.toml"], 1, 1),
    ],
)
def test_servers_of_their_own_let_more_suites_run_than_a_shared_one(
    monkeypatch, tmp_path, targets, asked, workers
):
    build(tmp_path, {f"suite{number}": suite(GOOD) for number in range(7)}, TARGET)
    (tmp_path / "launched.toml").write_text(LAUNCHED.replace("nobody", "launched"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3})
    filters = dict.fromkeys(("include", "exclude", "test", "suite"), ())
    arguments = argparse.Namespace(targets=targets, seed=1, suites=["suites"], processes=asked, **filters)
    for plan in make_plans(arguments, [], "waybill run"):
        assert (plan.workers, plan.record.processes) == (workers, workers)


def test_a_variant_is_recorded_with_what_it_must_break(monkeypatch, tmp_path):
    build(tmp_path, {"good": suite(GOOD)}, TARGET + NO_DISK)
    monkeypatch.chdir(tmp_path)
    arguments = argparse.Namespace(
        targets=["nobody.toml+no-disk"],
        seed=1,
        suites=["suites"],
        include=[],
        exclude=[],
        test=[],
        suite=[],
        processes=1,
    )
    (plan,) = make_plans(arguments, [], "waybill run")
    assert plan.target == f"{tmp_path}/nobody.toml+no-disk"
    assert (plan.record.target, plan.record.variant) == ("nobody+no-disk", "Keeps nothing on disk.")
    assert plan.record.breaks == ["ACK-1"]
    assert "--target nobody.toml+no-disk" in plan.record.replay("S", "T")
