"""One session over MQTT: how operations and deliveries become packets and back (the mapping is told in
`mqtt`)."""

from __future__ import annotations

import ssl
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from paho.mqtt.client import MQTTMessage, WebsocketConnectionError
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from waybill.drivers.base import Delivery, Login, LoginRefused, Observer, Outcome, Session, Welcome
from waybill.drivers.mqtt_client import REFUSED
from waybill.drivers.mqtt_link import DISCONNECT, MOST_IN_FLIGHT, PINGREQ, Countdown, Link
from waybill.drivers.mqtt_words import inbox_of, named_in, network_word, topic_of, word
from waybill.history.events import Completion, End, Mode

_TAKEN_OVER: Final = 0x8E
_LOOK_EVERY: Final = 5.0
"""Seconds between two looks at the keep-alive of a connection on which nothing happens."""


class _Handle(NamedTuple):
    """What a delivery is acknowledged by."""

    session: MqttSession
    mid: int
    qos: int


class MqttSession(Session):
    """A logged-in connection.

    paho's callbacks only note what happened, under the link's lock; the session's thread reports it after the
    lock was released, so that an observer may call the session.
    """

    def __init__(self, login: Login, version: int, observer: Observer, qos: int = 1) -> None:
        """Connects and logs in; the same exceptions as `Driver.connect`."""
        self._user = login.credential.user
        self._nobody = not (login.identify and login.credential.user)
        self._version = version
        self._qos = qos
        self._observer = observer
        self._link = Link(login, version)
        self._reports: deque[Callable[[], None]] = deque()
        self._waiting: deque[tuple[int, str, str, bytes]] = deque()
        self._sends: dict[int, int] = {}
        self._answered: dict[int, int] = {}
        self._written_acks: list[int] = []
        self._pings: deque[list[int]] = deque()
        self._received: dict[int, list[int]] = {}
        self._quota = MOST_IN_FLIGHT
        self._packet_limit = 0
        self._refuses = ""
        self._connack: tuple[bool, ReasonCode] | None = None
        self._suback: ReasonCode | None = None
        self._mode = Mode.LIVE
        self._cutting = self._leaving = self._left = self._over = False
        self._goodbye = Countdown()
        self._told = threading.Event()
        client = self._link.client
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_answered = self._on_answered
        client.on_message = self._on_message
        client.on_pong = self._on_pong
        client.on_stray = self._on_stray
        client.on_released = self._on_released
        try:
            self.welcome = self._log_in(Countdown(login.deadline), login.deadline)
        except BaseException:
            self._link.drop(reset=True)
            self._link.release()
            raise
        self._thread = threading.Thread(target=self._run, name="mqtt session", daemon=True)
        self._thread.start()

    # -- logging in ----------------------------------------------------------------------------------------

    def _log_in(self, countdown: Countdown, seconds: float) -> Welcome:
        def wait_for(what: str, arrived: Callable[[], bool]) -> None:
            while not arrived():
                if not self._link.connected:
                    raise self._lost_before(what)
                if countdown.passed:
                    raise _refused(Completion.INFO, "deadline", f"no {what} within {seconds:g} s")
                self._link.work(self._link.wait(countdown.left(seconds)))

        try:
            self._link.open()
        except (OSError, ssl.CertificateError, WebsocketConnectionError) as error:
            # Nothing of the login was written yet.
            raise _refused(Completion.FAIL, network_word(error), str(error)) from None
        wait_for("CONNACK", lambda: self._connack is not None)
        resumed, reason = self._connack or (False, None)
        if reason is None or reason.is_failure:
            raise _refused(Completion.FAIL, word(reason), f"CONNACK: {reason}")
        if resumed:
            self._mode = Mode.BACKLOG
        inbox = inbox_of(self._user)
        if self._version == 5:
            self._link.client.subscribe(inbox, options=SubscribeOptions(qos=self._qos))
        else:
            self._link.client.subscribe(inbox, qos=self._qos)
        wait_for("SUBACK", lambda: self._suback is not None)
        # A broker that lets in who shows no credential has given a session, with an inbox or without.
        if (self._suback is None or self._suback.is_failure) and not self._nobody:
            raise _refused(
                Completion.FAIL, f"subscribe-{word(self._suback)}", f"SUBACK of {inbox}: {self._suback}"
            )
        self._mode = Mode.LIVE
        limits = {"window": self._quota} | ({"frame": self._packet_limit} if self._packet_limit else {})
        return Welcome(version=self._version, limits=limits, resumed=resumed)

    def _lost_before(self, what: str) -> LoginRefused:
        reason = self._link.server_reason
        if reason is None:
            why = self._link.unreadable or f"the connection ended before the {what}"
            return _refused(Completion.INFO, "connection-lost", why)
        return _refused(Completion.FAIL, word(reason), f"DISCONNECT: {reason}")

    # -- operations ----------------------------------------------------------------------------------------

    def send(self, operation: int, conversation: str, key: str, body: bytes) -> None:
        """Publishes one message; see `send_many`."""
        self.send_many([(operation, conversation, key, body)])

    def send_many(self, sends: Sequence[tuple[int, str, str, bytes]]) -> None:
        """Publishes messages. What the broker's Receive Maximum leaves no room for waits, unsent, for
        answers."""
        prepared = [
            (operation, topic_of(conversation, self._user), key, body)
            for operation, conversation, key, body in sends
        ]
        with self._link.lock:
            usable = self._usable
            if usable:
                self._waiting.extend(prepared)
                self._submit()
        if usable:
            self._link.wake()
        else:
            self._not_connected([operation for operation, *_ in prepared])

    def acknowledge(self, operation: int, delivery: Delivery) -> None:
        """Acknowledges one delivery of this session: with PUBACK, OK once a PINGRESP shows that the broker has it,
        or, with QoS 2, with PUBREC, OK when the broker releases it."""
        handle = delivery.receipt_handle
        with self._link.lock:
            usable = self._usable
            if usable and not (isinstance(handle, _Handle) and handle.session is self):
                outcome = Outcome(
                    Completion.FAIL, "not-acknowledgeable", "not given with QoS 1 or 2 in this session"
                )
                self._complete(operation, outcome)
            elif usable and isinstance(handle, _Handle):
                self._write_acknowledgement(operation, handle)
        if usable:
            self._link.wake()
        else:
            self._not_connected([operation])

    def _write_acknowledgement(self, operation: int, handle: _Handle) -> None:
        if handle.qos == 1:
            self._link.client.ack(handle.mid, 1)
            self._written_acks.append(operation)
            return
        if handle.mid not in self._received:
            self._link.client.receive(handle.mid)
        self._received.setdefault(handle.mid, []).append(operation)

    def close(self, deadline: float = 5.0) -> None:
        """Sends DISCONNECT; over when the broker has closed the connection, or at the deadline."""
        with self._link.lock:
            self._leaving = True
            self._goodbye.start(deadline)
        self._wait_told()

    def cut(self) -> None:
        """Resets the connection."""
        with self._link.lock:
            self._cutting = True
        self._wait_told()

    def _wait_told(self) -> None:
        if not self._told.is_set():
            self._link.wake()
            if threading.current_thread() is not self._thread:
                self._told.wait()

    @property
    def _usable(self) -> bool:
        return not (self._over or self._leaving or self._cutting)

    def _not_connected(self, operations: Sequence[int]) -> None:
        for operation in operations:
            self._observer.completed(
                operation, Outcome(Completion.FAIL, "not-connected", "the session is over")
            )

    def _complete(self, operation: int, outcome: Outcome) -> None:
        self._reports.append(lambda: self._observer.completed(operation, outcome))

    def _submit(self) -> None:
        """Publishes what waits, as far as it can be written now and the broker lets."""
        while self._waiting and len(self._sends) < self._quota and self._link.writable:
            operation, topic, key, body = self._waiting.popleft()
            refusal = self._refusal(topic, key, body)
            if refusal:
                self._complete(operation, Outcome(Completion.FAIL, refusal, "it was not sent"))
                continue
            properties = None
            if self._version == 5:
                properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
                properties.UserProperty = [("key", key)]
            # paho writes before it returns. The answer is read under the same lock, so it cannot come before
            # the entry.
            published = self._link.client.publish(topic, body, qos=self._qos, properties=properties)
            self._sends[published.mid] = operation

    def _refusal(self, topic: str, key: str, body: bytes) -> str:
        """Why something cannot be sent at all: MQTT forbids to send more than the CONNACK allows."""
        # Packet id 2, fixed header up to 5, property lengths up to 5, the user property's own bytes 8.
        size = len(topic) + len(key) + len(body) + 20
        if not topic:
            return "no-direct-conversation"
        return "packet-too-large" if self._packet_limit and size > self._packet_limit else self._refuses

    # -- what the server says ------------------------------------------------------------------------------

    def _on_connect(self, _c: Any, _u: Any, flags: Any, reason: ReasonCode, properties: Any) -> None:
        self._connack = bool(flags.session_present), reason
        self._quota = getattr(properties, "ReceiveMaximum", MOST_IN_FLIGHT)
        self._packet_limit = getattr(properties, "MaximumPacketSize", 0)
        if getattr(properties, "MaximumQoS", self._qos) < self._qos:
            self._refuses = "qos-not-supported"

    def _on_subscribe(self, _c: Any, _u: Any, _mid: int, reasons: list[ReasonCode], _p: Any) -> None:
        self._suback = reasons[0]

    def _on_answered(self, mid: int, reason: int, text: str) -> None:
        operation = self._answered[mid] = self._sends.pop(mid)
        if reason >= REFUSED:
            self._complete(operation, Outcome(Completion.FAIL, word(text), text))
        else:
            self._complete(operation, Outcome(Completion.OK, text=text))

    def _on_stray(self, mid: int, reason: int) -> None:
        """A second answer; which of two sends with one packet id it means cannot be told, so the later
        one."""
        operation = self._answered.get(mid)
        if operation is not None:
            refused = reason >= REFUSED
            outcome = Outcome(
                Completion.FAIL if refused else Completion.OK, f"reason-{reason}" if refused else ""
            )
            self._reports.append(lambda: self._observer.unmatched(operation, outcome))

    def _on_message(self, _c: Any, _u: Any, message: MQTTMessage) -> None:
        conversation, sender = named_in(message.topic)
        named = dict(getattr(message.properties, "UserProperty", None) or ())
        delivery = Delivery(
            conversation=conversation,
            body=bytes(message.payload),
            sender=sender,
            key=named.get("key", ""),
            mode=self._mode,
            redelivered=message.dup,
            receipt_handle=_Handle(self, message.mid, message.qos) if message.qos else None,
        )
        self._reports.append(lambda: self._observer.delivered(delivery))

    def _on_pong(self) -> None:
        if self._pings:
            for operation in self._pings.popleft():
                self._complete(operation, Outcome(Completion.OK))

    def _on_released(self, mid: int) -> None:
        for operation in self._received.pop(mid, ()):
            self._complete(operation, Outcome(Completion.OK))

    # -- the session's thread ------------------------------------------------------------------------------

    def _run(self) -> None:
        link = self._link
        end, reason = End.LOST, "the session's thread stopped"
        try:
            while link.connected and not self._cutting:
                self._report()
                readable = link.wait(self._goodbye.left(_LOOK_EVERY))
                with link.lock:
                    if not self._cutting:
                        link.work(readable)
                        self._write_what_is_due()
            end, reason = self._how_it_ended()
        except Exception as error:
            reason = f"the observer failed: {error!r}"
            raise
        finally:
            self._finish(end, reason)

    def _report(self) -> None:
        if self._reports:
            while self._reports:
                self._reports.popleft()()
            self._observer.idle()

    def _write_what_is_due(self) -> None:
        self._submit()
        link = self._link
        if self._written_acks and link.writable and link.write(PINGREQ):
            self._pings.append(self._written_acks)
            self._written_acks = []
        if self._leaving and not self._left:
            self._left = link.write(DISCONNECT)
        if self._leaving and self._goodbye.passed:
            link.drop()

    def _how_it_ended(self) -> tuple[End, str]:
        said = self._link.server_reason
        if self._cutting:
            return End.CUT, "cut by the client"
        if said is not None:
            return (End.REPLACED if said.value == _TAKEN_OVER else End.REFUSED), str(said)
        if self._left:
            return End.CLOSED, "closed by the client"
        return End.LOST, self._link.unreadable or "the connection ended without a DISCONNECT"

    def _finish(self, end: End, reason: str) -> None:
        """Completes whatever is open, then says that the session is over."""
        with self._link.lock:
            self._over = True
            self._link.drop(reset=self._cutting)
            self._link.release()
            lost = Outcome(Completion.INFO, "connection-cut" if end is End.CUT else "connection-lost", reason)
            unconfirmed = Outcome(Completion.INFO, "unconfirmed", reason)
            for operation in self._sends.values():
                self._complete(operation, lost)
            for operations in (*self._pings, self._written_acks, *self._received.values()):
                for operation in operations:
                    self._complete(operation, unconfirmed)
            for operation, *_ in self._waiting:
                self._complete(
                    operation, Outcome(Completion.FAIL, "not-sent", "no byte of it left the client")
                )
        try:
            while self._reports:
                self._reports.popleft()()
            self._observer.ended(end, reason)
        finally:
            self._told.set()


def _refused(completion: Completion, code: str, text: str) -> LoginRefused:
    return LoginRefused(Outcome(completion, code, text))
