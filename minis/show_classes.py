"""The box head's answers in pictures: class probabilities, and the objects chosen by them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .backend import on_cpu
from .show import PALETTE
from .show_instances import draw_box
from .show_stages import checked_image, count_text, frame, image_panels, least_score

CELL = 0.55  # width of a table's cell, in inches


def show_class_scores(scores: Any, classes: Sequence[str], rows: Sequence[str]) -> Any:
    """Draw a table of class probabilities, the larger the darker.

    Parameters
    ----------
    scores : (R, K) float array in 0 … 1
    classes : sequence of K str
        Names of the columns.
    rows : sequence of R str
        Names of the rows.

    Returns
    -------
    matplotlib.figure.Figure
        A frame marks each row's greatest.

    Raises
    ------
    ValueError
        If there aren't as many names as rows and columns.

    Examples
    --------
    >>> figure = show_class_scores(np.array([[0.1, 0.9]]), ("background", "cell"), ["proposal 1"])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['0.10', '0.90']
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    scores = np.asarray(on_cpu(scores))
    if scores.shape != (len(rows), len(classes)):
        raise ValueError(
            f"show_class_scores: {len(rows)} rows and {len(classes)} classes, but scores of shape "
            f"{scores.shape}"
        )
    size = CELL * len(classes) + 2.0, 0.6 * CELL * len(rows) + 1.0
    figure = Figure(figsize=size, dpi=100, layout="constrained")
    axes = figure.add_subplot()
    if scores.size:
        axes.imshow(scores, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), score in np.ndenumerate(scores):
        colour = "white" if score > 0.5 else "black"
        axes.text(column, row, f"{score:.2f}", ha="center", va="center", color=colour, fontsize=8)
    for row, column in enumerate(scores.argmax(axis=1) if scores.size else ()):
        axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, lw=1.5))
    axes.set_xticks(range(len(classes)), classes, rotation=45, ha="left", fontsize=8)
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(rows)), rows, fontsize=8)
    return figure


def show_class_boxes(
    image: Any,
    before: tuple[Any, Any, Any],
    after: tuple[Any, Any, Any],
    classes: Sequence[str] | None = None,
    *,
    best: int = 50,
) -> Any:
    """Draw boxes in the colours of their classes, before and after non-maximum suppression.

    Parameters
    ----------
    image : (C, H, W) float array in 0 … 1
    before, after : triples of (P, 4), (P,) and (P,) arrays
        Boxes, scores in 0 … 1 and classes.
    classes : sequence of str, optional
        Names; without them the numbers are written.
    best : int
        How many are drawn before suppression, at most; after it those of them that are left, the
        best ten with class and score.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If boxes, scores and classes don't fit each other.

    Examples
    --------
    >>> boxes = np.array([[0.0, 0, 4, 4], [0, 0, 4, 5]])
    >>> scores, labels = np.array([0.9, 0.8]), np.array([1, 1])
    >>> after = boxes[:1], scores[:1], labels[:1]
    >>> figure = show_class_boxes(np.zeros((3, 8, 8)), (boxes, scores, labels), after)
    >>> [panel.get_title() for panel in figure.axes]
    ['2 boxes before suppression', '1 box after suppression']
    """
    image = checked_image("show_class_boxes", image)
    figure, panels = image_panels(image, 2)
    least = least_score(before[1], best)
    for axes, when, given in zip(panels, ("before", "after"), (before, after), strict=True):
        boxes, scores, labels = (np.asarray(on_cpu(array)) for array in given)
        if boxes.shape != (len(scores), 4) or labels.shape != scores.shape or scores.ndim != 1:
            raise ValueError(
                f"show_class_boxes: boxes, scores and classes {when} suppression must have shapes "
                f"(P, 4), (P,) and (P,), got {boxes.shape}, {scores.shape} and {labels.shape}"
            )
        order = np.argsort(-scores, kind="stable")
        order = order[scores[order] >= least][:best]
        for place, row in reversed(list(enumerate(order))):
            name = str(labels[row]) if classes is None else classes[labels[row]]
            text = f"{name} {scores[row]:.2f}" if when == "after" and place < 10 else ""
            colour = PALETTE[1 + (int(labels[row]) - 1) % (len(PALETTE) - 1)]
            draw_box(axes, boxes[row], colour, text, width=1)
        axes.set_title(count_text(len(boxes), when, len(order)), fontsize=9)
        frame(axes, image, boxes[order])
    return figure
