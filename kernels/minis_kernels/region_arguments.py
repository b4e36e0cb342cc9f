"""Reading the arguments of operations on regions of maps; whatever is malformed gives None."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def plain_int(value: Any) -> bool:
    """Whether it is an int and no bool.

    Examples
    --------
    >>> plain_int(3), plain_int(np.int64(3)), plain_int(True), plain_int(3.0)
    (True, True, False, False)
    """
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def bins_of(output_size: Any) -> tuple[int, int] | None:
    """Return the bins in height and width, or None if they are malformed.

    Examples
    --------
    >>> bins_of(7), bins_of((2, 3)), bins_of((2, 0))
    ((7, 7), (2, 3), None)
    """
    sizes = (output_size,) * 2 if plain_int(output_size) else output_size
    if isinstance(sizes, str) or not isinstance(sizes, Sequence) or len(sizes) != 2:
        return None
    return (int(sizes[0]), int(sizes[1])) if all(plain_int(s) and s > 0 for s in sizes) else None


def input_shape_of(input_shape: Any) -> tuple[int, int, int, int] | None:
    """Return (N, C, H, W) as ints, or None if it is malformed or empty.

    Examples
    --------
    >>> input_shape_of([1, 2, 3, 4]), input_shape_of((1, 2, 3))
    ((1, 2, 3, 4), None)
    """
    if isinstance(input_shape, str) or not isinstance(input_shape, Sequence):
        return None
    if len(input_shape) != 4 or not all(plain_int(s) and s > 0 for s in input_shape):
        return None
    return tuple(int(s) for s in input_shape)  # type: ignore[return-value]
