"""Dice loss: each region's sums in one pass, the gradient in a second.

The NumPy text leaves an array for every product. Here both sums are taken piece by piece (see
`pieces`), while probabilities and truth are read once. In the gradient, two factors and a constant
are left for each region:

    ∂D/∂p = a·g − b·p − c        a = 2 / U    b = 2·I′ / U²    c = 0       with squares
                                              b = 0            c = I′ / U²   without

where I′ = 2·Σ p·g + smooth and U is D's denominator.

Milliseconds on two Zen 5 cores, float32, (8, 21, 128, 128): forward 0.2, the NumPy text's 3.0;
backward 0.5, the NumPy text's 9.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import prange

from ..arguments import number, scalar
from .arrays import servable
from .jit import jit
from .launch import launch
from .pieces import PIECE, SUMS, pieces, planes


def dice_loss(
    probabilities: Any,
    target: Any,
    *,
    squared: bool = True,
    over_batch: bool = False,
    smooth: float = 0.0,
) -> Any:
    """One minus the mean Dice coefficient: `minis.ops.dice_loss`."""
    if not _served(probabilities, target, smooth):
        return NotImplemented
    numerator, denominator = _coefficients(probabilities, target, squared, over_batch, smooth)
    dice = np.ones_like(numerator)
    np.divide(numerator, denominator, out=dice, where=denominator != 0)
    return probabilities.dtype.type(1 - dice.mean())


def dice_loss_backward(
    dloss: Any,
    probabilities: Any,
    target: Any,
    *,
    squared: bool = True,
    over_batch: bool = False,
    smooth: float = 0.0,
) -> Any:
    """Gradient with respect to the probabilities: `minis.ops.dice_loss_backward`."""
    upstream = scalar(dloss)
    if upstream is None or not _served(probabilities, target, smooth):
        return NotImplemented
    numerator, denominator = _coefficients(probabilities, target, squared, over_batch, smooth)
    share = np.zeros_like(numerator)  # of the loss's gradient, divided by U
    np.divide(-upstream / numerator.size, denominator, out=share, where=denominator != 0)
    dice = numerator / np.where(denominator != 0, denominator, 1)
    factors = np.empty((3, *probabilities.shape[:2]))
    factors[0] = 2 * share
    factors[1] = 2 * share * dice if squared else 0
    factors[2] = 0 if squared else share * dice
    p = planes(probabilities)
    dp = np.empty(probabilities.shape, p.dtype)
    launch(_backward, p, planes(target), factors, dp.reshape(p.shape))
    return dp


def _served(p: Any, g: Any, smooth: Any) -> bool:
    return servable(p, g) and p.shape == g.shape and p.ndim >= 3 and number(smooth, 0) is not None


def _coefficients(p: Any, g: Any, squared: Any, over_batch: Any, smooth: Any) -> tuple[Any, Any]:
    """Return D's numerator and denominator in float64: (N, K), or (1, K) over the batch."""
    partial = np.empty((2, *p.shape[:2], pieces(math.prod(p.shape[2:]))))
    launch(_sums, planes(p), planes(g), bool(squared), partial)
    sums = partial.sum(axis=3)
    if over_batch:
        sums = sums.sum(axis=1, keepdims=True)
    return 2 * sums[0] + float(smooth), sums[1] + float(smooth)


@jit(parallel=True)
def _sums(p: Any, g: Any, squared: bool, partial: Any) -> None:
    _, samples, classes, count = partial.shape
    for task in prange(samples * classes * count):
        plane, piece = task // count, task % count
        n, k, at = plane // classes, plane % classes, piece * PIECE
        both, either = _piece_sums(p[n, k, at : at + PIECE], g[n, k, at : at + PIECE], squared)
        partial[0, n, k, piece], partial[1, n, k, piece] = both, either


@jit(fastmath=SUMS)
def _piece_sums(p: Any, g: Any, squared: bool) -> tuple[Any, Any]:
    both = either = p.dtype.type(0)
    if squared:
        for i in range(len(p)):
            both += p[i] * g[i]
            either += p[i] * p[i] + g[i] * g[i]
    else:
        for i in range(len(p)):
            both += p[i] * g[i]
            either += p[i] + g[i]
    return both, either


@jit(parallel=True)
def _backward(p: Any, g: Any, factors: Any, dp: Any) -> None:
    samples, classes, pixels = p.shape
    count = (pixels + PIECE - 1) // PIECE
    for task in prange(samples * classes * count):
        plane, at = task // count, task % count * PIECE
        n, k = plane // classes, plane % classes
        here = slice(at, at + PIECE)
        _combine(p[n, k, here], g[n, k, here], factors[:, n, k], dp[n, k, here])


@jit()
def _combine(p: Any, g: Any, factors: Any, dp: Any) -> None:
    number = p.dtype.type
    a, b, c = number(factors[0]), number(factors[1]), number(factors[2])
    for i in range(len(p)):
        dp[i] = a * g[i] - b * p[i] - c
