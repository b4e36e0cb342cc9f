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


def show_anchors(
    image: Any, anchors: Sequence[Any], per_cell: int, truth: Any | None = None
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
    ['level 1: 4 × 4 cells, 48 anchors', 'level 2: 2 × 2 cells, 12 anchors']
    """
    image = _image("show_anchors", image)
    figure, panels = _panels(image, len(anchors))
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
        _frame(axes, image, chosen)
        columns = len(np.unique(centres[:, 0]))
        axes.set_title(
            f"level {level}: {len(cells) // columns} × {columns} cells, {len(flat)} anchors",
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
    """Draw proposals before and after non-maximum suppression, the brighter the better.

    Parameters
    ----------
    image : (C, H, W) float array in 0 … 1
    before, after : pairs of (P, 4) and (P,) float arrays
        Boxes and their scores in 0 … 1.
    truth : (M, 4) array, optional
        True boxes, drawn in green.
    best : int
        How many are drawn, at most.

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
    >>> [panel.get_title() for panel in figure.axes]
    ['2 boxes before suppression', '1 box after suppression']
    """
    from matplotlib import colormaps

    image = _image("show_proposals", image)
    figure, panels = _panels(image, 2)
    for axes, when, pair in zip(panels, ("before", "after"), (before, after), strict=True):
        boxes, scores = (np.asarray(on_cpu(array)) for array in pair)
        if boxes.shape != (len(scores), 4) or scores.ndim != 1:
            raise ValueError(
                f"show_proposals: boxes and scores {when} suppression must have shapes (P, 4) and "
                f"(P,), got {boxes.shape} and {scores.shape}"
            )
        for row in np.argsort(-scores, kind="stable")[:best][::-1]:
            draw_box(axes, boxes[row], colormaps["plasma"](float(scores[row]))[:3], width=1)
        _draw_truth(axes, truth)
        some = f"{len(boxes)} box" + ("" if len(boxes) == 1 else "es")
        shown = f", best {best}" if len(boxes) > best else ""
        axes.set_title(f"{some} {when} suppression{shown}", fontsize=9)
        _frame(axes, image, boxes)
    return figure


def _image(function: str, image: Any) -> Any:
    image = np.asarray(on_cpu(image), np.float32)
    if image.ndim != 3:
        raise ValueError(f"{function}: image must have shape (C, H, W), got {image.shape}")
    return image


def _panels(image: Any, count: int) -> tuple[Any, list[Any]]:
    """Return a figure of one row, the image in each panel."""
    from matplotlib.figure import Figure

    height = PANEL * image.shape[1] / image.shape[2] + 0.4
    figure = Figure(figsize=(PANEL * max(count, 1), height), dpi=100, layout="constrained")
    panels = [figure.add_subplot(1, count, i + 1) for i in range(count)]
    picture = overlay(image, np.zeros((*image.shape[1:], 3), np.float32))
    for axes in panels:
        show_picture(axes, picture)
    return figure, panels


def _frame(axes: Any, image: Any, boxes: Any) -> None:
    """Show the whole image, and what of the boxes reaches over its border."""
    height, width = image.shape[1:]
    low = np.minimum(boxes[:, :2].min(axis=0, initial=0), 0)
    high = np.maximum(boxes[:, 2:].max(axis=0, initial=0), (width, height))
    axes.set(xlim=(low[0], high[0]), ylim=(high[1], low[1]))


def _draw_truth(axes: Any, truth: Any | None) -> None:
    for box in () if truth is None else np.asarray(on_cpu(truth)):
        draw_box(axes, box, TRUTH, width=2)
