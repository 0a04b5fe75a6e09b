"""Stand-ins: servers that speak wire v2 and are dishonest from end to end.

A seeded defect is a node with one fault; a stand-in is what no server should get away with being. Each is started in
place of a node (`waybill-server node --stand-in NAME`) and lets real users log in. What it does is counted, or drawn
with a fixed seed, so it does the same in every run. Nothing of this package is imported without the option.
"""

from __future__ import annotations

from waybill_server.defects.registry import Defect, named, registered

__all__ = ["every", "find"]

MODULES = ("silence", "pretence", "trust")


def every() -> list[Defect]:
    """All stand-ins."""
    return registered([f"{__name__}.{module}" for module in MODULES])


def find(name: str) -> Defect:
    """The stand-in of this name.

    Raises:
        UnknownDefect: There is none.
    """
    return named(name, every(), "stand-in")
