"""The rules, one by one: a verdict per guarantee, then READY or not, then red or not."""

from __future__ import annotations

import datetime

import pytest

from waybill.readiness.cases import Finding
from waybill.readiness.catalogue import bundled_catalogue
from waybill.readiness.model import GuaranteeResult, ScenarioResult
from waybill.readiness.verdicts import by_guarantee, conclude, in_short, judge, redness
from waybill.readiness.waivers import Waiver

GUARANTEE = bundled_catalogue().guarantees["DEL-1"]
WAIVER = Waiver("DEL-1", "no sender ack", "qa@example.org", datetime.date(2027, 3, 31))
ENOUGH = {"acknowledged": 1200, "delivered": 1100, "lost": 0, "duplicated": 0, "phantom": 0, "corrupted": 0}


def scenario(outcome="passed", cause="", message="", name="All of them", **more):
    return ScenarioResult(
        suite="Suites.Delivery", scenario=name, outcome=outcome, cause=cause, message=message, **more
    )


def verdict(*scenarios, waiver=None, expired=False):
    result = judge(GUARANTEE, scenarios, waiver, expired)
    return result.verdict, result.reason


def test_proven_when_every_scenario_passed():
    assert verdict(scenario()) == ("PROVEN", "1 scenario passed with the demanded evidence")
    assert verdict(scenario(), scenario(name="More"))[1] == "2 scenarios passed with the demanded evidence"


def test_unproven_without_a_scenario():
    assert verdict() == ("UNPROVEN", "no scenario selected")


def test_what_is_inapplicable_decides_nothing_and_proves_nothing():
    apart = scenario("skipped", "inapplicable", "it has one node", "Across nodes")

    assert verdict(scenario(), apart) == ("PROVEN", "1 scenario passed with the demanded evidence")
    assert verdict(apart) == ("UNPROVEN", "its scenarios are about several nodes, and the server has one")
    assert verdict(scenario("failed", "failed", "no"), apart)[0] == "BROKEN"
    assert redness([], [apart]) == []


def test_broken_by_one_failure_among_passes_and_says_which_anomaly_where():
    failed = scenario(
        "failed",
        "anomalies",
        "text",
        "Loses",
        findings=[Finding("lost-acked", 3, "alice sent m7; bob lacks it")],
    )
    assert verdict(scenario(), failed) == ("BROKEN", "'Loses': lost-acked (3): alice sent m7; bob lacks it")


def test_broken_without_a_finding_tells_the_message():
    assert verdict(scenario("failed", "failed", "*HTML*the  login\nhung")) == (
        "BROKEN",
        "'All of them': the login hung",
    )


def test_broken_by_a_figure_over_its_limit():
    assert verdict(scenario("failed", "over-limit", "DEL-1 demands lost = 0, found 2"))[0] == "BROKEN"


@pytest.mark.parametrize(
    ("undecided", "reason"),
    [
        (scenario("no verdict", message="its worker died"), "'All of them': no verdict: its worker died"),
        (
            scenario("failed", "infrastructure", "infrastructure: no port"),
            "'All of them': infrastructure: no port",
        ),
        (
            scenario("failed", "no-evidence", "no evidence: DEL-1 ..."),
            "'All of them': no evidence: DEL-1 ...",
        ),
        (scenario("skipped", message="not today"), "'All of them': not today"),
        (scenario("skipped"), "'All of them': skipped"),
    ],
)
def test_unproven_when_one_scenario_decides_nothing(undecided, reason):
    assert verdict(scenario(name="Good"), undecided) == ("UNPROVEN", reason)


def test_broken_outweighs_unproven():
    broken = scenario("failed", "failed", "wrong", "Breaks")
    assert verdict(scenario("no verdict", message="gone"), broken)[0] == "BROKEN"


def test_several_of_a_kind_are_counted():
    gone = [scenario("no verdict", message="gone", name=f"S{number}") for number in range(3)]
    assert verdict(*gone)[1] == "'S0': no verdict: gone (and 2 more)"


@pytest.mark.parametrize(
    "scenarios", [[], [scenario("failed", "failed", "no")], [scenario("skipped", "waived")]]
)
def test_waived_whatever_its_scenarios_did(scenarios):
    assert verdict(*scenarios, waiver=WAIVER) == (
        "WAIVED",
        "waived until 2027-03-31 by qa@example.org: no sender ack",
    )


def test_a_waiver_that_is_not_needed_is_said_to_be_so():
    result = judge(GUARANTEE, [scenario(evidence=ENOUGH)], WAIVER, expired=False)
    assert (result.verdict, result.waiver_state) == ("PROVEN", "not needed")
    assert result.reason.endswith("; its waiver is not needed")


@pytest.mark.parametrize(
    "evidence",
    [ENOUGH | {"acknowledged": 0}, ENOUGH | {"accepted_sends": 900, "accepted_sends_lost": 12}, {}],
)
def test_a_waiver_is_needed_where_a_scenario_passed_with_too_little_evidence(evidence):
    result = judge(GUARANTEE, [scenario(evidence=ENOUGH), scenario(evidence=evidence)], WAIVER, expired=False)
    assert (result.verdict, result.waiver_state) == ("WAIVED", "valid")


def test_an_expired_waiver_covers_nothing_and_is_named():
    assert verdict(waiver=WAIVER, expired=True) == (
        "UNPROVEN",
        "its waiver (qa@example.org) expired on 2027-03-31; no scenario selected",
    )
    assert verdict(scenario("failed", "failed", "no"), waiver=WAIVER, expired=True)[0] == "BROKEN"


def test_evidence_is_that_of_the_weakest_passing_scenario():
    weak, strong = ENOUGH | {"acknowledged": 1000}, ENOUGH | {"lost": 1}
    failed = scenario("failed", "failed", "no", evidence={"acknowledged": 3})
    result = judge(GUARANTEE, [scenario(evidence=weak), scenario(evidence=strong), failed], None, False)
    found = {line.figure: line.found for line in result.evidence}
    assert found == {
        "acknowledged": 1000,
        "delivered": 1100,
        "lost": 1,
        "duplicated": 0,
        "phantom": 0,
        "corrupted": 0,
    }


def test_evidence_that_nobody_carries_is_none():
    result = judge(GUARANTEE, [scenario(evidence={"acknowledged": 5})], None, False)
    assert [line.found for line in result.evidence] == [5, None, None, None, None, None]


def guarantee(id_, priority, verdict, waiver_state="", reason="because", scenarios=()):
    return GuaranteeResult(
        id=id_,
        title="",
        family="",
        priority=priority,
        security=False,
        statement="",
        verdict=verdict,
        reason=reason,
        waiver_state=waiver_state,
        scenarios=list(scenarios),
    )


PROVEN = [
    guarantee("A-1", "P0", "PROVEN"),
    guarantee("B-1", "P1", "PROVEN"),
    guarantee("C-1", "P2", "PROVEN"),
]


def test_ready_when_all_of_p0_and_p1_is_proven():
    assert conclude(PROVEN, []) == ("READY", "every P0 and P1 guarantee is PROVEN")


def test_ready_with_valid_waivers_which_are_named():
    waived = [*PROVEN, guarantee("D-1", "P0", "WAIVED", "valid")]
    assert conclude(waived, []) == ("READY", "every P0 and P1 guarantee is PROVEN or validly WAIVED (D-1)")


@pytest.mark.parametrize("verdict", ["BROKEN", "UNPROVEN"])
def test_p2_decides_nothing_but_is_named(verdict):
    verdict_, rule = conclude([*PROVEN, guarantee("D-1", "P2", verdict)], [])
    assert (verdict_, rule) == (
        "READY",
        "every P0 and P1 guarantee is PROVEN; still open at lower priority: D-1",
    )


LADDER = [
    (guarantee("U-1", "P1", "UNPROVEN"), "1 of 2 P1 guarantees is UNPROVEN: U-1"),
    (guarantee("U-0", "P0", "UNPROVEN"), "1 of 2 P0 guarantees is UNPROVEN: U-0"),
    (guarantee("B-9", "P1", "BROKEN"), "1 of 3 P1 guarantees is BROKEN: B-9"),
    (guarantee("B-0", "P0", "BROKEN"), "1 of 3 P0 guarantees is BROKEN: B-0"),
]


@pytest.mark.parametrize("rung", range(len(LADDER)))
def test_the_gravest_reason_decides(rung):
    guarantees = [*PROVEN, *(one for one, _ in LADDER[: rung + 1])]
    assert conclude(guarantees, []) == ("NOT READY", LADDER[rung][1])


def test_a_scenario_without_a_verdict_decides_before_any_guarantee():
    lost = scenario("no verdict", message="gone")
    assert conclude([*PROVEN, LADDER[3][0]], [lost]) == (
        "NOT READY",
        "1 scenario is without a verdict: All of them",
    )


def test_an_expired_waiver_decides_before_that():
    expired = guarantee("E-1", "P2", "UNPROVEN", "expired")
    assert conclude([*PROVEN, expired], [scenario("no verdict")]) == ("NOT READY", "1 waiver is expired: E-1")


def test_a_run_that_did_not_work_decides_before_everything():
    assert conclude(PROVEN, [], "Robot ended") == ("NOT READY", "the run itself did not work: Robot ended")


def test_a_long_list_is_cut():
    many = [guarantee(f"U-{number}", "P0", "UNPROVEN") for number in range(9)]
    assert (
        conclude(many, [])[1] == "9 of 9 P0 guarantees are UNPROVEN: U-0, U-1, U-2, U-3, U-4, U-5 and 3 more"
    )


def test_what_was_not_selected_is_not_red():
    assert redness([guarantee("A-1", "P0", "UNPROVEN", reason="no scenario selected")], [scenario()]) == []


@pytest.mark.parametrize(
    ("guarantees", "scenarios", "red"),
    [
        ([guarantee("A-1", "P2", "BROKEN")], [], ["A-1 is BROKEN: because"]),
        ([guarantee("A-1", "P2", "UNPROVEN", "expired")], [], ["A-1: because"]),
        ([], [scenario("no verdict", message="gone")], ["'All of them' has no verdict: gone"]),
        ([], [scenario("failed", "no-evidence", "no evidence: x")], ["'All of them': no evidence: x"]),
        ([], [scenario("failed", "infrastructure", "no\nport")], ["'All of them': no port"]),
        ([], [scenario("skipped", "waived")], []),
    ],
)
def test_everything_that_is_red_is_named(guarantees, scenarios, red):
    assert redness(guarantees, scenarios) == red


def test_a_failure_that_its_guarantee_tells_is_not_told_twice():
    failed = scenario("failed", "failed", "wrong", guarantees=["A-1"])
    broken = guarantee("A-1", "P0", "BROKEN", scenarios=[failed.name])
    assert redness([broken], [failed]) == ["A-1 is BROKEN: because"]


def test_a_failure_under_a_waived_guarantee_and_another_one_is_told_by_the_other():
    failed = scenario("failed", "failed", "wrong", guarantees=["DEL-1", "OFF-1"])
    proving = by_guarantee([failed], bundled_catalogue().guarantees)
    assert [id_ for id_, found in proving.items() if found] == ["DEL-1", "OFF-1"]
    assert judge(GUARANTEE, proving["DEL-1"], WAIVER, False).verdict == "WAIVED"
    other = bundled_catalogue().guarantees["OFF-1"]
    assert judge(other, proving["OFF-1"], None, False).verdict == "BROKEN"


def test_short_is_one_line():
    assert in_short("*HTML*a\n  b") == "a b"
    assert in_short("word " * 100, 20) == "word word word ..."
