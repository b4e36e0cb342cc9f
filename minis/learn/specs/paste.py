"""Spec of mask pasting, from the rules of torchvision and of detectron2."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .boxes import box_arrays
from .draw import LAYOUTS, dtypes, generators, lay_out
from .interpolate import sources
from .spec import Call, Spec


@st.composite
def paste_masks_calls(draw: st.DrawFn) -> Call:
    """Draw masks whose boxes lie inside, across the border of, and outside the image.

    The grids' sizes enlarge boxes by 3, 2 and 1.5: the corners are exact before they are truncated.
    """
    dtype, count = draw(dtypes()), draw(st.sampled_from([2, 3, 1, 0]))
    grid = draw(st.sampled_from([1, 2, 4]))
    masks = draw(generators()).random((count, 1, grid, grid)).astype(dtype)
    boxes = draw(box_arrays(count, dtype))
    size = draw(st.integers(1, 9) | st.tuples(st.integers(1, 9), st.integers(1, 9)))
    aligned = {"aligned": True} if draw(st.booleans()) else {}
    return Call((lay_out(masks, draw(st.sampled_from(LAYOUTS))), boxes, size), aligned)


def paste_masks_loops(masks: Any, boxes: Any, size: Any, *, aligned: bool = False) -> Any:
    """Paste one pixel after the other."""
    if aligned:
        return _aligned_loops(masks, boxes, size)
    height, width = (size, size) if isinstance(size, int) else size
    y = np.zeros((len(boxes), 1, height, width), masks.dtype)
    grid = masks.shape[-1]
    framed = [[[0.0] * (grid + 2) for _ in range(grid + 2)] for _ in range(len(boxes))]
    for m, i, j in np.ndindex(len(boxes), grid, grid):
        framed[m][i + 1][j + 1] = float(masks[m, 0, i, j])
    for m in range(len(boxes)):
        corners = []
        x1, y1, x2, y2 = boxes[m].tolist()
        for low, high in ((y1, y2), (x1, x2)):
            centre, half = (low + high) / 2, (high - low) / 2 * (grid + 2) / grid
            corners.append((int(centre - half), int(centre + half)))  # truncated towards zero
        taps = [sources(grid + 2, max(b - a + 1, 1), "linear", False) for a, b in corners]
        for i in range(max(corners[0][0], 0), min(corners[0][1] + 1, height)):
            for j in range(max(corners[1][0], 0), min(corners[1][1] + 1, width)):
                y[m, 0, i, j] = sum(
                    wi * wj * framed[m][row][column]
                    for row, wi in taps[0][i - corners[0][0]]
                    for column, wj in taps[1][j - corners[1][0]]
                )
    return y


def _aligned_loops(masks: Any, boxes: Any, size: Any) -> Any:
    """Each pixel reads the four cells around its centre; beyond the grid there are zeros."""
    height, width = (size, size) if isinstance(size, int) else size
    y = np.zeros((len(boxes), 1, height, width), masks.dtype)
    grid = masks.shape[-1]
    for m, i, j in np.ndindex(len(boxes), height, width):
        x1, y1, x2, y2 = boxes[m].tolist()
        if x1 >= x2 or y1 >= y2:
            continue
        v = (i + 0.5 - y1) / (y2 - y1) * grid - 0.5
        u = (j + 0.5 - x1) / (x2 - x1) * grid - 0.5
        for row in (math.floor(v), math.floor(v) + 1):
            for column in (math.floor(u), math.floor(u) + 1):
                if 0 <= row < grid and 0 <= column < grid:
                    weight = (1 - abs(v - row)) * (1 - abs(u - column))
                    y[m, 0, i, j] += weight * masks[m, 0, row, column]
    return y


SPECS = (
    Spec(
        name="paste_masks",
        family="boxes",
        source="He et al. 2017, section 3.1; as torchvision's `paste_masks_in_image`; aligned: "
        "detectron2's `paste_masks_in_image`",
        calls=paste_masks_calls(),
        loops=paste_masks_loops,
    ),
)
