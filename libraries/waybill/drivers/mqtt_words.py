"""What MQTT calls things: topics, conversations and reason codes (the mapping is told in `mqtt`)."""

from __future__ import annotations

import contextlib
import ssl
from typing import Final

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

_ROOT: Final = "waybill/direct"


def conversation_of(one: str, other: str) -> str:
    """The name of the direct conversation of two accounts."""
    return "direct/" + "/".join(sorted((one, other)))


def inbox_of(user: str) -> str:
    """The topics of everything that is sent to an account."""
    return f"{_ROOT}/{user}/+"


def topic_of(conversation: str, me: str) -> str:
    """Where a message of mine in a direct conversation goes; empty if the name is none of a direct
    conversation.

    In a conversation of two others it goes where one of them would send it, for the broker to refuse.
    """
    kind, *names = conversation.split("/")
    if kind != "direct" or len(names) != 2 or not all(names) or set("+#") & set(conversation):
        return ""
    one, other = names
    return f"{_ROOT}/{one}/{other}" if me == other else f"{_ROOT}/{other}/{one}"


def named_in(topic: str) -> tuple[str, str]:
    """The conversation and the sender that a topic names; one of another kind is its own conversation, with no
    sender."""
    recipient, _, sender = topic.removeprefix(f"{_ROOT}/").partition("/")
    if topic.startswith(f"{_ROOT}/") and recipient and sender:
        return conversation_of(recipient, sender), sender
    return topic, ""


def word(reason: ReasonCode | str | None) -> str:
    """A reason code as a word: `not-authorized`."""
    return str(reason or "refused").lower().replace(" ", "-")


def reason_text(packet: int, reason: int) -> str:
    """What a reason code in an answer means; empty for plain success.

    A code that MQTT has for other packets only means there what it means elsewhere: mosquitto answers a publish with
    0x95, which is foreseen for CONNACK and DISCONNECT.
    """
    for kind in (packet, PacketTypes.DISCONNECT, PacketTypes.CONNACK) if reason else ():
        with contextlib.suppress(KeyError, ValueError):
            return str(ReasonCode(kind, identifier=reason))
    return f"reason 0x{reason:02x}" if reason else ""


def network_word(error: Exception) -> str:
    """Why there is no connection, in a word."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return "untrusted"
    return "tls" if isinstance(error, ssl.SSLError) else "unreachable"
