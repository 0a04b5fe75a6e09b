"""From the files of a run folder to verdicts, whatever state they are in."""

from __future__ import annotations

import datetime

import pytest
from folders import SUITE, case, output, record

from waybill.readiness.assemble import NEVER_ENDED, NEVER_STARTED, NotARunFolder, assemble, combine
from waybill.readiness.cases import FILE, folder_for, read_case, slug
from waybill.readiness.model import Counts
from waybill.readiness.run_record import RunRecord, literal, quoted, read_run
from waybill.readiness.waivers import Waiver


def of(run, id_):
    return next(one for one in run.guarantees if one.id == id_)


def test_a_run_in_which_everything_passed(tmp_path):
    record(tmp_path, "All")
    case(tmp_path, "All")
    output(tmp_path, All="PASS")
    run = assemble(tmp_path)
    assert (of(run, "DEL-1").verdict, run.red, run.counts) == ("PROVEN", [], Counts(passed=1))
    assert (run.verdict, run.seconds) == ("NOT READY", 41.0)
    (scenario,) = run.scenarios
    assert (scenario.log, scenario.seconds) == ("log.html#s1-s1-t1", 2.5)
    assert scenario.folder == "cases/suites-delivery--all"


def test_a_scenario_that_never_started_has_no_verdict(tmp_path):
    record(tmp_path, "All", "Gone")
    case(tmp_path, "All")
    run = assemble(tmp_path)
    gone = run.scenarios[1]
    assert (gone.outcome, gone.message) == ("no verdict", NEVER_STARTED)
    assert gone.replay == "waybill run --target reference --seed 42 --test Suites.Delivery.Gone"
    assert (of(run, "DEL-1").verdict, run.verdict) == ("UNPROVEN", "NOT READY")
    assert run.red == [f"'Gone' has no verdict: {NEVER_STARTED}"]


def test_a_scenario_that_never_ended_has_no_verdict(tmp_path):
    record(tmp_path, "All")
    case(tmp_path, "All", "running")
    run = assemble(tmp_path)
    assert (run.scenarios[0].message, run.counts) == (NEVER_ENDED, Counts(no_verdict=1))


def test_a_half_written_case_is_none(tmp_path):
    record(tmp_path, "All")
    (case(tmp_path, "All") / FILE).write_text('{"scenario": "All", "sui', encoding="utf-8")
    assert assemble(tmp_path).scenarios[0].outcome == "no verdict"


def test_what_robot_failed_afterwards_is_failed(tmp_path):
    record(tmp_path, "All")
    case(tmp_path, "All")
    output(tmp_path, All="FAIL")
    run = assemble(tmp_path)
    assert run.scenarios[0].message == "Robot failed it after its end: said"
    assert of(run, "DEL-1").verdict == "BROKEN"


def test_a_worker_that_died_after_its_last_scenario_is_red(tmp_path):
    record(tmp_path, "All", "More")
    case(tmp_path, "All")
    case(tmp_path, "More")
    output(tmp_path, All="PASS")
    run = assemble(tmp_path)
    assert run.rule.endswith("a worker died after its last scenario; Robot's result lacks More")
    assert run.red


def test_a_missing_result_of_robot_is_red(tmp_path):
    record(tmp_path, "All")
    case(tmp_path, "All")
    (tmp_path / "output.xml").write_text("<robot><suite", encoding="utf-8")
    assert assemble(tmp_path).red == ["the run itself did not work: Robot left no readable output.xml"]


def test_tags_set_while_running_count(tmp_path):
    record(tmp_path, "All")
    case(tmp_path, "All", guarantees=["DEL-1", "OFF-1"])
    run = assemble(tmp_path)
    assert of(run, "OFF-1").verdict == "PROVEN"


def test_waivers_are_judged_by_the_day_of_the_run(tmp_path):
    last_day = Waiver("DUP-1", "no key", "qa", datetime.date(2027, 3, 14))
    day_before = Waiver("OFF-2", "no presence", "qa", datetime.date(2027, 3, 13))
    record(tmp_path, "All", waivers=[last_day, day_before])
    case(tmp_path, "All")
    output(tmp_path, All="PASS")
    run = assemble(tmp_path)
    assert (of(run, "DUP-1").verdict, of(run, "DUP-1").waiver_state) == ("WAIVED", "valid")
    assert (of(run, "OFF-2").verdict, of(run, "OFF-2").waiver_state) == ("UNPROVEN", "expired")
    assert run.rule == "1 waiver is expired: OFF-2"
    assert run.red == ["OFF-2: its waiver (qa) expired on 2027-03-13; no scenario selected"]


def test_cases_without_a_record_tell_what_they_can(tmp_path):
    case(tmp_path, "All", target="mine", seed="7")
    output(tmp_path, All="PASS")
    run = assemble(tmp_path)
    assert (run.target, run.seed, run.seconds, run.counts.total) == ("mine", "7", 2.5, 1)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(NotARunFolder, match=r"expected a run\.json or cases"):
        assemble(tmp_path)


def test_a_broken_record_is_refused(tmp_path):
    (tmp_path / "run.json").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match=r"run\.json is not the record of a run"):
        assemble(tmp_path)


def test_several_targets_are_ready_together_or_not_at_all(tmp_path):
    record(tmp_path, "All")
    case(tmp_path, "All")
    output(tmp_path, All="PASS")
    good, bad = assemble(tmp_path), assemble(tmp_path)
    good.verdict = "READY"
    assert combine([good]).verdict == "READY"
    both = combine([good, bad])
    assert (both.verdict, both.rule) == ("NOT READY", f"reference: {bad.rule}")


def test_slugs_are_short_and_stay_different():
    assert slug("Online: all of them, once!") == "online-all-of-them-once"
    assert slug("...") == "unnamed"
    long, other = slug("long " * 40 + "a"), slug("long " * 40 + "b")
    assert len(long) <= 60
    assert long != other


def test_scenarios_whose_names_differ_in_punctuation_get_folders_of_their_own(tmp_path):
    first = case(tmp_path, "Sent, once")
    second = case(tmp_path, "Sent once")
    assert first != second
    assert folder_for(tmp_path, SUITE, "Sent, once") == first
    assert read_case(second / FILE).scenario == "Sent once"


def test_the_replay_line_finds_its_scenario_and_nothing_else():
    run = RunRecord(
        target_argument="my server.toml",
        seed="42",
        suites=["my suites"],
        robot_options=["--loglevel", "DEBUG"],
    )
    assert run.replay("S", "What? [now] 5*5") == (
        'waybill run "my suites" --target "my server.toml" --seed 42 --test "S.What[?] [[]now] 5[*]5" '
        "-- --loglevel DEBUG"
    )


def test_words_of_a_command_line_survive_a_shell():
    assert [quoted(word) for word in ("plain", "two words", "it's", '$HOME "x"')] == [
        "plain",
        '"two words"',
        '"it\'s"',
        "'$HOME \"x\"'",
    ]
    assert literal("a*b") == "a[*]b"


def test_a_record_survives_its_file(tmp_path):
    written = record(tmp_path, "All", waivers=[Waiver("DUP-1", "r", "o", datetime.date(2027, 1, 1))])
    assert read_run(tmp_path) == written
