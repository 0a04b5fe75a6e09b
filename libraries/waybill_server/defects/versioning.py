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
from waybill_server.early_codec import EarlyCodec
from waybill_server.feeder import Feeder, Outlet
from waybill_server.releases import NEWEST
from waybill_server.session import Session
from waybill_server.store import Store
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
    "early-clients-miss-what-waited",
    seam="feeder",
    noticed={"VER-1": ("to be given what waited for them",)},
    steady=ALWAYS,
)
class EarlyClientsMissWhatWaited(Feeder):
    """A node of release 2 gives a client of version 2 nothing of what waited for it."""

    def __init__(
        self, store: Store, outlet: Outlet, user: str, device: str, position: int, head: int, *rest: Any
    ) -> None:
        if isinstance(outlet, Session) and outlet.services.release is NEWEST:
            position = head if isinstance(outlet.codec, EarlyCodec) else position
        super().__init__(store, outlet, user, device, position, head, *rest)


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
    "unknown-version-let-in",
    seam="common version",
    noticed={"VER-1": ("that a client that offers",)},
    steady=ALWAYS,
)
def let_unknown_versions_in(hello: Hello, spoken: Collection[int]) -> int:
    """A client that speaks no version of the server's is let in with the newest."""
    return max(set(hello.versions) & set(spoken), default=max(spoken))


@seeded(
    "downgrades-silently",
    seam="codec",
    noticed={"VER-1": ("to take what that version has",)},
    steady=ALWAYS,
)
class DowngradesSilently(EarlyCodec):
    """A client is told that it has version 3, and is served as one of version 2."""

    def __init__(self) -> None:
        super().__init__(JsonCodec())


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
