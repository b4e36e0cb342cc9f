"""The first stage of a detector in pictures: anchors, and proposals before and after suppression.

Each function takes the arrays of one image and returns a figure. Boxes are rows x1, y1, x2, y2 in
the pixels of the image that is shown, which is the resized one that the network sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .backend import on_cpu
from .show import PALETTE, overlay
from .show_instances import draw_box, show_picture

TRUTH = PALETTE[3]  # green
PANEL = 4.0  # width of an image's panel, in inches
COLUMNS = 3  # panels side by side, at most


def show_anchors(
    image: Any,
    anchors: Sequence[Any],
    per_cell: int,
    truth: Any | None = None,
    *,
    names: Sequence[str] | None = None,
) -> Any:
    """Draw the anchors of a pyramid: all cells as dots, one cell's anchors as boxes.

    Parameters
    ----------
    image : (C, H, W) float array in 0 … 1
    anchors : sequence of (cells · A, 4) float arrays
        One for each level, as `ops.generate_anchors` gives them.
    per_cell : int
        A.
    truth : (M, 4) array, optional
        True boxes, drawn in green.
    names : sequence of str, optional
        Of the levels; by default they are numbered.

    Returns
    -------
    matplotlib.figure.Figure
        A panel for each level. The boxes are those of the cell nearest to the image's middle.

    Raises
    ------
    ValueError
        If a level's anchors aren't whole cells.

    Examples
    --------
    >>> from minis import ops
    >>> anchors = ops.generate_anchors((64, 64), [(4, 4), (2, 2)], sizes=((16,), (32,)))
    >>> [panel.get_title() for panel in show_anchors(np.zeros((3, 64, 64)), anchors, 3).axes]
    ['level 1: 4 × 4 cells, 48 anchors of 16²', 'level 2: 2 × 2 cells, 12 anchors of 32²']
    """
    image = checked_image("show_anchors", image)
    figure, panels = image_panels(image, len(anchors))
    middle = np.array([image.shape[2], image.shape[1]]) / 2
    for level, (axes, flat) in enumerate(zip(panels, anchors, strict=True), start=1):
        flat = np.asarray(on_cpu(flat))
        if not len(flat) or len(flat) % per_cell or flat.shape[1:] != (4,):
            raise ValueError(
                f"show_anchors: level {level} has anchors of shape {flat.shape}, expected "
                f"(cells · {per_cell}, 4)"
            )
        cells = flat.reshape(-1, per_cell, 4)
        centres = (cells[:, 0, :2] + cells[:, 0, 2:]) / 2  # (cells, 2)
        axes.plot(*centres.T, ".", color=PALETTE[5], markersize=min(3, 60 / len(cells) ** 0.5))
        chosen = cells[np.abs(centres - middle).sum(axis=1).argmin()]
        for box in chosen:
            draw_box(axes, box, PALETTE[6])
        _draw_truth(axes, truth)
        frame(axes, image, chosen)
        columns = len(np.unique(centres[:, 0]))
        name = names[level - 1] if names else f"level {level}"
        side = np.sqrt((chosen[:, 2:] - chosen[:, :2]).prod(axis=1))  # rounded corners: about equal
        low, high = side.min(), side.max()
        size = f"{side.mean():.0f}²" if high < 1.1 * low else f"{low:.0f}² to {high:.0f}²"
        axes.set_title(
            f"{name}: {len(cells) // columns} × {columns} cells, {len(flat)} anchors of {size}",
            fontsize=9,
        )
    return figure


def show_proposals(
    image: Any,
    before: tuple[Any, Any],
    after: tuple[Any, Any],
    truth: Any | None = None,
    *,
    best: int = 50,
) -> Any:
    """Draw proposals before and after non-maximum suppression, in the colours of their scores.

    Parameters
    ----------
    image : (C, H, W) float array in 0 … 1
    before, after : pairs of (P, 4) and (P,) float arrays
        Boxes and their scores in 0 … 1.
    truth : (M, 4) array, optional
        True boxes, drawn in green.
    best : int
        How many are drawn before suppression, at most; after it those of them that are left.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If boxes and scores don't fit each other.

    Examples
    --------
    >>> boxes, scores = np.array([[0.0, 0, 4, 4], [0, 0, 4, 5]]), np.array([0.9, 0.8])
    >>> figure = show_proposals(np.zeros((3, 8, 8)), (boxes, scores), (boxes[:1], scores[:1]))
    >>> [panel.get_title() for panel in figure.axes][:2]
    ['2 boxes before suppression', '1 box after suppression']
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    colours = ScalarMappable(Normalize(0, 1), "plasma")
    image = checked_image("show_proposals", image)
    figure, panels = image_panels(image, 2)
    least = least_score(before[1], best)
    for axes, when, pair in zip(panels, ("before", "after"), (before, after), strict=True):
        boxes, scores = (np.asarray(on_cpu(array)) for array in pair)
        if boxes.shape != (len(scores), 4) or scores.ndim != 1:
            raise ValueError(
                f"show_proposals: boxes and scores {when} suppression must have shapes (P, 4) and "
                f"(P,), got {boxes.shape} and {scores.shape}"
            )
        order = np.argsort(-scores, kind="stable")
        order = order[scores[order] >= least][:best]
        for row in order[::-1]:
            draw_box(axes, boxes[row], colours.to_rgba(scores[row : row + 1])[0, :3], width=1)
        _draw_truth(axes, truth)
        axes.set_title(count_text(len(boxes), when, len(order)), fontsize=9)
        frame(axes, image, boxes[order])
    figure.colorbar(colours, ax=panels, shrink=0.9, label="score")
    return figure


def least_score(scores: Any, best: int) -> float:
    """Return the score of the last of the `best` boxes; −∞ if there are fewer.

    Examples
    --------
    >>> least_score(np.array([0.2, 0.9, 0.5]), 2)
    0.5
    """
    scores = np.sort(np.asarray(on_cpu(scores)))
    return float(scores[-best]) if len(scores) >= best else float("-inf")


def count_text(count: int, when: str, shown: int) -> str:
    """Say how many boxes there are, and how many of them are shown.

    Examples
    --------
    >>> count_text(100, "after", 23)
    '100 boxes after suppression, the best 23 shown'
    """
    some = f"{count} box" + ("" if count == 1 else "es")
    return f"{some} {when} suppression" + (f", the best {shown} shown" if shown < count else "")


def checked_image(function: str, image: Any) -> Any:
    """Return an image (C, H, W) as float32 in the computer's memory; ValueError if it is none."""
    image = np.asarray(on_cpu(image), np.float32)
    if image.ndim != 3:
        raise ValueError(f"{function}: image must have shape (C, H, W), got {image.shape}")
    return image


def image_panels(image: Any, count: int) -> tuple[Any, list[Any]]:
    """Return a figure and its panels, the image in each."""
    from matplotlib.figure import Figure

    columns = min(COLUMNS, max(count, 1))
    rows = max(-(-count // columns), 1)
    height = PANEL * image.shape[1] / image.shape[2] + 0.4
    figure = Figure(figsize=(PANEL * columns, height * rows), dpi=100, layout="constrained")
    panels = [figure.add_subplot(rows, columns, i + 1) for i in range(count)]
    picture = overlay(image, np.zeros((*image.shape[1:], 3), np.float32))
    for axes in panels:
        show_picture(axes, picture)
    return figure, panels


def frame(axes: Any, image: Any, boxes: Any) -> None:
    """Show the whole image, and what of the boxes reaches over its border."""
    height, width = image.shape[1:]
    low = np.minimum(boxes[:, :2].min(axis=0, initial=0), 0)
    high = np.maximum(boxes[:, 2:].max(axis=0, initial=0), (width, height))
    axes.set(xlim=(low[0], high[0]), ylim=(high[1], low[1]))


def _draw_truth(axes: Any, truth: Any | None) -> None:
    for box in () if truth is None else np.asarray(on_cpu(truth)):
        draw_box(axes, box, TRUTH, width=2)
