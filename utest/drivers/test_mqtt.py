"""The driver `mqtt` against a real mosquitto."""

from __future__ import annotations

import dataclasses
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from conformance import DriverConformance, Subject
from tape import Tape
from tcp_proxy import DOWN

from waybill.drivers.base import Credential, Driver, Endpoint, LoginRefused
from waybill.drivers.mqtt import Mqtt311Driver, MqttDriver, MqttQos2Driver
from waybill.history.events import Completion, End
from waybill.targets import RunningTarget, find_target, launch
from waybill.targets.programs import program
from waybill.targets.target_file import parse_target
from waybill.tls.authority import Authority


@pytest.fixture(scope="class")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTarget]:
    """A mosquitto of its own. Where it is not installed the tests fail, and say how to install it; only
    WAYBILL_WITHOUT_MOSQUITTO=1 leaves them out."""
    if os.environ.get("WAYBILL_WITHOUT_MOSQUITTO") == "1" and program("mosquitto") is None:
        pytest.skip("WAYBILL_WITHOUT_MOSQUITTO=1 and mosquitto is not installed")
    file = find_target("mosquitto")
    text = file.path.read_text().partition("\n[[variant]]")[0]
    # The suite acknowledges nothing while it receives, and MQTT 3.1.1 has no Receive Maximum by which a
    # device could ask for more in flight than the broker's own 20.
    text = text.replace("max_queued_messages 100000\n", "max_queued_messages 0\nmax_inflight_messages 0\n")
    # Nothing is killed here, so nothing need be saved.
    text = text.replace("autosave_on_changes true\n", "").replace("autosave_interval 1\n", "")
    # And listeners without TLS, which no target in the box has.
    text = text.replace('"websocket"]', '"websocket", "plain", "plain_websocket"]').replace(
        'tls_version tlsv1.2\n"',
        "tls_version tlsv1.2\n\nlistener {port.plain} {address}\n"
        'listener {port.plain_websocket} {address}\nprotocol websockets\nsocket_domain ipv4\n"',
    )
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


def listener(mosquitto: RunningTarget, number: int, url: str) -> Endpoint:
    """The endpoint of one of mosquitto's other listeners."""
    configuration = (mosquitto.folder / "broker" / "mosquitto.conf").read_text()
    port, host = re.findall(r"^listener (\d+) (\S+)$", configuration, re.MULTILINE)[number]
    return dataclasses.replace(mosquitto.endpoint(), url=url.format(host=host, port=port))


class TestMqtt5(DriverConformance):
    # OpenSSL's session tickets differ in length from login to login, so bytes of an answer cannot be counted
    # from its end; TestMqtt311 does that without TLS.
    test_a_login_whose_answer_is_cut_off_is_unknown = None  # type: ignore[assignment]

    @pytest.fixture
    def subject(self, mosquitto: RunningTarget) -> Subject:
        return subject_of(mosquitto, MqttDriver(), mosquitto.endpoint())


class TestMqtt311(DriverConformance):
    test_a_login_whose_answer_is_cut_off_is_unknown = None  # type: ignore[assignment]

    @pytest.fixture
    def subject(self, mosquitto: RunningTarget) -> Subject:
        return subject_of(mosquitto, Mqtt311Driver(), listener(mosquitto, 2, "mqtt://{host}:{port}"))


class TestQos2(DriverConformance):
    test_a_login_whose_answer_is_cut_off_is_unknown = None  # type: ignore[assignment]

    @pytest.fixture
    def subject(self, mosquitto: RunningTarget) -> Subject:
        return subject_of(mosquitto, MqttQos2Driver(), mosquitto.endpoint())


class TestPlainTcp(DriverConformance):
    """MQTT 5 without TLS."""

    # TestMqtt311 shows it on the same listener.
    test_a_login_whose_answer_is_cut_off_is_unknown = None  # type: ignore[assignment]

    @pytest.fixture
    def subject(self, mosquitto: RunningTarget) -> Subject:
        return subject_of(mosquitto, MqttDriver(), listener(mosquitto, 2, "mqtt://{host}:{port}"))


class TestWebSocket(DriverConformance):
    # mosquitto's WebSocket listener answers about 20 times slower; what happens at every byte is shown above.
    test_a_cut_at_any_byte_is_never_taken_for_a_refusal = None  # type: ignore[assignment]
    test_a_login_whose_answer_is_cut_off_is_unknown = None  # type: ignore[assignment]

    @pytest.fixture
    def subject(self, mosquitto: RunningTarget) -> Subject:
        return subject_of(mosquitto, MqttDriver(), listener(mosquitto, 1, "wss://{host}:{port}/mqtt"))


@pytest.fixture
def subject(mosquitto: RunningTarget) -> Subject:
    return subject_of(mosquitto, MqttDriver(), mosquitto.endpoint())


class TestWhatMqttAdds:
    """What the suite for all drivers cannot ask for."""

    @pytest.mark.parametrize(("driver", "level"), [(MqttDriver, 5), (MqttDriver, 4), (MqttQos2Driver, 5)])
    @pytest.mark.parametrize("scheme", ["mqtts", "wss", "mqtt", "ws"])
    def test_every_version_works_over_every_transport(
        self, mosquitto: RunningTarget, driver: type[Driver], level: int, scheme: str
    ) -> None:
        number = ["mqtts", "wss", "mqtt", "ws"].index(scheme)
        endpoint = listener(mosquitto, number, scheme + "://{host}:{port}")
        subject = subject_of(mosquitto, driver(), endpoint)
        one, other = subject.account(), subject.account()
        sender, sent = subject.connect(one, version=level)
        receiver, given = subject.connect(other, version=level)
        assert sender.welcome.version == level
        sender.send(1, subject.driver.direct_conversation(one.user, other.user), "k", b"hello")
        assert sent.outcome(1).completion is Completion.OK
        given.wait(lambda: len(given.deliveries) == 1, "the message")
        assert (given.deliveries[0].body, given.deliveries[0].key) == (b"hello", "k" if level == 5 else "")
        receiver.acknowledge(2, given.deliveries[0])
        assert given.outcome(2).completion is Completion.OK
        for session, tape in ((sender, sent), (receiver, given)):
            session.close()
            assert not tape.broken

    @pytest.mark.parametrize("driver", [MqttDriver, MqttQos2Driver])
    def test_a_device_is_given_no_more_than_its_window(
        self, mosquitto: RunningTarget, driver: type[Driver]
    ) -> None:
        subject = subject_of(mosquitto, driver(), mosquitto.endpoint())
        one, other = subject.account(), subject.account()
        receiver, given = subject.connect(other, window=5)
        sender, sent = subject.connect(one)
        conversation = subject.driver.direct_conversation(one.user, other.user)
        sender.send_many([(n, conversation, f"k{n}", b"%d" % n) for n in range(1, 21)])
        sent.wait(lambda: len(sent.outcomes) == 20, "every outcome")
        # The broker has dealt with all that was before, once it answers this.
        receiver.send(100, conversation, "after", b"after")
        given.outcome(100)
        assert [int(one.body) for one in given.deliveries] == [1, 2, 3, 4, 5]
        receiver.acknowledge(200, given.deliveries[0])
        given.outcome(200)
        # How many that are it decides: mosquitto 2.0 gives as many as the window has, whatever else is open.
        given.wait(lambda: len(given.deliveries) > 5, "the next one")
        receiver.close()
        sender.close()

    def test_a_message_waits_for_a_device_from_its_first_login_on(self, subject: Subject) -> None:
        one, other = subject.account(), subject.account()
        first, _ = subject.connect(other)
        assert not first.welcome.resumed
        first.close()
        sender, sent = subject.connect(one)
        conversation = subject.driver.direct_conversation(one.user, other.user)
        sender.send_many([(n, conversation, f"k{n}", b"waits %d" % n) for n in range(1, 101)])
        sent.wait(lambda: len(sent.outcomes) == 100, "every outcome")
        again, given = subject.connect(other)
        assert again.welcome.resumed
        given.wait(lambda: len(given.deliveries) == 100, "every delivery")
        assert [delivery.body for delivery in given.deliveries] == [b"waits %d" % n for n in range(1, 101)]
        again.close()
        sender.close()

    def test_every_device_of_a_user_has_an_inbox(self, subject: Subject) -> None:
        one, other = subject.account(), subject.account()
        sessions = [subject.connect(other, device) for device in ("phone", "tablet")]
        sender, sent = subject.connect(one)
        sender.send(1, subject.driver.direct_conversation(one.user, other.user), "k", b"to both")
        assert sent.outcome(1).completion is Completion.OK
        for session, given in sessions:
            given.wait(
                lambda given=given: [one.body for one in given.deliveries] == [b"to both"], "the message"
            )
            session.close()
        sender.close()

    def test_a_login_whose_answer_is_cut_off_anywhere_is_unknown(self, mosquitto: RunningTarget) -> None:
        """In place of the suite's test: without TLS, where the bytes of an answer can be counted."""
        subject = subject_of(mosquitto, Mqtt311Driver(), listener(mosquitto, 2, "mqtt://{host}:{port}"))
        account = subject.account()
        with subject.proxy() as proxy:
            session, _ = subject.connect(account, endpoint=subject.through(proxy))
            whole = proxy.passed(DOWN)
            session.close()
            for offset in range(1, whole):
                proxy.cut_next_after(DOWN, offset)
                tape = Tape()
                with pytest.raises(LoginRefused, match="connection-lost") as refused:
                    subject.driver.connect(subject.login(account, endpoint=subject.through(proxy)), tape)
                assert refused.value.outcome.completion is Completion.INFO
                assert tape.events == []

    def test_the_name_of_a_refusal_is_the_brokers_own(self, subject: Subject) -> None:
        one, two, stranger = subject.account(), subject.account(), subject.account()
        login = dataclasses.replace(subject.login(one), credential=subject.bad_credential(one))
        with pytest.raises(LoginRefused, match="not-authorized: CONNACK: Not authorized"):
            subject.driver.connect(login, Tape())
        session, tape = subject.connect(stranger)
        session.send(1, "group/x", "k", b"there are no groups")
        assert (tape.outcome(1).completion, tape.outcome(1).code) == (
            Completion.FAIL,
            "no-direct-conversation",
        )
        session.send(2, subject.driver.direct_conversation(one.user, two.user), "k", b"as somebody else")
        assert tape.outcome(2).code == "not-authorized"
        session.close()

    def test_only_a_delivery_of_this_session_can_be_acknowledged(self, subject: Subject) -> None:
        account = subject.account()
        session, tape = subject.connect(account)
        conversation = subject.driver.direct_conversation(account.user, account.user)
        session.send(1, conversation, "k", b"to myself")
        tape.wait(lambda: len(tape.deliveries) == 1, "the message")
        session.close()
        later, again = subject.connect(account)
        later.acknowledge(7, tape.deliveries[0])
        assert (again.outcome(7).completion, again.outcome(7).code) == (
            Completion.FAIL,
            "not-acknowledgeable",
        )
        again.wait(lambda: bool(again.deliveries), "the message again")
        assert again.deliveries[0].redelivered
        later.close()
        session.acknowledge(8, tape.deliveries[0])
        assert tape.outcomes[8].code == "not-connected"

    def test_a_certificate_of_another_authority_ends_the_login(
        self, subject: Subject, tmp_path: Path
    ) -> None:
        authority = Authority(tmp_path).certificate
        with pytest.raises(LoginRefused, match="untrusted:"):
            subject.connect(
                subject.account(), endpoint=dataclasses.replace(subject.endpoint, authority=authority)
            )
        insecure = dataclasses.replace(subject.endpoint, authority=None, insecure=True)
        session, _ = subject.connect(subject.account(), endpoint=insecure)
        session.close()

    def test_a_wrong_address_or_version_is_a_mistake_of_the_caller(self, subject: Subject) -> None:
        account = subject.account()
        with pytest.raises(ValueError, match="expected an address with one of"):
            subject.connect(account, endpoint=Endpoint("amqp://127.0.0.1"))
        with pytest.raises(ValueError, match=r"expected an MQTT protocol level of \(4, 5\), found 3"):
            subject.connect(account, version=3)

    def test_an_observer_that_fails_leaves_no_operation_open(
        self, subject: Subject, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        failures: list[object] = []
        monkeypatch.setattr(threading, "excepthook", lambda failure: failures.append(failure.exc_value))
        account = subject.account()
        session, tape = subject.connect(account)

        def broken(_: object) -> None:
            raise RuntimeError("the observer's own mistake")

        tape.delivered = broken  # type: ignore[method-assign]
        session.send(1, subject.driver.direct_conversation(account.user, account.user), "k", b"x")
        assert tape.wait_end() is End.LOST
        assert "the observer's own mistake" in tape.reason
        assert set(tape.outcomes) == {1}
        session.close()
        assert len(failures) == 1
