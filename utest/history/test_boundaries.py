"""One history on each side of every bound: the last that is still right, and the first that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from waybill.history import check
from waybill.history.layout import body_digest
from waybill.history.planted.stories import Story

Found = dict[str, dict[str, int]]
ENDS = "alice/phone final\nbob/laptop final\n"
PRESENCE = "promise presence_bound=3s\nbob/laptop connects\n"
WATCHED = f"{PRESENCE}alice/phone connects\nbob/laptop watches user=alice\nalice/phone ends\n"
REVOKED = "promise revocation_bound=1s\nbob/laptop connects\nalice/phone connects\n"
GROUP = "users alice: phone; bob: laptop; carol: tablet\nconversation g: alice, bob, carol\n"
WRONG_ANSWER = {"stale-read": {"presence": 1}}
LOST = {"lost-acked": {"whole": 1}}
LOST_EARLY = {**LOST, "premature-ack": {}}

CASES: dict[str, tuple[str, Found]] = {
    "acknowledged two seconds before the kill": (
        "alice/phone sends m1\nalice/phone ok m1\n+1999\nfault kill\nfault observed\nfault ends\n",
        LOST_EARLY,
    ),
    "acknowledged a microsecond earlier than that": (
        "alice/phone sends m1\nalice/phone ok m1\n+1999.001\nfault kill\nfault observed\nfault ends\n",
        LOST,
    ),
    "acknowledged before the effect of a kill": (
        "alice/phone sends m1\nfault kill\nalice/phone ok m1\nfault observed\nfault ends\n",
        LOST_EARLY,
    ),
    "acknowledged after the effect of a kill": (
        "alice/phone sends m1\nfault kill\nfault observed\nalice/phone ok m1\nfault ends\n",
        LOST,
    ),
    "acknowledged in a kill whose effect nobody saw before its end": (
        "alice/phone sends m1\nfault kill\nalice/phone ok m1\nfault ends\nfault observed\n",
        LOST_EARLY,
    ),
    "acknowledged in a kill that nobody saw have an effect or an end": (
        "alice/phone sends m1\nfault kill\nalice/phone ok m1\n",
        {**LOST, "vacuous": {"fault": 1}},
    ),
    "seen last before the kill": (
        "users alice: phone; bob: laptop, pad\nalice/phone sends m1\nalice/phone ok m1\nbob/pad gets m1\nfault kill\n"
        "fault observed\nfault ends\nbob/pad final\n",
        {**LOST_EARLY, "device-divergence": {"set": 1}},
    ),
    "seen last after the kill": (
        "users alice: phone; bob: laptop, pad\nalice/phone sends m1\nalice/phone ok m1\nfault kill\nfault observed\n"
        "fault ends\nbob/pad gets m1\nbob/pad final\n",
        {**LOST, "device-divergence": {"set": 1}},
    ),
    "asked three seconds after a goodbye": (
        f"{PRESENCE}alice/phone connects\nalice/phone ends\n+2999\nbob/laptop asks alice ok.value=1\n",
        {},
    ),
    "asked a microsecond later than that": (
        f"{PRESENCE}alice/phone connects\nalice/phone ends\n+2999.001\nbob/laptop asks alice ok.value=1\n",
        WRONG_ANSWER,
    ),
    "answered three seconds after the start about somebody who never came": (
        f"{PRESENCE}+2995\nbob/laptop asks alice ok.value=1\n",
        WRONG_ANSWER,
    ),
    "answered a microsecond earlier than that": (
        f"{PRESENCE}+2994.999\nbob/laptop asks alice ok.value=1\n",
        {},
    ),
    "denied three seconds after a login": (
        f"{PRESENCE}alice/phone connects\n+2999\nbob/laptop asks alice ok.value=0\n+9000\nalice/phone ends\n",
        WRONG_ANSWER,
    ),
    "denied a microsecond earlier than that": (
        f"{PRESENCE}alice/phone connects\n+2998.999\nbob/laptop asks alice ok.value=0\n+9000\nalice/phone ends\n",
        {},
    ),
    "denied three seconds before the end is noted": (
        f"{PRESENCE}alice/phone connects\n+5000\nbob/laptop asks alice ok.value=0\n+2999\nalice/phone ends\n",
        {},
    ),
    "denied a microsecond earlier": (
        f"{PRESENCE}alice/phone connects\n+5000\nbob/laptop asks alice ok.value=0\n+2999.001\nalice/phone ends\n",
        WRONG_ANSWER,
    ),
    "denied by a notice while the session goes on": (
        f"{PRESENCE}alice/phone connects\n+5000\nbob/laptop finds alice offline\n+5000\nalice/phone ends\n",
        WRONG_ANSWER,
    ),
    "told of an end three seconds after it": (
        f"{WATCHED}+2999\nbob/laptop finds alice offline\n+1000\nbob/laptop syncs p\nbob/laptop ok p complete\n",
        {},
    ),
    "told a microsecond later than that": (
        f"{WATCHED}+2999.001\nbob/laptop finds alice offline\n+1000\nbob/laptop syncs p\nbob/laptop ok p complete\n",
        WRONG_ANSWER,
    ),
    "told by a notice, and then by an answer": (
        f"{PRESENCE}alice/phone connects\nbob/laptop watches user=alice\nbob/laptop finds alice online\n"
        "alice/phone ends\nbob/laptop asks alice ok.value=0\n+9000\nbob/laptop syncs p\nbob/laptop ok p complete\n",
        {},
    ),
    "a history that ends three seconds after the end": (
        f"{WATCHED}+2998\nbob/laptop syncs p\nbob/laptop ok p complete\n",
        WRONG_ANSWER,
    ),
    "a history that ends a microsecond earlier than that": (
        f"{WATCHED}+2997.999\nbob/laptop syncs p\nbob/laptop ok p complete\n",
        {},
    ),
    "not watched any more three seconds after the end": (
        f"{WATCHED}+2999\nbob/laptop watches\n+9000\nbob/laptop syncs p\nbob/laptop ok p complete\n",
        WRONG_ANSWER,
    ),
    "not watched any more a microsecond earlier than that": (
        f"{WATCHED}+2998.999\nbob/laptop watches\n+9000\nbob/laptop syncs p\nbob/laptop ok p complete\n",
        {},
    ),
    "the watching session ends three seconds after": (
        f"{WATCHED}+2999\nbob/laptop ends\n",
        WRONG_ANSWER,
    ),
    "the watching session ends a microsecond earlier than that": (
        f"{WATCHED}+2998.999\nbob/laptop ends\n",
        {},
    ),
    "back three seconds later, told nothing": (
        f"{WATCHED}+2997\nalice/phone connects\n+9000\nbob/laptop syncs p\nbob/laptop ok p complete\n",
        {},
    ),
    "somebody else's watch ends nobody's": (
        "users alice: phone; bob: laptop; carol: tablet\nconversation ab: alice, bob, carol\n"
        "promise presence_bound=3s\n"
        "carol/tablet connects\nbob/laptop connects\nalice/phone connects\nbob/laptop watches user=alice\n"
        "alice/phone ends\ncarol/tablet watches user=bob\n+4000\nbob/laptop syncs p\nbob/laptop ok p complete\n"
        "carol/tablet final\n",
        WRONG_ANSWER,
    ),
    "begun a second after the revocation": (
        f"{REVOKED}administration revoke_user user=bob\n+999\nbob/laptop asks alice ok.value=1\n",
        {},
    ),
    "begun a microsecond later than that": (
        f"{REVOKED}administration revoke_user user=bob\n+999.001\nbob/laptop asks alice ok.value=1\n",
        {"revoked-accepted": {"presence": 1}},
    ),
    "begun a second after a revocation by a user": (
        f"{REVOKED}alice/phone revokes user=bob\n+999\nbob/laptop asks alice ok.value=1\n",
        {},
    ),
    "begun a microsecond later than that, too": (
        f"{REVOKED}alice/phone revokes user=bob\n+999.001\nbob/laptop asks alice ok.value=1\n",
        {"unauthorised-ok": {"presence": 1}},
    ),
    "read as far as a device asked to mark": (
        "alice/phone sends m1\nalice/phone ok m1 seq=1\nalice/phone sends m2\nalice/phone ok m2 seq=2\n"
        "bob/laptop marks value=2\nalice/phone sees bob read=2\nbob/laptop gets m1\nbob/laptop gets m2\n",
        {},
    ),
    "read one further than a device asked to mark": (
        "alice/phone sends m1\nalice/phone ok m1 seq=1\nalice/phone sends m2\nalice/phone ok m2 seq=2\n"
        "bob/laptop marks value=1\nalice/phone sees bob read=2\nbob/laptop gets m1\nbob/laptop gets m2\n",
        {"false-receipt": {"read": 1}},
    ),
    "got just when its time is over": (
        "alice/phone sends m1 expires=100\nalice/phone ok m1\n+99\nbob/laptop connects\nbob/laptop gets m1\n",
        {},
    ),
    "got in a session a microsecond after its time": (
        "alice/phone sends m1 expires=100\nalice/phone ok m1\n+99.001\nbob/laptop connects\nbob/laptop gets m1\n",
        {"resurrected": {"expired": 1}},
    ),
    "unanswered over the quota when the history breaks off": (
        "killed\nalice/phone sends m1\nalice/phone ok m1\nbob/laptop gets m1\nalice/phone sends m2 over_quota=true\n",
        {},
    ),
    "of unknown outcome over the quota when the history breaks off": (
        "killed\nalice/phone sends m1\nalice/phone ok m1\nbob/laptop gets m1\nalice/phone sends m2 over_quota=true\n"
        "alice/phone info m2\n",
        {"silent-drop": {"unanswered": 1}},
    ),
    "late by the client's clock while its session lasts": (
        "alice/phone sends m1\nalice/phone info m1 code=timeout\nalice/phone ends lost\n",
        {"hung": {}},
    ),
    "no answer because the session was over": (
        "alice/phone sends m1\nalice/phone ends lost\nalice/phone info m1 code=timeout\n",
        {},
    ),
    "late while a fault is in force": (
        "fault kill\nfault observed\nalice/phone sends m1\nfault ends\nalice/phone info m1 code=timeout\n",
        {},
    ),
    "late after a fault": (
        "fault kill\nfault observed\nfault ends\nalice/phone sends m1\nalice/phone info m1 code=deadline\n",
        {"hung": {}},
    ),
    "given to a former member what was sent while the removal was under way": (
        f"{GROUP}alice/phone removes... carol in=g\nalice/phone sends m1 in=g\nalice/phone ok m1\nbob/laptop gets m1\n"
        "alice/phone ok remove\ncarol/tablet gets m1\n",
        {},
    ),
    "given to a former member what was sent right after it": (
        f"{GROUP}alice/phone removes carol in=g\nalice/phone sends m1 in=g\nalice/phone ok m1\nbob/laptop gets m1\n"
        "carol/tablet gets m1\n",
        {"membership-leak": {"former-member": 1}},
    ),
}


def test_a_missing_message_is_looked_for_in_its_own_conversation(tmp_path: Path) -> None:
    told = Story().tell(f"{GROUP}alice/phone sends m1 in=g\nalice/phone ok m1\nbob/laptop gets m1\n")
    told.event("deadline", device="carol/tablet", missing=[["nowhere", "m1"], ["ab", "m1"]])
    told.tell("carol/tablet gets m1\ncarol/tablet final\n" + ENDS)

    assert check(told.write(tmp_path / "history.jsonl")).verdict == "clean"


def test_a_notice_about_nobody_says_nothing(tmp_path: Path) -> None:
    told = Story().tell(f"{PRESENCE}+5000\n")
    told.event("presence-seen", device="bob/laptop", online=True)
    told.tell(ENDS)

    assert check(told.write(tmp_path / "history.jsonl")).verdict == "clean"


def test_a_body_of_unknown_length_is_told_by_its_digest_alone(tmp_path: Path) -> None:
    told = Story().tell("alice/phone sends m1\nalice/phone ok m1\n")
    digest = body_digest(b"body of m1")
    told.event("deliver", device="bob/laptop", conversation="ab", sender="alice", key="m1", digest=digest)
    told.tell(ENDS)

    assert check(told.write(tmp_path / "history.jsonl")).verdict == "clean"


@pytest.mark.parametrize("sent", [0, 1000])
def test_the_start_of_a_history_is_a_time_like_any_other(sent: int, tmp_path: Path) -> None:
    told = Story().tell(
        "alice/phone sends m1\nalice/phone ok m1\nfault kill\nfault observed\nfault ends\n" + ENDS
    )
    for line in told.lines:
        line["time"] = max(0, line["time"] - 3000) + sent
    report = check(told.write(tmp_path / "history.jsonl"))

    said = next(one for one in report.anomalies if one.name == "premature-ack").examples[0].sentence
    assert "was acknowledged 0.000 ms before the fault kill on node1" in said


def test_without_the_time_of_the_acknowledgement_nothing_is_said_of_it(tmp_path: Path) -> None:
    told = Story().tell(
        "alice/phone sends m1\nalice/phone ok m1\n+9000\nfault kill\nfault observed\nfault ends\n"
    )
    del told.tell(ENDS).lines[1]["time"]
    report = check(told.write(tmp_path / "history.jsonl"))

    said = next(one for one in report.anomalies if one.name == "premature-ack").examples[0].sentence
    assert "was acknowledged before the fault kill on node1" in said


@pytest.mark.parametrize("title", CASES)
def test_each_side_of_a_bound(title: str, tmp_path: Path) -> None:
    text, expected = CASES[title]
    report = check(Story().tell(text + ENDS).write(tmp_path / "history.jsonl"))

    assert {anomaly.name: anomaly.sub_kinds for anomaly in report.anomalies} == expected, report.to_text()
