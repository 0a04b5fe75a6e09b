"""The driver `xmpp` against a real ejabberd."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterator

import pytest
from conformance import DriverConformance, Pair, Subject

from tcp_proxy import TcpProxy

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


class XmppConformance(DriverConformance):
    """The suite, but for what it takes for granted and XMPP or ejabberd has otherwise."""

    # ejabberd makes a newline of a carriage return; see TestWhatXmppAdds.
    test_a_send_is_acknowledged_and_delivered_unchanged = None  # type: ignore[assignment]
    # ejabberd gives messages out of order to a device that comes back while it still puts them away; TestWhatXmppAdds
    # waits until it has.
    test_unacknowledged_messages_come_again_and_acknowledged_ones_do_not = None  # type: ignore[assignment]

    def _length(self, subject: Subject, pair: Pair, proxy: TcpProxy, direction: str, number: int) -> int:
        """XEP-0198 counts from the login on, so only the first send of a session is as long as that of another."""
        session, tape = subject.connect(pair.one, endpoint=subject.through(proxy))
        before = proxy.passed(direction)
        session.send(number, pair.conversation, f"key-{number:06d}", b"x" * 16)
        tape.outcome(number)
        length = proxy.passed(direction) - before
        session.close()
        return length


class TestXmpps(XmppConformance):
    @pytest.fixture
    def subject(self, ejabberd: RunningTarget) -> Subject:
        return subject_of(ejabberd, ejabberd.endpoint())


class TestStartTls(XmppConformance):
    @pytest.fixture
    def subject(self, ejabberd: RunningTarget) -> Subject:
        return subject_of(ejabberd, with_starttls(ejabberd))
