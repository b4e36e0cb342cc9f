"""Pictures: images under coloured masks, and the figure of the demo.

Classes have the colours of Okabe & Ito's palette, which people with any colour vision tell apart.
Instances have colours of their own, neighbours in number far apart in hue.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .data.images import write_whole

PALETTE = np.array(
    [
        (0, 0, 0),
        (0, 114, 178),
        (230, 159, 0),
        (0, 158, 115),
        (204, 121, 167),
        (86, 180, 233),
        (213, 94, 0),
        (240, 228, 66),
        (153, 153, 153),
        (117, 112, 179),
        (102, 166, 30),
        (166, 118, 29),
    ],
    np.float32,
) / np.float32(255)
VOID = np.ones(3, np.float32)


def class_colours(labels: Any) -> Any:
    """Colour each pixel by its class.

    Parameters
    ----------
    labels : (H, W) integer array
        Classes; 0 is black, 255 (void) white. Beyond 12 classes colours repeat.

    Returns
    -------
    (H, W, 3) float32 array in 0 … 1

    Examples
    --------
    >>> class_colours(np.array([[0, 255]])).tolist()
    [[[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]]
    """
    labels = np.asarray(labels)
    wrapped = np.where(labels == 0, 0, 1 + (labels - 1) % (len(PALETTE) - 1))
    return np.where((labels == 255)[..., None], VOID, PALETTE[wrapped])


def instance_colours(instances: Any) -> Any:
    """Colour each object.

    Parameters
    ----------
    instances : (H, W) integer array
        Number of the object at each pixel, 0 for none (black).

    Returns
    -------
    (H, W, 3) float32 array in 0 … 1

    Examples
    --------
    >>> instance_colours(np.array([[0, 1]]))[0, 0].tolist()
    [0.0, 0.0, 0.0]
    """
    number = np.asarray(instances)
    hue = (number * 0.61803398875) % 1.0  # the golden ratio spreads successive hues evenly
    lightness = 0.75 + 0.25 * ((number * 0.41421356) % 1.0)
    channels = [np.clip(np.abs((hue * 6 + k) % 6 - 3) - 1, 0, 1) for k in (0, 4, 2)]
    rgb = np.stack(channels, axis=-1) * 0.8 + 0.2
    return np.where((number > 0)[..., None], rgb * lightness[..., None], 0).astype(np.float32)


def overlay(image: Any, colours: Any, alpha: float = 0.45) -> Any:
    """Lay colours over an image where they are not black, and outline the regions.

    Parameters
    ----------
    image : (C, H, W) float array in 0 … 1
        Shown in colour if C = 3, else its first channel in grey.
    colours : (H, W, 3) array
        From `class_colours` or `instance_colours`.
    alpha : float
        How opaque the colours are inside a region; their outline is opaque.

    Returns
    -------
    (H, W, 3) float32 array in 0 … 1

    Raises
    ------
    ValueError
        If the sizes differ.

    Examples
    --------
    >>> overlay(np.ones((1, 2, 2)), np.zeros((2, 2, 3))).min()
    np.float32(1.0)
    """
    image = np.asarray(image, np.float32)
    if image.ndim != 3 or image.shape[1:] != colours.shape[:2]:
        raise ValueError(
            f"overlay: image must have shape (C, H, W) with the size of the colours "
            f"{colours.shape[:2]}, got {image.shape}"
        )
    grey = image if len(image) == 3 else image[[0, 0, 0]]
    base = np.clip(np.moveaxis(grey, 0, -1), 0, 1)
    marked = colours.any(axis=-1)
    weight = np.where(outline(colours), 1.0, alpha) * marked
    return ((1 - weight[..., None]) * base + weight[..., None] * colours).astype(np.float32)


def outline(colours: Any) -> Any:
    """Mark the pixels whose right or lower, left or upper neighbour has another colour: (H, W)."""
    edge = np.zeros(colours.shape[:2], bool)
    down = (colours[1:] != colours[:-1]).any(axis=-1)
    right = (colours[:, 1:] != colours[:, :-1]).any(axis=-1)
    edge[1:] |= down
    edge[:-1] |= down
    edge[:, 1:] |= right
    edge[:, :-1] |= right
    return edge


def save_figure(figure: Any, path: str | os.PathLike[str]) -> None:
    """Write a matplotlib figure as PNG, whole or not at all."""
    write_whole(Path(path), lambda file: figure.savefig(file, format="png"))


def demo_figure(
    panels: Sequence[tuple[str, Any]], losses: Sequence[float], scores: Mapping[str, str]
) -> Any:
    """Draw the demo's picture: four panels, the loss curve and the scores.

    Parameters
    ----------
    panels : sequence of (title, (H, W, 3) or (H, W) array)
        Pictures of one size.
    losses : sequence of float
        Training loss of each step.
    scores : mapping
        Lines of text under the curve.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 6.2), dpi=100, layout="constrained")
    grid = figure.add_gridspec(2, len(panels) + 1, height_ratios=(3, 1))
    axes = [figure.add_subplot(grid[:, i]) for i in range(len(panels))]
    for ax, (title, picture) in zip(axes, panels, strict=True):
        ax.imshow(picture, cmap="gray", interpolation="nearest")
        ax.set_title(title)
        ax.set_axis_off()
    curve = figure.add_subplot(grid[0, -1])
    curve.plot(np.arange(1, len(losses) + 1), losses, color=PALETTE[5], linewidth=0.8)
    curve.plot(*_smoothed(losses), color=PALETTE[1], linewidth=2)
    curve.set(title="training loss", xlabel="step", yscale="log")
    curve.spines[["top", "right"]].set_visible(False)
    text = figure.add_subplot(grid[1, -1])
    text.set_axis_off()
    lines = "\n".join(f"{name}: {value}" for name, value in scores.items())
    text.text(0, 1, lines, va="top", fontsize=11, transform=text.transAxes)
    return figure


def _smoothed(values: Sequence[float], window: int = 15) -> tuple[Any, Any]:
    """Return the steps and the running mean of the last `window` values."""
    width = min(window, len(values))
    mean = np.convolve(values, np.full(width, 1 / width), mode="valid")
    return np.arange(width, len(values) + 1), mean
