"""False credentials on the scripted server: what becomes of a refusal, of a session that should not exist, and of
answers from which an attacker could learn."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from scripted_server import Frame, ScriptedServer

from waybill.devices import Scenario, forging
from waybill.devices.forging import NoTokens, get_in_as_namesake, in_words, issuer_of, require_one_answer
from waybill.devices.intrusion import Attempt, FalseCredential, attempt, false_passwords
from waybill.drivers.base import Credential, Outcome
from waybill.history.events import Completion, CredentialKind
from waybill.tokens import forge
from waybill.tokens.attack import NotTried


def false(token: str, name: str = "a-word") -> FalseCredential:
    return FalseCredential(name, CredentialKind.FORGED, Credential("account-1", token=token))


def refused(name: str, code: str = "unauthenticated", text: str = "no", *, outsize: bool = False) -> Attempt:
    credential = FalseCredential(name, CredentialKind.FORGED, Credential("bob"), outsize)
    return Attempt(credential, Outcome(Completion.FAIL, code, text), 0.004)


def test_who_is_refused_leaves_no_device_and_no_anomaly(scenario: Scenario, server: ScriptedServer) -> None:
    alice, bob = scenario.device("alice"), scenario.device("bob")
    alice.connect()
    bob.connect()
    alice.send(scenario.direct("alice", "bob"))
    server.bad_tokens.add("forged")
    made = attempt(scenario, "mallory", "bob", false("forged"))
    assert made.refused
    assert not made.got_in
    assert made.sent is None
    assert scenario.attempts == [made]
    assert [device.name for device in scenario.devices if device.user == "mallory-as-bob"] == []
    assert scenario.settle(deadline=5).complete
    report = scenario.finish()
    assert report.verdict == "clean"
    assert (report.figures["attempts"], report.figures["accepted"]) == (1, 0)


def test_a_session_that_should_not_exist_is_used_and_found(scenario: Scenario) -> None:
    scenario.device("bob").connect()
    account = scenario.users["bob"].account.user
    taken = FalseCredential(
        "jwk-embedded", CredentialKind.FORGED, Credential(account, token=f"token of {account}")
    )
    made = attempt(scenario, "mallory", "bob", taken)
    assert made.got_in
    assert made.sent is not None
    assert made.sent.acknowledged
    scenario.settle(deadline=5)
    report = scenario.finish()
    found = {anomaly.name: anomaly.examples[0].sentence for anomaly in report.anomalies}
    assert "mallory-as-bob/jwk-embedded: login took effect under a forged token" in found["unauthorised-ok"]
    assert report.figures["accepted"] >= 2


def test_a_connection_that_ends_without_a_word_is_no_refusal(
    scenario: Scenario, server: ScriptedServer
) -> None:
    def vanish(connection: Any, _: Frame) -> bool:
        connection.socket.shutdown(socket.SHUT_RDWR)
        return True

    server.hello_rules.append(vanish)
    made = attempt(scenario, "mallory", "bob", false("forged"))
    assert made.outcome.completion is Completion.INFO
    assert not made.refused
    with pytest.raises(AssertionError, match="one and the same refusal"):
        require_one_answer([made])


def test_one_answer_to_all_attempts_tells_an_attacker_nothing() -> None:
    attempts = [refused("one"), refused("two"), refused("large", "too-large", outsize=True)]
    assert require_one_answer(attempts) == "fail unauthenticated: no"


@pytest.mark.parametrize("other", [refused("odd", "expired"), refused("odd", text="the signature is wrong")])
def test_an_answer_of_its_own_is_named_with_its_attack(other: Attempt) -> None:
    with pytest.raises(AssertionError, match=r"most met 'fail unauthenticated: no'.* for odd"):
        require_one_answer([refused("one"), refused("two"), other])


def test_no_attempt_is_no_answer() -> None:
    with pytest.raises(AssertionError, match="most met 'none at all'"):
        require_one_answer([])


def test_how_long_refusals_took_is_told() -> None:
    assert in_words([refused("one"), refused("two")]).startswith("2 refusals; from the connection")
    assert in_words([]) == "no refusals"


def test_every_false_password_has_a_name_and_none_is_the_genuine_one() -> None:
    made = false_passwords(Credential("mallory", password="of-mallory"), "bob")
    assert len({one.id for one in made}) == len(made) >= 10
    assert {one.credential.user for one in made if one.id != "neither-account-nor-password"} == {"bob"}
    assert all(one.credential.password != "of-mallory" or one.credential.user == "bob" for one in made)


class _Passwords:
    """A target that takes passwords, and one whose issuer gives no odd token."""

    issuer = None
    odd_tokens = False
    name = "by-password"


def test_a_target_without_tokens_says_so(scenario: Scenario) -> None:
    scenario.target = _Passwords()  # type: ignore[assignment]
    with pytest.raises(NoTokens, match=r"Devices show the target by-password no tokens.*waives"):
        issuer_of(scenario)


def test_without_an_odd_issuer_a_namesake_is_not_tried(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = forge.join(b"{}", b'{"sub":"bob"}', forge.unsigned)
    monkeypatch.setattr(scenario.target, "odd_tokens", False, raising=False)
    monkeypatch.setattr(forging, "token_of", lambda *_: token)
    monkeypatch.setattr(forging, "issuer_of", lambda _: type("Issuer", (), {"keys": staticmethod(list)}))
    with pytest.raises(NotTried, match="no such token"):
        get_in_as_namesake(scenario, "bob")
