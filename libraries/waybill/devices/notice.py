"""What a device is told besides messages."""

from __future__ import annotations

from typing import NamedTuple


class Notice(NamedTuple):
    """One thing that a device was told, in the scenario's names.

    Attributes:
        what: `receipt`, `presence`, `typing` or `members`.
        conversation: In which conversation; empty for presence.
        user: Of whom; for members all of them, joined by commas.
        value: `online` or `offline` for presence, `active` or `idle` for typing, the read marker for a receipt.
    """

    what: str
    conversation: str
    user: str
    value: str = ""
