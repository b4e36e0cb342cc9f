"""RMSprop: one pass over a parameter, as `parameters` says.

Milliseconds on two Zen 5 cores, float32, four filters of (512, 512, 3, 3): 8.7 with momentum and
weight decay, the NumPy text's 26.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from ..arguments import numbers
from .jit import jit
from .launch import launch
from .parameters import decayed, served
from .pieces import PIECE


def rmsprop_step(
    data: Any,
    grad: Any,
    square: Any,
    mean: Any = None,
    velocity: Any = None,
    *,
    lr: float,
    alpha: float = 0.99,
    eps: float = 1e-8,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
) -> Any:
    """Take one step of `RMSprop`, in place: `minis.training.rmsprop.rmsprop_step`."""
    arrays = served(data, grad, square, mean, velocity)
    values = numbers(lr, alpha, eps, momentum, weight_decay)
    if arrays is None or values is None or square is None or (momentum and velocity is None):
        return NotImplemented
    launch(_rmsprop, *arrays, *values, 1 - values[1])
    return None


@jit(parallel=True)
def _rmsprop(
    data: Any,
    grad: Any,
    square: Any,
    mean: Any,
    velocity: Any,
    lr: float,
    alpha: float,
    eps: float,
    momentum: float,
    weight_decay: float,
    rest: float,
) -> None:
    for piece in prange((len(data) + PIECE - 1) // PIECE):
        here = slice(piece * PIECE, (piece + 1) * PIECE)
        number = data.dtype.type
        g, r = np.empty_like(data[here]), np.empty_like(data[here])
        decayed(data[here], grad[here], number(weight_decay), g)
        _root(g, square[here], mean[here], number(alpha), number(rest), number(eps), r)
        _rmsprop_piece(data[here], g, r, velocity[here], number(lr), number(momentum))


@jit()
def _root(g: Any, s: Any, m: Any, alpha: Any, rest: Any, eps: Any, r: Any) -> None:
    """Move the means s and m towards g² and g; set r to the root that g is divided by."""
    zero = g.dtype.type(0)
    for i in range(len(g)):
        s[i] = s[i] * alpha + rest * (g[i] * g[i])
        r[i] = s[i]
    if len(m):
        for i in range(len(g)):
            m[i] = m[i] * alpha + rest * g[i]
            variance = s[i] - m[i] * m[i]
            r[i] = zero if variance < zero else variance
    for i in range(len(g)):
        r[i] = np.sqrt(r[i]) + eps


@jit(error_model="numpy")
def _rmsprop_piece(data: Any, g: Any, r: Any, v: Any, lr: Any, momentum: Any) -> None:
    for i in range(len(data)):
        g[i] /= r[i]
    if momentum != 0:
        for i in range(len(data)):
            v[i] = v[i] * momentum + g[i]
            g[i] = v[i]
    for i in range(len(data)):
        data[i] -= lr * g[i]
