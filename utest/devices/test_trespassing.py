"""Operations where nothing may work, on the scripted server, which lets everybody do everything."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from scripted_server import ScriptedServer

from waybill.devices import Scenario, trespassing
from waybill.drivers.base import Outcome
from waybill.history.events import Completion
from waybill.tokens.attack import NotTried


class Office:
    """An administrator who confirms everything and does nothing."""

    known = ("revoke_device",)

    def __init__(self) -> None:
        self.done: list[tuple[str, str]] = []

    def do(self, operation: str, **values: str) -> Outcome:
        self.done.append((operation, values["device"]))
        return Outcome(Completion.OK)


def anomalies(scenario: Scenario) -> dict[str, str]:
    scenario.settle(deadline=2)
    return {one.name: one.examples[0].sentence for one in scenario.finish().anomalies}


def test_whoever_meets_is_in_a_group_and_every_operation_is_tried(scenario: Scenario) -> None:
    scenario.device("bob").connect()
    trespassing.meet(scenario, "mallory", "bob")
    answers = trespassing.try_operations_after_failed_login(scenario, "mallory", "bob")
    assert set(answers) == set(trespassing._OPERATIONS)
    assert set(answers) >= trespassing.IN_GROUPS


def test_a_login_that_failed_is_refused_and_nothing_works_after_it(
    scenario: Scenario, server: ScriptedServer
) -> None:
    scenario.device("bob").connect()

    def refuse(socket: Any, hello: dict[str, Any]) -> bool:
        if not hello["token"].endswith("AAAAAAAA"):
            return False
        socket.send(json.dumps({"type": "closing", "code": "unauthenticated", "text": "no"}))
        # It leaves the connection open, and ends it on the first operation.
        socket.recv()
        socket.close(1008)
        return True

    server.hello_rules.append(refuse)
    answers = trespassing.try_operations_after_failed_login(scenario, "mallory", "bob")
    assert set(answers.values()) == {"unauthenticated, open"}
    assert "roster" not in answers
    assert [one for one in scenario.trespasses if one.succeeded] == []
    assert len(scenario.trespasses) == len(answers)
    assert anomalies(scenario) == {}


def test_a_server_that_lets_them_in_after_all_is_found(scenario: Scenario) -> None:
    scenario.device("bob").connect()
    answers = trespassing.try_operations_after_failed_login(scenario, "mallory", "bob")
    assert set(answers.values()) == {"let in"}
    assert {"presence", "sync"} <= {one.what for one in scenario.trespasses if one.succeeded}
    assert "under a forged token" in anomalies(scenario)["unauthorised-ok"]


def test_a_revocation_that_ends_nothing_is_found(scenario: Scenario) -> None:
    scenario.device("bob").connect()
    office = Office()
    found = trespassing.try_operations_after_revocation(scenario, office, "mallory", "bob")
    assert [device for _, device in office.done] == [f"revoked-{name}" for name in found]
    assert {one.what for one in scenario.trespasses if one.succeeded} >= {"send", "presence", "sync"}
    assert [one.got_in for one in scenario.attempts] == [True] * len(found)
    found_in_it = anomalies(scenario)
    assert "had been revoked" in found_in_it["revoked-accepted"]
    assert "under a revoked token" in found_in_it["unauthorised-ok"]


def test_no_token_that_ends_soon_is_not_tried(scenario: Scenario) -> None:
    with pytest.raises(NotTried, match="ends in seconds"):
        trespassing.try_operations_after_expiry(scenario, "mallory", "bob")


def test_a_session_that_outlives_its_token_is_found(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario.target.odd_tokens = True  # type: ignore[misc]

    ends = time.time() + 1

    def token(scenario: Scenario, person: str, _: dict[str, str]) -> str:
        return f"token of {scenario.users[person].account.user}"

    monkeypatch.setattr(trespassing, "token_of", token)
    monkeypatch.setattr(trespassing, "end_of", lambda _: ends)
    scenario.device("bob").connect()
    found = trespassing.try_operations_after_expiry(scenario, "mallory", "bob")
    assert all(state.startswith("connected") for state in found.values())
    sentences = [example.sentence for one in _finished(scenario) for example in one.examples]
    assert any("had expired" in sentence for sentence in sentences)
    assert [one.got_in for one in scenario.attempts] == [True] * len(found)


def _finished(scenario: Scenario) -> list[Any]:
    scenario.settle(deadline=2)
    return [one for one in scenario.finish().anomalies if one.name == "unauthorised-ok"]
