"""The few strokes of which a picture consists, as SVG text."""

from __future__ import annotations

from xml.sax.saxutils import escape

from waybill.history.shapes import number

INK, SOFT, LINE, PAPER = "#1c2126", "#5b656e", "#d9dde1", "#ffffff"
GOOD, BAD, DOUBT, FAR = "#1d7a4f", "#b3271e", "#8a5a00", "#98a3ad"
FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','DejaVu Sans',sans-serif"
FITTING = 1000
"""The width up to which a picture shrinks with its page."""
CHARACTER = 6.6
"""The width of a character at 11 px, on average and rounded up."""


class Canvas:
    """Gathers strokes; every one is complete in its attributes, so that nothing outside changes it."""

    def __init__(self) -> None:
        self._strokes: list[str] = []

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: int = 11,
        fill: str = INK,
        anchor: str = "",
        bold: bool = False,
    ) -> None:
        """Writes a line; `anchor` is `middle` or `end` where `x` is not its beginning."""
        attributes = f' font-size="{size}"' if size != 11 else ""
        attributes += f' fill="{fill}"' if fill != INK else ""
        attributes += f' text-anchor="{anchor}"' if anchor else ""
        attributes += ' font-weight="600"' if bold else ""
        self._strokes.append(f'<text x="{number(x)}" y="{number(y)}"{attributes}>{escape(text)}</text>')

    def path(
        self,
        line: str,
        stroke: str,
        *,
        width: float = 1,
        fill: str = "none",
        dashes: str = "",
        opacity: float = 1,
        title: str = "",
    ) -> None:
        """Draws a path."""
        attributes = f' stroke-width="{width:g}"' if width != 1 else ""
        attributes += f' stroke-dasharray="{dashes}"' if dashes else ""
        attributes += f' stroke-opacity="{opacity:g}"' if opacity != 1 else ""
        self._close("path", f'd="{line}" fill="{fill}" stroke="{stroke}"{attributes}', title)

    def rectangle(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        fill: str,
        *,
        stroke: str = "",
        corner: float = 0,
        dashes: str = "",
        opacity: float = 1,
        title: str = "",
    ) -> None:
        """Draws a rectangle."""
        attributes = f' rx="{corner:g}"' if corner else ""
        attributes += f' stroke="{stroke}"' if stroke else ""
        attributes += f' stroke-dasharray="{dashes}"' if dashes else ""
        attributes += f' fill-opacity="{opacity:g}"' if opacity != 1 else ""
        place = f'x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}"'
        self._close("rect", f'{place} fill="{fill}"{attributes}', title)

    def group(self, attributes: str) -> None:
        """Begins a group whose members share attributes."""
        self._strokes.append(f"<g {attributes}>")

    def end_group(self) -> None:
        """Ends the group."""
        self._strokes.append("</g>")

    def svg(self, width: int, height: int, title: str, description: str = "") -> str:
        """Everything as one element on a sheet of paper of its own; a wide one keeps its width, and scrolls."""
        fit = "max-width:100%;height:auto" if width <= FITTING else "max-width:none;height:auto"
        told = f"<desc>{escape(description)}</desc>" if description else ""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" role="img" style="{fit}" font-family="{FONT}" '
            f'font-size="11" fill="{INK}"><title>{escape(title)}</title>{told}<rect x=".5" y=".5" '
            f'width="{width - 1}" height="{height - 1}" rx="9" fill="{PAPER}" stroke="{LINE}"/>'
            f"{''.join(self._strokes)}</svg>\n"
        )

    def _close(self, element: str, attributes: str, title: str) -> None:
        inside = f"><title>{escape(title)}</title></{element}>" if title else "/>"
        self._strokes.append(f"<{element} {attributes}{inside}")
