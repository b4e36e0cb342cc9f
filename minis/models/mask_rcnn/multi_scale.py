"""RoIAlign on a feature pyramid: every box is read from the level that suits its size.

A box as large as the images that the body was trained on, 224², is read from P4, one of half that
size from P3, and so on (Lin et al. 2017, "Feature Pyramid Networks", equation 1):

    k = ⌊4 + log2(√(w·h) / 224)⌋        within the levels that there are

so that the grid of bins always covers a similar number of cells. The levels' results are put back
into the order of the boxes. Backward takes them apart again, level by level.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import ops
from ...backend import array_namespace
from ...nn import Module
from ...ops.checks import check_boxes, check_int

CANONICAL_SIZE = 224  # a box of this size …
CANONICAL_LEVEL = 4  # … is read from this level, of stride 2⁴
ROUNDING = 1e-6  # on log2: so that a box of exactly 224² counts as such


class MultiScaleRoIAlign(Module):
    """Cut boxes out of a feature pyramid, each from one level, at one fixed size.

    Parameters
    ----------
    bins : int
        Bins in height and in width, S.
    sampling_ratio : int
        Samples per bin along each axis.
    aligned : bool
        Of `ops.roi_align`. torchvision's `MultiScaleRoIAlign` has False, detectron2 True: half a
        cell apart. The paper is not explicit there.

    Examples
    --------
    >>> pool = MultiScaleRoIAlign(7)
    >>> features = [np.zeros((1, 8, 64 // 2**i, 64 // 2**i)) for i in range(4)]
    >>> pool(features, [np.array([[0.0, 0.0, 90.0, 60.0]])], (256, 256)).shape
    (1, 8, 7, 7)
    """

    def __init__(self, bins: int, *, sampling_ratio: int = 2, aligned: bool = False) -> None:
        super().__init__()
        check_int("MultiScaleRoIAlign", "bins", bins, low=1)
        check_int("MultiScaleRoIAlign", "sampling_ratio", sampling_ratio)
        self.bins, self.sampling_ratio, self.aligned = bins, sampling_ratio, aligned

    def forward(
        self, features: Sequence[Any], boxes: Sequence[Any], image_size: tuple[int, int]
    ) -> Any:
        """Read each box from the level of its size.

        Parameters
        ----------
        features : sequence of (N, C, H_l, W_l) float arrays
            The levels, finest first, each of half the size of the one before.
        boxes : sequence of N (R_n, 4) float arrays
            For each image its boxes (x1, y1, x2, y2), in pixels of the batch's images.
        image_size : (int, int)
            Height and width of the batch's images, padding included.

        Returns
        -------
        (R_1 + … + R_N, C, S, S) array
            The boxes of the first image, then those of the second, and so on.

        Raises
        ------
        TypeError, ValueError
            If there are not as many lists of boxes as images, and as `ops.roi_align`.
        """
        rois = with_image_index(boxes, features[0])  # (R, 5)
        scales = [level_scale(x.shape[2:], image_size) for x in features]
        level = assign_levels(rois[:, 1:], scales)
        xp = array_namespace(rois)
        y = xp.zeros((len(rois), features[0].shape[1], self.bins, self.bins), features[0].dtype)
        read = []
        for i, (x, scale) in enumerate(zip(features, scales, strict=True)):
            rows = xp.flatnonzero(level == i)
            y[rows] = ops.roi_align(x, rois[rows], self.bins, **self._options(scale))
            read.append((rows, scale, x.shape))
        self.remember(rois, read)
        return y

    def backward(self, dy: Any) -> list[Any]:
        """Return the gradient with respect to each level; a level that no box read has zeros.

        Parameters
        ----------
        dy : (R_1 + … + R_N, C, S, S) array

        Returns
        -------
        list of (N, C, H_l, W_l) arrays
        """
        rois, read = self.recall()
        return [
            ops.roi_align_backward(dy[rows], rois[rows], shape, **self._options(scale))
            for rows, scale, shape in read
        ]

    def _options(self, scale: float) -> dict[str, Any]:
        return {
            "spatial_scale": scale,
            "sampling_ratio": self.sampling_ratio,
            "aligned": self.aligned,
        }

    def describe(self) -> str:
        aligned = ", aligned" if self.aligned else ""
        return f"bins={self.bins}, sampling_ratio={self.sampling_ratio}{aligned}"


def with_image_index(boxes: Sequence[Any], features: Any) -> Any:
    """Join the boxes of all images into rows (n, x1, y1, x2, y2), of the features' dtype.

    Examples
    --------
    >>> with_image_index([np.zeros((0, 4)), np.array([[1.0, 2, 3, 4]])], np.zeros((2, 1, 8, 8)))
    array([[1., 1., 2., 3., 4.]])
    """
    if len(boxes) != len(features):
        raise ValueError(
            f"MultiScaleRoIAlign: boxes must be a list of one array per image, {len(features)}, "
            f"got {len(boxes)}"
        )
    xp = array_namespace(features)
    index = [xp.full((len(b), 1), n, features.dtype) for n, b in enumerate(boxes)]
    columns = [xp.asarray(b, features.dtype).reshape(-1, 4) for b in boxes]
    rois = xp.concatenate([xp.concatenate(index), xp.concatenate(columns)], axis=1)
    check_boxes("MultiScaleRoIAlign", rois, maps=len(features))
    return rois


def level_scale(feature_size: Sequence[int], image_size: tuple[int, int]) -> float:
    """Return the cells per pixel of a level, the power of two next to the sizes' quotient.

    Examples
    --------
    >>> level_scale((25, 34), (800, 1088))
    0.03125
    """
    return 2.0 ** round(math.log2(feature_size[0] / image_size[0]))


def assign_levels(boxes: Any, scales: Sequence[float]) -> Any:
    """Return for each box the index of the level that it is read from.

    Parameters
    ----------
    boxes : (R, 4) float array
        Boxes (x1, y1, x2, y2).
    scales : sequence of float
        Cells per pixel of each level, finest first, each half of the one before.

    Returns
    -------
    (R,) int64 array
        Index into `scales`. A box without area is read from the finest level.

    Examples
    --------
    >>> sides = np.array([[0.0], [111], [112], [223], [224], [448], [5000]])
    >>> assign_levels(sides * [0, 0, 1, 1], [1 / 4, 1 / 8, 1 / 16, 1 / 32])
    array([0, 0, 1, 1, 2, 3, 3])
    """
    xp = array_namespace(boxes)
    lowest, highest = (round(-math.log2(scale)) for scale in (scales[0], scales[-1]))
    side = xp.sqrt(xp.maximum((boxes[:, 2:] - boxes[:, :2]).prod(axis=1), 0))  # (R,)
    with np.errstate(divide="ignore"):  # log2(0) is −∞, and below every level
        k = xp.floor(CANONICAL_LEVEL + xp.log2(side / CANONICAL_SIZE) + ROUNDING)
    return xp.clip(k, lowest, highest).astype(np.int64) - lowest
