"""The driver `iris` against the reference server's listener of wire v1, in processes of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from conformance import DriverConformance, Subject

from waybill.drivers.iris import IrisDriver
from waybill.targets import RunningTarget, find_target, launch


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTarget]:
    with launch(find_target("reference-v1"), tmp_path_factory.mktemp("reference-v1")) as running:
        yield running


def subject_of(target: RunningTarget, *, websocket: bool = False) -> Subject:
    endpoint = target.endpoint()
    if websocket:
        scheme, _, port = endpoint.url.rpartition(":")
        url = f"{scheme.replace('iriss', 'wss')}:{int(port) + 1}/"
        endpoint = dataclasses.replace(endpoint, url=url)
    return Subject(
        driver=IrisDriver(),
        endpoint=endpoint,
        account=target.account,
        credential=target.credential,
        bad_credential=lambda account: dataclasses.replace(
            target.credential(account, "phone"), token="forged"
        ),
        name_of=lambda account: account.user,
        tells_backlog=False,
        login_answer=31,
    )


class TestTcp(DriverConformance):
    """Everything that every driver must pass, over TCP and TLS."""

    @pytest.fixture
    def subject(self, target: RunningTarget) -> Subject:
        return subject_of(target)


class TestWebSocket(DriverConformance):
    """The same over WebSocket and TLS."""

    # Over WebSocket a live message has no id, so it cannot be acknowledged; see below.
    test_an_acknowledgement_may_be_sent_from_within_the_observer = None  # type: ignore[assignment]

    @pytest.fixture
    def subject(self, target: RunningTarget) -> Subject:
        return subject_of(target, websocket=True)
