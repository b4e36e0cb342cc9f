"""The fully connected layer, as three products of matrices.

NumPy's product is a BLAS, whose threads go on spinning for a while after it: whatever kernel comes
next then shares the processor with them (see `matrix_product` for what multiplies here).

Milliseconds on two Zen 5 cores, float32, (samples, inputs → outputs), with the NumPy text's:

    1000, 12544 → 1024    forward 68 (121)       backward 140 (239)
    1000, 1024 → 1024     forward 5.6 (10)       backward 15 (20)
    128, 1568 → 128       forward 0.17 (0.26)    backward 0.32 (0.49)

Of one sample the weights' way through memory is all that counts, where the BLAS is better (12544 →
1024: 2.5 here, 0.9 there); with many weights it is declined.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .arrays import servable
from .matrix_product import multiply

LARGE = 2**16  # weights: more than the caches next to a core hold


def linear(x: Any, w: Any, b: Any = None) -> Any:
    """Multiply by weights, and add a bias: `minis.ops.linear`."""
    if not _served(x, w) or (b is not None and (not servable(x, b) or b.shape != w.shape[:1])):
        return NotImplemented
    y = multiply(_rows(x), np.ascontiguousarray(w).T, b)  # (samples, I) · (I, O) -> (samples, O)
    return y.reshape(*x.shape[:-1], len(w))


def linear_backward(dy: Any, x: Any, w: Any) -> Any:
    """Gradients of `linear`: `minis.ops.linear_backward`."""
    if not _served(x, w) or not servable(x, dy) or dy.shape != (*x.shape[:-1], len(w)):
        return NotImplemented
    dy_rows = _rows(dy)
    dx = multiply(dy_rows, np.ascontiguousarray(w))  # (samples, O) · (O, I) -> (samples, I)
    dw = multiply(dy_rows.T, _rows(x))  # (O, samples) · (samples, I) -> (O, I)
    return dx.reshape(x.shape), dw, dy_rows.sum(axis=0)


def _served(x: Any, w: Any) -> bool:
    return (
        servable(x, w)
        and w.ndim == 2
        and x.ndim >= 1
        and x.shape[-1] == w.shape[1]
        and (math.prod(x.shape[:-1]) > 1 or w.size < LARGE)
    )


def _rows(x: Any) -> Any:
    """View (..., I) as a contiguous (samples, I)."""
    return np.ascontiguousarray(x).reshape(math.prod(x.shape[:-1]), x.shape[-1])
