"""RoIAlign channel by channel: for few channels, and for few boxes on large maps."""

from __future__ import annotations

from typing import Any

from numba import prange

from .jit import jit
from .region_grid import HIGH, LEFT, TOP, WIDE, N, lists, sample


@jit(parallel=True)
def forward_planes(
    x: Any, boxes: Any, ratio: int, height: int, width: int, most: Any, finite: Any, y: Any
) -> None:
    """Fill the bins of y, box by box; say of each whether what it covers is finite."""
    for r in prange(len(y)):
        finite[r] = _forward_box(x, boxes[r], ratio, height, width, most, y[r])


@jit()
def _forward_box(x: Any, box: Any, ratio: int, height: int, width: int, most: Any, y: Any) -> bool:
    """Fill the bins of one box from maps with channels first; whether what it covers is finite."""
    c, ph, pw = y.shape
    row, row_weight, row_used = lists(ph, most[0], y)
    column, column_weight, column_used = lists(pw, most[1], y)
    top, bottom = sample(box[TOP], box[HIGH], ratio, height, row, row_weight, row_used)
    left, right = sample(box[LEFT], box[WIDE], ratio, width, column, column_weight, column_used)
    odd = y.dtype.type(0)
    for o in range(c):
        plane = x[int(box[N]), o]
        for h in range(top, bottom):
            for w in range(left, right):
                odd += plane[h, w] - plane[h, w]
        for i in range(ph):
            for j in range(pw):
                total = y.dtype.type(0)
                for k in range(row_used[i]):
                    for m in range(column_used[j]):
                        weight = row_weight[i, k] * column_weight[j, m]
                        total += plane[row[i, k], column[j, m]] * weight
                y[o, i, j] = total
    return odd == 0


@jit(parallel=True)
def backward_planes(
    dy: Any, boxes: Any, ratio: int, height: int, width: int, most: Any, finite: Any, dx: Any
) -> None:
    """Add to dx, plane by plane; say of each whether what is added is finite."""
    n, c = finite.shape
    for task in prange(n * c):
        i, o = task // c, task % c
        finite[i, o] = _backward_plane(dy, boxes, ratio, height, width, most, i, o, dx[i, o])


@jit()
def _backward_plane(
    dy: Any,
    boxes: Any,
    ratio: int,
    height: int,
    width: int,
    most: Any,
    n: int,
    o: int,
    plane: Any,
) -> bool:
    """Add to one plane, box after box; whether dy is finite."""
    ph, pw = dy.shape[2:]
    row, row_weight, row_used = lists(ph, most[0], dy)
    column, column_weight, column_used = lists(pw, most[1], dy)
    odd = dy.dtype.type(0)
    for r in range(len(boxes)):
        box = boxes[r]
        if box[N] != n:
            continue
        sample(box[TOP], box[HIGH], ratio, height, row, row_weight, row_used)
        sample(box[LEFT], box[WIDE], ratio, width, column, column_weight, column_used)
        for i in range(ph):
            for j in range(pw):
                v = dy[r, o, i, j]
                odd += v - v
                for k in range(row_used[i]):
                    for m in range(column_used[j]):
                        weight = row_weight[i, k] * column_weight[j, m]
                        plane[row[i, k], column[j, m]] += v * weight
    return odd == 0
