"""The anchors of a feature pyramid, and the order in which predictions meet them.

At every cell of every map sit the same few boxes, larger on coarser maps (Lin et al. 2017,
"Feature Pyramid Networks", section 4.1: one size a level, three ratios). A convolution predicts K
numbers for each: its map has A·K channels, those of the first anchor first. As rows, one an
anchor, they stand in the order of `ops.generate_anchors`: cell by cell, and anchor by anchor
within a cell.

    (N, A·K, H, W)  ◄──►  (N, H·W·A, K)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import ops
from ...backend import array_namespace


def pyramid_anchors(
    features: Sequence[Any],
    padded: tuple[int, int],
    sizes: Sequence[Sequence[float]],
    ratios: Sequence[float],
) -> list[Any]:
    """Lay anchors over each level of a pyramid.

    Parameters
    ----------
    features : sequence of (N, C, H, W) float arrays
        Maps of one batch of images; only shapes, dtype and device are read.
    padded : (int, int)
        Height and width of the batch: it decides the strides.
    sizes : sequence of sequences of float
        For each level, the square roots of the anchors' areas.
    ratios : sequence of float
        Height over width.

    Returns
    -------
    list of (H·W·A, 4) arrays
        One for each level, of its map's dtype; every image of the batch has the same.

    Raises
    ------
    TypeError, ValueError
        As `ops.generate_anchors`.

    Examples
    --------
    >>> import numpy as np
    >>> maps = [np.zeros((1, 8, 4, 4)), np.zeros((1, 8, 2, 2))]
    >>> anchors = pyramid_anchors(maps, (64, 64), [(32,), (64,)], (0.5, 1.0, 2.0))
    >>> [level.shape for level in anchors], anchors[0][0]
    ([(48, 4), (12, 4)], array([-23., -11.,  23.,  11.]))
    """
    shapes = [(int(x.shape[2]), int(x.shape[3])) for x in features]
    levels = ops.generate_anchors(padded, shapes, sizes=sizes, ratios=ratios)
    return [
        array_namespace(x).asarray(level, x.dtype)
        for x, level in zip(features, levels, strict=True)
    ]


def map_to_rows(x: Any, k: int) -> Any:
    """Write a map of K numbers an anchor as one row an anchor.

    Parameters
    ----------
    x : (N, A·K, H, W) array
        Predictions.
    k : int
        Numbers for each anchor.

    Returns
    -------
    (N, H·W·A, K) array

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(8).reshape(1, 4, 1, 2)  # two anchors with K = 2, at two cells
    >>> map_to_rows(x, 2)[0]
    array([[0, 2],
           [4, 6],
           [1, 3],
           [5, 7]])
    """
    # (N, A·K, H, W) -> (N, H, W, A·K) -> (N, H·W·A, K)
    return x.transpose(0, 2, 3, 1).reshape(x.shape[0], -1, k)


def rows_to_map(rows: Any, h: int, w: int) -> Any:
    """Take `map_to_rows` back, for the gradient.

    Parameters
    ----------
    rows : (N, H·W·A, K) array
    h, w : int
        Height and width of the map.

    Returns
    -------
    (N, A·K, H, W) array

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(24).reshape(1, 12, 1, 2)
    >>> bool((rows_to_map(map_to_rows(x, 4), 1, 2) == x).all())
    True
    """
    # (N, H·W·A, K) -> (N, H, W, A·K) -> (N, A·K, H, W)
    x = rows.reshape(rows.shape[0], h, w, -1).transpose(0, 3, 1, 2)
    return array_namespace(x).ascontiguousarray(x)
