"""Plausible mistakes in windows and columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..solutions.col2im import col2im
from ..solutions.correlate import correlate
from ..solutions.im2col import im2col


def turns_the_filter(x: Any, w: Any) -> Any:
    """Turns the filter round, as mathematicians' convolution does. Networks don't."""
    return correlate(x, w[::-1, ::-1])


def exchanges_the_filters_axes(x: Any, w: Any) -> Any:
    """Reads the filter's column for its row: w[q, p] in place of w[p, q]."""
    return correlate(x, w.T) if w.shape[0] == w.shape[1] else x[0, len(x) :]


def keeps_the_last_product(x: Any, w: Any) -> Any:
    """Sets y[i, j] to a product in place of adding it: only the last tap is left."""
    last = np.zeros_like(w)
    last[-1, -1] = w[-1, -1]
    return correlate(x, last)


def loses_the_last_place(x: Any, w: Any) -> Any:
    """Stops one place too early along both axes: there are H − KH + 1 of them."""
    return correlate(x, w)[:-1, :-1]


CORRELATE = (
    turns_the_filter,
    exchanges_the_filters_axes,
    keeps_the_last_product,
    loses_the_last_place,
)


def orders_by_tap(x: Any, kernel: Any, **options: int) -> Any:
    """In a column, the channel changes fastest. It should change slowest: (c, p, q)."""
    columns = im2col(x, kernel, **options)
    n, c = x.shape[:2]
    by_channel = columns.reshape(n, c, kernel[0] * kernel[1], columns.shape[2])
    return by_channel.swapaxes(1, 2).reshape(columns.shape)


def forgets_to_transpose(x: Any, kernel: Any, **options: int) -> Any:
    """Reshapes without ordering the axes first: the numbers of a column come from many windows."""
    columns = im2col(x, kernel, **options)
    n, c = x.shape[:2]
    axes = columns.reshape(n, c, kernel[0] * kernel[1], columns.shape[2])
    return axes.swapaxes(2, 3).reshape(columns.shape)


def pads_with_the_border(x: Any, kernel: Any, *, stride: int = 1, padding: int = 0) -> Any:
    """Surrounds x with copies of its border in place of zeros."""
    around = ((0, 0), (0, 0), (padding, padding), (padding, padding))
    return im2col(np.pad(x, around, mode="edge" if x.size else "constant"), kernel, stride)


IM2COL = (orders_by_tap, forgets_to_transpose, pads_with_the_border)


def keeps_the_last_share(
    columns: Any, input_shape: Any, kernel: Any, *, stride: int = 1, padding: int = 0
) -> Any:
    """Sets cells in place of adding to them: where windows overlap, only the last share is left."""
    n, c, h, v = input_shape
    oh = (h + 2 * padding - kernel[0]) // stride + 1
    ow = (v + 2 * padding - kernel[1]) // stride + 1
    shares = columns.reshape(n, c, *kernel, oh, ow)
    padded = np.zeros((n, c, h + 2 * padding, v + 2 * padding), columns.dtype)
    for p in range(kernel[0]):
        for q in range(kernel[1]):
            rows, cols = slice(p, p + oh * stride, stride), slice(q, q + ow * stride, stride)
            padded[:, :, rows, cols] = shares[:, :, p, q]
    return padded[:, :, padding : padding + h, padding : padding + v]


def leaves_the_padding(
    columns: Any, input_shape: Any, kernel: Any, *, stride: int = 1, padding: int = 0
) -> Any:
    """Returns the padded array; the padding has to be cut off."""
    n, c, h, v = input_shape
    whole = (n, c, h + 2 * padding, v + 2 * padding)
    return col2im(columns, whole, kernel, stride)


def averages(columns: Any, input_shape: Any, kernel: Any, **options: int) -> Any:
    """Divides by the number of windows that cover a cell. The adjoint only adds."""
    covered = col2im(np.ones_like(columns), input_shape, kernel, **options)
    return col2im(columns, input_shape, kernel, **options) / np.maximum(covered, 1)


COL2IM = (keeps_the_last_share, leaves_the_padding, averages)
