"""The pictures, as SVG: speed-ups as bars, the roofline, and the ladders' rungs."""

from __future__ import annotations

import io
import math
from typing import Any

import matplotlib
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from . import roofline
from .ladder import LADDERS
from .results import Report, Row
from .summary import geometric_mean, seconds, speedup, speedups
from .tables import name_of, short

STYLE = {
    "svg.hashsalt": "minis",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
COLOURS = ("#0b6e99", "#e08e0b", "#6b4c9a", "#5a8f29")
GREY = "#777777"


def draw(report: Report) -> dict[str, str]:
    """Draw a report's pictures.

    Returns
    -------
    dict of str to str
        SVG text by file name; nothing where there is nothing to draw.
    """
    figures: dict[str, Figure] = {}
    with matplotlib.rc_context(STYLE):
        if report.suite in ("ops", "models"):
            for theirs in report.theirs:
                for ours in report.ours:
                    if speedups(report.rows, ours, theirs):
                        name = f"{report.suite}-{ours}-{theirs}.svg"
                        figures[name] = speedup_chart(report, ours, theirs)
        if report.suite == "ops" and report.peaks:
            for ours in report.ours:
                if roofline.points(report, ours):
                    figures[f"roofline-{ours}.svg"] = roofline.chart(report, ours)
        if report.suite == "ladder":
            for row in report.rows:
                if any(side.turns for side in row.sides.values()):
                    figures[f"{row.key}.svg"] = ladder_chart(row)
        return {name: _svg(figure) for name, figure in figures.items()}


def speedup_chart(report: Report, ours: str, theirs: str) -> Figure:
    """Draw a bar for each row: how many times faster we are, with the quartiles."""
    labels = list(dict.fromkeys(row.label for row in report.rows))
    passes = list(dict.fromkeys(row.pass_ for row in report.rows))
    figure = Figure(figsize=(7.6, 1.0 + 0.36 * len(labels)), layout="constrained")
    axes = figure.add_subplot()
    thickness = 0.8 / len(passes)
    for row in report.rows:
        ratio = speedup(row, ours, theirs)
        if not ratio:
            continue
        number = passes.index(row.pass_)
        at = labels.index(row.label) + (number - (len(passes) - 1) / 2) * thickness
        # bars begin at 1, where both are equally fast
        axes.barh(at, ratio.median - 1, thickness * 0.92, left=1, color=COLOURS[number])
        axes.plot([ratio.low, ratio.high], [at, at], color="black", lw=0.8)
        end = max(ratio.high, 1.0)
        axes.annotate(
            f"{ratio.median:.2f}", (end, at), (3, 0), textcoords="offset points", va="center",
            fontsize=7,
        )  # fmt: skip
    mean = geometric_mean(speedups(report.rows, ours, theirs).values())
    axes.axvline(1, color="black", lw=0.8)
    axes.axvline(mean, color=GREY, lw=0.8, ls="--")
    _logarithmic(axes.xaxis)
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.set_xlabel(
        f"times faster than {name_of(theirs)} (logarithmic; geometric mean {mean:.2f}, dashed)"
    )
    for number, pass_ in enumerate(passes):
        axes.barh(0, 0, color=COLOURS[number], label=pass_)
    axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    axes.set_title(f"minis, {name_of(ours)} backend", loc="left", fontsize=10)
    return figure


def ladder_chart(row: Row) -> Figure:
    """Draw a bar for each rung: its time, logarithmic, with its share of PyTorch's speed."""
    ladder = next(case.ladder for case in LADDERS if case.key == row.key)
    labels = {rung.name: rung.label for rung in ladder.rungs}
    rungs = [(name, time) for name, side in row.sides.items() if (time := seconds(side))]
    figure = Figure(figsize=(7.2, 1.0 + 0.34 * len(rungs)), layout="constrained")
    axes = figure.add_subplot()
    for at, (name, time) in enumerate(rungs):
        colour = GREY if name == "torch" else COLOURS[0]
        axes.barh(at, time.median * 1e3, 0.7, color=colour)
        text = _short_time(time.median)
        if row.work.flops:
            text += f"   {short(row.work.flops / time.median * 1e-9)} GFLOP/s"
        end = (time.median * 1e3, at)
        axes.annotate(text, end, (4, 0), textcoords="offset points", va="center", fontsize=8)
    axes.set_xscale("log")
    slowest = max(time.median for _, time in rungs)
    fastest = min(time.median for _, time in rungs)
    axes.set_xlim(fastest * 1e3 / 2, slowest * 1e3 * (slowest / fastest) ** 0.45 * 2)
    axes.set_yticks(range(len(rungs)), [labels.get(name, name) for name, _ in rungs])
    axes.invert_yaxis()
    axes.set_xlabel("milliseconds (logarithmic)")
    axes.set_title(row.label, loc="left", fontsize=10)
    return figure


def _logarithmic(axis: Any) -> None:
    """Let an axis be logarithmic, with plain numbers as ticks."""
    axis.axes.set_xscale("log")
    low, high = axis.axes.get_xlim()
    low, high = min(low, 0.7), max(high * 1.15, 1.5)
    axis.axes.set_xlim(low, high)
    ticks = _ticks(low, high)
    axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.set_ticks([], minor=True)


def _ticks(low: float, high: float) -> list[float]:
    """Return round numbers between, few enough to stand side by side.

    Examples
    --------
    >>> _ticks(0.7, 2.5)
    [0.8, 1.0, 1.2, 1.5, 2.0]
    >>> _ticks(0.3, 20.0)
    [0.5, 1.0, 2.0, 5.0, 10.0, 20.0]
    """
    mantissas = (1, 1.2, 1.5, 2, 3, 5, 8) if high / low < 8 else (1, 2, 5)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found = (float(f"{m}e{k}") for k in decades for m in mantissas)
    return [tick for tick in found if low <= tick <= high]


def _short_time(time: float) -> str:
    return f"{short(time)} s" if time >= 1 else f"{short(time * 1e3)} ms"


def _svg(figure: Figure) -> str:
    """Write the picture without a date, so that equal data give equal files."""
    FigureCanvasSVG(figure)
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None}, facecolor="white")
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"
