"""The shapes of the marks in a picture, and the small helpers of its text."""

from __future__ import annotations

from textwrap import wrap

Polyline = tuple[tuple[float, float], ...]

OUTLINES: dict[str, tuple[tuple[Polyline, ...], bool]] = {
    "send": ((((-0.8, -1), (1, 0), (-0.8, 1)),), True),
    "deliver": ((((0, -1), (1, 0), (0, 1), (-1, 0)),), True),
    "read": ((((0, -1), (1, 0), (0, 1), (-1, 0)),), True),
    "ok": ((((-1, 0), (-0.25, 0.75), (1, -0.75)),), False),
    "fail": ((((-0.8, -0.8), (0.8, 0.8)), ((0.8, -0.8), (-0.8, 0.8))), False),
    "info": ((((-1, 0), (-0.55, 0)), ((-0.2, 0), (0.2, 0)), ((0.55, 0), (1, 0))), False),
    "ask": ((((-0.5, -0.87), (0.5, -0.87), (1, 0), (0.5, 0.87), (-0.5, 0.87), (-1, 0)),), True),
    "told": ((((-1, -0.7), (1, -0.7), (1, 0.7), (-1, 0.7)),), True),
    "end": ((((-0.25, -1.7), (0.25, -1.7), (0.25, 1.7), (-0.25, 1.7)),), True),
}
"""For each kind of mark its lines around the origin, one unit large, and whether they are closed."""

MEANINGS = {
    "send": "send",
    "ok": "acknowledged",
    "fail": "refused",
    "info": "unknown outcome",
    "deliver": "delivered",
    "read": "read by asking",
    "ask": "another operation",
    "told": "told by the server",
    "end": "begin or end",
}
"""What each kind of mark means, in the order of the legend."""


def outline(kind: str, x: float, y: float, size: float) -> str:
    """The path of a mark around a point."""
    lines, closed = OUTLINES[kind]
    paths = []
    for line in lines:
        points = [f"{number(x + dx * size)} {number(y + dy * size)}" for dx, dy in line]
        paths.append("M" + "L".join(points) + ("Z" if closed else ""))
    return "".join(paths)


def number(value: float) -> str:
    """A coordinate with one decimal, without what is not needed."""
    return f"{value:.1f}".removesuffix(".0")


def short(text: str, most: int) -> str:
    """A text of at most so many characters; what is left out in the middle is an ellipsis."""
    if len(text) <= most:
        return text
    return f"{text[: most // 2]}…{text[len(text) - (most - most // 2 - 1) :]}"


def span(microseconds: int) -> str:
    """A span of time for a person."""
    if microseconds >= 1_000_000:
        return f"{microseconds / 1_000_000:,.2f} s"
    return f"{microseconds / 1000:,.1f} ms"


def wrapped(text: str, width: int, most: int) -> list[str]:
    """A text in lines, as many as may be."""
    lines = wrap(text, width) or [""]
    if len(lines) > most:
        lines = [*lines[: most - 1], lines[most - 1][: width - 2] + " …"]
    return lines
