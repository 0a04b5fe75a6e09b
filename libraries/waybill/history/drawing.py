"""Draws the moments of a finding as a static SVG.

Everything is a presentation attribute: no script, no style sheet, no identifier, no reference, so that the picture can
stand in any page. It brings its own paper and is as legible on a dark page as on a light one.
"""

from __future__ import annotations

from waybill.history.axis import Axis
from waybill.history.bands import Band
from waybill.history.canvas import BAD, CHARACTER, DOUBT, FAR, GOOD, INK, LINE, PAPER, SOFT, Canvas
from waybill.history.marks import Mark
from waybill.history.moments import Bar, Moments
from waybill.history.shapes import MEANINGS, number, outline, short, span, wrapped
from waybill.history.strips import Strips

WIDTH = 1000
WIDEST = 2400
"""The width of a picture with many bands; whoever shows it lets it scroll."""
FEW = 10
"""So many bands fit in the usual width; each further one makes it wider."""
MARGIN = 24
LEFT = MARGIN + 150
LANE = 54
BAR, BAR_LINE = "#eef1f4", "#c3cad1"
COLOURS = ("#1f5fbf", "#b3461e", "#6b3fa0", "#0f7f86", "#a3286b", "#5f6b00")
"""One for each followed message; all of them readable on the paper."""
DESCRIBED = 12
"""The most bands, and the most marks, in the description of a picture."""
OUTCOMES = {"ok": GOOD, "fail": BAD, "info": DOUBT}
HALO = f'stroke="{PAPER}" stroke-width="3" stroke-linejoin="round" paint-order="stroke"'
"""Keeps words readable where lines cross them."""


def draw(moments: Moments) -> str:
    """The picture as one SVG element."""
    return _Drawing(moments).svg()


class _Drawing:
    def __init__(self, moments: Moments) -> None:
        self.moments = moments
        self.canvas = Canvas()
        self.all = [*moments.marks, *moments.around]
        self.first = min((mark.at for mark in self.all), default=0)
        self.last = max((mark.at for mark in self.all), default=0)
        spans: list[Bar | Band] = [*moments.bars, *moments.bands]
        edges = [edge for one in spans for edge in (one.begin, one.end)]
        inside = [mark.at for mark in self.all] + [edge for edge in edges if self.first < edge < self.last]
        self.width = min(WIDTH + 60 * max(len(moments.bands) - FEW, 0), WIDEST)
        self.right = self.width - MARGIN - 76
        weighty = {mark.at for mark in moments.marks}
        weighty |= {edge for band in moments.bands for edge in (band.begin, band.end)}
        self.axis = Axis(inside, LEFT + 26, self.right - 18, weighty)
        self.strips = Strips(moments.bands, self.axis, (self.first, self.last), LEFT, self.right)
        self.prose = wrapped(moments.sentence, 128, 7)
        self.top = MARGIN + 44 + 19 * len(self.prose)
        self.plot = self.top + (20 if self.axis.cuts else 0)
        self.lanes_top = self.plot + self.strips.height
        self.lanes = {
            device: self.lanes_top + LANE * row + 28 for row, (device, _) in enumerate(moments.devices)
        }
        self.bottom = self.lanes_top + LANE * max(len(moments.devices), 1)

    def svg(self) -> str:
        self._head()
        self.strips.draw(self.canvas, self.plot, self.bottom)
        self._cuts()
        for row, (device, name) in enumerate(self.moments.devices):
            self._lane(row, device, name)
        for bar in self.moments.bars:
            self._bar(bar)
        self._around()
        self._links()
        absent = self._absent()
        for mark in self.moments.marks:
            self._mark(mark)
        self.canvas.group(HALO)
        for bar in self.moments.bars:
            self._bar_words(bar)
        self._words(absent)
        self.canvas.end_group()
        height = self._foot()
        title = f"{self.moments.anomaly}: {self.moments.sentence}"
        return self.canvas.svg(self.width, height, title, self._described())

    def _described(self) -> str:
        """The picture for whoever cannot see it: what was done meanwhile, and what became of the messages, in order."""
        moments = self.moments
        done = [f"{place}. {band.told}." for place, band in enumerate(moments.bands[:DESCRIBED], start=1)]
        names = dict(moments.devices)
        seen = [
            f"{names[mark.device]} {mark.text or mark.kind} at event {mark.event}"
            for mark in moments.marks[:DESCRIBED]
        ]
        return " ".join([*done, f"Marks: {'; '.join(seen)}." if seen else ""]).strip()

    def _head(self) -> None:
        """The anomaly's name, how often it occurs, and the sentence."""
        moments = self.moments
        self.canvas.text(MARGIN, MARGIN + 14, moments.anomaly, size=17, fill=BAD, bold=True)
        if moments.count > 1:
            told = f"the worst of {moments.count:,}"
            self.canvas.text(self.width - MARGIN, MARGIN + 13, told, size=12, fill=SOFT, anchor="end")
        for row, line in enumerate(self.prose):
            self.canvas.text(MARGIN, MARGIN + 38 + 19 * row, line, size=14)

    def _cuts(self) -> None:
        """The longest silences that are drawn shorter than they were, as many as there is room for."""
        taken: list[tuple[float, float]] = []
        for cut in sorted(self.axis.cuts, key=lambda cut: (-cut.length, cut.x)):
            told = span(cut.length) if self.moments.timed else f"{cut.length:,} events"
            half = CHARACTER * len(told) / 2
            if all(cut.x + half + 12 < begin or end + 12 < cut.x - half for begin, end in taken):
                taken.append((cut.x - half, cut.x + half))
                self.canvas.path(f"M{number(cut.x)} {self.plot - 4}V{self.bottom}", FAR, dashes="1 4")
                self.canvas.text(cut.x, self.plot - 9, told, fill=SOFT, anchor="middle")

    def _lane(self, row: int, device: int, name: str) -> None:
        y = self.lanes[device]
        if row:
            edge = self.lanes_top + LANE * row
            self.canvas.path(f"M{MARGIN} {edge}H{self.width - MARGIN}", LINE, opacity=0.6)
        self.canvas.path(f"M{LEFT} {y}H{self.right}", LINE)
        self.canvas.text(LEFT - 12, y + 4, short(name, 20), size=12, anchor="end", bold=True)
        if device in self.moments.more:
            self.canvas.text(self.right + 8, y + 4, f"+{self.moments.more[device]:,} more", fill=SOFT)

    def _span(self, bar: Bar) -> tuple[float, float]:
        """Where a session begins and ends."""
        begin = LEFT if bar.begin <= self.first else self.axis.place(bar.begin)
        end = self.right if bar.end > self.last else self.axis.place(bar.end)
        return begin, max(end, begin + 3)

    def _bar(self, bar: Bar) -> None:
        """A session; one that was begun with a bad credential or over a bad transport has a broken edge."""
        y, (begin, end) = self.lanes[bar.device], self._span(bar)
        told = f"epoch {bar.epoch}" + (f" on {bar.where}" if bar.where else "")
        self.canvas.rectangle(
            begin, y - 8, end - begin, 16, BAR, stroke=BAD if bar.doubtful else BAR_LINE, corner=4,
            dashes="4 3" if bar.doubtful else "", title=f"{told}, {bar.ended}" if bar.ended else told,
        )  # fmt: skip
        if bar.ended and bar.end <= self.last:
            self.canvas.path(f"M{number(end)} {y - 11}v22", SOFT if bar.ended == "closed" else BAD, width=2)

    def _bar_words(self, bar: Bar) -> None:
        """Which epoch of the device a session is, and how it ended."""
        y, (begin, end) = self.lanes[bar.device] + 20, self._span(bar)
        word = f"epoch {bar.epoch}" + (f" on {short(bar.where, 14)}" if bar.where else "")
        for text in (word, str(bar.epoch)):
            if end - begin > CHARACTER * len(text) * 0.9:
                self.canvas.text(begin + 2, y, text, size=10, fill=SOFT)
                break
        if bar.ended and bar.end <= self.last and end - begin > CHARACTER * (len(word) + len(bar.ended) + 1):
            fill = SOFT if bar.ended == "closed" else BAD
            self.canvas.text(end - 4, y, bar.ended, size=10, fill=fill, anchor="end")

    def _around(self) -> None:
        """The marks of other messages, one path for each kind."""
        shapes: dict[str, list[str]] = {}
        for mark in self.moments.around:
            shape = outline(mark.kind, self.axis.place(mark.at), self.lanes[mark.device], 2.6)
            shapes.setdefault(mark.kind, []).append(shape)
        for kind, paths in shapes.items():
            hollow = kind in OUTCOMES or kind == "read"
            self.canvas.path("".join(paths), FAR, width=1.1, fill="none" if hollow else FAR)

    def _links(self) -> None:
        """From the first attempt of each followed message to its deliveries."""
        for place in range(len(self.moments.messages)):
            send = self._send(place)
            for mark in self.moments.marks:
                if send is not None and mark.message == place and mark.kind in ("deliver", "read"):
                    self._link(send, mark.device, self.axis.place(mark.at), _colour(place))

    def _send(self, place: int) -> Mark | None:
        """The first attempt of a followed message."""
        return next(
            (mark for mark in self.moments.marks if mark.message == place and mark.kind == "send"), None
        )

    def _link(self, send: Mark, device: int, x: float, colour: str, dashes: str = "") -> None:
        start, y0, y1 = number(self.axis.place(send.at)), self.lanes[send.device], self.lanes[device]
        stop = number(x)
        if device == send.device:
            curve = f"M{start} {y0 - 6}C{start} {y0 - 26} {stop} {y0 - 26} {stop} {y0 - 6}"
        else:
            away = 6 if y1 > y0 else -6
            bend = round((y1 - y0) * 0.45)
            curve = f"M{start} {y0 + away}C{start} {y0 + bend} {stop} {y1 - bend} {stop} {y1 - away}"
        self.canvas.path(curve, colour, width=1.6, dashes=dashes, opacity=0.75)

    def _absent(self) -> list[tuple[float, int]]:
        """A broken line to every device that never held a message of the finding; returns where these lines end."""
        ends: list[tuple[float, int]] = []
        for place, device in self.moments.absent:
            send = self._send(place)
            if send is not None:
                start = self.axis.place(send.at)
                latest = max(
                    (mark.at for mark in self.moments.marks if mark.device == device), default=send.at
                )
                before = sum(1 for _, other in ends if other == device)
                x = start + max((self.axis.place(latest) - start) * 0.55, 30) + 44 * before
                self._link(send, device, x, BAD, "5 4")
                self.canvas.path(
                    outline("fail", x, self.lanes[device], 5.5), BAD, width=2.4,
                    title=f"never given {self.moments.messages[place]}",
                )  # fmt: skip
                ends.append((x, device))
        return ends

    def _mark(self, mark: Mark) -> None:
        """A mark of the finding, with its words, time and event for whoever points at it."""
        shape = outline(mark.kind, self.axis.place(mark.at), self.lanes[mark.device], 5)
        hollow = mark.kind in OUTCOMES
        colour = _colour_of(mark)
        fill = "none" if hollow else PAPER if mark.kind == "read" else colour
        when = f", {mark.at / 1000:,.3f} ms" if self.moments.timed else ""
        title = f"{mark.text}{when}, event {mark.event}"
        self.canvas.path(shape, colour, width=2.4 if hollow else 1.6, fill=fill, title=title)

    def _words(self, absent: list[tuple[float, int]]) -> None:
        """The words above the marks of the finding, as many as fit; those that prove it first."""
        taken: dict[int, list[tuple[float, float]]] = {}
        for x, device in absent:
            taken.setdefault(device, []).append((x - 18, x + 18))
            self.canvas.text(x, self.lanes[device] - 13, "never", fill=BAD, anchor="middle", bold=True)
        for mark in self._by_weight():
            half = CHARACTER * len(mark.text) / 2
            x = min(max(self.axis.place(mark.at), LEFT + half), self.right + 60 - half)
            spans = taken.setdefault(mark.device, [])
            if mark.text and all(x + half + 2 < begin or end + 2 < x - half for begin, end in spans):
                spans.append((x - half, x + half))
                y = self.lanes[mark.device] - 13
                self.canvas.text(x, y, mark.text, fill=_colour_of(mark), anchor="middle", bold=True)

    def _by_weight(self) -> list[Mark]:
        """The marks of the finding, those that prove it first."""
        proving = set(self.moments.events)
        return sorted(self.moments.marks, key=lambda mark: (mark.event not in proving, mark.event))

    def _foot(self) -> int:
        """The axis, the legends and the proof; returns the height of the picture."""
        moments, y = self.moments, self.bottom + 6
        self.canvas.path(f"M{LEFT} {y}H{self.right}", SOFT)
        spans: list[tuple[float, float]] = []
        for mark in [*self._by_weight(), *moments.around]:
            x = self.axis.place(mark.at)
            told = f"{mark.at / 1000:,.3f}" if moments.timed else f"{mark.event:,}"
            half = CHARACTER * len(told) / 2
            if all(x + half + 8 < begin or end + 8 < x - half for begin, end in spans):
                spans.append((x - half, x + half))
                self.canvas.path(f"M{number(x)} {y}v5", SOFT)
                self.canvas.text(x, y + 17, told, fill=SOFT, anchor="middle")
        self.canvas.text(
            self.width - MARGIN, y + 17, "ms" if moments.timed else "event", fill=SOFT, anchor="end"
        )
        if moments.hidden:
            more = f"+{moments.hidden:,} more device{'s' if moments.hidden > 1 else ''}"
            self.canvas.text(LEFT - 12, y + 17, more, fill=SOFT, anchor="end")
        y = self._legend(self._messages(y + 44))
        y = int(self.strips.list(self.canvas, MARGIN, y + 8, self.width - 2 * MARGIN, moments.unbanded))
        events = ", ".join(str(event) for event in moments.events[:12])
        proof = f"Proof: event{'s' if len(moments.events) != 1 else ''} {events}. " if events else ""
        scale = "Not to scale: the order is true; a silence with its length above is cut short."
        self.canvas.text(MARGIN, y + 4, f"{proof}{scale}", fill=SOFT)
        return y + MARGIN

    def _messages(self, y: int) -> int:
        """The names of the followed messages in their colours."""
        x = float(MARGIN)
        for place, name in enumerate(self.moments.messages):
            told = short(name, 40)
            width = CHARACTER * len(told) + 36
            if x + width > self.width - MARGIN:
                x, y = float(MARGIN), y + 18
            self.canvas.rectangle(x, y - 8, 10, 10, _colour(place), corner=2)
            self.canvas.text(x + 15, y + 1, told, fill=_colour(place), bold=True)
            x += width
        return y + 22 if self.moments.messages else y

    def _legend(self, y: int) -> int:
        """What the marks mean, as far as they occur."""
        kinds = {mark.kind for mark in self.all}
        x = float(MARGIN)
        for kind, meaning in MEANINGS.items():
            if kind in kinds:
                fill = "none" if kind in OUTCOMES else PAPER if kind == "read" else SOFT
                shape = outline(kind, x + 5, y - 4, 4.4)
                self.canvas.path(shape, OUTCOMES.get(kind, SOFT), width=1.8, fill=fill)
                self.canvas.text(x + 16, y, meaning, fill=SOFT)
                x += 16 + CHARACTER * len(meaning) + 12
        return y + 20


def _colour(place: int) -> str:
    return COLOURS[place % len(COLOURS)] if place >= 0 else INK


def _colour_of(mark: Mark) -> str:
    return OUTCOMES.get(mark.kind) or _colour(mark.message)
