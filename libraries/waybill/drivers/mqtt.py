"""MQTT 5 and 3.1.1 over TLS, TCP and WebSocket (`mqtts`, `mqtt`, `wss`, `ws`), on paho-mqtt.

How messaging is laid onto MQTT:

- A device is an MQTT client with the id `USER:DEVICE` and a session that the broker keeps. It reads its user's inbox
  `waybill/direct/USER/+` and sends to `waybill/direct/RECIPIENT/USER`; the broker's access rules see to it that the
  last level is the sender. The conversation of two users is called `direct/ONE/OTHER`. A device has an inbox from its
  first login on: MQTT keeps nothing for who was never there.
- A send is a publish with QoS 1. The broker's PUBACK is the sender's acknowledgement; in MQTT 5 one with a reason code
  of 0x80 or more is a definite refusal. The idempotency key travels as the user property `key` of MQTT 5 and means
  nothing to the broker.
- A recipient acknowledges each message with a PUBACK. MQTT answers that with nothing, so a PINGREQ goes after it: a
  broker reads one connection in order, and its PINGRESP shows that it has the acknowledgements before it.
- With QoS 2 the PUBCOMP is the sender's acknowledgement and a PUBREC of 0x80 or more the refusal. A recipient gets a
  message when it arrives and acknowledges it with PUBREC; the broker's PUBREL shows that it has that, and PUBCOMP
  follows at once. A device remembers no packet ids from one connection to the next, so a message whose PUBREC was
  lost comes again, marked as redelivered: what MQTT lets a client drop, a test must see.
- MQTT does not say which messages waited for a login. What comes before the subscription is confirmed is reported as
  backlog, everything else as live.

Nothing is ever sent twice. A publish is written at once, or waits here for the broker's Receive Maximum; what still
waits when the connection ends never left the client, everything else may have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from waybill.drivers.base import Capability, Driver, Login, Observer, Session
from waybill.drivers.mqtt_session import MqttSession
from waybill.drivers.mqtt_words import conversation_of

if TYPE_CHECKING:
    from waybill.drivers.frame_table import Cast, FrameTable


class MqttDriver(Driver):
    """MQTT 5 with QoS 1; `Login.version` is the protocol level, 5 or 4 (MQTT 3.1.1)."""

    name: ClassVar[str] = "mqtt"
    versions: ClassVar[tuple[int, ...]] = (4, 5)
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {
            Capability.SENDER_ACK,
            Capability.DEFINITE_REFUSAL,
            Capability.KEY_ON_DELIVERY,
            Capability.CONVERSATION_ON_DELIVERY,
            Capability.SENDER_ON_DELIVERY,
            Capability.RECIPIENT_ACK,
            Capability.CONFIRMED_ACK,
        }
    )

    qos: ClassVar[int] = 1
    """The quality of service of publishes and of the inbox."""

    def connect(self, login: Login, observer: Observer) -> Session:
        """Connects, logs in and waits until the inbox is subscribed."""
        version = login.version or self.versions[-1]
        if version not in self.versions:
            raise ValueError(f"expected an MQTT protocol level of {self.versions}, found {version}")
        return MqttSession(login, version, observer, self.qos)

    def direct_conversation(self, one: str, other: str) -> str:
        """`direct/ONE/OTHER`, the names in order."""
        return conversation_of(one, other)

    def frame_table(self, cast: Cast) -> FrameTable:
        """The control packets of the driver's newest version."""
        from waybill.drivers.mqtt_table import MqttTable

        return MqttTable(cast, self.versions[-1])


class Mqtt311Driver(MqttDriver):
    """MQTT 3.1.1: it has no reason codes and no user properties, so neither refusals nor keys come
    through."""

    name: ClassVar[str] = "mqtt-3.1.1"
    versions: ClassVar[tuple[int, ...]] = (4,)
    capabilities: ClassVar[frozenset[Capability]] = MqttDriver.capabilities - {
        Capability.DEFINITE_REFUSAL,
        Capability.KEY_ON_DELIVERY,
    }


class MqttQos2Driver(MqttDriver):
    """MQTT 5 with QoS 2, exactly once between the broker and each client."""

    name: ClassVar[str] = "mqtt-qos2"
    versions: ClassVar[tuple[int, ...]] = (5,)
    qos: ClassVar[int] = 2
