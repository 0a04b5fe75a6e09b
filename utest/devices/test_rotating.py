"""Rotations on the scripted server, with an issuer whose tokens only name their key."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from governed import Issuer, Office
from scripted_server import ScriptedServer
from scripted_target import ScriptedTarget

from waybill.devices import Scenario, crowd
from waybill.devices.forging import NoTokens
from waybill.devices.rotating import GraceOver, KeyNotChanged, Rotations, ValidRefused
from waybill.drivers.base import Credential
from waybill.drivers.waybill_v2 import WaybillDriver
from waybill.tokens.reading import key_id

PEOPLE = ["ann", "ben"]


class Target(ScriptedTarget):
    """Its devices show tokens of the issuer; a relay in front of the server looks at their keys."""

    def __init__(self, server: ScriptedServer) -> None:
        super().__init__(server, WaybillDriver())
        self.issuer = Issuer()
        self.promises |= {"rotation_grace": "10s"}
        self.accepted = {"key-0"}
        self._kept: dict[tuple[str, str], str] = {}
        self._jti = itertools.count()
        server.hello_rules.append(self.judge)

    def judge(self, _: Any, hello: dict[str, Any]) -> bool:
        """Lets a token of an accepted key in, by putting the scripted server's own in its place."""
        users = [user for (user, _), token in self._all if token == hello["token"]]
        if users and key_id(hello["token"]) in self.accepted:
            hello["token"] = f"token of {users[0]}"
        return False

    _all: list[tuple[tuple[str, str], str]]

    def credential(self, account: Any, device: str, *, fresh: bool = False, **_: bool) -> Credential:  # type: ignore[override]
        place = (account.user, device)
        if fresh or place not in self._kept:
            self._kept[place] = self.issuer.token(account.user, next(self._jti))
            self._all.append((place, self._kept[place]))
        return Credential(account.user, token=self._kept[place])


@pytest.fixture
def target(server: ScriptedServer) -> Target:
    Target._all = []
    return Target(server)


@pytest.fixture
def scenario(target: Target, tmp_path: Path) -> Iterator[Scenario]:
    made = Scenario(target, tmp_path / "history.jsonl", name="x", seed=7)
    yield made
    made.close()


@pytest.fixture
def office(server: ScriptedServer, target: Target) -> Office:
    def rotate() -> None:
        kid = f"key-{len(target.issuer.published)}"
        target.issuer.published.append(kid)
        target.accepted.add(kid)

    made = Office(server)
    made.rotate = rotate
    return made


def begun(scenario: Scenario, office: Office) -> Rotations:
    crowd.arrive(scenario.device(f"{person}/phone") for person in PEOPLE)
    made = Rotations(scenario, office, PEOPLE)
    made.begin_traffic(deadline=5)
    return made


def test_keys_change_and_nobody_notices_but_those_with_an_old_token(
    scenario: Scenario, office: Office, target: Target
) -> None:
    made = begun(scenario, office)
    made.rotate()
    made.rotate()
    made.require_none_refused()
    assert (made.done, len(made.retired), {one.key for one in made.retired}) == (2, 6, {"key-0", "key-1"})
    target.issuer.published = target.accepted = ["key-2"]  # type: ignore[assignment]
    made.wait_until_retired(deadline=5)
    assert [one.refused for one in made.show_retired()] == [True] * 6
    assert len(scenario.attempts) == 7
    made.renew_everybody()
    made.require_none_refused()
    made.require_crowd_untouched(deadline=5)
    assert scenario.settle(deadline=5).complete
    assert scenario.finish().verdict == "clean"


@pytest.mark.parametrize(("key", "what"), [("key-0", "the old key, after"), ("key-1", "the new key, after")])
def test_a_refused_token_in_order_is_counted(
    scenario: Scenario, office: Office, target: Target, key: str, what: str
) -> None:
    made = begun(scenario, office)
    before = office.rotate
    office.rotate = lambda: (before(), target.accepted.discard(key))[0]
    made.rotate()
    assert len(made.refused) == 3
    with pytest.raises(ValidRefused, match=f"3 did not: guest-./.* with {what} rotation 1: unauthenticated"):
        made.require_none_refused()


def test_an_old_token_is_not_tried_where_no_grace_is_promised(
    scenario: Scenario, office: Office, target: Target
) -> None:
    del target.promises["rotation_grace"]
    made = begun(scenario, office)
    before = office.rotate
    office.rotate = lambda: (before(), target.accepted.discard("key-0"))[0]
    made.rotate()
    made.require_none_refused()


def test_a_refusal_after_the_grace_shows_nothing(scenario: Scenario, office: Office, target: Target) -> None:
    target.promises["rotation_grace"] = "1ms"
    made = begun(scenario, office)
    before = office.rotate
    office.rotate = lambda: (before(), target.accepted.discard("key-0"))[0]
    with pytest.raises(
        GraceOver, match=r"The grace of 0\.001 s was over before guest-./before-1 had its answer"
    ):
        made.rotate()


def test_an_issuer_that_goes_on_with_the_old_key_is_noticed(
    scenario: Scenario, office: Office, target: Target
) -> None:
    made = begun(scenario, office)
    office.rotate = lambda: None
    with pytest.raises(KeyNotChanged, match="after rotation 1; a token from afterwards is signed by key-0"):
        made.rotate()


def test_a_key_that_never_leaves_is_named(scenario: Scenario, office: Office, target: Target) -> None:
    made = begun(scenario, office)
    made.rotate()
    made._grace = 0.1
    with pytest.raises(KeyNotChanged, match=r"no longer than 0\.1 s; 0\.1 s later it still publishes key-0"):
        made.wait_until_retired(deadline=0.1)


def test_the_wait_goes_on_for_as_long_as_keys_may_be_kept(
    scenario: Scenario, office: Office, target: Target
) -> None:
    made = begun(scenario, office)
    made.rotate()
    target.issuer.published, target.issuer.age = ["key-1"], 0.2
    assert made.wait_until_retired(deadline=5) == 0.2
    assert target.issuer.asked >= 4


def test_a_retired_token_that_opens_a_session_is_told(scenario: Scenario, office: Office) -> None:
    made = begun(scenario, office)
    made.rotate()
    assert [one.got_in for one in made.show_retired()] == [True] * 3


def test_a_target_without_tokens_has_no_keys(scenario: Scenario, office: Office, target: Target) -> None:
    target.issuer = None  # type: ignore[assignment]
    with pytest.raises(NoTokens):
        Rotations(scenario, office, PEOPLE)
