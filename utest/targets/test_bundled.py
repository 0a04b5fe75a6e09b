"""The targets in the box, launched for real."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from waybill.drivers.base import Login, LoginRefused
from waybill.targets import LaunchError, RunningTarget, find_target, launch
from waybill.targets.administration_file import OPERATIONS
from waybill.targets.programs import program
from waybill.targets.round_trip import Probe, round_trip
from waybill.targets.target_file import parse_target
from waybill.tokens.obtain import TokenRefused
from waybill.tokens.reading import claims, token_id


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[RunningTarget]:
    """Where mosquitto is not installed the tests fail, and say how to install it; only
    WAYBILL_WITHOUT_MOSQUITTO=1 leaves them out."""
    if os.environ.get("WAYBILL_WITHOUT_MOSQUITTO") == "1" and program("mosquitto") is None:
        pytest.skip("WAYBILL_WITHOUT_MOSQUITTO=1 and mosquitto is not installed")
    with launch(find_target("mosquitto"), tmp_path) as running:
        yield running


@pytest.fixture
def reference(tmp_path: Path) -> Iterator[RunningTarget]:
    with launch(find_target("reference"), tmp_path) as running:
        yield running


def base_text(running: RunningTarget) -> str:
    """Its target file without the variants, which would not fit a changed text."""
    return running.file.path.read_text(encoding="utf-8").partition("\n[[variant]]")[0]


def pass_message(running: RunningTarget) -> None:
    one, other = running.account(), running.account()
    credentials = running.credential(one, "probe"), running.credential(other, "probe")
    round_trip(running.driver, running.endpoint(), *credentials, 5.0)


@pytest.mark.parametrize("name", ["mosquitto", "reference"])
def test_a_node_is_killed_stopped_and_started_on_its_own_address(
    name: str, request: pytest.FixtureRequest
) -> None:
    running: RunningTarget = request.getfixturevalue(name)
    endpoint = running.endpoint()
    pass_message(running)
    for how in (running.kill, running.stop):
        how()
        assert not running.alive()
        running.start()
        assert running.endpoint() == endpoint
        pass_message(running)
    running.pause()
    running.resume()
    pass_message(running)
    assert all(path.stat().st_size for path in running.logs())


def test_what_mosquitto_stored_outlives_an_orderly_restart(mosquitto: RunningTarget) -> None:
    one, other = mosquitto.account(), mosquitto.account()

    def login(account: object) -> Login:
        return Login(mosquitto.endpoint(), mosquitto.credential(account, "phone"), "phone")  # type: ignore[arg-type]

    mosquitto.driver.connect(login(other), Probe()).close()
    sending = Probe()
    sender = mosquitto.driver.connect(login(one), sending)
    sender.send(1, mosquitto.driver.direct_conversation(one.user, other.user), "k", b"kept")
    assert sending.wait(lambda: 1 in sending.outcomes, 5)
    mosquitto.stop()
    sender.close()
    mosquitto.start()
    receiving = Probe(b"kept")
    receiver = mosquitto.driver.connect(login(other), receiving)
    assert receiving.wait(lambda: receiving.found is not None, 5)
    receiver.close()


def test_the_reference_server_takes_tokens_of_its_issuer_only(reference: RunningTarget) -> None:
    account = reference.account()
    first = reference.credential(account, "phone")
    assert first.token.count(".") == 2
    assert first.password == ""
    assert first.token not in repr(first)
    assert reference.credential(account, "phone").token == first.token
    assert reference.credential(account, "tablet").token != first.token
    assert reference.credential(account, "phone", fresh=True).token != first.token
    stranger = type(account)(account.user, "wrong")
    with pytest.raises(TokenRefused, match="invalid_grant"):
        reference.credential(stranger, "desk")
    assert {"issuer", "node"} == {path.parent.name for path in reference.logs()}


def test_the_reference_issuer_refreshes_tokens_until_they_are_revoked(tmp_path: Path) -> None:
    file = find_target("reference")
    text = file.path.read_text(encoding="utf-8").replace(
        '"--odd-tokens",', '"--odd-tokens", "--lifetime", "30",'
    )
    with launch(parse_target(text, file.path), tmp_path) as running:
        assert running.administration is not None
        assert running.issuer is not None
        account = running.account()
        credentials = [running.credential(account, "phone") for _ in range(3)]
        families = {claims(one.token)["sid"] for one in credentials}
        assert len({one.token for one in credentials}) == 3
        assert len(families) == 1, "they are of one grant"
        running.driver.connect(Login(running.endpoint(), credentials[-1], "phone"), Probe()).close()
        running.administration.do("revoke_device", user=account.user, device="phone")
        running.forget(account.user, "phone")
        anew = running.credential(account, "phone")
        assert claims(anew.token)["sid"] not in families
        running.driver.connect(Login(running.endpoint(), anew, "phone"), Probe()).close()
        with pytest.raises(LoginRefused, match="unauthenticated"):
            running.driver.connect(Login(running.endpoint(), credentials[-1], "phone"), Probe())


def test_the_administration_of_the_reference_server_does_all_that_its_file_tells(
    reference: RunningTarget,
) -> None:
    administration = reference.administration
    assert administration is not None
    # One node has no links to list.
    assert set(administration.operations) == set(OPERATIONS) - {"list_links"}
    account, other = reference.account(), reference.account()
    credential = reference.credential(account, "phone")
    session = reference.driver.connect(Login(reference.endpoint(), credential, "phone"), Probe())
    (listed,) = administration.do("list_sessions", user=account.user).values["body"]["sessions"]  # type: ignore[index]
    assert listed["device"] == "phone"
    assert listed["token"] == token_id(credential.token)
    administration.do("end_session", session=listed["session"])
    assert administration.do("list_sessions", user=account.user).values["body"] == {"sessions": []}
    session.close()
    rule = {"sender": account.user, "recipient": other.user}
    for operation in ("forbid", "allow"):
        administration.do(operation, **rule)
    administration.do("revoke_token", user=account.user, token_id=token_id(credential.token))
    administration.do("revoke_device", user=account.user, device="phone")
    administration.do("revoke_user", user=other.user)
    revoked = administration.do("list_revocations").values["body"]
    assert len(revoked["revocations"]) == 3  # type: ignore[index]
    assert reference.issuer is not None
    published = reference.issuer.keys()
    made = administration.do("rotate_key").values["body"]["kid"]  # type: ignore[index]
    assert made not in [key["kid"] for key in published]
    published = reference.issuer.keys()
    assert made in [key["kid"] for key in published]
    plain = reference.credential(reference.account(), "").token
    assert administration.ask("rotate_key", plain, {}).code == "forbidden"
    assert administration.ask("rotate_key", "nonsense", {}).code == "unauthenticated"
    assert administration.ask("rotate_key", "", {}).code == "unauthenticated"


def test_a_broker_whose_configuration_is_wrong_shows_its_own_words(
    tmp_path: Path, mosquitto: RunningTarget
) -> None:
    text = base_text(mosquitto).replace("allow_anonymous false", "allow_anonymus false")
    with pytest.raises(
        LaunchError, match=r"'broker' did not become ready: it ended with status 3(.|\n)*allow_anonymus"
    ):
        launch(parse_target(text, mosquitto.file.path), tmp_path / "wrong")


def test_a_broker_that_lets_nobody_in_is_not_ready(tmp_path: Path, mosquitto: RunningTarget) -> None:
    text = base_text(mosquitto).replace("pattern read", "# pattern read")
    with pytest.raises(
        LaunchError, match=r"after 3 s there is still missing a message that gets through: The node at"
    ):
        launch(parse_target(text, mosquitto.file.path), tmp_path / "closed", deadline=3.0)
