"""What an administrator does in a scenario: put down in its history, and found where it had no effect."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from scripted_target import ScriptedTarget

from waybill.devices import administering
from waybill.devices.scenario import Scenario
from waybill.drivers.base import Credential, Outcome
from waybill.history.events import Completion
from waybill.history.reader import read
from waybill.targets.administration import AdministrationFailed
from waybill.tokens import forge


class Administrator:
    """Notes what it is asked for, does something about it, and answers."""

    known = ()

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.does: Callable[[], object] = lambda: None
        self.answer: object = ""

    def do(self, operation: str, **values: str) -> Outcome:
        self.asked.append((operation, values))
        self.does()
        return Outcome(Completion.OK, values={"body": self.answer})


@pytest.fixture
def scenario(begin: Callable[..., Scenario]) -> Scenario:
    scenario = begin()
    for name in ("alice", "bob"):
        scenario.user(name, ["phone"]).devices["phone"].connect()
    return scenario


def put_down(scenario: Scenario) -> list[tuple[str, str, Completion | None]]:
    """What the history says of administration."""
    scenario.close()
    assert scenario.path is not None
    history = read(scenario.path)
    return [
        (
            one.operation,
            history.devices[one.device]
            if one.device >= 0
            else history.users[one.user]
            if one.user >= 0
            else "",
            one.outcome,
        )
        for one in history.administrations
    ]


def target(scenario: Scenario) -> ScriptedTarget:
    found = scenario.target
    assert isinstance(found, ScriptedTarget)
    return found


def test_who_is_revoked_is_put_down_and_gets_another_token_next_time(scenario: Scenario) -> None:
    administrator, bob = Administrator(), scenario.device("bob/phone")
    administering.revoke_user(scenario, administrator, "bob")
    administering.revoke_device(scenario, administrator, bob)
    account = bob.account.user
    assert administrator.asked == [
        ("revoke_user", {"user": account}),
        ("revoke_device", {"user": account, "device": "phone"}),
    ]
    assert target(scenario).forgotten == [(account, "", ""), (account, "phone", "")]
    assert put_down(scenario) == [
        ("revoke_user", "bob", Completion.OK),
        ("revoke_device", "bob/phone", Completion.OK),
    ]


def test_what_was_not_done_is_put_down_as_unknown(scenario: Scenario) -> None:
    administrator = Administrator()

    def fail() -> None:
        raise AdministrationFailed("no answer")

    administrator.does = fail
    with pytest.raises(AdministrationFailed):
        administering.revoke_user(scenario, administrator, "bob")
    assert target(scenario).forgotten == []
    assert put_down(scenario) == [("revoke_user", "bob", Completion.INFO)]


def test_what_goes_on_after_the_confirmation_is_found(scenario: Scenario) -> None:
    administering.revoke_device(scenario, Administrator(), scenario.device("bob/phone"))
    scenario.wait_until_answered([scenario.device("bob/phone").send(scenario.direct("alice", "bob"))])
    scenario.close()
    report = scenario.finish()
    (found,) = [one for one in report.anomalies if one.name == "revoked-accepted"]
    assert (found.count, found.sub_kinds) == (1, {"send": 1})
    assert "bob/phone: send took effect after bob/phone had been revoked" in found.examples[0].sentence
    assert report.figures["revoked"] == report.figures["late_operations"] == 1


def test_what_ends_before_the_confirmation_is_nothing(scenario: Scenario) -> None:
    administrator, bob = Administrator(), scenario.device("bob/phone")
    administrator.does = bob.close
    scenario.wait_until_answered([bob.send(scenario.direct("alice", "bob"))])
    administering.revoke_device(scenario, administrator, bob)
    scenario.close()
    report = scenario.finish()
    assert "revoked-accepted" not in [one.name for one in report.anomalies]
    assert report.figures["late_operations"] == 0


def test_a_token_is_revoked_by_its_id_and_known_by_a_number(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    administrator, bob = Administrator(), scenario.device("bob/phone")
    with pytest.raises(ValueError, match=r"bob/phone shows no token with an id \(jti\)"):
        administering.revoke_token(scenario, administrator, bob)
    token = forge.join(b"{}", json.dumps({"jti": "t-7"}).encode(), lambda _: b"s")
    monkeypatch.setattr(
        target(scenario), "credential", lambda account, _: Credential(account.user, token=token)
    )
    administering.revoke_token(scenario, administrator, bob)
    assert administrator.asked == [("revoke_token", {"user": bob.account.user, "token_id": "t-7"})]
    assert target(scenario).forgotten == [(bob.account.user, "", token)]
    number = scenario.token_number(token)
    assert put_down(scenario) == [("revoke_token", "bob/phone", Completion.OK)]
    assert scenario.path is not None
    history = read(scenario.path)
    assert history.administrations[0].token == number > 0
    assert len(set(history.sessions.token[1:3].tolist()) | {number}) == 3


def test_the_same_token_has_one_number(scenario: Scenario) -> None:
    assert scenario.token_number("a") == scenario.token_number("a") != scenario.token_number("b")
    assert scenario.token_number("") == 0


@pytest.mark.parametrize("under", [True, False])
def test_a_session_is_ended_by_the_name_that_the_server_has_for_it(scenario: Scenario, under: bool) -> None:
    administrator, bob = Administrator(), scenario.device("bob/phone")
    listed = [{"device": "desk", "session": "1"}, {"device": "phone", "session": "2"}, "?"]
    administrator.answer = {"sessions": listed} if under else listed
    administering.end_session(scenario, administrator, bob)
    account = bob.account.user
    assert administrator.asked == [
        ("list_sessions", {"user": account}),
        ("end_session", {"user": account, "session": "2"}),
    ]
    assert put_down(scenario) == [("end_session", "bob/phone", Completion.OK)]


@pytest.mark.parametrize("answer", ["", [], {"sessions": []}, {"sessions": "?"}, [{"device": "desk"}]])
def test_a_session_that_is_not_listed_cannot_be_ended(scenario: Scenario, answer: object) -> None:
    administrator = Administrator()
    administrator.answer = answer
    with pytest.raises(
        AssertionError, match="Expected the server to list a session of bob/phone; it lists none"
    ):
        administering.end_session(scenario, administrator, scenario.device("bob/phone"))
    assert put_down(scenario) == []


def test_the_key_is_rotated_and_its_id_told_where_there_is_one(scenario: Scenario) -> None:
    administrator = Administrator()
    assert administering.rotate_key(scenario, administrator) == ""
    administrator.answer = {"kid": "k-2"}
    assert administering.rotate_key(scenario, administrator) == "k-2"
    assert put_down(scenario) == [("rotate_key", "", Completion.OK)] * 2
