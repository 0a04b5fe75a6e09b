"""The driver `mqtt` against a broker of a few lines that says what no well-behaved broker says on demand."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import threading
from collections.abc import Iterator

import pytest
from tape import Tape

from waybill.drivers.base import Credential, Driver, Endpoint, Login, LoginRefused, Session
from waybill.drivers.mqtt import MqttDriver, MqttQos2Driver
from waybill.drivers.mqtt_client import Pieces
from waybill.history.events import Completion, End

PUBREC, PUBREL, PUBCOMP = 5, 6, 7
CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, PINGRESP, DISCONNECT = (
    1,
    2,
    3,
    4,
    8,
    9,
    12,
    13,
    14,
)
RECEIVE_MAXIMUM_2 = b"\x21\x00\x02"
MAXIMUM_QOS_1 = b"\x24\x01"
MAXIMUM_QOS_0 = b"\x24\x00"
MAXIMUM_PACKET_100 = b"\x27\x00\x00\x00\x64"


class Broker:
    """One connection, answered by a test."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = Endpoint(f"mqtt://127.0.0.1:{self.listener.getsockname()[1]}")
        self.connection: socket.socket | None = None
        self.received: list[tuple[int, bytes]] = []
        self.arrived = threading.Condition()
        self.properties = b""
        self.reason = 0
        self.suback = 1
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        self.connection, _ = self.listener.accept()
        with self.connection, self.connection.makefile("rb") as stream, contextlib.suppress(ConnectionError):
            while head := stream.read(1):
                length, shift = 0, 0
                while True:
                    byte = stream.read(1)[0]
                    length |= (byte & 127) << shift
                    shift += 7
                    if byte < 128:
                        break
                kind, body = head[0] >> 4, stream.read(length)
                if kind == CONNECT:
                    self.say(CONNACK, bytes([0, self.reason, len(self.properties)]) + self.properties)
                elif kind == SUBSCRIBE:
                    self.say(SUBACK, body[:2] + bytes([0, self.suback]))
                with self.arrived:
                    self.received.append((kind, body))
                    self.arrived.notify_all()
                if kind == DISCONNECT:
                    break

    def say(self, kind: int, body: bytes = b"") -> None:
        assert self.connection is not None
        self.connection.sendall(bytes([kind << 4 | (2 if kind == PUBREL else 0), len(body)]) + body)

    def wait(self, kind: int, count: int) -> list[bytes]:
        def found() -> list[bytes]:
            return [body for one, body in self.received if one == kind]

        with self.arrived:
            assert self.arrived.wait_for(lambda: len(found()) >= count, 5), self.received
            return found()

    def close(self) -> None:
        self.listener.close()
        self.thread.join(5)


@pytest.fixture
def broker() -> Iterator[Broker]:
    broker = Broker()
    yield broker
    broker.close()


def connect(broker: Broker, driver: Driver | None = None, **changes: int) -> tuple[Session, Tape]:
    tape = Tape()
    login = Login(broker.endpoint, Credential("alice", password="x"), "phone", deadline=5)
    return (driver or MqttDriver()).connect(dataclasses.replace(login, **changes), tape), tape


def give(broker: Broker, number: int, qos: int, *, again: bool = False) -> None:
    """A message from bob."""
    topic = b"waybill/direct/alice/bob"
    body = len(topic).to_bytes(2, "big") + topic + bytes([0, number, 0]) + b"hello"
    assert broker.connection is not None
    broker.connection.sendall(bytes([0x30 | qos << 1 | (8 if again else 0), len(body)]) + body)


def packet_id(publish: bytes) -> bytes:
    at = 2 + int.from_bytes(publish[:2], "big")
    return publish[at : at + 2]


def sends(count: int, body: bytes = b"x") -> list[tuple[int, str, str, bytes]]:
    return [(number, "direct/alice/bob", f"k{number}", body) for number in range(1, count + 1)]


def test_no_more_is_in_flight_than_the_broker_takes_and_the_rest_never_left(broker: Broker) -> None:
    broker.properties = RECEIVE_MAXIMUM_2
    session, tape = connect(broker)
    assert session.welcome.limits["window"] == 2
    session.send_many(sends(5))
    first = broker.wait(PUBLISH, 2)
    broker.say(PUBACK, packet_id(first[0]))
    assert tape.outcome(1).completion is Completion.OK
    assert len(broker.wait(PUBLISH, 3)) == 3
    session.cut()
    assert tape.end is End.CUT
    outcomes = [(tape.outcomes[number].completion, tape.outcomes[number].code) for number in range(1, 6)]
    assert outcomes == [
        (Completion.OK, ""),
        (Completion.INFO, "connection-cut"),
        (Completion.INFO, "connection-cut"),
        (Completion.FAIL, "not-sent"),
        (Completion.FAIL, "not-sent"),
    ]
    assert not tape.broken


def test_a_reason_code_from_0x80_on_is_a_definite_refusal(broker: Broker) -> None:
    session, tape = connect(broker)
    session.send_many(sends(2))
    first, second = broker.wait(PUBLISH, 2)
    broker.say(PUBACK, packet_id(first) + b"\x97")
    broker.say(PUBACK, packet_id(second) + b"\x10")
    refused, taken = tape.outcome(1), tape.outcome(2)
    assert (refused.completion, refused.code) == (Completion.FAIL, "quota-exceeded")
    assert (taken.completion, taken.text) == (Completion.OK, "No matching subscribers")
    session.close()


@pytest.mark.parametrize(
    ("reason", "code"), [(0x95, "packet-too-large"), (0x88, "server-unavailable"), (0xEE, "reason-0xee")]
)
@pytest.mark.parametrize("driver", [MqttDriver, MqttQos2Driver])
def test_a_reason_that_mqtt_does_not_foresee_counts_all_the_same(
    broker: Broker, driver: type[Driver], reason: int, code: str
) -> None:
    session, tape = connect(broker, driver())
    session.send_many(sends(1))
    (publish,) = broker.wait(PUBLISH, 1)
    broker.say(PUBREC if driver is MqttQos2Driver else PUBACK, packet_id(publish) + bytes([reason]))
    assert (tape.outcome(1).completion, tape.outcome(1).code) == (Completion.FAIL, code)
    session.send(2, "direct/alice/bob", "k2", b"x")
    broker.wait(PUBLISH, 2)
    session.close()
    assert tape.end is End.CLOSED
    assert not tape.broken


@pytest.mark.parametrize("packet", [b"\x40\x01\x00", b"\x32\x01\xff", b"\xf3\x00", b"\x62\x00"])
def test_what_cannot_be_read_ends_the_session(broker: Broker, packet: bytes) -> None:
    session, tape = connect(broker)
    session.send_many(sends(1))
    broker.wait(PUBLISH, 1)
    assert broker.connection is not None
    broker.connection.sendall(packet)
    assert tape.wait_end() is End.LOST
    assert tape.outcomes[1].completion is Completion.INFO
    session.close()
    assert not tape.broken


def test_a_second_answer_is_told(broker: Broker) -> None:
    session, tape = connect(broker)
    session.send_many(sends(2))
    first, second = broker.wait(PUBLISH, 2)
    for publish in (first, first, second):
        broker.say(PUBACK, packet_id(publish))
    assert tape.outcome(2).completion is Completion.OK
    assert [event for event in tape.events if event != "idle"] == [
        "completed 1",
        "unmatched 1",
        "completed 2",
    ]
    session.close()


@pytest.mark.parametrize(
    ("reason", "end", "text"),
    [(0x8E, End.REPLACED, "Session taken over"), (0x8B, End.REFUSED, "Server shutting down")],
)
def test_what_the_broker_says_of_an_end_is_told(broker: Broker, reason: int, end: End, text: str) -> None:
    session, tape = connect(broker)
    session.send(1, "direct/alice/bob", "k", b"x")
    broker.wait(PUBLISH, 1)
    broker.say(DISCONNECT, bytes([reason, 0]))
    assert tape.wait_end() is end
    assert tape.reason == text
    assert tape.outcomes[1].completion is Completion.INFO
    session.close()


def test_a_refused_login_and_a_refused_inbox_are_definite(broker: Broker) -> None:
    broker.suback = 0x87
    with pytest.raises(
        LoginRefused, match=r"subscribe-not-authorized: SUBACK of waybill/direct/alice/\+"
    ) as refused:
        connect(broker)
    assert refused.value.outcome.completion is Completion.FAIL


def test_a_refusing_connack_is_definite(broker: Broker) -> None:
    broker.reason = 0x88
    with pytest.raises(LoginRefused, match="server-unavailable: CONNACK: Server unavailable") as refused:
        connect(broker)
    assert refused.value.outcome.completion is Completion.FAIL


@pytest.mark.parametrize(
    ("properties", "code"), [(MAXIMUM_QOS_0, "qos-not-supported"), (MAXIMUM_PACKET_100, "packet-too-large")]
)
def test_what_the_broker_forbids_is_not_sent(broker: Broker, properties: bytes, code: str) -> None:
    broker.properties = properties
    session, tape = connect(broker)
    session.send_many(sends(1, b"x" * 100))
    assert (tape.outcome(1).completion, tape.outcome(1).code) == (Completion.FAIL, code)
    assert PUBLISH not in [kind for kind, _ in broker.received]
    session.close()


def test_an_acknowledgement_is_confirmed_by_the_answer_to_a_ping_after_it(broker: Broker) -> None:
    session, tape = connect(broker)
    for number in (1, 2):
        give(broker, number, 1)
    tape.wait(lambda: len(tape.deliveries) == 2, "both messages")
    session.acknowledge(10, tape.deliveries[0])
    broker.wait(PINGREQ, 1)
    session.acknowledge(11, tape.deliveries[1])
    broker.wait(PINGREQ, 2)
    assert tape.outcomes == {}
    assert [kind for kind, _ in broker.received[-4:]] == [PUBACK, PINGREQ] * 2
    broker.say(PINGRESP)
    assert tape.outcome(10).completion is Completion.OK
    assert 11 not in tape.outcomes
    session.cut()
    assert (tape.outcomes[11].completion, tape.outcomes[11].code) == (Completion.INFO, "unconfirmed")
    assert not tape.broken


def test_a_login_asks_for_a_session_that_never_expires_and_for_its_window(broker: Broker) -> None:
    session, _ = connect(broker, window=7)
    (packet,) = broker.wait(CONNECT, 1)
    clean_start = packet[7] & 2
    assert not clean_start
    assert b"\x11\xff\xff\xff\xff\x21\x00\x07" in packet
    session.close()


@pytest.mark.parametrize("piece", [1, 7])
def test_nothing_is_written_in_larger_pieces(
    broker: Broker, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []

    class Counted:
        """The socket below the pieces."""

        def __init__(self, connection: socket.socket) -> None:
            self.connection = connection

        def __getattr__(self, name: str) -> object:
            return getattr(self.connection, name)

        def send(self, data: bytes) -> int:
            written.append(len(data))
            return self.connection.send(data)

    class CountedPieces(Pieces):
        def __init__(self, connection: socket.socket) -> None:
            super().__init__(Counted(connection))  # type: ignore[arg-type]

    monkeypatch.setattr("waybill.drivers.mqtt_client.Pieces", CountedPieces)
    session, tape = connect(broker, piece=piece)
    session.send_many(sends(2, b"x" * 30))
    for publish in broker.wait(PUBLISH, 2):
        broker.say(PUBACK, packet_id(publish))
    assert tape.outcome(2).completion is Completion.OK
    session.close()
    assert max(written) == piece
    assert sum(written) > 200
    assert [kind for kind, _ in broker.received] == [CONNECT, SUBSCRIBE, PUBLISH, PUBLISH, DISCONNECT]


class TestQos2:
    def test_the_answer_to_the_release_is_the_acknowledgement(self, broker: Broker) -> None:
        session, tape = connect(broker, MqttQos2Driver())
        session.send_many(sends(2))
        first, second = broker.wait(PUBLISH, 2)
        broker.say(PUBREC, packet_id(first))
        assert broker.wait(PUBREL, 1) == [packet_id(first)]
        assert tape.outcomes == {}
        broker.say(PUBCOMP, packet_id(first))
        assert tape.outcome(1).completion is Completion.OK
        broker.say(PUBREC, packet_id(second) + b"\x87")
        outcome = tape.outcome(2)
        assert (outcome.completion, outcome.code) == (Completion.FAIL, "not-authorized")
        assert len(broker.wait(PUBREL, 1)) == 1
        session.close()
        assert not tape.broken

    def test_a_send_that_was_received_and_not_completed_is_unknown(self, broker: Broker) -> None:
        session, tape = connect(broker, MqttQos2Driver())
        session.send_many(sends(1))
        (publish,) = broker.wait(PUBLISH, 1)
        broker.say(PUBREC, packet_id(publish))
        broker.wait(PUBREL, 1)
        session.cut()
        assert (tape.outcomes[1].completion, tape.outcomes[1].code) == (Completion.INFO, "connection-cut")

    def test_a_second_answer_is_told(self, broker: Broker) -> None:
        session, tape = connect(broker, MqttQos2Driver())
        session.send_many(sends(2))
        first, second = broker.wait(PUBLISH, 2)
        for kind, publish in ((PUBREC, first), (PUBCOMP, first), (PUBCOMP, first), (PUBREC, second)):
            broker.say(kind, packet_id(publish))
        broker.say(PUBCOMP, packet_id(second))
        tape.outcome(2)
        assert [one for one in tape.events if one != "idle"] == ["completed 1", "unmatched 1", "completed 2"]
        session.close()

    def test_a_message_is_taken_over_when_the_device_acknowledges_it(self, broker: Broker) -> None:
        session, tape = connect(broker, MqttQos2Driver())
        give(broker, 1, 2)
        give(broker, 2, 2, again=True)
        tape.wait(lambda: len(tape.deliveries) == 2, "both messages")
        assert [one.redelivered for one in tape.deliveries] == [False, True]
        session.acknowledge(10, tape.deliveries[1])
        session.acknowledge(11, tape.deliveries[1])
        assert broker.wait(PUBREC, 1) == [b"\x00\x02"]
        assert tape.outcomes == {}
        broker.say(PUBREL, b"\x00\x02")
        assert broker.wait(PUBCOMP, 1) == [b"\x00\x02"]
        assert {tape.outcome(number).completion for number in (10, 11)} == {Completion.OK}
        session.acknowledge(12, tape.deliveries[0])
        broker.wait(PUBREC, 2)
        session.cut()
        assert (tape.outcomes[12].completion, tape.outcomes[12].code) == (Completion.INFO, "unconfirmed")
        assert len(broker.wait(PUBREC, 2)) == 2
        assert not tape.broken

    def test_what_an_earlier_connection_took_over_is_completed(self, broker: Broker) -> None:
        session, tape = connect(broker, MqttQos2Driver())
        broker.say(PUBREL, b"\x00\x09")
        assert broker.wait(PUBCOMP, 1) == [b"\x00\x09"]
        session.close()
        assert tape.outcomes == {}
        assert not tape.broken

    def test_a_broker_that_has_no_qos_2_is_not_sent_any(self, broker: Broker) -> None:
        broker.properties = MAXIMUM_QOS_1
        session, tape = connect(broker, MqttQos2Driver())
        session.send_many(sends(1))
        assert (tape.outcome(1).completion, tape.outcome(1).code) == (Completion.FAIL, "qos-not-supported")
        session.close()
        assert PUBLISH not in [kind for kind, _ in broker.received]
