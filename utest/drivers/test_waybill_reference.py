"""The driver `waybill` against the reference server, in processes of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from conformance import DriverConformance, Subject

from waybill.drivers.waybill_v2 import WaybillDriver
from waybill.targets import RunningTarget, find_target, launch
from waybill.tokens.device_keys import DeviceKey


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTarget]:
    with launch(find_target("reference"), tmp_path_factory.mktemp("reference")) as running:
        yield running


@pytest.fixture
def subject(target: RunningTarget) -> Subject:
    return Subject(
        driver=WaybillDriver(),
        endpoint=target.endpoint(),
        account=target.account,
        credential=target.credential,
        bad_credential=lambda account: dataclasses.replace(
            target.credential(account, "phone"), token="forged"
        ),
        name_of=lambda account: account.user,
        bound_elsewhere=lambda account, device: dataclasses.replace(
            target.credential(account, device), key=DeviceKey.new()
        ),
    )


def test_the_reference_run_logs_in_with_keys(target: RunningTarget) -> None:
    """What the suite does with valid credentials, it does with bound tokens."""
    credential = target.credential(target.account(), "phone")
    assert credential.key is not None
    assert "Key" not in repr(credential)


class TestConformance(DriverConformance):
    """Everything that every driver must pass."""
