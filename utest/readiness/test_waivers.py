"""Waivers: complete, dated, for a known guarantee, or refused."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import pytest

from waybill.readiness.catalogue import bundled_catalogue
from waybill.readiness.waivers import WaiverError, accept

WHOLE = {
    "guarantee": "dup-1",
    "reason": "MQTT has no idempotency key",
    "owner": "qa@example.org",
    "expires": datetime.date(2027, 3, 31),
}


def accepted(*entries):
    return accept(entries, bundled_catalogue())


def test_a_whole_waiver_is_taken_over():
    (waiver,) = accepted(WHOLE)
    assert waiver.guarantee == "DUP-1"
    assert waiver.sentence() == "waived until 2027-03-31 by qa@example.org: MQTT has no idempotency key"


def test_its_last_day_still_counts():
    (waiver,) = accepted(WHOLE)
    assert not waiver.expired(datetime.date(2027, 3, 31))
    assert waiver.expired(datetime.date(2027, 4, 1))


def test_objects_with_the_same_attributes_are_as_good_as_tables():
    @dataclass
    class FromTargetFile:
        guarantee: str = "DUP-1"
        reason: str = "none"
        owner: str = "me"
        expires: datetime.date = datetime.date(2027, 1, 1)

    assert accepted(FromTargetFile())[0].owner == "me"


@pytest.mark.parametrize("field", ["reason", "owner", "guarantee"])
@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_waiver_without_one_of_its_fields_is_refused(field, value):
    with pytest.raises(
        WaiverError, match=f"has no {field}: a waiver needs guarantee, reason, owner and expires"
    ):
        accepted(WHOLE | {field: value})


@pytest.mark.parametrize(("value", "found"), [(None, "nothing"), ("soon", "'soon'"), (7, "'7'")])
def test_a_waiver_without_a_date_is_refused(value, found):
    with pytest.raises(WaiverError, match=f"The waiver of dup-1 has no date .* found {found}"):
        accepted(WHOLE | {"expires": value})


def test_a_date_may_be_text_or_a_moment():
    for value in ("2027-03-31", datetime.datetime(2027, 3, 31, 12, 0, tzinfo=datetime.UTC)):
        assert accepted(WHOLE | {"expires": value})[0].expires == datetime.date(2027, 3, 31)


def test_a_waiver_of_nothing_is_refused():
    with pytest.raises(WaiverError, match="names no guarantee of the catalogue"):
        accepted(WHOLE | {"guarantee": "DUP-9"})


def test_two_waivers_of_one_guarantee_are_refused():
    with pytest.raises(WaiverError, match="two waivers for DUP-1"):
        accepted(WHOLE, WHOLE)
