"""Layers that make a map smaller or larger: pooling, unpooling, upsampling."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from .module import Module

Axes = int | tuple[int, ...]


class MaxPool(Module):
    """Take the maximum of each window: see `minis.ops.max_pool`.

    Parameters
    ----------
    size, stride, padding, dilation, ceil_mode
        As in `minis.ops.max_pool`.
    return_indices : bool
        Whether `forward` also returns the indices, as `MaxUnpool` needs them.

    Examples
    --------
    >>> MaxPool(2)(np.array([[[1.0, 5.0, 2.0, 3.0]]]))
    array([[[5., 3.]]])
    """

    def __init__(
        self,
        size: Axes,
        *,
        stride: Axes | None = None,
        padding: Axes = 0,
        dilation: Axes = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> None:
        super().__init__()
        self.size = size
        self.return_indices = return_indices
        self.options: dict[str, Any] = {
            "stride": stride,
            "padding": padding,
            "dilation": dilation,
            "ceil_mode": ceil_mode,
        }

    def forward(self, x: Any) -> Any:
        y, indices = ops.max_pool(x, self.size, **self.options)
        self.remember(indices, x.shape)
        return (y, indices) if self.return_indices else y

    def backward(self, dy: Any) -> Any:
        indices, shape = self.recall()
        return ops.max_pool_backward(dy, indices, shape)

    def describe(self) -> str:
        return f"{self.size}"


class MaxUnpool(Module):
    """Undo a `MaxPool` with the indices that it returned: see `minis.ops.max_unpool`.

    Examples
    --------
    >>> MaxUnpool()(np.array([[[5.0]]]), np.array([[[1]]]), (3,))
    array([[[0., 5., 0.]]])
    """

    def forward(self, x: Any, indices: Any, output_size: Axes) -> Any:
        self.remember(indices)
        return ops.max_unpool(x, indices, output_size)

    def backward(self, dy: Any) -> Any:
        (indices,) = self.recall()
        return ops.max_unpool_backward(dy, indices)


class AvgPool(Module):
    """Take the mean of each window: see `minis.ops.avg_pool`.

    Parameters
    ----------
    size, stride, padding, ceil_mode, count_include_pad
        As in `minis.ops.avg_pool`.

    Examples
    --------
    >>> AvgPool(2)(np.array([[[1.0, 5.0, 2.0, 4.0]]]))
    array([[[3., 3.]]])
    """

    def __init__(
        self,
        size: Axes,
        *,
        stride: Axes | None = None,
        padding: Axes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.size = size
        self.options: dict[str, Any] = {
            "stride": stride,
            "padding": padding,
            "ceil_mode": ceil_mode,
            "count_include_pad": count_include_pad,
        }

    def forward(self, x: Any) -> Any:
        self.remember(x.shape)
        return ops.avg_pool(x, self.size, **self.options)

    def backward(self, dy: Any) -> Any:
        (shape,) = self.recall()
        return ops.avg_pool_backward(dy, shape, self.size, **self.options)

    def describe(self) -> str:
        return f"{self.size}"


class Upsample(Module):
    """Enlarge a map by a factor: see `minis.ops.interpolate`.

    Parameters
    ----------
    factor : int or tuple of int
        Of each spatial axis.
    mode : {"nearest", "linear"}
        "linear" is bilinear on two axes and trilinear on three.
    align_corners : bool
        See `minis.ops.interpolate`.

    Examples
    --------
    >>> Upsample(2)(np.array([[[1.0, 5.0]]]))
    array([[[1., 1., 5., 5.]]])
    """

    def __init__(self, factor: Axes, *, mode: str = "nearest", align_corners: bool = False) -> None:
        super().__init__()
        self.factor = factor
        self.options: dict[str, Any] = {"mode": mode, "align_corners": align_corners}

    def forward(self, x: Any) -> Any:
        self.remember(x.shape)
        factors = np.broadcast_to(self.factor, x.ndim - 2)
        size = tuple(int(s * f) for s, f in zip(x.shape[2:], factors, strict=True))
        return ops.interpolate(x, size, **self.options)

    def backward(self, dy: Any) -> Any:
        (shape,) = self.recall()
        return ops.interpolate_backward(dy, shape, **self.options)
