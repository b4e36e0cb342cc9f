"""Binary cross-entropy of logits: one pass for the loss, one for the gradient.

The NumPy text leaves an array for every step of its formula. Here each number goes through all of
it in registers, with the exponential and the logarithm of `elementary`; losses are summed piece by
piece (see `pieces`).

Milliseconds on two Zen 5 cores, float32, (8, 21, 128, 128): forward 0.5, the NumPy text's 6.6;
backward 0.5, the NumPy text's 17.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from ..arguments import scalar
from .arrays import servable
from .elementary import exp, log1p
from .jit import jit
from .launch import launch
from .pieces import PIECE, SUMS, flat, pieces


def bce_with_logits(
    logits: Any, target: Any, *, weight: Any = None, reduction: str = "mean"
) -> Any:
    """Binary cross-entropy: `minis.ops.bce_with_logits`."""
    if not _served(logits, target, weight, reduction):
        return NotImplemented
    partial = np.empty(pieces(logits.size))
    launch(_forward, flat(logits), flat(target), _weights(weight, logits.dtype), partial)
    total = partial.sum()
    return logits.dtype.type(total / logits.size if reduction == "mean" else total)


def bce_with_logits_backward(
    dloss: Any, logits: Any, target: Any, *, weight: Any = None, reduction: str = "mean"
) -> Any:
    """Gradient with respect to the logits: `minis.ops.bce_with_logits_backward`."""
    upstream = scalar(dloss)
    if upstream is None or not _served(logits, target, weight, reduction):
        return NotImplemented
    factor = upstream / logits.size if reduction == "mean" else upstream
    dx = np.empty(logits.shape, logits.dtype)
    weights = _weights(weight, logits.dtype)
    launch(_backward, flat(logits), flat(target), weights, factor, dx.reshape(-1))
    return dx


def _served(logits: Any, target: Any, weight: Any, reduction: Any) -> bool:
    arrays = (logits, target) if weight is None else (logits, target, weight)
    return (
        servable(*arrays)
        and logits.ndim > 0
        and all(a.shape == logits.shape for a in arrays)
        and reduction in ("mean", "sum")
    )


def _weights(weight: Any, dtype: Any) -> Any:
    """Flatten the weights; none of them stand for ones."""
    return np.empty(0, dtype) if weight is None else flat(weight)


@jit(parallel=True)
def _forward(x: Any, t: Any, weight: Any, partial: Any) -> None:
    for piece in prange(len(partial)):
        at = piece * PIECE
        partial[piece] = _loss(x[at : at + PIECE], t[at : at + PIECE], weight[at : at + PIECE])


@jit(fastmath=SUMS)
def _loss(x: Any, t: Any, weight: Any) -> Any:
    total = zero = x.dtype.type(0)
    if len(weight):
        for i in range(len(x)):
            below = x[i] if x[i] < zero else -x[i]  # −|x|
            total += weight[i] * ((zero if x[i] < zero else x[i]) - x[i] * t[i] + log1p(exp(below)))
    else:
        for i in range(len(x)):
            below = x[i] if x[i] < zero else -x[i]
            total += (zero if x[i] < zero else x[i]) - x[i] * t[i] + log1p(exp(below))
    return total


@jit(parallel=True, error_model="numpy")
def _backward(x: Any, t: Any, weight: Any, factor: float, dx: Any) -> None:
    zero, one, share = x.dtype.type(0), x.dtype.type(1), x.dtype.type(factor)
    for i in prange(len(x)):
        e = exp(x[i] if x[i] < zero else -x[i])
        p = (e if x[i] < zero else one) / (one + e)
        dx[i] = share * (p - t[i])
    if len(weight):
        for i in prange(len(x)):
            dx[i] *= weight[i]
