"""One MQTT connection on paho-mqtt, driven from outside: no thread of paho's, no reconnect, nothing sent
twice.

paho is used through its interface for other event loops (`loop_read`, `loop_write`, `loop_misc`), under one
lock and never waiting. Three things are done past it, because it does not offer them: a DISCONNECT after
which the connection is read to its end (paho closes at once, and what it had not read then resets the
connection, which can destroy what it sent last), a PINGREQ whose PINGRESP somebody hears of, and a TCP reset.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import struct
import threading
import time
from typing import Any, Final
from urllib.parse import urlsplit

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from waybill.drivers.base import Login
from waybill.drivers.mqtt_client import Client

DISCONNECT: Final = b"\xe0\x00"
PINGREQ: Final = b"\xc0\x00"
MOST_IN_FLIGHT: Final = 65_535
"""The Receive Maximum of a side that names none, and the most packet ids there are."""

_NEVER_EXPIRES: Final = 0xFFFFFFFF
_KEEP_ALIVE: Final = 60
_READS: Final = 64
"""Packets read before their reports go out, so that a full stream cannot keep the first one back."""
_SCHEMES: Final = {"mqtt": (1883, False, "tcp"), "mqtts": (8883, True, "tcp")} | {
    "ws": (80, False, "websockets"),
    "wss": (443, True, "websockets"),
}


class Link:
    """A connection and the pipe that wakes whoever waits for it.

    Attributes:
        client: paho's client; to be called under `lock` only.
        lock: Whoever uses the connection holds it.
        server_reason: Why the server says that it ends the connection (MQTT 5); None if it did not say.
        unreadable: Why the connection was given up over what the server sent; empty if it was not.
    """

    def __init__(self, login: Login, version: int) -> None:
        url = urlsplit(login.endpoint.url)
        if url.scheme not in _SCHEMES:
            raise ValueError(
                f"expected an address with one of {sorted(_SCHEMES)}, found '{login.endpoint.url}'"
            )
        default_port, secure, transport = _SCHEMES[url.scheme]
        self._host, self._port = url.hostname or "", url.port or default_port
        self._version = version
        self._window = login.window or MOST_IN_FLIGHT
        self.lock = threading.RLock()
        self.server_reason: Any = None
        self.unreadable = ""
        self.client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"{login.credential.user}:{login.device}",
            clean_session=None if version == 5 else False,
            protocol=MQTTProtocolVersion(version),
            transport="websockets" if transport == "websockets" else "tcp",
            manual_ack=True,
            reconnect_on_failure=False,
        )
        self.client.connect_timeout = max(0.001, login.deadline)
        self.client.max_inflight_messages_set(MOST_IN_FLIGHT)
        self.client.piece = login.piece
        if login.identify and login.credential.user:
            self.client.username_pw_set(
                login.credential.user, login.credential.password or login.credential.token
            )
        self.client.on_disconnect = self._on_disconnect
        if secure:
            context = login.endpoint.tls_context()
            self.client.tls = context, login.endpoint.server_name or self._host
            self.client.tls_set_context(context)
        if transport == "websockets":
            self.client.ws_set_options(path=url.path or "/mqtt")
        self._blocked = False
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._wake_write.setblocking(False)

    def open(self) -> None:
        """Connects and sends CONNECT, for a session that the broker keeps.

        Raises:
            OSError: It cannot be reached, or TLS fails.
            paho.WebsocketConnectionError: The WebSocket handshake fails.
        """
        properties = None
        if self._version == 5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = _NEVER_EXPIRES
            properties.ReceiveMaximum = self._window
        try:
            self.client.connect(
                self._host,
                self._port,
                keepalive=_KEEP_ALIVE,
                clean_start=False if self._version == 5 else paho.MQTT_CLEAN_START_FIRST_ONLY,
                properties=properties,
            )
        except BaseException:
            if self.client.opened is not None:
                self.client.opened.close()
            raise

    @property
    def connected(self) -> bool:
        """Whether the connection still stands."""
        return self.client.socket() is not None

    @property
    def writable(self) -> bool:
        """Whether paho has nothing left to write, so that the next packet goes out at once."""
        return self.connected and not self.client.want_write()

    def wait(self, seconds: float) -> bool:
        """Waits until something can be read or written, or somebody calls `wake`; True if there is something
        to read.

        The only method to be called without the lock.
        """
        with self.lock:
            connection = self.client.socket()
            if connection is None:
                return False
            if _pending(connection):
                return True
            number = connection.fileno()
            events = select.POLLIN | (select.POLLOUT if self._blocked or self.client.want_write() else 0)
        poll = select.poll()
        poll.register(self._wake_read, select.POLLIN)
        poll.register(number, events)
        found = dict(poll.poll(max(0.0, seconds) * 1000))
        with contextlib.suppress(BlockingIOError):
            self._wake_read.recv(4096)
        return bool(found.get(number, 0) & ~select.POLLOUT)

    def wake(self) -> None:
        """Ends a `wait`, the present one or the next."""
        with contextlib.suppress(OSError):
            self._wake_write.send(b".")

    def work(self, readable: bool) -> None:
        """Reads and writes what can be without waiting, and keeps the connection alive. It is dropped when the
        server sends what paho cannot read."""
        try:
            self._work(readable)
        except Exception as error:
            self.unreadable = f"the server sent what cannot be read: {error!r}"
            self.drop()

    def _work(self, readable: bool) -> None:
        if readable:
            for _ in range(_READS):
                self.client.loop_read()
                connection = self.client.socket()
                if connection is None or not _pending(connection):
                    break
        if self.client.want_write():
            self.client.loop_write()
        self.client.loop_misc()

    def write(self, packet: bytes) -> bool:
        """Writes a small packet past paho; False if that must be tried again or the connection is over."""
        connection = self.client.socket()
        if connection is None or not self.writable:
            return False
        # Once begun, a write over TLS must be finished before any other. With room for it, a small one is not
        # interrupted.
        room = select.poll()
        room.register(connection.fileno(), select.POLLOUT)
        self._blocked = not room.poll(0)
        if self._blocked:
            return False
        try:
            return connection.send(packet) == len(packet)
        except OSError:
            self.drop()
            return False

    def drop(self, *, reset: bool = False) -> None:
        """Closes the connection without a DISCONNECT, with a TCP reset if wanted."""
        connection = self.client.socket()
        if connection is None:
            return
        if reset:
            with contextlib.suppress(OSError), self._duplicate() as duplicate:
                duplicate.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.client.let_go()

    def release(self) -> None:
        """Lets go of the pipe; the last call."""
        self._wake_read.close()
        self._wake_write.close()

    def _duplicate(self) -> socket.socket:
        """A second handle of the connection; paho's may be one of three kinds, which have no options in
        common."""
        connection = self.client.socket()
        if connection is None:
            raise ConnectionError("the connection is closed")
        return socket.socket(fileno=os.dup(connection.fileno()))

    def _on_disconnect(self, _client: Any, _userdata: Any, flags: Any, reason: Any, _properties: Any) -> None:
        if flags.is_disconnect_packet_from_server:
            self.server_reason = reason


class Countdown:
    """The time that is left for something; without an end until `start`."""

    def __init__(self, seconds: float | None = None) -> None:
        self._until: float | None = None
        if seconds is not None:
            self.start(seconds)

    def start(self, seconds: float) -> None:
        """Sets the end."""
        self._until = time.monotonic() + seconds

    def left(self, most: float) -> float:
        """Seconds to the end, `most` at most."""
        return most if self._until is None else max(0.0, min(most, self._until - time.monotonic()))

    @property
    def passed(self) -> bool:
        """Whether the end has come."""
        return self._until is not None and time.monotonic() >= self._until


def _pending(connection: Any) -> bool:
    """Bytes that were read from the socket already and that no poll would tell of."""
    return bool(getattr(connection, "pending", lambda: 0)())
