"""The driver `iris` against the reference server's listener of wire v1, in processes of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from conformance import DriverConformance, Subject

from waybill.drivers.iris import IrisDriver
from waybill.history.events import Completion, End
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


@pytest.mark.parametrize("websocket", [False, True])
def test_the_refusal_of_what_was_no_login_is_no_message(target: RunningTarget, websocket: bool) -> None:
    subject = subject_of(target, websocket=websocket)
    session, tape = subject.connect(subject.account(), identify=False)
    session.presence(1, "anybody")
    assert (tape.wait_end(), tape.reason) == (End.REFUSED, "AUTH_FAILED")
    assert tape.deliveries == []
    assert tape.outcomes[1].completion is Completion.INFO


def test_on_websocket_only_what_waited_can_be_acknowledged(target: RunningTarget) -> None:
    subject = subject_of(target, websocket=True)
    one, other = subject.account(), subject.account()
    conversation = subject.driver.direct_conversation(one.user, other.user)
    sender, sent = subject.connect(one)
    sender.send(1, conversation, "k", b"waits")
    subject.catch_up(sender, sent, 2, one)
    receiver, given = subject.connect(other)
    given.wait(lambda: len(given.deliveries) == 1, "what waited")
    # A body that is a word of the protocol is still a message.
    sender.send(3, conversation, "k", b"AUTH_FAILED")
    given.wait(lambda: len(given.deliveries) == 2, "what is new")
    assert [delivery.body for delivery in given.deliveries] == [b"waits", b"AUTH_FAILED"]
    for number, delivery in enumerate(given.deliveries, start=1):
        receiver.acknowledge(number, delivery)
    assert [(given.outcome(n).completion, given.outcome(n).code) for n in (1, 2)] == [
        (Completion.INFO, "unconfirmed"),
        (Completion.FAIL, "not-acknowledgeable"),
    ]
    subject.catch_up(receiver, given, 3, other)
    receiver.cut()
    again, once_more = subject.connect(other)
    once_more.wait(lambda: bool(once_more.deliveries), "what could not be acknowledged")
    assert [delivery.body for delivery in once_more.deliveries] == [b"AUTH_FAILED"]
    for session in (sender, again):
        session.close()
    for tape in (sent, given, once_more):
        assert not tape.broken
