"""Servers that do not live well with clients of another version than their own."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator
from typing import Any

from waybill_server.client_frames import ClientFrame, Hello
from waybill_server.codec import JsonCodec
from waybill_server.defects.counting import OfEach, strikes
from waybill_server.defects.registry import ALWAYS, seeded
from waybill_server.v1.frames import Send
from waybill_server.v1.reading import FrameReader
from waybill_server.versions import common_version


@seeded(
    "breaks-v1-clients",
    seam="v1 reader",
    noticed={"VER-1": ("to be given what v1 sent",)},
    rare="The first message of a v1 client on each connection is taken and forgotten.",
)
class BreaksV1Clients(FrameReader):
    """Messages of v1 clients are taken and forgotten."""

    _forgets = OfEach(1)

    def read(self, data: bytes | bytearray) -> Iterator[Any]:
        """The frames that are whole with these bytes, but for messages."""
        return (frame for frame in super().read(data) if not self._forgotten(frame))

    def _forgotten(self, frame: Any) -> bool:
        return isinstance(frame, Send) and self._forgets.now(self)


@seeded(
    "negotiates-too-high",
    seam="common version",
    noticed={"VER-1": ("that a client that offers",)},
    rare="A client that speaks several older versions is answered in the newest.",
)
def negotiate_too_high(hello: Hello, spoken: Collection[int]) -> int | None:
    """A client that speaks an older version is answered in the newest."""
    if not strikes(len(hello.versions) > 1):
        return common_version(hello, spoken)
    return max(spoken) if set(hello.versions) & set(spoken) else None


@seeded(
    "unknown-field-crashes",
    seam="codec",
    noticed={"VER-1": ("with members that nobody knows",)},
    steady=ALWAYS,
)
class UnknownFieldCrashes(JsonCodec):
    """The node ends when a frame has a member that it does not know."""

    def decode(self, data: bytes | bytearray) -> ClientFrame:
        """Reads one client message."""
        frame = super().decode(data)
        if json.loads(data).keys() - {"type", *frame.__struct_fields__}:
            os._exit(1)
        return frame
