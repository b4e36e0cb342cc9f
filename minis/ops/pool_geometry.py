"""The sizes of one pooling: where its windows begin, what they cover, how many cells count."""

from __future__ import annotations

import functools
import operator
from typing import Any, NamedTuple

import numpy as np

from .checks import per_axis
from .windows import Axes


class PoolGeometry(NamedTuple):
    """Every option of a pooling spelt out per spatial axis."""

    size: Axes  # S
    kernel: Axes  # k
    out: Axes  # o
    stride: Axes
    padding: Axes
    padding_after: Axes  # larger than `padding` where ceil_mode lets a window reach over the end
    dilation: Axes

    def position(self, tap: Axes) -> tuple[Any, ...]:
        """Per axis, the coordinate in x of cell `tap` of each window: (o,) ints."""
        return tuple(
            np.arange(o) * s - p + t * d
            for o, s, p, t, d in zip(
                self.out, self.stride, self.padding, tap, self.dilation, strict=True
            )
        )

    def first_inside(self) -> tuple[Any, ...]:
        """Per axis, the coordinate of each window's first cell that is not padding."""
        starts = self.position((0,) * len(self.out))
        return tuple(
            start + d * -(-np.maximum(-start, 0) // d)
            for start, d in zip(starts, self.dilation, strict=True)
        )

    def cell_counts(self, include_padding: bool) -> Any:
        """Count the cells that each window's mean is over: (*o) ints.

        Examples
        --------
        >>> g = PoolGeometry((4,), (3,), (3,), (2,), (1,), (2,), (1,))
        >>> g.cell_counts(include_padding=True), g.cell_counts(include_padding=False)
        (array([3, 3, 2]), array([2, 3, 1]))
        """
        counts = []
        for i, k, o, s, p in zip(
            self.size, self.kernel, self.out, self.stride, self.padding, strict=True
        ):
            start = np.arange(o) * s - p
            end = np.minimum(start + k, i + p)
            if not include_padding:
                start, end = np.maximum(start, 0), np.minimum(end, i)
            counts.append(end - start)
        return functools.reduce(operator.mul, np.ix_(*counts))


def pool_geometry(
    operation: str, x: Any, size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> PoolGeometry:
    """Check that a pooling's options fit `x`, and return its sizes."""
    spatial, axes = tuple(x.shape[2:]), x.ndim - 2
    kernel = per_axis(operation, "size", size, axes, low=1)
    stride = kernel if stride is None else per_axis(operation, "stride", stride, axes, low=1)
    padding = per_axis(operation, "padding", padding, axes, low=0)
    dilation = per_axis(operation, "dilation", dilation, axes, low=1)
    extent = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    if any(2 * p > e for p, e in zip(padding, extent, strict=True)):
        raise ValueError(
            f"{operation}: padding must be at most half of the window, got {padding} for a window "
            f"that spans {extent}"
        )
    out = tuple(
        _windows_that_fit(i, e, s, p, ceil_mode)
        for i, e, s, p in zip(spatial, extent, stride, padding, strict=True)
    )
    if min(out) < 1:
        raise ValueError(
            f"{operation}: a window that spans {extent} is larger than x of spatial shape "
            f"{spatial} with padding {padding}"
        )
    after = tuple(
        max(p, (o - 1) * s + e - i - p)
        for o, s, e, i, p in zip(out, stride, extent, spatial, padding, strict=True)
    )
    g = PoolGeometry(spatial, kernel, out, stride, padding, after, dilation)
    if any(c.max() >= i for c, i in zip(g.first_inside(), spatial, strict=True)):
        raise ValueError(
            f"{operation}: a window of {kernel} with dilation {dilation} lies wholly in the "
            f"padding {padding} of x of spatial shape {spatial}"
        )
    return g


def _windows_that_fit(size: int, extent: int, stride: int, padding: int, ceil: bool) -> int:
    room = size + 2 * padding - extent
    if not ceil:
        return room // stride + 1
    out = -(-room // stride) + 1
    # the last window must begin inside x or in the padding before it
    return out - 1 if (out - 1) * stride >= size + padding else out
