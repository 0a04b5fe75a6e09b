"""The one sentence that says why a run is not READY."""

from __future__ import annotations

import pytest
from folders import case, output, record

from waybill.history.report import SEVERITY
from waybill.readiness.anomaly_words import SEEN_ELSEWHERE, WORDS, in_words
from waybill.readiness.assemble import assemble
from waybill.readiness.cases import Finding

LOST = [Finding("lost-acked", 12, "alice/phone sent m7; bob/laptop never got it", [7, 9])]


def why(tmp_path, **passed):
    output(tmp_path, **{name: "PASS" if good else "FAIL" for name, good in passed.items()})
    return assemble(tmp_path).why


def test_a_broken_guarantee_is_named_with_what_went_wrong_in_plain_words(tmp_path):
    record(tmp_path, "Loses")
    case(tmp_path, "Loses", "failed", cause="anomalies", message="lost-acked (12): m7", findings=LOST)
    assert why(tmp_path, Loses=False) == (
        "P0 DEL-1 is BROKEN: acknowledged messages were lost (12 times) in 'Loses'"
    )


def test_others_that_are_broken_are_counted(tmp_path):
    record(tmp_path, "Loses", "Late")
    case(tmp_path, "Loses", "failed", cause="anomalies", findings=LOST)
    case(tmp_path, "Late", "failed", cause="failed", message="too late", guarantees=["ORD-1", "OFF-1"])
    assert why(tmp_path, Loses=False, Late=False) == (
        "P0 DEL-1 is BROKEN: acknowledged messages were lost (12 times) in 'Loses'; "
        "so are 2 more P0 (OFF-1, ORD-1)"
    )


def test_a_failure_without_a_finding_says_its_first_line(tmp_path):
    record(tmp_path, "Late")
    case(tmp_path, "Late", "failed", cause="over-limit", message="DEL-1 demands lost = 0, found 2\nreplay: x")
    assert why(tmp_path, Late=False) == "P0 DEL-1 is BROKEN: DEL-1 demands lost = 0, found 2 in 'Late'"


def test_a_scenario_that_proves_nothing_is_not_the_cause_of_what_is_broken(tmp_path):
    record(tmp_path, "Poor", "Loses")
    case(tmp_path, "Poor", "failed", cause="no-evidence", message="no evidence: nothing was sent")
    case(tmp_path, "Loses", "failed", cause="anomalies", findings=LOST)
    assert why(tmp_path, Poor=False, Loses=False).endswith("were lost (12 times) in 'Loses'")


def test_a_guarantee_that_was_tried_in_vain_comes_before_those_that_nobody_tried(tmp_path):
    record(tmp_path, "Poor")
    case(
        tmp_path,
        "Poor",
        "failed",
        cause="no-evidence",
        message="no evidence: nothing was sent",
        guarantees=["ORD-1"],
    )
    assert why(tmp_path, Poor=False) == (
        "P0 ORD-1 is UNPROVEN: no evidence: nothing was sent in 'Poor'; so are 20 more P0"
    )


def test_what_nobody_tried_is_said_to_be_that(tmp_path):
    record(tmp_path, "All")
    case(tmp_path, "All")
    assert why(tmp_path, All=True) == (
        "20 P0 guarantees were not put to the proof, no scenario was selected: "
        "DEL-2, OFF-1, ORD-1, ORD-2, DUP-1, DUP-2 and 14 more"
    )


def test_where_no_guarantee_decides_the_rule_says_it(tmp_path):
    record(tmp_path, "Loses", "Gone")
    case(tmp_path, "Loses", "failed", cause="anomalies", findings=LOST)
    assert why(tmp_path, Loses=False) == "1 scenario is without a verdict: Gone"


@pytest.mark.parametrize("anomaly", SEVERITY)
def test_every_anomaly_has_words(anomaly):
    assert anomaly not in WORDS[anomaly]


def test_no_words_are_left_over():
    assert set(WORDS) == set(SEVERITY)
    assert not set(SEEN_ELSEWHERE) & set(SEVERITY)


def test_an_anomaly_of_a_later_checker_keeps_its_name():
    assert in_words("teleported", 1) == "teleported (once)"
