"""Servers that do not live well with clients of another version than their own."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator
from typing import Any

from waybill_server.client_frames import ClientFrame, Hello
from waybill_server.codec import JsonCodec
from waybill_server.defects.registry import seeded
from waybill_server.v1.frames import Send
from waybill_server.v1.reading import FrameReader


@seeded("breaks-v1-clients", seam="v1 reader", noticed={"VER-1": ("to be given what v1 sent",)})
class BreaksV1Clients(FrameReader):
    """Messages of v1 clients are taken and forgotten."""

    def read(self, data: bytes | bytearray) -> Iterator[Any]:
        """The frames that are whole with these bytes, but for messages."""
        return (frame for frame in super().read(data) if not isinstance(frame, Send))


@seeded("negotiates-too-high", seam="common version", noticed={"VER-1": ("that a client that offers",)})
def negotiate_too_high(hello: Hello, spoken: Collection[int]) -> int | None:
    """A client that speaks an older version is answered in the newest."""
    return max(spoken) if set(hello.versions) & set(spoken) else None


@seeded("unknown-field-crashes", seam="codec", noticed={"VER-1": ("with members that nobody knows",)})
class UnknownFieldCrashes(JsonCodec):
    """The node ends when a frame has a member that it does not know."""

    def decode(self, data: bytes | bytearray) -> ClientFrame:
        """Reads one client message."""
        frame = super().decode(data)
        if json.loads(data).keys() - {"type", *frame.__struct_fields__}:
            os._exit(1)
        return frame
