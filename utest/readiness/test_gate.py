"""The evidence gate: what may stay green."""

from __future__ import annotations

import datetime

import pytest

from waybill.readiness.cases import Finding
from waybill.readiness.catalogue import Guarantee, bundled_catalogue
from waybill.readiness.evidence import inexpressible, sentences, shortfalls
from waybill.readiness.gate import FAILED, PASSED, SKIPPED, Shown, decide, findings_of
from waybill.readiness.waivers import Waiver

GUARANTEES = bundled_catalogue().guarantees
CLEAN = {"verdict": "clean", "anomalies": [], "figures": {}}
ENOUGH = {"acknowledged": 1000, "delivered": 1000, "lost": 0, "duplicated": 0, "phantom": 0, "corrupted": 0}


def shown(**changes):
    return Shown(**({"robot_status": PASSED, "report": CLEAN, "figures": ENOUGH} | changes))


def waivers(*ids):
    return {id_: Waiver(id_, "not promised", "qa", datetime.date(2030, 1, 1)) for id_ in ids}


def decision(case, *ids, waived=()):
    return decide(case, [GUARANTEES[id_] for id_ in ids], waivers(*waived))


def test_a_pass_with_a_clean_history_and_enough_evidence_stays_green():
    decided = decision(shown(), "DEL-1")
    assert (decided.robot_status, decided.status, decided.cause, decided.message) == (
        PASSED,
        "passed",
        "",
        "",
    )


def test_exactly_the_demanded_amount_is_enough_and_one_less_is_not():
    assert decision(shown(), "DEL-1").robot_status == PASSED
    decided = decision(shown(figures=ENOUGH | {"acknowledged": 999}), "DEL-1")
    assert decided.message == "no evidence: DEL-1 demands acknowledged >= 1000, found 999"
    assert (decided.robot_status, decided.cause) == (FAILED, "no-evidence")


def test_no_traffic_is_red():
    decided = decision(shown(figures=ENOUGH | {"acknowledged": 0, "delivered": 0}), "DEL-1")
    assert "acknowledged >= 1000, found 0; delivered >= 1000, found 0" in decided.message


def test_a_figure_that_nobody_counted_is_not_zero():
    figures = {name: value for name, value in ENOUGH.items() if name != "lost"}
    assert decision(shown(figures=figures), "DEL-1").message == (
        "no evidence: DEL-1 demands lost = 0, not counted"
    )


def test_a_figure_over_its_limit_breaks_the_guarantee():
    decided = decision(shown(figures=ENOUGH | {"duplicated": 2}), "DEL-1")
    assert decided.message == "DEL-1 demands duplicated = 0, found 2"
    assert decided.cause == "over-limit"


def test_each_guarantee_of_a_scenario_makes_its_own_demands():
    decided = decision(shown(), "DEL-1", "DUP-2")
    assert (
        decided.message == "no evidence: DUP-2 demands pairs >= 500, not counted; swallowed = 0, not counted"
    )


def test_a_history_that_was_never_checked_is_red():
    assert decision(shown(report=None), "DEL-1").message == "no evidence: the history was never checked"


def test_a_pass_over_anomalies_is_red():
    found = [Finding("lost-acked", 3, "alice sent m7; bob never got it")]
    decided = decision(shown(findings=found), "DEL-1")
    assert decided.message == "the history has anomalies: lost-acked (3): alice sent m7; bob never got it"
    assert decided.cause == "anomalies"


def test_an_unknown_verdict_proves_nothing():
    report = {"verdict": "unknown", "unknown_reasons": ["no complete final read of bob/phone"]}
    decided = decision(shown(report=report), "DEL-1")
    assert (
        decided.message
        == "no evidence: the verdict on the history is unknown: no complete final read of bob/phone"
    )


def test_a_test_without_a_guarantee_needs_a_checked_history_too():
    assert decision(shown(report=None)).cause == "no-evidence"
    assert decision(shown(figures={})).robot_status == PASSED


def test_a_test_that_says_that_it_is_no_scenario_needs_none():
    assert decision(shown(report=None, scenario=False)).robot_status == PASSED


def test_a_guarantee_cannot_be_claimed_by_a_test_that_is_no_scenario():
    assert decision(shown(report=None, scenario=False), "DEL-1").cause == "no-evidence"


def test_a_misspelt_guarantee_is_red():
    decided = decision(shown(misspelt=["DEL-11"]))
    assert decided.message.startswith("no evidence: the catalogue has no DEL-11")


def test_nothing_is_skipped_silently():
    decided = decision(shown(robot_status=SKIPPED, message="not supported"), "DEL-1")
    assert decided.robot_status == FAILED
    assert decided.message == "no evidence: skipped, and no waiver covers DEL-1\nnot supported"


def test_a_failure_stays_one_and_says_what_kind():
    failed = {"robot_status": FAILED, "message": "no"}
    assert decision(shown(**failed), "DEL-1").cause == "failed"
    assert decision(shown(**failed, findings=[Finding("gap")]), "DEL-1").cause == "anomalies"
    assert decision(shown(**failed, findings=[Finding("vacuous")]), "DEL-1").cause == "no-evidence"
    both = [Finding("vacuous"), Finding("gap")]
    assert decision(shown(**failed, findings=both), "DEL-1").cause == "anomalies"
    assert decision(shown(**failed, infrastructure=True), "DEL-1").message == "infrastructure: no"
    unknown = {"verdict": "unknown"}
    assert decision(shown(**failed, report=unknown), "DEL-1").cause == "no-evidence"


def test_what_is_about_several_nodes_is_inapplicable_to_one_unless_the_guarantee_needs_them():
    apart = shown(robot_status=FAILED, message="it has one node", infrastructure=True, one_node=True)

    decided = decision(apart, "OFF-2")
    assert (decided.robot_status, decided.cause) == (SKIPPED, "inapplicable")
    assert decided.message == "it has one node"
    for needy in (["PAR-1"], ["OFF-2", "PAR-1"]):
        decided = decision(apart, *needy)
        assert (decided.robot_status, decided.cause) == (FAILED, "infrastructure")
    assert decision(apart, "DUP-1", waived=["DUP-1"]).cause == "waived"


@pytest.mark.parametrize("status", [FAILED, SKIPPED])
def test_what_is_waived_does_not_fail(status):
    decided = decision(shown(robot_status=status, message="no key"), "DUP-1", waived=["DUP-1"])
    assert (decided.robot_status, decided.cause) == (SKIPPED, "waived")
    assert decided.message == "DUP-1 is waived until 2030-01-01 by qa: not promised\nno key"


def test_a_waived_guarantee_makes_no_demands():
    assert decision(shown(), "DEL-1", "DUP-1", waived=["DUP-1"]).robot_status == PASSED


def test_a_waiver_covers_only_its_own_guarantee():
    decided = decision(shown(robot_status=FAILED, message="no"), "DEL-1", "DUP-1", waived=["DUP-1"])
    assert decided.robot_status == FAILED


def test_a_pass_that_a_waiver_covers_stays_a_pass():
    figures = {"keys": 500, "retries": 1500, "duplicates": 0}
    assert decision(shown(figures=figures), "DUP-1", waived=["DUP-1"]).robot_status == PASSED


def test_a_message_in_html_stays_html():
    decided = decision(shown(robot_status=SKIPPED, message="*HTML* <b>no</b>"), "DEL-1")
    assert decided.message == "*HTML*no evidence: skipped, and no waiver covers DEL-1<br><b>no</b>"


def test_findings_are_one_per_anomaly_with_the_worst_example():
    report = {
        "anomalies": [
            {
                "anomaly": "reordered",
                "count": 12,
                "examples": [
                    {"sentence": "m7 before m6", "events": [4, 9]},
                    {"sentence": "another", "events": [1]},
                ],
            },
            {"anomaly": "stuck", "count": 1, "examples": []},
        ]
    }
    findings = findings_of(report, [{"anomaly": "node-died", "sentence": "node one ended by itself"}])
    assert findings == [
        Finding("reordered", 12, "m7 before m6", [4, 9]),
        Finding("stuck", 1, "", []),
        Finding("node-died", 1, "node one ended by itself", []),
    ]
    assert findings_of(None) == []


@pytest.mark.parametrize(
    ("figures", "missed"),
    [
        ({"opcodes": 40, "opcodes_total": 40}, ""),
        ({"opcodes": 39, "opcodes_total": 40}, "X-1 demands all opcodes, found 39 of 40"),
        ({"opcodes": 0, "opcodes_total": 0}, "X-1 demands all opcodes, found 0 of 0"),
        ({"opcodes": 40}, "X-1 demands all opcodes, found 40"),
        ({}, "X-1 demands all opcodes, not counted"),
    ],
)
def test_all_means_everything_there_is(figures, missed):
    guarantee = Guarantee("X-1", "", "", "P1", "", "", complete=("opcodes",))
    assert sentences(shortfalls(guarantee, figures)) == missed


def test_a_figure_that_has_to_hold_and_one_that_has_to_be_there():
    guarantee = Guarantee("X-1", "", "", "P1", "", "", at_least={"held": True}, reported=("p99",))
    assert shortfalls(guarantee, {"held": True, "p99": 0}) == []
    assert sentences(shortfalls(guarantee, {"held": False})) == (
        "X-1 demands held, found false; p99 reported, not counted"
    )


def test_a_probe_that_was_accepted_breaks_what_demands_refusal_and_too_few_probes_prove_nothing():
    case = shown(figures={"probes": 80, "accepted": 0})
    assert decision(case, "TLS-1").robot_status == PASSED
    decided = decision(shown(figures={"probes": 80, "accepted": 1}), "TLS-1")
    assert (decided.robot_status, decided.cause) == (FAILED, "over-limit")
    decided = decision(shown(figures={"probes": 24, "accepted": 0}), "TLS-1")
    assert (decided.robot_status, decided.cause) == (FAILED, "no-evidence")


def test_findings_speak_the_language_of_the_checker():
    from waybill.history.report import Anomaly, Example, Report

    report = Report("anomalies", (Anomaly("lost-acked", 2, (Example("m7 is gone", (3, 9)),)),), {})
    (finding,) = findings_of(report.to_dict())
    assert (finding.anomaly, finding.count, finding.sentence) == ("lost-acked", 2, "m7 is gone")
    assert list(finding.events) == [3, 9]


WORDLESS = ENOUGH | {"acknowledged": 0, "accepted_sends": 1200, "accepted_sends_lost": 0}
"""What a server shows that answers a send with nothing."""


def test_what_is_accepted_without_a_word_counts_where_the_answer_is_not_the_point():
    assert decision(shown(figures=WORDLESS), "DEL-1").robot_status == PASSED


def test_where_some_clients_are_answered_what_others_had_accepted_counts_for_nothing():
    decided = decision(shown(figures=WORDLESS | {"acknowledged": 100}), "DEL-1")
    assert (decided.robot_status, decided.cause) == (FAILED, "no-evidence")
    assert "acknowledged >= 1000, found 100" in decided.message
    decided = decision(shown(figures=ENOUGH | {"accepted_sends": 50, "accepted_sends_lost": 1}), "DEL-1")
    assert (decided.robot_status, decided.cause) == (FAILED, "over-limit")


def test_what_was_accepted_and_lost_breaks_the_guarantee_and_its_rate_is_told():
    decided = decision(shown(figures=WORDLESS | {"accepted_sends_lost": 30}), "DEL-1")
    assert (decided.robot_status, decided.cause) == (FAILED, "over-limit")
    assert "found 30 of 1200 accepted sends that reached nobody (2.5%)" in decided.message


def test_a_guarantee_about_the_answer_is_broken_where_none_comes():
    figures = WORDLESS | {"kills": 7}
    decided = decision(shown(figures=figures), "ACK-1")
    assert (decided.robot_status, decided.cause) == (FAILED, "over-limit")
    assert "ACK-1 demands an answer to every send, 1200 sends were accepted without a word" in decided.message
    assert decision(shown(figures=ENOUGH | {"kills": 7}), "ACK-1").robot_status == PASSED


def test_a_server_without_answers_may_waive_them_in_writing():
    assert decision(shown(figures=WORDLESS | {"kills": 7}), "ACK-1", waived=["ACK-1"]).robot_status in {
        PASSED,
        SKIPPED,
    }


@pytest.mark.parametrize(
    ("ids", "capabilities", "missing"),
    [
        (["DEL-1"], [], None),
        (["ACK-1"], [], None),
        (["DUP-1"], ["sender-ack"], "idempotency-key"),
        (["DUP-1"], ["idempotency-key"], None),
        (["DEL-1", "DEV-3"], ["receipts"], "read-markers"),
        (["DEV-3", "DUP-1"], ["receipts", "read-markers"], "idempotency-key"),
        ([], [], None),
    ],
)
def test_what_a_protocol_has_no_words_for_is_named_but_a_missing_answer_to_sends(ids, capabilities, missing):
    assert inexpressible([GUARANTEES[id_] for id_ in ids], capabilities) == missing


def test_an_unexpected_error_in_the_logs_fails_only_what_would_have_passed():
    failure = "The server's logs have 1 unexpected error line:\nnode/output.log: ERROR"
    passed = decision(shown(log_failure=failure), "DEL-1")
    assert (passed.robot_status, passed.cause, passed.message) == (FAILED, "failed", failure)
    waived = decision(shown(log_failure=failure), "DEL-1", waived=["DEL-1"])
    assert (waived.robot_status, waived.cause) == (SKIPPED, "waived")
    other = decision(shown(log_failure=failure, figures=ENOUGH | {"acknowledged": 0}), "DEL-1")
    assert "logs" not in other.message
