"""Regions of an image as columns, each row of pictures being one step of what is done with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .backend import on_cpu
from .show_instances import show_picture
from .show_regions import crop_picture, draw_logits

TILE = 1.5  # side of a picture, in inches
SURE = 6.0  # beyond such a logit the probability hardly changes: 0.998


def show_regions(crops: Any, features: Any, texts: Sequence[str]) -> Any:
    """Draw regions of an image, and under each the features that are cut out for it.

    Parameters
    ----------
    crops : (R, C, S, S) float array
        Of the image, in 0 … 1, as `image_crops` gives them.
    features : (R, D, B, B) float array
        Of RoIAlign. As `show_crops` does, it shows the root of their mean square.
    texts : sequence of R str
        A title for each.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there aren't as many of each.

    Examples
    --------
    >>> figure = show_regions(np.ones((2, 1, 56, 56)), np.ones((2, 32, 7, 7)), ["one", "two"])
    >>> len(figure.axes), figure.axes[0].get_title()
    (4, 'one')
    """
    crops, features = (np.asarray(on_cpu(a), np.float32) for a in (crops, features))
    _check("show_regions", texts, crops=crops, features=features)
    bins = features.shape[-1]
    figure, rows = _grid(texts, 2)
    for axes_of_row, pictures in zip(rows, (crops, features), strict=True):
        for axes, picture in zip(axes_of_row, pictures, strict=True):
            show_picture(axes, crop_picture(picture))
    _name_rows(rows, ("image", f"features, {bins} × {bins}"))
    return figure


def show_masks(
    crops: Any, logits: Any, probabilities: Any, pasted: Any, texts: Sequence[str]
) -> Any:
    """Draw how the masks of objects come about: logits, probabilities, and pixels of the image.

    Parameters
    ----------
    crops : (R, C, S, S) float array
        Of the image, in 0 … 1.
    logits, probabilities : (R, B, B) float arrays
        Of each object's own class, on a grid over its box.
    pasted : sequence of R (H_r, W_r) float arrays
        The part of the image's mask that lies in the box: probabilities.
    texts : sequence of R str
        A title for each.

    Returns
    -------
    matplotlib.figure.Figure
        A column for each object. Lines are drawn where the logit is 0 and the probability ½.

    Raises
    ------
    ValueError
        If there aren't as many of each.

    Examples
    --------
    >>> logits = np.random.default_rng(0).normal(size=(1, 28, 28))
    >>> crops, pasted = np.ones((1, 1, 56, 56)), [np.ones((30, 20))]
    >>> len(show_masks(crops, logits, 1 / (1 + np.exp(-logits)), pasted, ["a cell"]).axes)
    6
    """
    crops, logits, probabilities = (
        np.asarray(on_cpu(a), np.float32) for a in (crops, logits, probabilities)
    )
    _check("show_masks", texts, crops=crops, logits=logits, probabilities=probabilities)
    _check("show_masks", texts, pasted=pasted)
    grid = f"{logits.shape[-1]} × {logits.shape[-1]}"
    names = ("image", f"logits, {grid}", f"probabilities, {grid}", "pasted, in pixels")
    figure, rows = _grid(texts, len(names))
    for column in range(len(texts)):
        image, raw, probable, mask = (row[column] for row in rows)
        show_picture(image, crop_picture(crops[column]))
        red_blue = draw_logits(raw, logits[column], SURE)
        for axes, array in ((probable, probabilities[column]), (mask, pasted[column])):
            array = np.asarray(on_cpu(array))
            grey = axes.imshow(array, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            if min(array.shape) > 1 and array.min() < 0.5 < array.max():
                axes.contour(array, levels=[0.5], colors=["orangered"], linewidths=1)
    _name_rows(rows, names)
    if texts:
        figure.colorbar(red_blue, ax=rows[1], label="logit", extend="both")
        figure.colorbar(grey, ax=[*rows[2], *rows[3]], label="probability")
    return figure


def _check(function: str, texts: Sequence[str], **arrays: Any) -> None:
    for name, array in arrays.items():
        if len(array) != len(texts):
            raise ValueError(f"{function}: {len(texts)} texts but {len(array)} {name}")


def _grid(texts: Sequence[str], height: int) -> tuple[Any, list[list[Any]]]:
    """Return a figure of a column for each text, and its panels row by row."""
    from matplotlib.figure import Figure

    count = len(texts)
    size = TILE * max(count, 2) + 1.2, TILE * height + 0.5
    figure = Figure(figsize=size, dpi=100, layout="constrained")
    rows = [
        [figure.add_subplot(height, count, row * count + i + 1) for i in range(count)]
        for row in range(height)
    ]
    for axes, text in zip(rows[0], texts, strict=True):
        axes.set_title(text, fontsize=8)
    return figure, rows


def _name_rows(rows: list[list[Any]], names: Sequence[str]) -> None:
    for panels, name in zip(rows, names, strict=True):
        for axes in panels[:1]:
            axes.set(xticks=[], yticks=[])
            axes.set_axis_on()  # else the label wouldn't be seen
            axes.set_frame_on(False)
            axes.set_ylabel(name, fontsize=9)
        for axes in panels[1:]:
            axes.set_axis_off()
