"""The driver `mqtt` against a real mosquitto."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from conformance import DriverConformance, Subject
from tape import Tape

from waybill.drivers.base import Credential, Driver, Endpoint, Login, LoginRefused
from waybill.drivers.mqtt import Mqtt311Driver, MqttDriver
from waybill.history.events import Completion, End
from waybill.targets import RunningTarget, find_target, launch
from waybill.targets.launch import program
from waybill.targets.target_file import parse_target


@pytest.fixture(scope="class")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTarget]:
    """A mosquitto of its own. Where it is not installed the tests fail, and say how to install it; only
    WAYBILL_WITHOUT_MOSQUITTO=1 leaves them out."""
    if os.environ.get("WAYBILL_WITHOUT_MOSQUITTO") == "1" and program("mosquitto") is None:
        pytest.skip("WAYBILL_WITHOUT_MOSQUITTO=1 and mosquitto is not installed")
    # The suite acknowledges nothing while it receives, and MQTT 3.1.1 has no Receive Maximum by which a device could
    # ask for more in flight than the broker's own 20.
    file = find_target("mosquitto")
    text = file.path.read_text().replace("max_queued_messages 0\n", "max_queued_messages 0\nmax_inflight_messages 0\n")
    with launch(parse_target(text, file.path), tmp_path_factory.mktemp("mosquitto")) as running:
        yield running


def subject_of(mosquitto: RunningTarget, driver: Driver, endpoint: Endpoint) -> Subject:
    return Subject(
        driver=driver,
        endpoint=endpoint,
        account=mosquitto.account,
        credential=mosquitto.credential,
        bad_credential=lambda account: Credential(account.user, password="wrong"),
        name_of=lambda account: str(account.user),
    )


def websocket(mosquitto: RunningTarget) -> Endpoint:
    """The endpoint of mosquitto's second listener."""
    configuration = (mosquitto.folder / "broker" / "mosquitto.conf").read_text()
    port, host = re.findall(r"^listener (\d+) (\S+)$", configuration, re.MULTILINE)[1]
    return dataclasses.replace(mosquitto.endpoint(), url=f"wss://{host}:{port}/mqtt")


class TestMqtt5(DriverConformance):
    @pytest.fixture
    def subject(self, mosquitto: RunningTarget) -> Subject:
        return subject_of(mosquitto, MqttDriver(), mosquitto.endpoint())


class TestMqtt311(DriverConformance):
    @pytest.fixture
    def subject(self, mosquitto: RunningTarget) -> Subject:
        return subject_of(mosquitto, Mqtt311Driver(), mosquitto.endpoint())


class TestWebSocket(DriverConformance):
    # mosquitto's WebSocket listener answers about 20 times slower; what happens at every byte is shown above.
    test_a_cut_at_any_byte_is_never_taken_for_a_refusal = None  # type: ignore[assignment]

    @pytest.fixture
    def subject(self, mosquitto: RunningTarget) -> Subject:
        return subject_of(mosquitto, MqttDriver(), websocket(mosquitto))
