"""What operations have to do: nominal floating-point operations, and the least bytes to move."""

from __future__ import annotations

import math
from collections.abc import Iterable

FLOAT = 4  # bytes
INDEX = 8

Shape = tuple[int, ...]


def conv_flops(y: Shape, w: Shape) -> float:
    """Count a convolution's operations: a multiplication and an addition per tap and output.

    Parameters
    ----------
    y : tuple of int
        (N, O, *o), the output's shape.
    w : tuple of int
        (O, C/groups, *k), the filters' shape.

    Examples
    --------
    >>> conv_flops((1, 8, 10, 10), (8, 4, 3, 3)) == 2 * 8 * 100 * 4 * 9
    True
    """
    return 2.0 * math.prod(y) * math.prod(w[1:])


def conv_transpose_flops(x: Shape, w: Shape) -> float:
    """Count a transposed convolution's: each input value is spread over O/groups · ∏k outputs.

    Parameters
    ----------
    x : tuple of int
        (N, C, *S), the input's shape.
    w : tuple of int
        (C, O/groups, *k), the filters' shape.

    Examples
    --------
    >>> conv_transpose_flops((1, 4, 5, 5), (4, 8, 2, 2)) == 2 * 4 * 25 * 8 * 4
    True
    """
    return 2.0 * math.prod(x) * math.prod(w[1:])


def conv_output(x: Shape, w: Shape, stride: int, padding: int, dilation: int) -> Shape:
    """Return the shape (N, O, *o) of a convolution's output.

    Examples
    --------
    >>> conv_output((1, 3, 256, 256), (64, 3, 7, 7), stride=2, padding=3, dilation=1)
    (1, 64, 128, 128)
    """
    spatial = (
        (s + 2 * padding - dilation * (k - 1) - 1) // stride + 1
        for s, k in zip(x[2:], w[2:], strict=True)
    )
    return (x[0], w[0], *spatial)


def conv_transpose_output(x: Shape, w: Shape, stride: int, padding: int) -> Shape:
    """Return the shape (N, O, *o) of a transposed convolution's output, for groups = 1.

    Examples
    --------
    >>> conv_transpose_output((1, 21, 32, 32), (21, 21, 16, 16), stride=8, padding=4)
    (1, 21, 256, 256)
    """
    spatial = ((s - 1) * stride - 2 * padding + k for s, k in zip(x[2:], w[2:], strict=True))
    return (x[0], w[1], *spatial)


def float_bytes(shapes: Iterable[Shape]) -> float:
    """Count the bytes of float32 arrays of these shapes.

    Examples
    --------
    >>> float_bytes([(2, 3), (10,)])
    64.0
    """
    return float(FLOAT * sum(math.prod(shape) for shape in shapes))
