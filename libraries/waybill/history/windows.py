"""When a fault was in force, where, and what it did, in words."""

from __future__ import annotations

from .membership import NEVER
from .tables import Fault


def named(fault: Fault) -> str:
    """A fault by its kind and what it was done to: `power-loss on node`."""
    return f"{fault.kind} on {fault.scope}" if fault.scope else fault.kind


def window(fault: Fault) -> str:
    """From when to when it was in force: `1,040.000 to 1,412.000 ms`, or the events where the history has no times."""
    if fault.time >= 0:
        begin = f"{fault.time / 1000:,.3f}"
        if fault.end == NEVER:
            return f"from {begin} ms on"
        if fault.end_time >= 0:
            return f"{begin} to {fault.end_time / 1000:,.3f} ms"
    if fault.end == NEVER:
        return f"from event {fault.event} on"
    return f"events {fault.event} to {fault.end}"


def told(fault: Fault) -> str:
    """Everything that its events say, in one line."""
    details = ", ".join(f"{name} {value}" for name, value in fault.details.items())
    effect = fault.effect or ("its effect was seen" if fault.observed < NEVER else "no effect was seen")
    return f"{named(fault)}, {window(fault)}: {effect}{f' ({details})' if details else ''}"
