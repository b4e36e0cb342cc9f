"""The roofline (Williams, Waterman & Patterson 2009): what a machine lets an operation reach.

An operation that does `intensity` operations for each byte that it must move can't run faster than
memory brings the bytes, nor than the cores calculate: it lies under a roof, a slope and a level.
Points above the roof are no mistake: Winograd does fewer multiplications than are counted, and
data that stay in the caches don't wait for memory.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from matplotlib.figure import Figure

from .peaks import Peaks
from .placement import Box, anchor, place
from .results import Report
from .summary import seconds
from .tables import name_of
from .task import BACKWARD, TF32

FORWARD_COLOUR, BACKWARD_COLOUR, ROOF = "#0b6e99", "#e08e0b", "#444444"
FONT = 6.5
LETTER, LINE = 0.6 * FONT, 1.15 * FONT  # width and height, in printer's points
INCHES = (9.5, 7.0)
AXES = (0.07, 0.075, 0.915, 0.88)  # left, bottom, width, height: shares of the picture
INCH = 72  # printer's points


class Point(NamedTuple):
    """One row in the plot."""

    key: str
    backward: bool
    intensity: float
    gflops: float


def points(report: Report, ours: str) -> list[Point]:
    """Return the rows that count operations and bytes, and were timed.

    What only moves data, as unpooling does, has no place on logarithmic axes.
    """
    found = []
    for row in report.rows:
        side = row.sides.get(ours)
        time = seconds(side) if side else None
        if time and row.work.flops and row.work.bytes:
            found.append(
                Point(
                    row.key,
                    row.pass_ == BACKWARD,
                    row.work.flops / row.work.bytes,
                    row.work.flops / time.median * 1e-9,
                )
            )
    return found


def chart(report: Report, ours: str) -> Figure:
    """Draw the two ceilings and a point for each row."""
    assert report.peaks
    peaks, shown = report.peaks.at(TF32) or report.peaks, points(report, ours)
    figure = Figure(figsize=INCHES)
    axes = figure.add_axes(AXES)
    left = min(p.intensity for p in shown) / 2
    right = max(max(p.intensity for p in shown), peaks.ridge) * 10
    low = min(p.gflops for p in shown) / 2
    high = max([peaks.gflops, *(p.gflops for p in shown)]) * 4
    axes.set(xscale="log", yscale="log", xlim=(left, right), ylim=(low, high))
    corners = [left, peaks.ridge, right]
    axes.plot(corners, [peaks.attainable(i) for i in corners], color=ROOF, lw=1.4)
    for backward, colour, marker, name in (
        (False, FORWARD_COLOUR, "o", "forward"),
        (True, BACKWARD_COLOUR, "D", "backward"),
    ):
        chosen = [p for p in shown if p.backward == backward]
        x, y = [p.intensity for p in chosen], [p.gflops for p in chosen]
        axes.plot(x, y, marker, color=colour, ms=4, ls="", label=name)
    page = _Page(left, right, low, high)
    _name_points(axes, shown, page, _roof(peaks, page), _name_roof(axes, peaks, page))
    axes.set_xlabel("operations per byte that must be moved")
    axes.set_ylabel("GFLOP/s (of the plain algorithm)")
    axes.set_title(f"minis, {name_of(ours)} backend, under the roof", loc="left", fontsize=10)
    axes.legend(frameon=False, loc="lower right")
    return figure


class _Page(NamedTuple):
    """The axes' limits, and with them the way from a value to a place on the page."""

    left: float
    right: float
    low: float
    high: float

    @property
    def area(self) -> Box:
        """The axes, in printer's points."""
        return Box(0, 0, INCHES[0] * AXES[2] * INCH, INCHES[1] * AXES[3] * INCH)

    def place(self, intensity: float, gflops: float) -> tuple[float, float]:
        """Return where a value stands, in printer's points."""
        across = math.log(intensity / self.left) / math.log(self.right / self.left)
        up = math.log(gflops / self.low) / math.log(self.high / self.low)
        return across * self.area.right, up * self.area.top


def _roof(peaks: Peaks, page: _Page) -> list[Box]:
    """Cover the roof with small boxes, where no name shall stand."""
    steps = 300
    ratio = page.right / page.left
    intensities = (page.left * ratio ** (k / steps) for k in range(steps + 1))
    places = (page.place(i, peaks.attainable(i)) for i in intensities)
    return [Box(x - 2, y - 1, x + 2, y + 1) for x, y in places]


def _name_roof(axes: Any, peaks: Peaks, page: _Page) -> list[Box]:
    """Write what the two ceilings are; return where."""
    x, y = page.place(page.right, peaks.gflops)
    level = f"matrix product: {peaks.gflops:.0f} GFLOP/s"
    _write(axes, level, (x - 4, y + 4), ROOF, 8, ha="right")
    start = max(page.left, page.low / peaks.gbs) * 1.3
    a, b = (page.place(i, peaks.gbs * i) for i in (start, 2 * start))
    angle = math.atan2(b[1] - a[1], b[0] - a[0])
    slope = f"copy: {peaks.gbs:.0f} GB/s"
    _write(
        axes, slope, (a[0], a[1] + 5), ROOF, 8, ha="left",
        rotation=math.degrees(angle), rotation_mode="anchor",
    )  # fmt: skip
    along = ((a[0] + k * math.cos(angle), a[1] + k * math.sin(angle)) for k in range(0, 80, 4))
    return [
        Box(x - 5 * len(level), y, x, y + 14),
        *(Box(u - 7, v, u + 2, v + 14) for u, v in along),
    ]


def _name_points(
    axes: Any, shown: list[Point], page: _Page, curves: list[Box], texts: list[Box]
) -> None:
    """Write each point's name beside it; a line leads to a name that is not near."""
    places = [page.place(p.intensity, p.gflops) for p in shown]
    sizes = [(LETTER * len(p.key), LINE) for p in shown]
    for point, at, box in zip(
        shown, places, place(places, sizes, page.area, curves, texts), strict=True
    ):
        colour = BACKWARD_COLOUR if point.backward else FORWARD_COLOUR
        end = anchor(at, box)
        if math.dist(at, end) > 7:
            axes.annotate(
                "", end, at, xycoords="axes points", textcoords="axes points",
                arrowprops={"arrowstyle": "-", "color": colour, "lw": 0.4, "shrinkA": 0},
            )  # fmt: skip
        middle = (box.left + box.right) / 2, (box.bottom + box.top) / 2
        _write(axes, point.key, middle, colour, FONT, ha="center", va="center")


def _write(
    axes: Any, text: str, at: tuple[float, float], colour: str, size: float, **options: Any
) -> None:
    axes.annotate(
        text, at, xycoords="axes points", color=colour, fontsize=size, annotation_clip=False,
        **options,
    )  # fmt: skip
