"""Stolen tokens and overheard logins on the scripted server: one that lets everybody in, and one that does not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from scripted_server import Frame, ScriptedServer

from waybill.devices import Scenario, replaying
from waybill.devices.forging import NoTokens
from waybill.devices.replaying import (
    Tapped,
    log_in_overheard,
    race,
    tapped,
    try_overheard_login,
    try_token_again,
)
from waybill.drivers.base import Capability, Overheard
from waybill.history.events import CredentialKind
from waybill.tokens.attack import NotTried


@pytest.fixture
def bob(scenario: Scenario) -> Any:
    scenario.target.issuer = object()  # type: ignore[misc, assignment]
    return scenario.device("bob")


def test_passwords_cannot_be_stolen_as_tokens(scenario: Scenario) -> None:
    with pytest.raises(NoTokens, match="none to steal"):
        log_in_overheard(scenario, scenario.device("bob"))
    with pytest.raises(NoTokens, match="none to steal"):
        race(scenario, "mallory", "rita", 2)


def test_nobody_is_tapped_by_chance(scenario: Scenario) -> None:
    with pytest.raises(RuntimeError, match="Nobody listened when bob/phone logged in"):
        tapped(scenario, scenario.device("bob"))


def test_logins_with_one_token_are_kept_and_those_with_another_forgotten(
    scenario: Scenario, server: ScriptedServer, bob: Any
) -> None:
    first = log_in_overheard(scenario, bob)
    second = log_in_overheard(scenario, bob)
    assert bob.connected
    assert (len(first.logins), len(second.logins)) == (1, 2)
    scenario.tapped[bob.name] = Tapped(
        second.credential.__class__(second.credential.user, token="another"), second.logins
    )
    assert len(log_in_overheard(scenario, bob).logins) == 1


def test_a_server_that_lets_a_replay_in_is_told_by_its_session(scenario: Scenario, bob: Any) -> None:
    log_in_overheard(scenario, bob)
    bob.close()
    (made,) = try_overheard_login(scenario, "mallory", bob, "after-its-end")
    assert made.got_in
    assert made.false.id == "overheard-login-1-after-its-end"
    assert made.sent is not None
    scenario.settle(deadline=1)
    report = scenario.finish()
    found = {anomaly.name: anomaly.examples[0].sentence for anomaly in report.anomalies}
    assert "login took effect under a replayed token" in found["unauthorised-ok"]


def test_a_server_that_refuses_replays_is_told_what_was_heard(
    scenario: Scenario, server: ScriptedServer, bob: Any
) -> None:
    said: list[Frame] = []

    def refuse(socket: Any, hello: Frame) -> bool:
        said.append(hello)
        if len(said) == 1:
            return False
        socket.send(json.dumps({"type": "closing", "code": "unauthenticated", "text": "no"}))
        socket.close(1008)
        return True

    server.hello_rules.append(refuse)
    log_in_overheard(scenario, bob)
    made = try_overheard_login(scenario, "mallory", bob, "while-it-lasts")
    made += try_token_again(scenario, "mallory", bob, "while-it-lasts", CredentialKind.REVOKED)
    assert [one.refused for one in made] == [True] * len(made)
    assert said[1] == said[0]
    assert {hello["device"] for hello in said} == {"phone", replaying.ANOTHER}
    assert {one.false.kind for one in made} == {CredentialKind.REPLAYED, CredentialKind.REVOKED}
    assert bob.connected
    assert [device.name for device in scenario.devices] == ["bob/phone"]


def test_a_driver_that_hears_nothing_says_so(scenario: Scenario, bob: Any) -> None:
    scenario.driver.capabilities = frozenset(Capability) - {Capability.OVERHEARING}  # type: ignore[misc]
    assert log_in_overheard(scenario, bob).logins == ()
    with pytest.raises(NotTried, match="cannot say again"):
        try_overheard_login(scenario, "mallory", bob, "now")
    with pytest.raises(NotTried, match="asks for no proof"):
        replaying.try_false_proofs(scenario, "mallory", bob)


def test_what_was_heard_is_said_in_every_order() -> None:
    one, two = [b"hello-1", b"proof-1"], [b"hello-2", b"proof-2"]
    assert replaying._replays([[b"hello"]]) == {"overheard-login-1": [b"hello"]}
    assert replaying._replays([one, two]) == {
        "overheard-login-1": one,
        "overheard-login-2": two,
        "overheard-proof-alone": [b"proof-2"],
        "overheard-proof-first": [b"proof-2", b"hello-2"],
        "overheard-proof-with-the-login": [b"hello-2proof-2"],
        "overheard-proof-twice": [b"hello-2", b"proof-2proof-2"],
        "overheard-login-with-an-earlier-proof": [b"hello-2", b"proof-1"],
        "overheard-login-with-a-later-proof": [b"hello-1", b"proof-2"],
    }
    assert Overheard(one).said == one


def test_a_race_tells_how_many_got_in_and_leaves_nobody_behind(scenario: Scenario) -> None:
    scenario.target.issuer = object()  # type: ignore[misc, assignment]
    assert race(scenario, "mallory", "rita", 2) == [2, 2]
    assert not scenario.users["rita"].devices
    assert [one.got_in for one in scenario.attempts] == [True] * 4
