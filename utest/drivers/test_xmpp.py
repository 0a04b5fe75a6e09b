"""The driver `xmpp` against a real ejabberd."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterator

import pytest
from conformance import DriverConformance, Subject

from waybill.drivers.base import Credential, Endpoint
from waybill.drivers.xmpp import XmppDriver
from waybill.targets import RunningTarget, find_target, launch
from waybill.targets.launch import program
from waybill.targets.target_file import parse_target


@pytest.fixture(scope="session")
def ejabberd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTarget]:
    """An ejabberd of its own. Where it is not installed the tests fail, and say how to install it; only
    WAYBILL_WITHOUT_EJABBERD=1 leaves them out."""
    if os.environ.get("WAYBILL_WITHOUT_EJABBERD") == "1" and program("ejabberdctl") is None:
        pytest.skip("WAYBILL_WITHOUT_EJABBERD=1 and ejabberd is not installed")
    file = find_target("ejabberd")
    with launch(parse_target(file.path.read_text(), file.path), tmp_path_factory.mktemp("ejabberd")) as running:
        yield running


def with_starttls(ejabberd: RunningTarget) -> Endpoint:
    """The listener that begins without TLS."""
    configuration = (ejabberd.folder / "ejabberd" / "ejabberd.yml").read_text()
    port, address = re.findall(r"- port: (\d+)\n\s+ip: (\S+)\n", configuration)[0]
    return dataclasses.replace(ejabberd.endpoint(), url=f"xmpp://{address}:{port}/localhost")


def subject_of(ejabberd: RunningTarget, endpoint: Endpoint) -> Subject:
    return Subject(
        driver=XmppDriver(),
        endpoint=endpoint,
        account=ejabberd.account,
        credential=ejabberd.credential,
        bad_credential=lambda account: Credential(account.user, password="wrong"),
        name_of=lambda account: str(account.user),
    )


class TestXmpps(DriverConformance):
    @pytest.fixture
    def subject(self, ejabberd: RunningTarget) -> Subject:
        return subject_of(ejabberd, ejabberd.endpoint())


class TestStartTls(DriverConformance):
    @pytest.fixture
    def subject(self, ejabberd: RunningTarget) -> Subject:
        return subject_of(ejabberd, with_starttls(ejabberd))
