"""Labels at boxes, each where it covers no other and stays in the picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

PAD = 1.0  # points around a label's text
LUMINANCE = (0.2126, 0.7152, 0.0722)

Rectangle = tuple[float, float, float, float]  # left, bottom, right, top


def draw_labels(
    axes: Any, boxes: Any, texts: Sequence[str], colours: Any, font_size: float = 9.0
) -> None:
    """Write a text at each box: above it, else below, else inside, else where it covers least.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Its picture drawn and in its final place.
    boxes : (M, 4) array
        Rows x1, y1, x2, y2. Earlier ones have the first choice, and lie on top.
    texts : sequence of M str
        An empty one isn't drawn.
    colours : (M, 3) array
        Behind the texts, which are black or white.
    font_size : float
        In points.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    renderer = FigureCanvasAgg(axes.figure).get_renderer()
    dots = axes.figure.dpi / 72  # in a point
    page: Rectangle = axes.bbox.extents
    taken: list[Rectangle] = []
    for order, (box, text, colour) in enumerate(zip(boxes, texts, colours, strict=True)):
        if not text:
            continue
        label = axes.text(
            0,
            0,
            text,
            ha="left",
            va="bottom",
            color=text_colour(colour),
            fontsize=font_size,
            clip_on=True,
            zorder=4 - order / len(texts),
            bbox={"facecolor": tuple(colour), "edgecolor": "none", "pad": PAD, "alpha": 0.9},
        )
        extent = label.get_window_extent(renderer)
        size = extent.width + 2 * PAD * dots, extent.height + 2 * PAD * dots
        corners = axes.transData.transform(np.reshape(box, (2, 2)))  # top left, bottom right
        places = [_into(page, place) for place in _places(corners, size)]
        best = min(places, key=lambda place: sum(_shared(place, other) for other in taken))
        taken.append(best)
        corner = np.add(best[:2], PAD * dots)
        label.set_position(axes.transData.inverted().transform(corner))


def text_colour(behind: Any) -> str:
    """Return the colour of a text that can be read on a colour.

    Examples
    --------
    >>> text_colour((1, 1, 0)), text_colour((0, 0, 1))
    ('black', 'white')
    """
    return "black" if np.dot(behind, LUMINANCE) > 0.5 else "white"


def _places(corners: Any, size: tuple[float, float]) -> Iterator[Rectangle]:
    """Yield where a label of this size may lie at a box, in dots; y grows upwards."""
    (x1, y2), (x2, y1) = corners  # y1: the box's lower side
    width, height = size
    for bottom in (y2, y1 - height, y2 - height, y1):
        for left in (x1, x2 - width):
            yield left, bottom, left + width, bottom + height


def _into(page: Rectangle, place: Rectangle) -> Rectangle:
    """Move a rectangle into the page, as far as it fits there."""
    left = max(min(place[0], page[2] - (place[2] - place[0])), page[0])
    bottom = max(min(place[1], page[3] - (place[3] - place[1])), page[1])
    return left, bottom, left + place[2] - place[0], bottom + place[3] - place[1]


def _shared(one: Rectangle, other: Rectangle) -> float:
    """Area that two rectangles share."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(width, 0) * max(height, 0)
