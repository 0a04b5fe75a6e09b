from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from waybill.devices import Scenario
from waybill.devices.insecure import is_said, log_in_in_plaintext
from waybill.drivers import registry
from waybill.drivers.base import Endpoint
from waybill.drivers.waybill_v2 import WaybillDriver
from waybill.history import check
from waybill.tls.places import Outcome, Place

PLACE = Place("node at 127.0.0.1:1", "127.0.0.1", 1, "localhost")


class SecretiveDriver(WaybillDriver):
    """A driver that never says a credential without TLS."""

    def plaintext(self, endpoint: Endpoint) -> Endpoint | None:
        return None


class LyingDriver(WaybillDriver):
    """A driver whose plaintext is none: it goes to TLS all the same."""

    def plaintext(self, endpoint: Endpoint) -> Endpoint | None:
        return endpoint


class SameDriver(WaybillDriver):
    """A driver that logs in where it always does, as a server without TLS would let it."""

    def plaintext(self, endpoint: Endpoint) -> Endpoint | None:
        return Endpoint(endpoint.url, endpoint.authority, endpoint.server_name)


@pytest.mark.parametrize(
    ("driver", "plain"),
    [
        ("waybill", "ws://127.0.0.1:1/v2"),
        ("mqtt", "mqtt://127.0.0.1:1"),
        ("mqtt", "ws://127.0.0.1:1"),
        ("mqtt-3.1.1", "mqtt://127.0.0.1:1"),
        ("iris", "iris://127.0.0.1:1"),
    ],
)
def test_a_login_in_plaintext_leaves_the_machine_in_plaintext(driver: str, plain: str) -> None:
    assert is_said(registry.find(driver), Endpoint(plain))


def test_a_login_over_tls_does_not_count_as_said_in_plaintext(tmp_path: Path) -> None:
    assert not is_said(WaybillDriver(), Endpoint("wss://127.0.0.1:1/v2"))


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("wss://h:1/v2", "ws://h:1/v2"),
        ("mqtts://h:1", "mqtt://h:1"),
        ("iriss://h:1", "iris://h:1"),
        ("xmpp://h:1/d", None),
    ],
)
def test_the_plaintext_form_of_an_address(url: str, plain: str | None) -> None:
    found = WaybillDriver().plaintext(Endpoint(url, Path("ca.pem")))
    assert found == (None if plain is None else Endpoint(plain))


def test_a_server_with_tls_gives_no_session_in_plaintext(begin: Callable[..., Scenario]) -> None:
    scenario = begin()
    endpoint = scenario.target.endpoint()
    (found,) = log_in_in_plaintext(scenario, "mallory", "bob", [(PLACE, endpoint)])
    assert found.outcome is Outcome.REFUSED, found
    scenario.close()
    report = check(scenario.path)
    assert "insecure-ok" not in {anomaly.name for anomaly in report.anomalies}


def test_a_port_that_cannot_be_reached_refuses_nothing(begin: Callable[..., Scenario]) -> None:
    (found,) = log_in_in_plaintext(begin(), "mallory", "bob", [(PLACE, Endpoint("wss://127.0.0.1:1/v2"))])
    assert found.outcome is Outcome.UNANSWERED


def test_a_driver_without_plaintext_tries_nothing(begin: Callable[..., Scenario]) -> None:
    scenario = begin(driver=SecretiveDriver())
    assert log_in_in_plaintext(scenario, "mallory", "bob", [(PLACE, scenario.target.endpoint())]) == []


def test_what_the_driver_did_not_say_in_plaintext_is_not_offered(begin: Callable[..., Scenario]) -> None:
    scenario = begin(driver=LyingDriver())
    (found,) = log_in_in_plaintext(scenario, "mallory", "bob", [(PLACE, scenario.target.endpoint())])
    assert found.outcome is Outcome.NOT_OFFERED


def test_a_session_that_should_not_exist_is_used_and_reported(
    begin: Callable[..., Scenario], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("waybill.devices.insecure.is_said", lambda *_: True)
    scenario = begin(driver=SameDriver())
    places: Any = [(PLACE, scenario.target.endpoint())]
    (found,) = log_in_in_plaintext(scenario, "mallory", "bob", places)
    assert found.outcome is Outcome.ACCEPTED
    scenario.close()
    (anomaly,) = [one for one in check(scenario.path).anomalies if one.name == "insecure-ok"]
    assert anomaly.count >= 2
