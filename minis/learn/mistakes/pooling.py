"""Mistakes in max pooling, average pooling and max unpooling."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minis import ops
from minis.ops.pool_geometry import pool_geometry
from minis.ops.windows import crop, pad, window_view

from . import mistake


def _axes(x: Any, value: Any) -> Any:
    return (value,) * (x.ndim - 2) if isinstance(value, int) else value


def _geometry(
    x: Any,
    size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: Any = False,
) -> Any:
    return pool_geometry("wrong", x, size, stride, padding, dilation, ceil_mode)


@mistake("max_pool")
def pads_max_pooling_with_zeros(x: Any, size: Any, *, padding: Any = 0, **options: Any) -> Any:
    """Surrounds x with zeros in place of −inf: negative values lose against the border."""
    y, indices = ops.max_pool.reference(x, size, padding=padding, **options)
    g = _geometry(x, size, padding=padding, **options)
    touches = np.zeros(y.shape, bool)
    for tap in np.ndindex(*g.kernel):
        at = np.ix_(*g.position(tap))
        outside = [(a < 0) | (a >= s) for a, s in zip(at, g.size, strict=True)]
        touches |= np.any(np.broadcast_arrays(*outside), axis=0)
    return np.where(touches, np.maximum(y, 0), y), indices


@mistake("max_pool")
def takes_the_last_of_a_tie(x: Any, size: Any, **options: Any) -> Any:
    """Compares with >= in place of >."""
    y, _ = ops.max_pool.reference(x, size, **options)
    rising = 1e-6 * np.arange(math.prod(x.shape[2:])).reshape(x.shape[2:])
    return y, ops.max_pool.reference(x.astype(np.float64) + rising, size, **options)[1]


@mistake("max_pool")
def counts_indices_within_the_window(x: Any, size: Any, **options: Any) -> Any:
    """Returns the place in the window, not the place in the plane."""
    y, indices = ops.max_pool.reference(x, size, **options)
    g = _geometry(x, size, **options)
    place, starts = np.unravel_index(indices, x.shape[2:]), np.indices(y.shape[2:])
    taps = [
        (cell - (start * s - p)) // d
        for cell, start, s, p, d in zip(place, starts, g.stride, g.padding, g.dilation, strict=True)
    ]
    return y, np.asarray(np.ravel_multi_index(tuple(taps), g.kernel))


@mistake("max_pool")
def counts_indices_in_the_padded_plane(
    x: Any, size: Any, *, padding: Any = 0, **options: Any
) -> Any:
    """Forgets to take the padding off the indices."""
    y, indices = ops.max_pool.reference(x, size, padding=padding, **options)
    padding = _axes(x, padding)
    place = np.unravel_index(indices, x.shape[2:])
    wide = tuple(s + 2 * p for s, p in zip(x.shape[2:], padding, strict=True))
    moved = tuple(a + p for a, p in zip(place, padding, strict=True))
    return y, np.asarray(np.ravel_multi_index(moved, wide))


@mistake("max_pool")
def ignores_nan(x: Any, size: Any, **options: Any) -> Any:
    """NaN loses every comparison, and disappears."""
    y, indices = ops.max_pool.reference(np.where(np.isnan(x), -math.inf, x), size, **options)
    return y.astype(x.dtype), indices


@mistake("max_pool")
def ignores_ceil_mode(x: Any, size: Any, *, ceil_mode: Any = False, **options: Any) -> Any:
    """Rounds the number of windows down, whatever it is asked."""
    return ops.max_pool.reference(x, size, **options)


@mistake("max_pool")
def lets_windows_start_behind_the_end(
    x: Any, size: Any, *, ceil_mode: Any = False, **options: Any
) -> Any:
    """Rounds the number of windows up, and doesn't drop a last one that starts in the padding."""
    y, indices = ops.max_pool.reference(x, size, ceil_mode=ceil_mode, **options)
    g = _geometry(x, size, ceil_mode=ceil_mode, **options)
    for a, (s, k, p, d) in enumerate(zip(g.size, g.kernel, g.padding, g.dilation, strict=True)):
        more = math.ceil((s + 2 * p - d * (k - 1) - 1) / g.stride[a]) + 1 - g.out[a]
        if ceil_mode and more > 0:
            wider = [(0, more if axis == a + 2 else 0) for axis in range(y.ndim)]
            y, indices = np.pad(y, wider, constant_values=-math.inf), np.pad(indices, wider)
    return y, indices


@mistake("max_pool")
def takes_a_stride_of_one(x: Any, size: Any, *, stride: Any = None, **options: Any) -> Any:
    """The default stride is 1, and not the window's size."""
    return ops.max_pool.reference(x, size, stride=1 if stride is None else stride, **options)


@mistake("max_pool_backward")
def overwrites_where_maxima_coincide(dy: Any, indices: Any, input_shape: Any) -> Any:
    """dx[indices] = dy in place of +=."""
    n, c, *size = input_shape
    dx = np.zeros((n, c, math.prod(size)), dy.dtype)
    flat = (n, c, math.prod(dy.shape[2:]))
    np.put_along_axis(dx, indices.reshape(flat), dy.reshape(flat), axis=2)
    return dx.reshape(input_shape)


@mistake("max_pool_backward")
def gives_every_channel_to_the_first(dy: Any, indices: Any, input_shape: Any) -> Any:
    """Takes indices into one plane for indices into all of x."""
    dx = np.zeros(math.prod(input_shape), dy.dtype)
    np.add.at(dx, indices.ravel(), dy.ravel())
    return dx.reshape(input_shape)


@mistake("avg_pool")
def divides_by_the_windows_size(
    x: Any, size: Any, *, count_include_pad: Any = True, **options: Any
) -> Any:
    """Divides by the number of the window's cells, wherever it lies."""
    y = ops.avg_pool.reference(x, size, count_include_pad=count_include_pad, **options)
    counts = _geometry(x, size, **options).cell_counts(count_include_pad)
    return (y * counts / math.prod(_axes(x, size))).astype(x.dtype)


@mistake("avg_pool")
def never_counts_the_padding(
    x: Any, size: Any, *, count_include_pad: Any = True, **options: Any
) -> Any:
    """Averages the cells inside, whatever it is asked."""
    return ops.avg_pool.reference(x, size, count_include_pad=False, **options)


@mistake("avg_pool_backward")
def keeps_the_last_share_where_windows_overlap(
    dy: Any, input_shape: Any, size: Any, **options: Any
) -> Any:
    """dx[window] = share in place of +=."""
    count_include_pad = options.pop("count_include_pad", True)
    dx = np.zeros(input_shape, dy.dtype)
    g = _geometry(dx, size, **options)
    dx = pad(dx, g.padding, g.padding_after)
    windows = window_view(dx, g.kernel, g.stride, g.dilation)
    for tap in np.ndindex(*g.kernel):
        share = dy / g.cell_counts(count_include_pad)
        windows[(slice(None), slice(None), *tap)] = share
    return crop(dx, g.padding, g.size).copy()


@mistake("avg_pool_backward")
def forgets_to_divide(
    dy: Any, input_shape: Any, size: Any, *, count_include_pad: Any = True, **options: Any
) -> Any:
    """Hands the whole of dy to every cell."""
    counts = _geometry(np.zeros(input_shape), size, **options).cell_counts(count_include_pad)
    dy = (dy * counts).astype(dy.dtype)
    return ops.avg_pool_backward.reference(
        dy, input_shape, size, count_include_pad=count_include_pad, **options
    )


@mistake("max_unpool")
def writes_over_other_channels(x: Any, indices: Any, output_size: Any) -> Any:
    """Takes indices into one plane for indices into all of y."""
    y = np.zeros((*x.shape[:2], *_axes(x, output_size)), x.dtype)
    y.ravel()[indices.ravel()] = x.ravel()
    return y


@mistake("max_unpool")
def fills_column_by_column(x: Any, indices: Any, output_size: Any) -> Any:
    """Reads the indices in column-major order."""
    size = _axes(x, output_size)
    y = ops.max_unpool.reference(x, indices, size[::-1])
    return np.ascontiguousarray(y.transpose(0, 1, *range(y.ndim - 1, 1, -1)))


@mistake("max_unpool_backward")
def reads_the_first_channel(dy: Any, indices: Any) -> Any:
    """Gathers from one plane for all channels."""
    return ops.max_unpool_backward.reference(np.repeat(dy[:, :1], dy.shape[1], axis=1), indices)
