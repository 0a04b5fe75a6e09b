"""Revocations on the scripted server: who must be out, who must not, and what is said of a server that lags."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pytest
from governed import GovernedTarget, Office
from scripted_server import ScriptedServer

from waybill.devices import Scenario, crowd
from waybill.devices.revoking import LateOperations, NotEnded, Revocations
from waybill.drivers.waybill_v2 import WaybillDriver
from waybill.history.events import CredentialKind
from waybill.tokens.obtain import Token, TokenRefused

PEOPLE = ["ann", "ben", "cem", "dan", "eve"]


@pytest.fixture
def scenario(server: ScriptedServer, tmp_path: Path) -> Iterator[Scenario]:
    made = Scenario(GovernedTarget(server, WaybillDriver()), tmp_path / "history.jsonl", name="x", seed=7)
    yield made
    made.close()


@pytest.fixture
def office(server: ScriptedServer) -> Office:
    return Office(server)


def begun(scenario: Scenario, office: Office) -> Revocations:
    """One person and one device are to be revoked."""
    for person in PEOPLE:
        crowd.arrive(scenario.user(person, ["phone", "desk"]).devices.values())
    made = Revocations(scenario, office, PEOPLE, 2)
    made.begin_traffic(deadline=5)
    return made


def test_who_is_revoked_is_out_and_gets_in_again_and_nobody_else_notices(
    scenario: Scenario, office: Office, server: ScriptedServer
) -> None:
    made = begun(scenario, office)
    made.revoke_in_turn(deadline=5)
    assert [operation for operation, _ in office.asked] == ["revoke_user", "revoke_device"]
    assert (made.confirmed, made.sessions, len(made.revoked), len(made.others), made.late) == (2, 10, 3, 7, 0)
    assert not any(one.device.connected for one in made.revoked)
    attempts = made.show_again()
    assert [one.false.kind for one in attempts] == [CredentialKind.REVOKED] * 3 + [CredentialKind.FORGED]
    assert all(one.refused for one in attempts)
    assert scenario.attempts == attempts
    made.get_in_again(deadline=5)
    assert all(one.device.connected for one in made.revoked)
    made.require_others_untouched(deadline=5)
    assert crowd.losses(made.others) == 0
    assert scenario.settle(deadline=5).complete
    assert scenario.finish().verdict == "clean"


def test_a_token_that_still_opens_a_session_is_used_and_found(
    scenario: Scenario, office: Office, server: ScriptedServer
) -> None:
    made = begun(scenario, office)
    made.revoke_in_turn(deadline=5)
    server.bad_tokens -= {one.shown.token for one in made.revoked}
    attempts = made.show_again()
    assert [one.got_in for one in attempts] == [True] * 3 + [False]
    scenario.settle(deadline=5)
    report = scenario.finish()
    assert "unauthorised-ok" in {anomaly.name for anomaly in report.anomalies}


class Refreshing:
    """An issuer of refresh tokens: it ends those of whoever is revoked, or forgets to for some."""

    def __init__(self, still: Collection[str] = ()) -> None:
        self.still = still
        self.asked: list[str] = []

    def refresh(self, token: str) -> Token:
        self.asked.append(token)
        if token not in self.still:
            raise TokenRefused("it was revoked", "invalid_grant", 400)
        return Token(token.replace("refresh ", "token of ") + " #again")


class RefreshingTarget(GovernedTarget):
    """A target whose phones have a refresh token."""

    def refresh_token(self, account: Any, device: str) -> str:
        return f"refresh {account.user}" if device == "phone" else ""


@pytest.mark.parametrize("still", [False, True])
def test_what_the_issuer_still_gives_for_a_refresh_token_is_shown(
    server: ScriptedServer, office: Office, tmp_path: Path, still: bool
) -> None:
    scenario = Scenario(
        RefreshingTarget(server, WaybillDriver()), tmp_path / "history.jsonl", name="x", seed=7
    )
    made = begun(scenario, office)
    made.revoke_in_turn(deadline=5)
    phones = [one.device for one in made.revoked if one.device.device == "phone"]
    tokens = [f"refresh {device.account.user}" for device in phones]
    scenario.target.issuer = issuer = Refreshing(tokens[:1] if still else ())  # type: ignore[misc]
    attempts = made.show_again()
    assert phones
    assert issuer.asked == tokens
    assert made.refresh_tokens == set(tokens)
    shown = [one for one in attempts if one.false.id.startswith("refreshed-")]
    assert [(one.false.id, one.got_in) for one in shown] == (
        [(f"refreshed-{phones[0].name}", True)] if still else []
    )
    scenario.settle(deadline=5)
    names = {anomaly.name for anomaly in scenario.finish().anomalies}
    assert ("unauthorised-ok" in names) == still


def test_a_session_that_goes_on_is_late_as_soon_as_it_does_something(
    scenario: Scenario, office: Office
) -> None:
    office.closing = None
    made = begun(scenario, office)
    with pytest.raises(
        LateOperations, match=r"after the revocation was confirmed; found \d+ acknowledged sends of"
    ):
        made.revoke_in_turn(deadline=0.5)
    assert made.late > 0
    assert (made.confirmed, made.slowest >= 500) == (1, True)


def test_a_session_that_goes_on_and_gets_no_answers_has_not_ended(
    scenario: Scenario, office: Office, server: ScriptedServer
) -> None:
    office.closing = None
    made = begun(scenario, office)
    server.rules.append(lambda _, frame: frame["type"] == "send" and bool(office.asked))
    with pytest.raises(NotEnded, match=r"to end; 0\.3 s after the revocation was confirmed it goes on"):
        made.revoke_in_turn(deadline=0.3)
    assert made.late == 0


def test_an_end_for_another_reason_is_not_taken_for_it(scenario: Scenario, office: Office) -> None:
    office.closing = ("expired", "it was too old")
    made = begun(scenario, office)
    with pytest.raises(NotEnded, match=r"to say 'revoked'; .* it was refused: expired"):
        made.revoke_in_turn(deadline=5)


def test_who_does_not_get_in_again_is_named(
    scenario: Scenario, office: Office, server: ScriptedServer
) -> None:
    made = begun(scenario, office)
    made.revoke_in_turn(deadline=5)
    server.hello_rules.append(lambda socket, hello: server.bad_tokens.add(hello["token"]) or False)
    with pytest.raises(
        AssertionError, match="Expected whoever was revoked to get in with a token from afterwards"
    ):
        made.get_in_again(deadline=5)


def test_there_are_more_people_than_revocations_and_all_are_online(
    scenario: Scenario, office: Office
) -> None:
    with pytest.raises(ValueError, match="2 revocations need more than 2 people, found 2"):
        Revocations(scenario, office, ["ann", "ben"], 2)
    scenario.device("ann/phone").connect()
    scenario.user("ben")
    with pytest.raises(ValueError, match="these are not: ben/phone"):
        Revocations(scenario, office, ["ann", "ben"], 1)
