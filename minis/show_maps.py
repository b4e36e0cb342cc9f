"""What goes into a detector, and its first answer: how likely each cell is to hold an object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import ops
from .show_instances import show_picture
from .show_stages import checked_image, frame, image_panels


def show_input(image: Any, seen: Any, size: tuple[int, int]) -> Any:
    """Draw an image, and beside it the numbers that a network gets in its place.

    Parameters
    ----------
    image : (C, H, W) float array in 0 … 1
    seen : (C, H', W') float array
        Resized, normalised and padded.
    size : (int, int)
        Height and width without the padding, which is marked off by a line if there is any.

    Returns
    -------
    matplotlib.figure.Figure
        Of `seen` a panel for each channel, on one scale of colours, symmetric about 0.

    Raises
    ------
    ValueError
        If one of them has not the shape of an image.

    Examples
    --------
    >>> figure = show_input(np.ones((1, 6, 8)), np.zeros((1, 32, 32)), (24, 32))
    >>> [panel.get_title() for panel in figure.axes][:2]
    ['the image, 6 × 8', 'channel 1 as the network sees it, 32 × 32']
    """
    image, seen = checked_image("show_input", image), checked_image("show_input", seen)
    height, width = seen.shape[1:]
    figure, panels = image_panels(seen, 1 + len(seen))
    first, *others = panels
    first.clear()
    three = np.moveaxis(image if len(image) == 3 else image[[0, 0, 0]], 0, -1)
    show_picture(first, np.clip(three, 0, 1))
    first.set_title(f"the image, {' × '.join(map(str, image.shape[1:]))}", fontsize=9)
    limit = max(float(np.abs(seen).max(initial=0)), 1e-6)
    for number, (axes, channel) in enumerate(zip(others, seen, strict=True), start=1):
        drawn = axes.imshow(
            channel, extent=(0, width, height, 0), cmap="RdBu_r", vmin=-limit, vmax=limit
        )
        axes.set_title(f"channel {number} as the network sees it, {height} × {width}", fontsize=9)
        for draw, at, end in ((axes.axhline, size[0], height), (axes.axvline, size[1], width)):
            if at < end:
                draw(at, color="black", linewidth=1, linestyle="--")
    figure.colorbar(drawn, ax=others, shrink=0.9, label="normalised value")
    return figure


def show_objectness(image: Any, logits: Sequence[Any], names: Sequence[str] | None = None) -> Any:
    """Draw how likely each cell of a pyramid holds an object: that of its best anchor.

    Parameters
    ----------
    image : (C, H, W) float array in 0 … 1
        The padded image that the maps are of.
    logits : sequence of (A, H_l, W_l) float arrays
        For each level.
    names : sequence of str, optional
        Of the levels; by default they are numbered.

    Returns
    -------
    matplotlib.figure.Figure
        The image, and a panel for each level.

    Raises
    ------
    ValueError
        If the image or a map has not three axes.

    Examples
    --------
    >>> figure = show_objectness(np.zeros((1, 8, 8)), [np.zeros((3, 4, 4)), np.zeros((3, 2, 2))])
    >>> [panel.get_title() for panel in figure.axes][1:3]
    ['level 1: 4 × 4 cells, at most 0.50', 'level 2: 2 × 2 cells, at most 0.50']
    """
    image = checked_image("show_objectness", image)
    figure, (first, *others) = image_panels(image, 1 + len(logits))
    first.set_title("the image", fontsize=9)
    height, width = image.shape[1:]
    for level, (axes, logit) in enumerate(zip(others, logits, strict=True), start=1):
        probability = ops.sigmoid(checked_image("show_objectness", logit)).max(axis=0)
        drawn = axes.imshow(
            probability,
            extent=(0, width, height, 0),
            cmap="inferno",
            vmin=0,
            vmax=1,
            interpolation="nearest",
        )
        rows, columns = probability.shape
        name = names[level - 1] if names else f"level {level}"
        axes.set_title(
            f"{name}: {rows} × {columns} cells, at most {probability.max(initial=0):.2f}",
            fontsize=9,
        )
        frame(axes, image, np.zeros((0, 4)))
    figure.colorbar(drawn, ax=others, shrink=0.9, label="probability of an object")
    return figure
