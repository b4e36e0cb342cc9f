"""Tables of numbers as the book draws them: cells with marks, rings, arrows.

Coordinates are (row, column) of cells, rows growing downwards; a grid may begin anywhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from .style import COLOURS, FAINT, INK

Cell = tuple[float, float]  # row, column


def blank(axes: Any) -> None:
    """Make axes a page to put grids on: square cells, rows downwards, no frame."""
    axes.set_aspect("equal")
    axes.set_axis_off()
    axes.yaxis.set_inverted(True)


def grid(
    axes: Any,
    values: Any,
    *,
    at: Cell = (0, 0),
    fill: Mapping[tuple[int, int], str] | None = None,
    ring: Collection[tuple[int, int]] = (),
    faded: Collection[tuple[int, int]] = (),
    title: str = "",
    form: str = "{:g}",
    size: float = 10,
) -> None:
    """Draw a table of numbers.

    Parameters
    ----------
    axes : matplotlib Axes
        Made by `blank`.
    values : (rows, columns) array
        Numbers or strings; NaN and "" leave a cell empty.
    at : (row, column)
        Where its top left cell stands.
    fill : dict of (row, column) to colour
        Names of `COLOURS`, or any colour of matplotlib; they are lightened.
    ring : collection of (row, column)
        Cells framed thickly.
    faded : collection of (row, column)
        Cells whose numbers are grey, such as padding.
    title : str
        Above it.
    form : str
        How a number is written.
    size : float
        Of the numbers, in points.

    Examples
    --------
    >>> from minis.learn.drawing import figure
    >>> fig, axes = figure(2, 2)
    >>> blank(axes)
    >>> grid(axes, np.arange(4).reshape(2, 2), fill={(0, 0): "blue"})
    >>> len(axes.texts)
    4
    """
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Rectangle

    table, faded = np.asarray(values), set(faded)
    fill = fill or {}
    for (i, j), value in np.ndenumerate(table):
        top, left = at[0] + i, at[1] + j
        name = fill.get((i, j), "white")
        red, green, blue = (0.55 + 0.45 * c for c in to_rgb(COLOURS.get(name, name)))
        face = red, green, blue
        axes.add_patch(Rectangle((left, top), 1, 1, facecolor=face, edgecolor=FAINT, linewidth=0.8))
        text = _written(value, form)
        if text:
            colour = COLOURS["grey"] if (i, j) in faded else INK
            middle = left + 0.5, top + 0.5
            axes.text(*middle, text, fontsize=size, color=colour, ha="center", va="center")
    for i, j in ring:
        corner = at[1] + j, at[0] + i
        frame = Rectangle(corner, 1, 1, fill=False, edgecolor=INK, linewidth=1.8, zorder=3)
        axes.add_patch(frame)
    rows, columns = table.shape
    if title:
        axes.text(at[1] + columns / 2, at[0] - 0.25, title, ha="center", va="bottom", fontsize=10)
    axes.update_datalim([(at[1] - 0.1, at[0] - 0.9), (at[1] + columns + 0.1, at[0] + rows + 0.1)])
    axes.autoscale_view()
    axes.yaxis.set_inverted(True)


def arrow(axes: Any, start: Cell, end: Cell, *, colour: str = INK, bend: float = 0.0) -> None:
    """Draw an arrow from one (row, column) to another.

    Parameters
    ----------
    axes : matplotlib Axes
    start, end : (row, column)
        A cell's centre is at (i + 0.5, j + 0.5).
    colour : str
        A name of `COLOURS`, or any colour of matplotlib.
    bend : float
        How far it is curved, as a share of its length.
    """
    style = {
        "arrowstyle": "-|>",
        "color": COLOURS.get(colour, colour),
        "linewidth": 1.4,
        "shrinkA": 0,
        "shrinkB": 0,
        "connectionstyle": f"arc3,rad={bend}",
    }
    axes.annotate("", xy=end[::-1], xytext=start[::-1], arrowprops=style)


def note(axes: Any, at: Cell, text: str, *, size: float = 10, colour: str = INK) -> None:
    """Write a text centred at (row, column)."""
    ink = COLOURS.get(colour, colour)
    axes.text(at[1], at[0], text, fontsize=size, color=ink, ha="center", va="center")
    axes.update_datalim([(at[1] - 0.5, at[0] - 0.5), (at[1] + 0.5, at[0] + 0.5)])
    axes.autoscale_view()
    axes.yaxis.set_inverted(True)


def _written(value: Any, form: str) -> str:
    if isinstance(value, str):
        return value
    return "" if np.isnan(value) else form.format(value).replace("-", "−").replace("inf", "∞")
