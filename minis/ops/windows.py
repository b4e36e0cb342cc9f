"""Window arithmetic that convolution and pooling share.

A window of size k with dilation d covers d·(k − 1) + 1 positions. Sliding it over an axis of
length i, padded by p on both sides, in steps of s, it fits

    o = ⌊(i + 2p − d·(k − 1) − 1) / s⌋ + 1

times (Dumoulin & Visin 2016, "A guide to convolution arithmetic for deep learning").
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from ..backend import array_namespace

Axes = tuple[int, ...]  # one int per spatial axis

# Windows are unfolded a block of output positions at a time, so that the columns are still in
# cache when the matrix product reads them, and so that memory stays small. On two Zen 5 cores half
# a million numbers a block was about the fastest among 2^15 … 2^22.
COLUMN_BLOCK = 1 << 19


def output_size(
    size: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
) -> tuple[int, ...]:
    """Return how often a window fits along each spatial axis.

    Examples
    --------
    >>> output_size((7, 8), (3, 3), (2, 2), (1, 0), (1, 2))
    (4, 2)
    """
    return tuple(
        (i + 2 * p - d * (k - 1) - 1) // s + 1
        for i, k, s, p, d in zip(size, kernel, stride, padding, dilation, strict=True)
    )


def pad(x: Any, before: tuple[int, ...], after: tuple[int, ...], value: float = 0) -> Any:
    """Put `before` and `after` cells of `value` at the ends of the spatial axes of x (N, C, *S)."""
    if not any(before) and not any(after):
        return x
    xp = array_namespace(x)
    n, c, *size = x.shape
    padded = tuple(a + s + b for a, s, b in zip(before, size, after, strict=True))
    y = xp.full((n, c, *padded), value, dtype=x.dtype)
    crop(y, before, tuple(size))[...] = x
    return y


def crop(x: Any, start: tuple[int, ...], size: tuple[int, ...]) -> Any:
    """View the part of `x` (N, C, *S) that begins at `start` and has spatial shape `size`."""
    return x[(..., *(slice(a, a + s) for a, s in zip(start, size, strict=True)))]


def window_view(
    x: Any, kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> Any:
    """View all windows of `x` (N, C, *S) as an array (N, C, *k, *o), without copying.

    Entry [n, c, κ, ω] is x[n, c, ω·stride + κ·dilation]: moving along o steps by the stride,
    moving along k by the dilation, so the view is nothing but a choice of strides in memory.

    Examples
    --------
    >>> x = np.arange(5.0).reshape(1, 1, 5)
    >>> window_view(x, (3,), (1,), (1,))[0, 0]
    array([[0., 1., 2.],
           [1., 2., 3.],
           [2., 3., 4.]])
    """
    xp = array_namespace(x)
    n, c, *size = x.shape
    no_padding = (0,) * len(kernel)
    out = output_size(tuple(size), kernel, stride, no_padding, dilation)
    sn, sc, *steps = x.strides
    return xp.lib.stride_tricks.as_strided(
        x,
        (n, c, *kernel, *out),
        (
            sn,
            sc,
            *(st * d for st, d in zip(steps, dilation, strict=True)),
            *(st * s for st, s in zip(steps, stride, strict=True)),
        ),
    )


def output_blocks(column: int, out: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """Cut the output positions into blocks whose columns hold about `COLUMN_BLOCK` numbers.

    Parameters
    ----------
    column : int
        Numbers in one column, over all samples and channels.
    out : tuple of int
        Spatial shape of the output.

    Yields
    ------
    tuple of slice
        One slice per spatial axis: whole rows where they fit, so that copies are long.

    Examples
    --------
    >>> for block in output_blocks(COLUMN_BLOCK // 8, (3, 4)):
    ...     print(block)
    (slice(0, 2, 1), slice(0, 4, 1))
    (slice(2, 3, 1), slice(0, 4, 1))
    """
    positions = max(1, COLUMN_BLOCK // max(1, column))
    lengths = []  # of a block, from the last axis to the first
    for o in reversed(out):
        lengths.append(min(o, max(1, positions)))
        positions //= o
    cuts = [
        [slice(i, min(i + length, o), 1) for i in range(0, o, length)]
        for o, length in zip(out, reversed(lengths), strict=True)
    ]
    yield from itertools.product(*cuts)
