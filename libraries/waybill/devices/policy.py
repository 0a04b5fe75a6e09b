"""The choices a scenario makes for a device."""

from __future__ import annotations

import enum


class Acknowledge(enum.Enum):
    """When a device acknowledges what it was given."""

    AUTO = "auto"
    """By itself: all it holds whenever nothing more has arrived, and in between when a lot has."""
    MANUAL = "manual"
    """Only when the scenario says so."""
    NONE = "none"
    """Never, not even when the scenario ends: its final read shows what the server kept for it."""
