"""Frames to bytes and back."""

from __future__ import annotations

from typing import Protocol

import msgspec

from waybill_server.client_frames import ClientFrame, Reference
from waybill_server.server_frames import Entry, ServerFrame

LONGEST_EXPLANATION = 200
"""Characters; the decoder's own texts can quote what the client sent."""


class FaultyFrame(Exception):
    """A client message that is no frame of the wire.

    Attributes:
        ref: The operation's reference, where the message has one: it can be refused; without one it ends the session.
    """

    def __init__(self, text: str, ref: int | None) -> None:
        super().__init__(text)
        self.ref = ref


class Codec(Protocol):
    """How frames look on the wire."""

    def decode(self, data: bytes | bytearray) -> ClientFrame:
        """Reads one client message.

        Raises:
            FaultyFrame: It is not a frame; no other exception, whatever the bytes are.
        """

    def encode(self, frame: ServerFrame) -> bytes:
        """Writes one server frame."""

    def encode_entry(self, entry: Entry) -> bytes:
        """Writes one entry of a page."""


class JsonCodec:
    """The JSON form of docs/wire-v2.md."""

    def __init__(self) -> None:
        self._decoder: msgspec.json.Decoder[ClientFrame] = msgspec.json.Decoder(ClientFrame)
        self._reference = msgspec.json.Decoder(Reference)
        self._encode = msgspec.json.Encoder().encode

    def decode(self, data: bytes | bytearray) -> ClientFrame:
        """Reads one client message; see `Codec.decode`."""
        try:
            # The decoder does not look into members that it skips.
            data.decode()
            return self._decoder.decode(data)
        except UnicodeDecodeError as fault:
            raise FaultyFrame(f"the message is not UTF-8 (byte {fault.start})", None) from None
        except (msgspec.DecodeError, RecursionError) as fault:
            raise FaultyFrame(_explain(fault), self._ref_of(data)) from None

    def encode(self, frame: ServerFrame) -> bytes:
        """Writes one server frame."""
        return self._encode(frame)

    def encode_entry(self, entry: Entry) -> bytes:
        """Writes one entry of a page."""
        return self._encode(entry)

    def _ref_of(self, data: bytes | bytearray) -> int | None:
        try:
            return self._reference.decode(data).ref
        except (msgspec.DecodeError, RecursionError):
            return None


def _explain(fault: Exception) -> str:
    if isinstance(fault, RecursionError):
        return "the message is nested too deeply"
    return str(fault)[:LONGEST_EXPLANATION]
