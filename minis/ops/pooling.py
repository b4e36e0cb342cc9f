"""Max and average pooling: each window of a channel is replaced by one number.

    max:      y[n, c, ω] = max_κ x̂[n, c, ω·stride + κ·dilation]       x̂: x padded with −inf
    average:  y[n, c, ω] = Σ_κ x̂[n, c, ω·stride + κ] / count(ω)       x̂: x padded with 0

count(ω) says how many cells the mean is over. Max pooling hands dy to the place that its maximum
came from, average pooling spreads dy evenly over the window. Windows may overlap: then the
gradients add.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..backend import accelerated, array_namespace
from .checks import (
    check_float,
    check_indices,
    check_input_shape,
    check_integer,
    check_same_shape,
    check_shape,
    check_spatial,
)
from .pool_geometry import pool_geometry
from .windows import Axes, crop, pad, window_view


@accelerated
def max_pool(
    x: Any,
    size: int | Axes,
    *,
    stride: int | Axes | None = None,
    padding: int | Axes = 0,
    dilation: int | Axes = 1,
    ceil_mode: bool = False,
) -> tuple[Any, Any]:
    """Take the maximum of each window, and remember where it stood.

    Parameters
    ----------
    x : (N, C, *S) float array
        Input, with one to three spatial axes.
    size : int or tuple of int
        Extent of the window.
    stride : int or tuple of int, optional
        Step between windows; by default `size`.
    padding : int or tuple of int
        Cells of −inf on both sides, at most half the window's extent.
    dilation : int or tuple of int
        Step between the window's cells.
    ceil_mode : bool
        Also take a last window that reaches over the end, if it starts inside x or in the padding
        before it.

    Returns
    -------
    y : (N, C, *o) array of the dtype of `x`
    indices : (N, C, *o) int64 array
        For each maximum, its flat index into one (N, C) plane of x. Of equal values the first in
        row-major order is taken. NaN counts as the largest value; of several, the last is taken.

    Raises
    ------
    TypeError
        If `x` is not floating.
    ValueError
        If no window fits into the padded input, or one lies wholly in the padding.

    See Also
    --------
    max_unpool : puts values back at `indices`.

    Notes
    -----
    Layout, defaults and result are those of `torch.nn.functional.max_pool2d` and its siblings.

    Examples
    --------
    >>> y, indices = max_pool(np.array([[[3.0, 1.0, 2.0, 2.0]]]), 2)
    >>> y, indices
    (array([[[3., 2.]]]), array([[[0, 2]]]))
    """
    check_float("max_pool", x=x)
    check_spatial("max_pool", x=x)
    g = pool_geometry("max_pool", x, size, stride, padding, dilation, ceil_mode)
    xp = array_namespace(x)
    windows = window_view(  # (N, C, *k, *o)
        pad(x, g.padding, g.padding_after, -math.inf), g.kernel, g.stride, g.dilation
    )
    y = xp.full((*x.shape[:2], *g.out), -math.inf, x.dtype)
    # a window of nothing but −inf keeps its first cell inside x
    indices = xp.broadcast_to(_flat_index(xp, g.first_inside(), g.size), y.shape).copy()
    for tap in np.ndindex(*g.kernel):
        candidate = windows[(slice(None), slice(None), *tap)]  # (N, C, *o)
        wins = (candidate > y) | xp.isnan(candidate)
        xp.copyto(y, candidate, where=wins)
        xp.copyto(indices, _flat_index(xp, g.position(tap), g.size), where=wins)
    return y, indices


@accelerated
def max_pool_backward(dy: Any, indices: Any, input_shape: tuple[int, ...]) -> Any:
    """Gradient of `max_pool`: add each dy at the place that its maximum came from.

    Parameters
    ----------
    dy : (N, C, *o) float array
        Gradient of the loss with respect to the output.
    indices : (N, C, *o) integer array
        As `max_pool` returned them.
    input_shape : tuple of int
        (N, C, *S), the shape of `max_pool`'s input.

    Returns
    -------
    (N, C, *S) array of the dtype of `dy`

    Raises
    ------
    TypeError
        If `dy` is not floating or `indices` are not integers.
    ValueError
        If shapes don't fit, or an index lies outside the plane.

    Examples
    --------
    >>> max_pool_backward(np.array([[[5.0, 7.0]]]), np.array([[[0, 2]]]), (1, 1, 4))
    array([[[5., 0., 7., 0.]]])
    """
    check_float("max_pool_backward", dy=dy)
    check_integer("max_pool_backward", indices=indices)
    check_spatial("max_pool_backward", dy=dy)
    check_same_shape("max_pool_backward", dy=dy, indices=indices)
    check_input_shape("max_pool_backward", input_shape, dy.ndim)
    check_shape("max_pool_backward", (*input_shape[:2], *dy.shape[2:]), dy=dy)
    n, c, *size = input_shape
    plane = math.prod(size)
    check_indices("max_pool_backward", indices, plane)
    xp = array_namespace(dy)
    first = xp.arange(n * c).reshape(n, c, *(1 for _ in size)) * plane  # of each plane, in all of x
    cells = first + indices.astype(np.int64)  # (N, C, *o)
    # bincount is a histogram with weights: several windows may have the same maximum, so dy adds
    dx = xp.bincount(cells.ravel(), weights=dy.ravel(), minlength=n * c * plane)
    return dx.astype(dy.dtype).reshape(input_shape)


@accelerated
def avg_pool(
    x: Any,
    size: int | Axes,
    *,
    stride: int | Axes | None = None,
    padding: int | Axes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """Take the mean of each window.

    Parameters
    ----------
    x : (N, C, *S) float array
        Input, with one to three spatial axes.
    size, stride, padding, ceil_mode
        As in `max_pool`, with zeros for padding.
    count_include_pad : bool
        Whether the mean counts the padding's zeros. Cells that `ceil_mode` reaches beyond the
        padding are never counted.

    Returns
    -------
    (N, C, *o) array of the dtype of `x`

    Raises
    ------
    TypeError
        If `x` is not floating.
    ValueError
        If the window doesn't fit into the padded input.

    Notes
    -----
    Layout, defaults and result are those of `torch.nn.functional.avg_pool2d` and its siblings.

    Examples
    --------
    >>> avg_pool(np.array([[[3.0, 1.0, 2.0, 8.0]]]), 2)
    array([[[2., 5.]]])
    """
    check_float("avg_pool", x=x)
    check_spatial("avg_pool", x=x)
    g = pool_geometry("avg_pool", x, size, stride, padding, 1, ceil_mode)
    xp = array_namespace(x)
    windows = window_view(  # (N, C, *k, *o)
        pad(x, g.padding, g.padding_after), g.kernel, g.stride, g.dilation
    )
    y = xp.zeros((*x.shape[:2], *g.out), x.dtype)
    for tap in np.ndindex(*g.kernel):
        y += windows[(slice(None), slice(None), *tap)]
    return y / xp.asarray(g.cell_counts(count_include_pad), x.dtype)


@accelerated
def avg_pool_backward(
    dy: Any,
    input_shape: tuple[int, ...],
    size: int | Axes,
    *,
    stride: int | Axes | None = None,
    padding: int | Axes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """Gradient of `avg_pool`: give every cell of a window its share of dy.

    Parameters
    ----------
    dy : (N, C, *o) float array
        Gradient of the loss with respect to the output.
    input_shape : tuple of int
        (N, C, *S), the shape of `avg_pool`'s input.
    size, stride, padding, ceil_mode, count_include_pad
        As given to `avg_pool`.

    Returns
    -------
    (N, C, *S) array of the dtype of `dy`

    Raises
    ------
    TypeError, ValueError
        As `avg_pool`, and if `dy` does not have the output's shape.

    Examples
    --------
    >>> avg_pool_backward(np.array([[[2.0, 8.0]]]), (1, 1, 4), 2)
    array([[[1., 1., 4., 4.]]])
    """
    check_float("avg_pool_backward", dy=dy)
    check_spatial("avg_pool_backward", dy=dy)
    check_input_shape("avg_pool_backward", input_shape, dy.ndim)
    xp = array_namespace(dy)
    dx = xp.zeros(input_shape, dy.dtype)
    g = pool_geometry("avg_pool_backward", dx, size, stride, padding, 1, ceil_mode)
    check_shape("avg_pool_backward", (*input_shape[:2], *g.out), dy=dy)
    dx = pad(dx, g.padding, g.padding_after)
    windows = window_view(dx, g.kernel, g.stride, g.dilation)  # (N, C, *k, *o), all within dx
    share = dy / xp.asarray(g.cell_counts(count_include_pad), dy.dtype)
    for tap in np.ndindex(*g.kernel):
        windows[(slice(None), slice(None), *tap)] += share
    return xp.ascontiguousarray(crop(dx, g.padding, g.size))


def _flat_index(xp: Any, coordinates: tuple[Any, ...], size: Axes) -> Any:
    """Combine one coordinate vector per axis into flat indices of a plane: shape (*o)."""
    flat = np.zeros((1,) * len(size), np.int64)
    for axis, coordinate in enumerate(coordinates):
        steps = coordinate * math.prod(size[axis + 1 :])
        flat = flat + steps.reshape(-1, *(1 for _ in size[axis + 1 :]))
    return xp.asarray(flat)
