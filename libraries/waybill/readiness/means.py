"""What the machine of a run let be done to a server, as the run record keeps it."""

from __future__ import annotations

import msgspec


class Means(msgspec.Struct, frozen=True, omit_defaults=True):
    """A means of faults, as it was tried on the machine of the run.

    Attributes:
        name: What it is called.
        used_for: The faults that need it.
        missing: Why it was not to be had; empty where it was.
    """

    name: str
    used_for: str = ""
    missing: str = ""
