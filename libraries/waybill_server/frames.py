"""The frames of wire v2 as typed structures (docs/wire-v2.md is their contract).

Decoding is strict about types and deaf to unknown members. Bounds that are configurable are not checked here.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

CAPABILITIES = frozenset({"receipts", "typing", "presence", "expiry"})
"""What a client may ask to be pushed."""

ADDED_CAPABILITIES = frozenset({"expiry"})
"""Those that a session of version 2 has not."""

Integer = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Span = Annotated[int, msgspec.Meta(ge=1, le=366 * 86_400_000)]
"""Milliseconds that something lasts, up to a year."""


class Frame(msgspec.Struct, frozen=True, tag_field="type", gc=False):
    """Any frame; the tag is its `type`."""
