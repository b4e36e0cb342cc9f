"""The second stage of a detector in pictures: what its heads see of a box, and mask logits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import ops
from .backend import on_cpu
from .show_instances import show_picture

COLUMNS = 8
TILE = 1.3  # side of a crop's panel, in inches


def image_crops(image: Any, boxes: Any, size: int = 56) -> Any:
    """Cut boxes out of an image by RoIAlign, as the heads see them, but finer.

    Parameters
    ----------
    image : (C, H, W) float array
    boxes : (R, 4) float array
    size : int
        Side of the crops, in samples.

    Returns
    -------
    (R, C, size, size) array

    Examples
    --------
    >>> image_crops(np.ones((3, 8, 8)), np.array([[0.0, 0.0, 4.0, 6.0]]), 14).shape
    (1, 3, 14, 14)
    """
    image = np.asarray(on_cpu(image))
    rows = np.asarray(on_cpu(boxes), image.dtype)
    indexed = np.concatenate([np.zeros((len(rows), 1), image.dtype), rows], axis=1)
    return ops.roi_align(image[None], indexed, size, sampling_ratio=2, aligned=True)


def show_crops(crops: Any, texts: Sequence[str] | None = None) -> Any:
    """Draw RoI crops, of an image or of features.

    Parameters
    ----------
    crops : (R, C, S, S) float array
        Three channels in 0 … 1 are colours, one is grey; of more, which are features, the root of
        the mean square over the channels is shown, from 0 (black) to the crop's greatest (white).
    texts : sequence of str, optional
        A title for each.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If crops haven't four axes, or texts aren't as many.

    Examples
    --------
    >>> figure = show_crops(np.ones((2, 256, 7, 7)), ["a box", "another"])
    >>> [panel.get_title() for panel in figure.axes]
    ['a box', 'another']
    """
    crops = np.asarray(on_cpu(crops), np.float32)
    if crops.ndim != 4:
        raise ValueError(f"show_crops: crops must have shape (R, C, S, S), got {crops.shape}")
    figure, tiles = _tiles("show_crops", len(crops), texts)
    for axes, crop in zip(tiles, crops, strict=True):
        show_picture(axes, crop_picture(crop))
    return figure


def crop_picture(crop: Any) -> Any:
    """Return what `show_crops` shows of a crop (C, S, S): (S, S, 3) or (S, S) in 0 … 1."""
    if len(crop) == 3:
        return np.clip(np.moveaxis(crop, 0, -1), 0, 1)
    if len(crop) == 1:
        return np.clip(crop[0], 0, 1)
    energy = np.sqrt((crop**2).mean(axis=0))
    return energy / max(float(energy.max(initial=0)), 1e-12)


def show_mask_logits(
    logits: Any, labels: Any | None = None, texts: Sequence[str] | None = None
) -> Any:
    """Draw mask logits: red where object, blue where not, a line where they are 0.

    Parameters
    ----------
    logits : (R, K, S, S) or (R, S, S) float array
        For each RoI a mask of each class, or of its own class.
    labels : (R,) integer array, optional
        Which of the K masks; needed if there are several.
    texts : sequence of str, optional
        A title for each.

    Returns
    -------
    matplotlib.figure.Figure
        One scale of colours for all, symmetric about 0.

    Raises
    ------
    ValueError
        If shapes don't fit, or labels are missing.

    Examples
    --------
    >>> logits = np.random.default_rng(0).normal(size=(2, 11, 28, 28))
    >>> [panel.get_title() for panel in show_mask_logits(logits, np.array([3, 7])).axes][:2]
    ['class 3', 'class 7']
    """
    logits = np.asarray(on_cpu(logits))
    if logits.ndim == 4:
        chosen = None if labels is None else np.asarray(on_cpu(labels))
        if chosen is None or chosen.shape != (len(logits),):
            raise ValueError(
                f"show_mask_logits: logits of shape {logits.shape} need {len(logits)} labels"
            )
        logits = logits[np.arange(len(logits)), chosen]
        texts = [f"class {label}" for label in chosen] if texts is None else texts
    if logits.ndim != 3:
        raise ValueError(
            f"show_mask_logits: logits must have shape (R, K, S, S) or (R, S, S), got "
            f"{logits.shape}"
        )
    figure, tiles = _tiles("show_mask_logits", len(logits), texts)
    limit = max(float(np.abs(logits).max(initial=0)), 1e-6)
    for axes, mask in zip(tiles, logits, strict=True):
        drawn = draw_logits(axes, mask, limit)
    if len(logits):
        figure.colorbar(drawn, ax=tiles, shrink=0.9, label="logit")
    return figure


def draw_logits(axes: Any, mask: Any, limit: float) -> Any:
    """Draw one mask of logits (S, S), in colours from −limit to limit, and return it."""
    drawn = axes.imshow(mask, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
    if mask.min() < 0 < mask.max():
        axes.contour(mask, levels=[0], colors="black", linewidths=0.8)
    axes.set_axis_off()
    return drawn


def _tiles(function: str, count: int, texts: Sequence[str] | None) -> tuple[Any, list[Any]]:
    """Return a figure of rows of small panels, with their titles."""
    from matplotlib.figure import Figure

    if texts is not None and len(texts) != count:
        raise ValueError(f"{function}: {count} RoIs but {len(texts)} texts")
    columns = min(COLUMNS, max(count, 1))
    rows = max(-(-count // COLUMNS), 1)
    figure = Figure(
        figsize=(TILE * columns + 0.8, (TILE + 0.3) * rows), dpi=100, layout="constrained"
    )
    tiles = [figure.add_subplot(rows, columns, i + 1) for i in range(count)]
    for axes, text in zip(tiles, texts or [""] * count, strict=True):
        axes.set_title(text, fontsize=8)
    return figure, tiles
