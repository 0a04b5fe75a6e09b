"""`waybill run` from the outside: exit codes, lost scenarios, evidence, and what is left behind."""

from __future__ import annotations

import argparse
import json
import os
import re
from pathlib import Path

import pytest
from world import GOOD, TARGET, build, command, environment, interrupt, suite, waybill

from waybill.commands import robot_process
from waybill.commands.plan import make_plans
from waybill.commands.results import longest_first, seconds_by_suite
from waybill.readiness.cases import CASES, FILE, CaseRecord, write_json

NOBODY = ("--target", "nobody.toml")


def readiness(world: Path) -> dict:
    return read(world / "results" / "latest")


def read(folder: Path) -> dict:
    return json.loads((folder / "readiness.json").read_text(encoding="utf-8"))["runs"][0]


def verdicts(run: dict) -> dict[str, str]:
    return {one["id"]: one["verdict"] for one in run["guarantees"] if one["scenarios"] or one["waiver"]}


def scenarios(run: dict) -> dict[str, dict]:
    return {one["scenario"]: one for one in run["scenarios"]}


@pytest.fixture
def events(eventful):
    return read(eventful.folder)


def test_the_run_is_red(eventful):
    assert eventful.process.returncode == 1
    assert eventful.process.stderr == ""


def test_its_last_line_counts_every_selected_scenario(eventful):
    assert eventful.process.stdout.splitlines()[-1] == "2 passed, 8 failed, 1 skipped"


def test_every_kind_of_verdict(events):
    assert verdicts(events) == {
        "DEL-1": "PROVEN",
        "DEL-2": "UNPROVEN",
        "OFF-1": "BROKEN",
        "ORD-1": "UNPROVEN",
        "ORD-2": "UNPROVEN",
        "DUP-1": "WAIVED",
        "DUP-2": "BROKEN",
        "ACK-1": "UNPROVEN",
        "ACK-4": "UNPROVEN",
    }


def test_a_killed_worker_leaves_no_verdict_and_the_rule_says_so(eventful, events):
    found = scenarios(events)
    assert found["Dies"]["outcome"] == "no verdict"
    assert found["Never reached"]["outcome"] == "no verdict"
    assert found["Before"]["outcome"] == "passed"
    assert events["rule"] == "2 scenarios are without a verdict: Dies, Never reached"
    assert f"NOT READY: {events['rule']}" in eventful.process.stdout


def test_a_pass_without_evidence_is_red(events):
    found = scenarios(events)
    assert found["Without traffic"]["message"].startswith(
        "no evidence: ORD-2 demands reconnects >= 20, not counted; messages >= 1000, found 0"
    )
    assert found["Unchecked"]["message"] == "no evidence: the history was never checked"


def test_nothing_is_skipped_in_silence(events):
    assert scenarios(events)["Skipped"]["message"].startswith(
        "no evidence: skipped, and no waiver covers ACK-4"
    )


def test_a_suite_setup_that_fails_is_infrastructure(events):
    one = scenarios(events)["Not set up"]
    assert (one["cause"], one["outcome"]) == ("infrastructure", "failed")
    assert "the server did not start" in one["message"]


def test_a_suite_teardown_that_fails_takes_its_scenarios_along(events):
    assert scenarios(events)["Torn down"]["message"] == "Parent suite teardown failed:\na session was left"


def test_a_waived_failure_is_a_skip_that_says_by_whom(events):
    one = scenarios(events)["Waived"]
    assert one["outcome"] == "skipped"
    assert one["message"].startswith("DUP-1 is waived until 2999-12-31 by qa@example.org")


def test_a_finding_is_told_with_its_scenario(eventful):
    assert (
        "BROKEN   OFF-1 Offline storage: 'Loses some': lost-acked (3): alice/phone sent m7"
        in eventful.process.stdout
    )


def test_progress_names_scenarios_as_they_finish(eventful):
    lines = eventful.process.stdout.splitlines()
    assert re.fullmatch(
        r"Waybill \S+: 11 scenarios of 6 suites on nobody, seed 42, 2 workers, into results/\d{8}T\d{6}Z",
        lines[0],
    )
    finished = [line for line in lines if re.match(r" *\d+:\d\d +\d+/11 ", line)]
    assert len(finished) == 9
    assert "\x1b" not in eventful.process.stdout
    assert any(re.search(r"FAILED +Losing: Loses some \(\d", line) for line in finished)


def test_the_reports_that_it_names_are_there(eventful):
    named = re.findall(r"^  (results/\S+)  ", eventful.process.stdout, re.MULTILINE)
    assert [Path(name).name for name in named] == [
        *("readiness.html", "readiness.md", "readiness.json", "report.html", "log.html")
    ]
    assert all((eventful.world / name).is_file() for name in named)


def test_failures_end_with_the_line_that_replays_them(eventful, events):
    replay = 'waybill run suites --target nobody.toml --seed 42 --test "Suites.Losing.Loses some"'
    assert scenarios(events)["Loses some"]["replay"] == replay
    assert f"replay: {replay}" in (eventful.folder / "output.xml").read_text(encoding="utf-8").replace(
        "&quot;", '"'
    )


def test_nothing_is_left_behind(eventful):
    assert sorted(path.name for path in eventful.world.iterdir()) == ["nobody.toml", "results", "suites"]
    assert not (eventful.folder / ".pabotsuitenames").exists()
    assert robot_process.marked(str(eventful.folder.resolve())) == []


def test_a_replayed_line_gives_the_same_verdict_faster(eventful, events):
    line = scenarios(events)["Loses some"]["replay"]
    again = waybill(
        eventful.world, "run", "suites", *NOBODY, "--test", "Suites.Losing.Loses some", "--seed", "42"
    )
    assert "--test" in line
    assert again.returncode == 1
    assert again.stdout.splitlines()[-1] == "0 passed, 1 failed, 0 skipped"
    assert "1 scenario of 1 suite" in again.stdout


def test_green_is_zero_and_require_ready_is_two(tmp_path):
    build(tmp_path, {"good": suite(GOOD)})
    assert waybill(tmp_path, "run", "suites", *NOBODY).returncode == 0
    strict = waybill(tmp_path, "run", "suites", *NOBODY, "--require-ready")
    assert strict.returncode == 2
    assert "NOT READY: 20 of 21 P0 guarantees are UNPROVEN: DEL-2" in strict.stdout
    assert strict.stdout.splitlines()[-1] == "1 passed, 0 failed, 0 skipped"


def test_an_expired_waiver_is_red_and_named(tmp_path):
    expired = '[[waiver]]\nguarantee = "DUP-1"\nreason = "no key"\nowner = "qa"\nexpires = 2020-01-01\n'
    build(tmp_path, {"good": suite(GOOD)}, TARGET + expired)
    run = waybill(tmp_path, "run", "suites", *NOBODY)
    assert run.returncode == 1
    assert "NOT READY: 1 waiver is expired: DUP-1" in run.stdout
    assert "DUP-1 Idempotent retry: its waiver (qa) expired on 2020-01-01" in run.stdout


def test_options_pass_through_to_robot(tmp_path):
    build(
        tmp_path, {"good": suite("Uses\n    [Tags]    DEL-1\n    Log    ${WHO}\n    Show A Clean History\n")}
    )
    run = waybill(
        tmp_path, "run", "suites/good.robot", *NOBODY, "--", "--variable", "WHO:alice", "--name", "Mine"
    )
    assert run.returncode == 0, run.stdout + run.stderr
    record = json.loads((tmp_path / "results/latest/run.json").read_text(encoding="utf-8"))
    assert record["robot_options"] == ["--variable", "WHO:alice", "--name", "Mine"]
    assert record["selection"][0]["suite"] == "Mine"


def test_several_suite_files_on_one_command_line_all_have_their_verdicts(tmp_path):
    build(tmp_path, {"one": suite(GOOD), "two": suite(GOOD)})
    run = waybill(tmp_path, "run", "suites/one.robot", "suites/two.robot", *NOBODY)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.splitlines()[-1] == "2 passed, 0 failed, 0 skipped"


def test_relative_options_work_with_many_workers(tmp_path):
    text = suite("Uses\n    [Tags]    DEL-1\n    Log    ${WHO}\n    Show A Clean History\n")
    build(tmp_path, {"one": text, "two": text})
    (tmp_path / "who.py").write_text("WHO = 'alice'\n", encoding="utf-8")
    run = waybill(tmp_path, "run", "suites", *NOBODY, "--processes", "2", "--", "--variablefile", "who.py")
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_run_says_target_seed_and_folder_to_robot(tmp_path):
    steps = "    Should Be Equal    ${SEED}    7\n    Should Be Equal    ${TARGET}    %s\n" % (
        tmp_path / "nobody.toml"
    )
    steps += "    File Should Exist    ${RUN_FOLDER}/run.json\n    Show A Clean History\n"
    build(
        tmp_path,
        {"one": suite(f"Knows\n    [Tags]    DEL-1\n{steps}", settings="Library    OperatingSystem\n")},
    )
    run = waybill(tmp_path, "run", "suites", *NOBODY, "--seed", "7")
    assert run.returncode == 0, run.stdout


def test_suites_start_in_the_order_that_keeps_all_workers_busy(tmp_path):
    for suite_, name, end in (("S.Short", "a", "26:54"), ("S.Long", "b", "27:54"), ("S.Long", "c", "27:54")):
        case = CaseRecord(
            scenario=name,
            suite=suite_,
            status="passed",
            started="2027-03-14T09:26:53+00:00",
            finished=f"2027-03-14T09:{end}+00:00",
        )
        write_json(tmp_path / "latest" / CASES / name / FILE, case)
    seconds = seconds_by_suite(tmp_path)
    assert seconds == {"S.Short": 1.0, "S.Long": 122.0}
    assert longest_first(["S.Short", "S.New", "S.Long"], seconds) == ["S.New", "S.Long", "S.Short"]
    assert longest_first(["S.New", "S.Kill", "S.Short", "S.Long"], seconds, {"S.Kill", "S.Short"}) == [
        "S.Kill",
        "S.New",
        "S.Long",
        "S.Short",
    ]


def test_suites_in_which_the_server_is_killed_are_known_by_their_guarantees(monkeypatch, tmp_path):
    kills = "Survives\n    [Tags]    ack-1\n    Show A Clean History\n"
    build(tmp_path, {"good": suite(GOOD), "kills": suite(GOOD, kills)})
    monkeypatch.chdir(tmp_path)
    filters = dict.fromkeys(("include", "exclude", "test", "suite"), ())
    arguments = argparse.Namespace(
        targets=["nobody.toml"], seed=1, suites=["suites"], processes=None, **filters
    )
    (plan,) = make_plans(arguments, [], "waybill run")
    assert plan.suite_files == ["Suites.Good", "Suites.Kills"]
    assert plan.killing_suites == {"Suites.Kills"}


def test_a_guarantee_whose_id_begins_like_an_operator_of_robot_is_selected_by_it(monkeypatch, tmp_path):
    build(
        tmp_path,
        {"good": suite(GOOD), "order": suite(GOOD, "In Order\n    [Tags]    ord-1\n    No Operation\n")},
    )
    monkeypatch.chdir(tmp_path)
    filters = dict.fromkeys(("exclude", "test", "suite"), ()) | {"include": ["ORD-1"]}
    arguments = argparse.Namespace(
        targets=["nobody.toml"], seed=1, suites=["suites"], processes=None, **filters
    )
    (plan,) = make_plans(arguments, [], "waybill run")
    assert plan.suite_files == ["Suites.Order"]


def test_ctrl_c_ends_the_children_and_reports_what_is_there(tmp_path):
    waiting = suite(GOOD, "Waits\n    [Tags]    OFF-1\n    Wait For Ever\n", GOOD.replace("Arrives", "Later"))
    build(tmp_path, {"one": waiting})
    code, printed = interrupt(tmp_path, "One: Arrives", "run", "suites", *NOBODY)
    assert code == 130
    run = readiness(tmp_path)
    assert scenarios(run)["Arrives"]["outcome"] == "passed"
    assert verdicts(run)["OFF-1"] == "UNPROVEN"
    assert "readiness.html" in printed
    assert robot_process.marked(str((tmp_path / "results/latest").resolve())) == []


def test_ctrl_c_with_many_workers(tmp_path):
    waiting = suite(GOOD, "Waits\n    [Tags]    OFF-1\n    Wait For Ever\n")
    build(tmp_path, {"one": waiting, "two": waiting, "three": waiting})
    code, printed = interrupt(tmp_path, ": Arrives", "run", "suites", *NOBODY, "--processes", "2")
    assert code == 130
    assert verdicts(readiness(tmp_path))["OFF-1"] == "UNPROVEN"
    assert "failed" in printed.splitlines()[-1]
    assert robot_process.marked(str((tmp_path / "results/latest").resolve())) == []


def test_a_suite_that_takes_too_long_has_no_verdict(tmp_path):
    build(tmp_path, {"one": suite("Waits\n    [Tags]    OFF-1\n    Wait For Ever\n")})
    run = waybill(tmp_path, "run", "suites", *NOBODY, "--suite-timeout", "2")
    assert run.returncode == 1
    assert "1 scenario is without a verdict: Waits" in run.stdout


def test_robot_that_cannot_start_is_not_a_verdict(tmp_path):
    build(tmp_path, {"good": suite(GOOD)})
    run = waybill(tmp_path, "run", "suites", *NOBODY, "--", "--listener", "no.such.Listener", "--dryrun")
    assert run.returncode == 3
    assert "Robot ended with code" in run.stdout
    assert "Traceback" not in run.stdout + run.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run", "nowhere.robot"], "nowhere.robot"),
        (["run", "suites", "--include", "NONE"], "no tests matching tag 'NONE'"),
        (["run", "suites", "--seed", "x"], "expected a number such as 42, found 'x'"),
        (["run", "suites", "--processes", "0"], "expected a number of 1 or more, found '0'"),
        (
            ["run", "suites", "--loglevel", "DEBUG"],
            "unknown argument '--loglevel'. Options for Robot itself go after",
        ),
        (["run", "suites", "--", "--nosuch"], "nosuch"),
        (["run", "suites", "--target", "missing.toml"], "missing.toml"),
        (["run", "suites", "--target", "bad.toml"], "reason"),
        (["run", "suites", "--target", "unknown.toml"], "names no guarantee of the catalogue"),
        (["run", "suites", "--results", "nobody.toml/x"], "No run folder could be made"),
    ],
)
def test_what_cannot_be_used_is_said_without_a_traceback(tmp_path, words, says):
    build(tmp_path, {"good": suite(GOOD)})
    waiver = '[[waiver]]\nguarantee = "{}"\nowner = "qa"\nexpires = 2999-01-01\n{}'
    (tmp_path / "bad.toml").write_text(TARGET + waiver.format("DUP-1", ""), encoding="utf-8")
    (tmp_path / "unknown.toml").write_text(
        TARGET + waiver.format("DUP-9", 'reason = "r"\n'), encoding="utf-8"
    )
    target = [] if "--target" in words else list(NOBODY)
    cut = words.index("--") if "--" in words else len(words)
    run = waybill(tmp_path, *words[:cut], *target, *words[cut:])
    assert run.returncode == 3
    assert says in run.stderr
    assert "Traceback" not in run.stderr
    assert not (tmp_path / "results").exists()


def test_an_empty_folder_and_an_installed_kit_are_enough(tmp_path):
    build(tmp_path / "world", {"good": suite(GOOD)})
    (tmp_path / "empty").mkdir()
    run = waybill(tmp_path / "empty", "run", "../world/suites", "--target", "../world/nobody.toml")
    assert run.returncode == 0, run.stdout + run.stderr
    assert os.listdir(tmp_path / "empty") == ["results"]  # noqa: PTH208


def test_the_environment_of_the_tests_is_bare():
    assert "PATH" in environment()
    assert command("version")[1:] == ["-m", "waybill.cli", "version"]
