"""paho-mqtt's client, amended where it tells too little, decides too much or leaves something behind.

paho answers a QoS 2 publish with PUBREC at once, gives it to the application when the broker has released it, and
ignores why a broker refuses one. Here a message is given when it arrives and taken over when the device acknowledges
it, so that what was not acknowledged comes again; and a PUBREC that refuses ends the send. Where paho closes the
connection over a reason code that MQTT does not foresee in an answer, the answer counts here.
"""

from __future__ import annotations

import socket
import ssl
import struct
import sys
from collections.abc import Callable
from typing import Any, Literal

from paho.mqtt import client as paho
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from waybill.drivers.mqtt_words import reason_text

REFUSED = 0x80
"""Reason codes from here on are failures."""


class Pieces:
    """A socket whose writes leave in pieces, each a `send` of its own: over TLS each is a record.

    Attributes:
        most: The most bytes of a piece.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.most = sys.maxsize

    def send(self, data: bytes | bytearray) -> int:
        """Writes as much as there is room for and returns how much that was; the same exceptions as a socket's,
        if nothing of it was written."""
        gone = 0
        while gone < len(data):
            try:
                # After a refused write OpenSSL wants to see the same bytes again; the next piece begins with them.
                gone += self._connection.send(data[gone : gone + self.most])
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                if gone:
                    break
                raise
        return gone

    def __getattr__(self, name: str) -> Any:
        """Everything else is the socket's own."""
        return getattr(self._connection, name)


class Client(paho.Client):
    """paho's client; everything is called from one thread at a time.

    Attributes:
        on_pong: Called for every PINGRESP.
        on_answered: Called when a publish is done with, with its packet id, the reason code and what that means.
        on_stray: Called for the answer to a packet that has none open, with its packet id and reason code.
        on_released: Called for every PUBREL, with its packet id, when the PUBCOMP was handed over.
        tls: The context for TLS, and the name that the certificate must carry.
        piece: The most bytes that leave in one write, from CONNECT on; 0 for no limit.
        opened: The socket of the last attempt to connect, which paho does not close when the attempt fails.
    """

    on_pong: Callable[[], None]
    on_answered: Callable[[int, int, str], None]
    on_stray: Callable[[int, int], None]
    on_released: Callable[[int], None]
    tls: tuple[ssl.SSLContext, str] | None = None
    piece: int = 0
    opened: socket.socket | None = None
    _pieces: Pieces | None = None

    # -- what arrives --------------------------------------------------------------------------------------

    def _handle_pingresp(self) -> MQTTErrorCode:
        self.on_pong()
        return super()._handle_pingresp()

    def _handle_publish(self) -> MQTTErrorCode:
        result = super()._handle_publish()
        # paho keeps a QoS 2 message back until it is released.
        while self._in_messages:
            _, message = self._in_messages.popitem(last=False)
            self._handle_on_message(message)
        return result

    def _send_pubrec(self, _mid: int) -> MQTTErrorCode:
        """Not when the message arrives: see `receive`."""
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def receive(self, mid: int) -> None:
        """Sends the PUBREC of a QoS 2 message: it is taken over, and the broker may release its packet id."""
        super()._send_pubrec(mid)

    def _handle_pubrel(self) -> MQTTErrorCode:
        number, _ = self._numbered()
        # Also for a packet that this connection has not seen: it was taken over in an earlier one.
        result = self._send_pubcomp(number)
        self.on_released(number)
        return result

    def _handle_pubrec(self) -> MQTTErrorCode:
        number, reason = self._numbered()
        if number not in self._out_messages:
            self.on_stray(number, reason)
        elif reason >= REFUSED:
            return self._answered(number, reason, PacketTypes.PUBREC)
        else:
            return self._send_pubrel(number)
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _handle_pubackcomp(self, cmd: Literal["PUBACK", "PUBCOMP"]) -> MQTTErrorCode:
        number, reason = self._numbered()
        if number in self._out_messages:
            return self._answered(number, reason, getattr(PacketTypes, cmd))
        self.on_stray(number, reason)
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _answered(self, number: int, reason: int, packet: int) -> MQTTErrorCode:
        self.on_answered(number, reason, reason_text(packet, reason))
        # What paho has of it is dropped; nobody listens to its own callback.
        done = ReasonCode(PacketTypes.PUBACK)
        return self._do_on_publish(number, done, Properties(PacketTypes.PUBACK))  # type: ignore[no-untyped-call]

    def _numbered(self) -> tuple[int, int]:
        """The packet id and the reason code of the answer that is being read."""
        packet = bytes(self._in_packet["packet"])
        (number,) = struct.unpack_from("!H", packet)
        return number, packet[2] if len(packet) > 2 else 0

    # -- the connection ------------------------------------------------------------------------------------

    def let_go(self) -> None:
        """Closes the socket; nothing more is read or written."""
        self._sock_close()

    def _create_socket(self) -> Any:
        connection = super()._create_socket()
        # Not before: an HTTP upgrade is no frame of the protocol, and there are brokers that take none in bytes.
        if self._pieces is not None:
            self._pieces.most = self.piece
        return connection

    def _create_socket_connection(self) -> socket.socket:
        self.opened = super()._create_socket_connection()
        # Small packets must not wait for the answer to the one before.
        self.opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.opened if self.tls else self._written_in_pieces(self.opened)

    def _ssl_wrap_socket(self, tcp_sock: socket.socket) -> Any:
        assert self.tls is not None
        context, name = self.tls
        self.opened = context.wrap_socket(tcp_sock, server_hostname=name)
        return self._written_in_pieces(self.opened)

    def _written_in_pieces(self, connection: Any) -> Any:
        if not self.piece:
            return connection
        self._pieces = Pieces(connection)
        return self._pieces
