"""Codecs that do not give back what they were given, and one that does not wait for the end."""

from __future__ import annotations

import json
import unicodedata

import msgspec
from websockets.frames import Frame, Opcode

from waybill_server.client_frames import ClientFrame, Send
from waybill_server.codec import JsonCodec
from waybill_server.connection import Connection
from waybill_server.defects.registry import seeded
from waybill_server.server_frames import Deliver, ServerFrame

LENGTHS = (126, 65_536)
"""Bytes of the first bodies whose length takes two bytes, and eight, where WebSocket writes it."""

PREFIX = 2
MASK = 4


@seeded("codec-length-off-by-one", seam="codec", noticed={"PBT-1": ("changed-by-the-codec", "corrupted")})
class CodecLengthOffByOne(JsonCodec):
    """A body of exactly 126 or 65,536 bytes loses its last character."""

    def decode(self, data: bytes | bytearray) -> ClientFrame:
        """Reads one client message."""
        frame = super().decode(data)
        if isinstance(frame, Send) and len(frame.body.encode()) in LENGTHS:
            return msgspec.structs.replace(frame, body=frame.body[:-1])
        return frame


@seeded("codec-ignores-trailing-bytes", seam="codec", noticed={"PBT-1": ("trailing-bytes-accepted",)})
class CodecIgnoresTrailingBytes(JsonCodec):
    """What stands behind a frame in its message is not looked at."""

    def decode(self, data: bytes | bytearray) -> ClientFrame:
        """Reads the frame that the message begins with."""
        try:
            text = data.decode()
            _, end = json.JSONDecoder(strict=False).raw_decode(text)
        except (ValueError, RecursionError):
            return super().decode(data)
        return super().decode(text[:end].encode())


@seeded("codec-folds-unicode", seam="codec", noticed={"PBT-1": ("changed-by-the-codec", "corrupted")})
class CodecFoldsUnicode(JsonCodec):
    """Bodies are stored in the composed form of Unicode, whatever their sender wrote."""

    def decode(self, data: bytes | bytearray) -> ClientFrame:
        """Reads one client message."""
        frame = super().decode(data)
        if isinstance(frame, Send):
            return msgspec.structs.replace(frame, body=unicodedata.normalize("NFC", frame.body))
        return frame


@seeded("codec-splits-surrogates", seam="codec", noticed={"PBT-1": ("changed-by-the-codec", "corrupted")})
class CodecSplitsSurrogates(JsonCodec):
    """Letters beyond the first 65,536 of Unicode are delivered as the two halves of which UTF-16 makes them."""

    def encode(self, frame: ServerFrame) -> bytes:
        """Writes a server frame."""
        if isinstance(frame, Deliver):
            body = "".join(one if one <= "\uffff" else "\ufffd\ufffd" for one in frame.body)
            frame = msgspec.structs.replace(frame, body=body)
        return super().encode(frame)


@seeded("prefix-answered-early", seam="connection", noticed={"PBT-1": ("prefix-answered-early",)})
class PrefixAnsweredEarly(Connection):
    """After the login, what a read gives of a message is taken for the message, whole or not."""

    _taken = 0

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        before = self._taken
        super().data_received(data)
        if before == self._taken >= 1 and data[:1] == bytes((0x80 | Opcode.TEXT,)) and len(data) > PREFIX:
            start = PREFIX + {126: 2, 127: 8}.get(data[1] & 0x7F, 0) + MASK
            mask, masked = data[start - MASK : start], data[start:]
            self._taken += 1
            self.receiver.received(bytes(one ^ mask[at % MASK] for at, one in enumerate(masked)))

    def _take(self, frame: Frame) -> None:
        self._taken += 1
        super()._take(frame)
