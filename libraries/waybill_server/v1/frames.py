"""The frames of wire v1 (docs/wire-v1.md): what a client says as typed tuples, what the server says as bytes."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, NamedTuple

MESSAGE_ID = 16
"""Bytes of this server's message ids. An acknowledgement carries no length; knowing its own ids, the server finds the
end of one also where the network joined packets."""

LOGIN = 0x01
LOGIN_OK = b"\x03LOGIN_OK"
AUTH_FAILED = b"AUTH_FAILED"

TARGET = 256
HEADER = 1_024
CIPHERTEXT = 65_536
PREKEYS = 8_192
CBOR = 262_144
BATCH = 1_048_576


class Faulty(Exception):
    """The bytes are no frame; where the next one would begin cannot be told."""


class Send(NamedTuple):
    """One message."""

    target: bytes
    body: bytes


class Ack(NamedTuple):
    """The client holds a message."""

    id: bytes


class BatchSend(NamedTuple):
    """Several messages to one user: length-prefixed bodies, one after the other."""

    target: bytes
    bodies: bytes


class GetStatus(NamedTuple):
    """Asks whether a user is online."""

    target: bytes


class SendSequenced(NamedTuple):
    """One message with its sender's own number."""

    target: bytes
    sequence: int
    body: bytes


class CborMessage(NamedTuple):
    """One message that is a CBOR map."""

    target: bytes
    body: bytes


class UploadPrekeys(NamedTuple):
    """Stores prekeys."""

    keys: bytes


class FetchPrekeys(NamedTuple):
    """Asks for a user's prekeys."""

    user: bytes


class EncryptedMessage(NamedTuple):
    """One message that only its recipient can read."""

    recipient: bytes
    header: bytes
    ciphertext: bytes


class GroupCreate(NamedTuple):
    """Makes a group."""

    name: bytes


class GroupLeave(NamedTuple):
    """Leaves a group."""

    group: bytes


class GroupMessage(NamedTuple):
    """One message to a group."""

    group: bytes
    header: bytes
    ciphertext: bytes


class GroupRoster(NamedTuple):
    """Asks for a group's members."""

    group: bytes


class SenderKeys(NamedTuple):
    """Hands a key to a group."""

    group: bytes
    key: bytes


class TypingStart(NamedTuple):
    """The user began to type."""

    target: bytes


class TypingStop(NamedTuple):
    """The user no longer types."""

    target: bytes


class ReadReceipt(NamedTuple):
    """The user read a message."""

    id: bytes
    sender: bytes


Field = tuple[str, int]
"""How a field is written, and its most bytes."""


def _short(most: int = 0xFFFF) -> Field:
    return ">H", most


def _long(most: int) -> Field:
    return ">I", most


LAYOUTS: dict[int, tuple[Callable[..., Any], tuple[Field, ...]]] = {
    0x02: (Send, (_short(TARGET), _short())),
    0x03: (Ack, (("", MESSAGE_ID),)),
    0x04: (BatchSend, (_short(TARGET), _long(BATCH))),
    0x05: (GetStatus, (_short(TARGET),)),
    0x07: (SendSequenced, (_short(TARGET), (">Q", 0), _short())),
    0x10: (CborMessage, (_short(TARGET), _long(CBOR))),
    0x20: (UploadPrekeys, (_long(PREKEYS),)),
    0x21: (FetchPrekeys, (_short(TARGET),)),
    0x23: (EncryptedMessage, (_short(TARGET), _short(HEADER), _long(CIPHERTEXT))),
    0x30: (GroupCreate, (_short(),)),
    0x32: (GroupLeave, (_short(),)),
    0x33: (GroupMessage, (_short(), _short(HEADER), _long(CIPHERTEXT))),
    0x35: (GroupRoster, (_short(),)),
    0x36: (SenderKeys, (_short(), _long(PREKEYS))),
    0x70: (TypingStart, (_short(TARGET),)),
    0x71: (TypingStop, (_short(TARGET),)),
    0x74: (ReadReceipt, (_short(), _short(TARGET))),
}
"""What a client says after its LOGIN: how each frame is made, and its fields."""


def decode(data: bytes | bytearray, at: int = 0) -> tuple[Any, int] | None:
    """The client's frame that begins at a place, and where it ends; None if more bytes are needed to tell.

    Raises:
        Faulty: No frame begins there, whatever may follow.
    """
    if at >= len(data):
        return None
    operation = data[at]
    if operation not in LAYOUTS:
        raise Faulty(f"no operation has the number {operation:02X}")
    make, fields = LAYOUTS[operation]
    at += 1
    values: list[Any] = []
    for shape, most in fields:
        length = most
        if shape:
            end = at + struct.calcsize(shape)
            if end > len(data):
                return None
            (length,) = struct.unpack_from(shape, data, at)
            at = end
            if shape == ">Q":
                values.append(length)
                continue
            if length > most:
                raise Faulty(f"a field of operation {operation:02X} has {length} bytes, at most {most}")
        if at + length > len(data):
            return None
        values.append(bytes(data[at : at + length]))
        at += length
    return make(*values), at


def bodies_of(batch: bytes, most: int) -> list[bytes]:
    """The bodies in a batch; of one with more than `most` the first ones and one more.

    Raises:
        Faulty: Their lengths do not add up.
    """
    bodies: list[bytes] = []
    at = 0
    while at < len(batch) and len(bodies) <= most:
        length = int.from_bytes(batch[at : at + 2], "big")
        body = batch[at + 2 : at + 2 + length]
        at += 2 + length
        if at > len(batch):
            raise Faulty("the lengths in the batch do not add up")
        bodies.append(body)
    return bodies


def status(user: str, *, online: bool, last_seen: int) -> bytes:
    """Whether a user is online, and when last seen (seconds since 1970; 0 for never)."""
    return b"\x06" + _text(user) + struct.pack(">BQ", online, last_seen)


def reliable(message_id: str, body: bytes) -> bytes:
    """A message with its id."""
    return b"\x10" + _text(message_id) + struct.pack(">I", len(body)) + body


def no_prekeys() -> bytes:
    """The prekey service is off."""
    return b"\x22" + bytes(4)


def encrypted(sender: str, header: bytes, ciphertext: bytes) -> bytes:
    """A message that only its recipient can read."""
    return (
        b"\x24"
        + _text(sender)
        + struct.pack(">H", len(header))
        + header
        + struct.pack(">I", len(ciphertext))
        + ciphertext
    )


def typing(sender: str, *, active: bool) -> bytes:
    """A user types, or no longer does."""
    return b"\x72" + _text(sender) + bytes((active,))


def read_receipt(message_id: bytes, reader: str, time_ms: int) -> bytes:
    """A user read a message."""
    return (
        b"\x75" + struct.pack(">H", len(message_id)) + message_id + _text(reader) + struct.pack(">Q", time_ms)
    )


def error(reason: str) -> bytes:
    """Something was not done."""
    return b"\xfe" + _text(reason)


def rate_limited(retry_after_ms: int) -> bytes:
    """Something was not done; a later attempt makes sense."""
    return b"\xff" + struct.pack(">I", retry_after_ms)


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack(">H", len(data)) + data
