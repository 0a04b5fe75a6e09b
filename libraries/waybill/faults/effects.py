"""What becomes of a fault that had no effect."""

from __future__ import annotations


class FaultWithoutEffect(Exception):
    """The server did nothing that the fault could have met, so its scenario shows nothing."""
