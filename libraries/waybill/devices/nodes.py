"""The order of a target's nodes."""

from __future__ import annotations

from collections.abc import Sequence


def node_after(nodes: Sequence[str], node: str) -> str:
    """The node that comes after another one, and the first one after the last: itself, where it is the only one."""
    return nodes[(list(nodes).index(node) + 1) % len(nodes)]
