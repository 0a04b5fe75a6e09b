from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from waybill.devices import Scenario, middles
from waybill.devices.middles import Way, ambushes
from waybill.devices.on_the_way import ambush, require_passage, require_reading
from waybill.drivers.base import Endpoint, Login, LoginRefused, Observer, Session
from waybill.drivers.waybill_v2 import WaybillDriver
from waybill.history import check
from waybill.history.events import Transport
from waybill.targets import RunningTarget, find_target, launch
from waybill.targets.ports import endpoint_port
from waybill.tls.hello import TLS_1_2
from waybill.tls.middle import Interrupting, Lowering, Middle
from waybill.tls.places import Outcome, Place


class CarelessDriver(WaybillDriver):
    """A client that checks no certificate."""

    def connect(self, login: Login, observer: Observer) -> Session:
        bare = dataclasses.replace(login.endpoint, insecure=True)
        return super().connect(dataclasses.replace(login, endpoint=bare), observer)


class YieldingDriver(WaybillDriver):
    """A client that tries once more without TLS."""

    def connect(self, login: Login, observer: Observer) -> Session:
        try:
            return super().connect(login, observer)
        except LoginRefused:
            plain = self.plaintext(login.endpoint)
            assert plain is not None
            return super().connect(dataclasses.replace(login, endpoint=plain), observer)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTarget]:
    with launch(find_target("reference"), tmp_path_factory.mktemp("reference")) as running:
        yield running


@pytest.fixture
def way(target: RunningTarget, tmp_path: Path) -> Way:
    port = endpoint_port(target, "node")
    assert port.endpoint is not None
    return Way(port.place, port.endpoint, False, tmp_path / "middle", target.issuing, "1.2")


@pytest.fixture
def on(target: RunningTarget, tmp_path: Path) -> Iterator[Callable[..., Scenario]]:
    """A scenario on the reference server with a driver of the test's."""
    made: list[Scenario] = []

    def begin(driver: Any = None) -> Scenario:
        made.append(Scenario(target, tmp_path / "history.jsonl", name="on the way", seed=3))
        if driver is not None:
            made[-1].driver = driver
        return made[-1]

    yield begin
    for scenario in made:
        scenario.close()


def anomalies(scenario: Scenario) -> set[str]:
    scenario.close()
    return {one.name for one in check(scenario.path).anomalies}


def test_the_driver_of_the_kit_gives_nobody_anything(on: Callable[..., Scenario], way: Way) -> None:
    scenario = on()
    assert require_passage(scenario, "carol", "bob", [(way, True)]) == [way]
    assert require_reading(scenario, way) > 100

    met = ambush(scenario, "carol", "bob", way, 1)

    assert {one.outcome for one in met.results} == {Outcome.REFUSED}, met.results
    assert len(met.results) == 10
    assert (met.leaked, met.leaks) == (0, [])
    assert "insecure-ok" not in anomalies(scenario)


def test_a_driver_that_checks_no_certificate_is_found_out(on: Callable[..., Scenario], way: Way) -> None:
    scenario = on(CarelessDriver())
    met = ambush(scenario, "carol", "bob", way, 1)
    accepted = [one for one in met.results if one.outcome is Outcome.ACCEPTED]
    assert len(accepted) == 5
    assert all("certificate" in one.probe for one in accepted)
    assert met.leaked > 100
    assert len(met.leaks) == 5
    assert "insecure-ok" in anomalies(scenario)


def test_a_driver_that_goes_on_without_tls_is_found_out(on: Callable[..., Scenario], way: Way) -> None:
    met = ambush(on(YieldingDriver()), "carol", "bob", way, 1)
    broken_off = next(one for one in met.results if "breaks off" in one.probe)
    assert broken_off.outcome is Outcome.ACCEPTED
    assert broken_off.detail.startswith("the device spoke in plaintext")


def test_without_the_key_of_the_authority_its_certificates_are_not_shown(
    on: Callable[..., Scenario], way: Way
) -> None:
    foreign = dataclasses.replace(way, authority=None)
    assert require_reading(on(), foreign) > 100
    assert len(list(ambushes(foreign))) == len(list(ambushes(way))) - 3


def test_a_promised_port_without_a_login_is_no_evidence(on: Callable[..., Scenario], way: Way) -> None:
    nobody = dataclasses.replace(way, place=Place("nobody", "127.0.0.1", 1, "localhost"))
    with pytest.raises(AssertionError, match="changes nothing to work at nobody"):
        require_passage(on(), "carol", "bob", [(nobody, True)])


def test_a_port_that_nobody_promised_may_speak_something_else(on: Callable[..., Scenario], way: Way) -> None:
    other = dataclasses.replace(way, endpoint=Endpoint("wss://127.0.0.1:1/v2", way.endpoint.authority))
    scenario = on()
    assert require_passage(scenario, "carol", "bob", [(way, True), (other, False)]) == [way]
    assert [device.name for device in scenario.devices] == ["carol/untouched-1"]


def test_who_reads_nothing_with_a_good_certificate_shows_nothing(
    on: Callable[..., Scenario], way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("waybill.devices.on_the_way.leaked_bytes", lambda *_: 0)
    with pytest.raises(AssertionError, match="they read 0 bytes"):
        require_reading(on(), way)


def test_an_attack_that_was_not_carried_out_is_not_refused(
    on: Callable[..., Scenario], way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    def harmless(of: Way) -> Iterator[middles.Ambush]:
        nobody = dataclasses.replace(of.place, port=1)
        yield middles.Ambush("harmless", "does nothing", "", Transport.OLD_TLS, lambda: Middle(nobody))

    monkeypatch.setattr("waybill.devices.on_the_way.ambushes", harmless)
    (found,) = ambush(on(), "carol", "bob", way, 1).results
    assert found.outcome is Outcome.NOT_OFFERED


@pytest.mark.parametrize(
    ("endpoint", "name", "names"),
    [
        (Endpoint("wss://127.1.2.3:7/v2"), "127.1.2.3", ["127.1.2.3", "v2", "place"]),
        (Endpoint("mqtts://h:7", server_name="broker"), "broker", ["broker", "h", "place"]),
        (Endpoint("xmpps://127.1.2.3:7/domain"), None, ["127.1.2.3", "domain", "place"]),
    ],
)
def test_a_device_is_led_elsewhere_and_expects_the_same_certificate(
    endpoint: Endpoint, name: str | None, names: list[str], tmp_path: Path
) -> None:
    way = Way(Place("", "h", 7, "place"), endpoint, False, tmp_path, None, "1.2")
    assert way.names == names
    with Middle(way.place) as middle:
        led = way.through(middle)
    assert led.server_name == name
    assert f"//127.0.0.1:{middle.port}" in led.url
    assert led.url.partition("//")[2].partition("/")[2] == endpoint.url.partition("//")[2].partition("/")[2]


def test_what_a_server_said_to_a_lowered_hello_counts() -> None:
    hello, change = b"\x16\x03\x03\x00\x04\x02\x00\x00\x00", b"\x14\x03\x03\x00\x01\x01"
    place = Place("", "127.0.0.1", 1, "")
    with Lowering(place, lambda one: one) as middle:
        for answer, version, found in (
            (b"", 0x0301, ""),
            (b"\x15\x03\x01\x00\x02\x02\x46", 0x0301, ""),
            (hello, 0x0301, "the server went on with TLS 1.0"),
            (hello, TLS_1_2, ""),
            (hello + change, TLS_1_2, "the server finished a handshake whose hello it never saw"),
        ):
            middle.answer = answer
            assert middles._went_on(version, TLS_1_2, middle) == found


def test_a_device_that_tried_again_with_less_is_noticed() -> None:
    with Interrupting(Place("", "127.0.0.1", 1, ""), b"\x15") as middle:
        assert middles._tried_with_less(middle) == ""
        middle._hear(b"\x15\x03\x01\x00\x02\x02\x28")
        assert middles._tried_with_less(middle) == ""
        middle._hear(b"CONNECT")
        assert middles._tried_with_less(middle) == "the device spoke in plaintext"


def test_the_documentation_lists_them_all() -> None:
    page = (Path(__file__).parents[2] / "docs" / "downgrades.md").read_text(encoding="utf-8")
    assert middles.markdown() in page
