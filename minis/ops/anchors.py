"""Anchors: the boxes that a region proposal network starts from, and which objects they stand for.

Faster R-CNN (Ren et al. 2015, section 3.1): at every cell of a feature map sit a few boxes of
given sizes and aspect ratios. In training each is matched with a ground-truth box, with
background, or with neither, and a balanced few of them enter the loss.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.random import Generator

from ..backend import accelerated, array_namespace, on_cpu
from .checks import check_float, check_int, check_integer, check_ndim, check_number, per_axis
from .windows import Axes

BACKGROUND = -1
BETWEEN = -2  # neither matched nor background: enters no loss


@accelerated
def generate_anchors(
    image_size: int | Axes,
    feature_sizes: Sequence[int | Axes],
    *,
    sizes: Sequence[Sequence[float]] = ((32,), (64,), (128,), (256,), (512,)),
    ratios: Sequence[float] = (0.5, 1.0, 2.0),
) -> list[Any]:
    """Lay anchors over every cell of every level of a feature pyramid.

    Parameters
    ----------
    image_size : (int, int)
        Height and width of the (padded) image.
    feature_sizes : sequence of (int, int)
        Height and width of each level's feature map.
    sizes : sequence of sequences of float
        For each level, the square roots of the anchors' areas, in pixels.
    ratios : sequence of float
        Height over width, on every level.

    Returns
    -------
    list of (H·W·A, 4) float32 arrays
        One per level: boxes (x1, y1, x2, y2), cell by cell in row-major order, and within a cell
        ratio by ratio, each with all sizes. They may reach over the image's borders.

    Raises
    ------
    TypeError, ValueError
        If a size or ratio is not positive, or `sizes` and `feature_sizes` differ in length.

    Notes
    -----
    As torchvision's `AnchorGenerator`: corners around the origin are rounded, half to even; the
    anchors of cell (i, j) are centred at (j·stride, i·stride), the cell's top left corner, with
    stride = image size // feature size.

    Examples
    --------
    >>> generate_anchors((64, 64), [(2, 2)], sizes=[(32,)], ratios=(1.0,))[0]
    array([[-16., -16.,  16.,  16.],
           [ 16., -16.,  48.,  16.],
           [-16.,  16.,  16.,  48.],
           [ 16.,  16.,  48.,  48.]], dtype=float32)
    """
    name = "generate_anchors"
    height, width = per_axis(name, "image_size", image_size, 2, low=1)
    for text, of_levels in (("feature_sizes", feature_sizes), ("sizes", sizes)):
        if not isinstance(of_levels, Sequence):
            raise TypeError(
                f"{name}: {text} must be a sequence, one entry a level, got {of_levels!r}"
            )
    if len(sizes) != len(feature_sizes):
        raise ValueError(
            f"{name}: sizes must name each of the {len(feature_sizes)} levels, got {len(sizes)}"
        )
    for text, values in (("ratios", ratios), *(("each of sizes", level) for level in sizes)):
        if isinstance(values, str) or not isinstance(values, Sequence):
            raise TypeError(f"{name}: {text} must be a sequence of numbers, got {values!r}")
        for value in values:
            check_number(name, f"each number of {text}", value)
            if not 0 < value < math.inf:
                raise ValueError(f"{name}: sizes and ratios must be positive, got {value}")
    levels = []
    for feature_size, level_sizes in zip(feature_sizes, sizes, strict=True):
        h, w = per_axis(name, "feature_sizes", feature_size, 2, low=1)
        root = np.sqrt(np.asarray(ratios, np.float32))  # (ratios,)
        side = np.asarray(level_sizes, np.float32)  # (sizes,)
        half_w = ((1 / root)[:, None] * side).ravel() / 2  # (A,), w·h = side², h/w = ratio
        half_h = (root[:, None] * side).ravel() / 2
        around_origin = np.stack([-half_w, -half_h, half_w, half_h], axis=1).round()  # (A, 4)
        y, x = np.meshgrid(np.arange(h) * (height // h), np.arange(w) * (width // w), indexing="ij")
        centres = np.stack([x, y, x, y], axis=-1).reshape(-1, 1, 4)  # (H·W, 1, 4)
        levels.append((centres + around_origin).reshape(-1, 4).astype(np.float32))
    return levels


@accelerated
def match_anchors(
    iou: Any, *, high: float = 0.7, low: float = 0.3, allow_low_quality: bool = True
) -> Any:
    """Give each anchor the ground-truth box that it overlaps most, if it does so enough.

    Parameters
    ----------
    iou : (M, A) float array
        IoU of each of M ground-truth boxes with each anchor.
    high, low : float
        An anchor whose best IoU is at least `high` is matched, one below `low` is background, and
        those between are neither.
    allow_low_quality : bool
        Whether an anchor that overlaps some ground-truth box as much as any anchor does is
        matched too, however little that is: a ground-truth box that no anchor touches makes every
        anchor of IoU 0 a match. It is matched with the box that *it* overlaps most.

    Returns
    -------
    (A,) int64 array
        Index of the matched box, −1 for background, −2 for neither. With M = 0, all background.

    Raises
    ------
    TypeError, ValueError
        If `iou` is not a floating (M, A) array, or the thresholds are not 0 ≤ low ≤ high.

    Notes
    -----
    As torchvision's `Matcher`. `match + 1` is what `sample_balanced` takes for labels.

    Examples
    --------
    >>> match_anchors(np.array([[0.9, 0.5, 0.1, 0.0], [0.0, 0.1, 0.25, 0.1]]))
    array([ 0, -2,  1, -1])
    """
    check_float("match_anchors", iou=iou)
    check_ndim("match_anchors", 2, "(M, A)", iou=iou)
    check_number("match_anchors", "low", low, low=0)
    check_number("match_anchors", "high", high, low=low)
    xp = array_namespace(iou)
    if iou.shape[0] == 0 or iou.shape[1] == 0:
        return xp.full(iou.shape[1], BACKGROUND, np.int64)
    best_box, best_iou = iou.argmax(axis=0), iou.max(axis=0)  # (A,)
    match = xp.where(best_iou < low, BACKGROUND, xp.where(best_iou < high, BETWEEN, best_box))
    if allow_low_quality:
        best_of_box = iou.max(axis=1, keepdims=True)  # (M, 1)
        as_good_as_any = (iou == best_of_box).any(axis=0)  # (A,)
        match = xp.where(as_good_as_any, best_box, match)
    return match.astype(np.int64)


@accelerated
def sample_balanced(
    labels: Any, count: int, positive_fraction: float, rng: Generator
) -> tuple[Any, Any]:
    """Draw a fixed number of anchors, with at most a given share of positive ones.

    Parameters
    ----------
    labels : (A,) integer array
        ≥ 1 is positive, 0 negative; what is below 0 is never drawn.
    count : int
        How many to draw in all.
    positive_fraction : float
        Largest share of positives; negatives fill up what they leave.
    rng : numpy.random.Generator
        Draws without replacement.

    Returns
    -------
    positive, negative : int64 arrays
        Sorted indices into `labels`.

    Raises
    ------
    TypeError, ValueError
        If labels are not integers of shape (A,), `count` is negative or the share not in 0 … 1.

    Notes
    -----
    The rule of torchvision's `BalancedPositiveNegativeSampler`: ⌊count · positive_fraction⌋
    positives if there are as many.

    Examples
    --------
    >>> labels = np.array([1, 0, 0, -1, 0, 0])
    >>> positive, negative = sample_balanced(labels, 4, 0.5, np.random.default_rng(0))
    >>> positive, len(negative)
    (array([0]), 3)
    """
    check_integer("sample_balanced", labels=labels)
    check_ndim("sample_balanced", 1, "(A,)", labels=labels)
    check_int("sample_balanced", "count", count, low=0)
    check_number("sample_balanced", "positive_fraction", positive_fraction, low=0, high=1)
    if not isinstance(rng, Generator):
        raise TypeError(f"sample_balanced: rng must be a numpy.random.Generator, got {rng!r}")
    xp = array_namespace(labels)
    here = on_cpu(labels)
    positive, negative = np.flatnonzero(here >= 1), np.flatnonzero(here == 0)
    num_positive = min(int(count * positive_fraction), len(positive))
    num_negative = min(count - num_positive, len(negative))
    drawn = (
        rng.choice(positive, num_positive, replace=False),
        rng.choice(negative, num_negative, replace=False),
    )
    return xp.asarray(np.sort(drawn[0])), xp.asarray(np.sort(drawn[1]))
