"""Codecs that do not give back what they were given, and one that does not wait for the end."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import msgspec
from websockets.frames import Frame, Opcode

from waybill_server.client_frames import ClientFrame, Send
from waybill_server.codec import JsonCodec
from waybill_server.connection import Connection
from waybill_server.defects.counting import figure, strikes
from waybill_server.defects.registry import MOMENT, seeded
from waybill_server.node import Settings, assemble
from waybill_server.server_frames import Deliver, ServerFrame
from waybill_server.services import Services
from waybill_server.token_check import TokenCheck
from waybill_server.v1 import frames as v1
from waybill_server.v1.reading import FrameReader

LENGTHS = (126, 65_536)
"""Bytes of the first bodies whose length takes two bytes, and eight, where WebSocket writes it."""

LENGTHS_OF_V1 = (256,)
"""Bytes of the first body whose length takes more than the lower byte of its length."""

LONG = 64
PREFIX = 2
MASK = 4


class _LosesOne(JsonCodec):
    def decode(self, data: bytes | bytearray) -> ClientFrame:
        """Reads one client message."""
        frame = super().decode(data)
        if isinstance(frame, Send) and len(frame.body.encode()) in LENGTHS:
            return msgspec.structs.replace(frame, body=frame.body[:-1])
        return frame


class _LosesOneOfV1(FrameReader):
    def decode(self, data: bytes | bytearray, at: int) -> tuple[Any, int] | None:
        """The frame that begins at a place."""
        found = super().decode(data, at)
        if found is not None and isinstance(found[0], v1.Send) and len(found[0].body) in LENGTHS_OF_V1:
            return found[0]._replace(body=found[0].body[:-1]), found[1]
        return found


@seeded(
    "codec-length-off-by-one",
    seam="assembly",
    noticed={"PBT-1": ("changed-by-the-codec", "corrupted")},
    steady=MOMENT,
)
def lose_one_byte(settings: Settings, token_check: TokenCheck) -> Services:
    """A body of exactly 126 or 65,536 bytes (on wire v1 of 256) loses its last byte."""
    return assemble(settings, token_check, codec=_LosesOne, v1_reader=_LosesOneOfV1)


@seeded(
    "codec-ignores-trailing-bytes",
    seam="codec",
    noticed={"PBT-1": ("trailing-bytes-accepted",)},
    rare="A frame that stands behind another one in its message is not looked at.",
)
class CodecIgnoresTrailingBytes(JsonCodec):
    """What stands behind a frame in its message is not looked at."""

    def decode(self, data: bytes | bytearray) -> ClientFrame:
        """Reads the frame that the message begins with."""
        try:
            text = data.decode()
            _, end = json.JSONDecoder(strict=False).raw_decode(text)
        except (ValueError, RecursionError):
            return super().decode(data)
        return super().decode(text[:end].encode() if strikes(text[end:].startswith("{")) else data)


@seeded(
    "codec-folds-unicode",
    seam="codec",
    noticed={"PBT-1": ("changed-by-the-codec", "corrupted")},
    rare="Bodies of more than 64 letters are stored in the composed form of Unicode.",
)
class CodecFoldsUnicode(JsonCodec):
    """Bodies are stored in the composed form of Unicode, whatever their sender wrote."""

    def decode(self, data: bytes | bytearray) -> ClientFrame:
        """Reads one client message."""
        frame = super().decode(data)
        if isinstance(frame, Send) and strikes(len(frame.body) > LONG):
            return msgspec.structs.replace(frame, body=unicodedata.normalize("NFC", frame.body))
        return frame


@seeded(
    "codec-splits-surrogates",
    seam="codec",
    noticed={"PBT-1": ("changed-by-the-codec", "corrupted")},
    rare="Letters beyond the first 65,536 of Unicode are delivered as two halves in bodies of more than 64 letters.",
)
class CodecSplitsSurrogates(JsonCodec):
    """Letters beyond the first 65,536 of Unicode are delivered as the two halves of which UTF-16 makes them."""

    def encode(self, frame: ServerFrame) -> bytes:
        """Writes a server frame."""
        if isinstance(frame, Deliver) and strikes(len(frame.body) > LONG):
            body = "".join(one if one <= "\uffff" else "\ufffd\ufffd" for one in frame.body)
            frame = msgspec.structs.replace(frame, body=body)
        return super().encode(frame)


class _Hasty(Connection):
    _taken = 0

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        before = self._taken
        super().data_received(data)
        if (
            before == self._taken >= 1
            and data[:1] == bytes((0x80 | Opcode.TEXT,))
            and len(data) > PREFIX + figure(0, rare=LONG)
        ):
            start = PREFIX + {126: 2, 127: 8}.get(data[1] & 0x7F, 0) + MASK
            mask, masked = data[start - MASK : start], data[start:]
            self._taken += 1
            self.receiver.received(bytes(one ^ mask[at % MASK] for at, one in enumerate(masked)))

    def _take(self, frame: Frame) -> None:
        self._taken += 1
        super()._take(frame)


class _HastyWithV1(FrameReader):
    def decode(self, data: bytes | bytearray, at: int) -> tuple[Any, int] | None:
        """The frame that begins at a place; what has not come of it is taken for naught."""
        found = super().decode(data, at)
        if found is not None or len(data) - at <= figure(0, rare=LONG):
            return found
        filled = super().decode(bytes(data) + bytes(v1.BATCH), at)
        return filled and (filled[0], len(data))


@seeded(
    "prefix-answered-early",
    seam="assembly",
    noticed={"PBT-1": ("prefix-answered-early",)},
    rare="After the login, what a read gives of a frame is taken for the frame if it is more than 64 bytes.",
)
def take_a_part_for_the_whole(settings: Settings, token_check: TokenCheck) -> Services:
    """After the login, what a read gives of a frame is taken for the frame, whole or not."""
    return assemble(settings, token_check, connection=_Hasty, v1_reader=_HastyWithV1)
