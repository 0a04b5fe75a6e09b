"""Draws the bands of a picture: a strip for each above the lanes, its shade over them, its line in a numbered list."""

from __future__ import annotations

from waybill.history.axis import Axis
from waybill.history.bands import FOREVER, Band
from waybill.history.canvas import BAD, CHARACTER, INK, LINE, PAPER, SOFT, Canvas
from waybill.history.shapes import number, outline, short

ROW = 18
"""The height of a row of strips."""
ROWS = 6
"""The most rows of strips; where they are all taken, a strip stands in the last one with its number alone."""
LISTED = 30
"""The most lines of the list."""
WIDE = 1500
"""The width from which on the list has two columns."""
NAME = 34
"""The most characters of a name beside its strip."""


class Strips:
    """The bands of one picture; each has its number, so that nothing depends on its colour.

    Args:
        bands: What to draw, in order.
        axis: Where moments are.
        edges: The first and the last moment of what is shown; a band beyond them reaches to the edge.
        left: The x coordinate of the left edge of the lanes.
        right: That of the right edge.
    """

    def __init__(
        self, bands: list[Band], axis: Axis, edges: tuple[int, int], left: float, right: float
    ) -> None:
        self.bands = bands
        self._axis, self._edges, self._left, self._right = axis, edges, left, right
        self._rows: list[tuple[int, str]] = []
        rows: list[list[tuple[float, float]]] = []
        for place, band in enumerate(bands, start=1):
            name = f"{place} {short(band.text, NAME)}"
            begin, end = self.span(band)
            extent = self._extent(begin, end, name)
            row = next((row for row, taken in enumerate(rows) if _free(taken, extent)), len(rows))
            if row == ROWS:
                row, name = ROWS - 1, str(place)
                extent = self._extent(begin, end, name)
            if row == len(rows):
                rows.append([])
            rows[row].append(extent)
            self._rows.append((row, name))
        self.height = ROW * len(rows) + (8 if rows else 0)
        """What the strips take above the lanes."""

    def span(self, band: Band) -> tuple[float, float]:
        """Where a band begins and ends."""
        first, last = self._edges
        begin = self._left if band.begin < first else self._axis.place(band.begin)
        end = self._right if band.end > last else self._axis.place(band.end)
        return begin, max(end, begin + 2)

    def _extent(self, begin: float, end: float, name: str) -> tuple[float, float]:
        """What a strip takes of its row together with its name, which begins where it begins if there is room."""
        width = CHARACTER * len(name) + 10
        return (begin, max(end, begin + width)) if begin + width < self._right + 70 else (begin - width, end)

    def draw(self, canvas: Canvas, top: float, bottom: float) -> None:
        """Draws the shades and the strips; from `top` on there must be `height`, the lanes end at `bottom`."""
        for band, (row, _) in zip(self.bands, self._rows, strict=True):
            begin, end = self.span(band)
            y, colour = top + ROW * row, BAD if band.fault else INK
            if band.fault:
                canvas.rectangle(
                    begin, y + 5, end - begin, bottom - y - 5, BAD, opacity=0.07, title=band.told
                )
            canvas.path(f"M{number(begin)} {number(y)}V{bottom}", colour, opacity=0.55)
            if band.end <= self._edges[1]:
                canvas.path(f"M{number(end)} {number(y)}V{bottom}", colour, dashes="4 3", opacity=0.55)
            canvas.rectangle(
                begin, y, end - begin, 5, BAD if band.fault else PAPER, stroke="" if band.fault else SOFT,
                dashes="" if band.fault else "3 2", opacity=0.75, title=band.told,
            )  # fmt: skip
            if band.observed < FOREVER:
                ring = outline("ask", self._axis.place(band.observed), y + 2.5, 4)
                canvas.path(ring, BAD, width=1.6, fill=PAPER)
        canvas.group(f'stroke="{PAPER}" stroke-width="3" stroke-linejoin="round" paint-order="stroke"')
        for band, (row, name) in zip(self.bands, self._rows, strict=True):
            begin, end = self.span(band)
            y, colour = top + ROW * row + 15, BAD if band.fault else INK
            left, _ = self._extent(begin, end, name)
            ends = left < begin
            canvas.text(
                begin - 4 if ends else begin + 4, y, name, size=10, fill=colour,
                anchor="end" if ends else "", bold=True,
            )  # fmt: skip
        canvas.end_group()

    def list(self, canvas: Canvas, x: float, y: float, width: float, more: int) -> float:
        """Writes what each band was, a line for each; returns where the list ends.

        Args:
            canvas: Where to write.
            x: Where the lines begin.
            y: The base of the first line.
            width: How wide a line may be.
            more: How many bands have no place in the picture.
        """
        if not self.bands:
            return y
        canvas.path(f"M{number(x)} {number(y - 14)}h{number(width)}", LINE)
        title = "What was done meanwhile (a ring: its effect was seen; a broken edge: it was over):"
        canvas.text(x, y, title, fill=SOFT)
        listed = self.bands[:LISTED]
        columns = 2 if width > WIDE and len(listed) > 1 else 1
        rows, room = -(-len(listed) // columns), width / columns - 16
        most = int(room / (CHARACTER * 0.9))
        for place, band in enumerate(listed):
            line = f"{place + 1}  {band.told}"
            line = line if len(line) <= most else f"{line[: most - 1]}…"
            column, row = divmod(place, rows)
            colour = BAD if band.fault else INK
            canvas.text(x + 8 + column * width / columns, y + 16 * (row + 1), line, fill=colour)
        y += 16 * rows
        left = len(self.bands) - LISTED
        parts = [f"{left} more with a number above"] if left > 0 else []
        parts += [f"{more} further from the finding"] if more else []
        if parts:
            y += 16
            canvas.text(x + 8, y, f"and {', '.join(parts)}", fill=SOFT)
        return y + 24


def _free(taken: list[tuple[float, float]], extent: tuple[float, float]) -> bool:
    return all(extent[1] + 4 < begin or end + 4 < extent[0] for begin, end in taken)
