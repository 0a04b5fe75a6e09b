"""Which version of wire v2 a session speaks."""

from __future__ import annotations

from collections.abc import Callable, Collection

from waybill_server.client_frames import Hello


def common_version(hello: Hello, spoken: Collection[int]) -> int | None:
    """The highest wire version that the client speaks and that is spoken here; None if there is none."""
    return max(set(hello.versions) & set(spoken), default=None)


CommonVersion = Callable[[Hello, Collection[int]], int | None]
