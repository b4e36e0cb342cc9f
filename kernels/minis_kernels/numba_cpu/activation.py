"""Activations: one pass over the memory, shared among the threads.

The NumPy text makes an array for every step of its formula; here each number is read once, goes
through the whole formula in registers, and is written once. What is left is the memory's speed.

Milliseconds on two Zen 5 cores, float32, (8, 64, 128, 128), with the NumPy text's:

    relu       3.0 (5.0)    backward 3.6 (37)
    prelu      2.6 (43)     backward 3.3 (88)
    elu        3.0 (56)     backward 3.7 (46)
    sigmoid    3.1 (56)     backward 3.3 (10)

About half of each is the system handing out the memory of the result: into an array that is there
already, relu takes 1.5 ms. The exponential costs nothing beside memory because the compiler
vectorises it (see `elementary`).

Arrays of no axes are declined.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from ..arguments import number
from .arrays import servable
from .elementary import exp, expm1
from .jit import jit
from .launch import launch
from .pieces import PIECE, SUMS, flat, pieces, planes


def relu(x: Any) -> Any:
    """Replace negative values by zero: `minis.ops.relu`."""
    return _of_one(_relu, x)


def relu_backward(dy: Any, y: Any) -> Any:
    """Gradient of `relu`: `minis.ops.relu_backward`."""
    return _of_two(_relu_backward, dy, y)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """Replace negative values by alpha·(eˣ − 1): `minis.ops.elu`."""
    level = number(alpha, low=0)
    return NotImplemented if level is None else _of_one(_elu, x, level)


def elu_backward(dy: Any, y: Any, alpha: float = 1.0) -> Any:
    """Gradient of `elu`: `minis.ops.elu_backward`."""
    level = number(alpha, low=0)
    return NotImplemented if level is None else _of_two(_elu_backward, dy, y, level)


def sigmoid(x: Any) -> Any:
    """Squash each value into 0 … 1: `minis.ops.sigmoid`."""
    return _of_one(_sigmoid, x)


def sigmoid_backward(dy: Any, y: Any) -> Any:
    """Gradient of `sigmoid`: `minis.ops.sigmoid_backward`."""
    return _of_two(_sigmoid_backward, dy, y)


def prelu(x: Any, a: Any) -> Any:
    """Scale negative values by a learned slope: `minis.ops.prelu`."""
    if not _slopes_fit(x, a):
        return NotImplemented
    y = np.empty(x.shape, x.dtype)
    slopes = np.ascontiguousarray(np.broadcast_to(a, x.shape[1]))
    launch(_prelu, planes(x), slopes, y.reshape(*x.shape[:2], -1))
    return y


def prelu_backward(dy: Any, x: Any, a: Any) -> Any:
    """Gradients of `prelu`: `minis.ops.prelu_backward`."""
    if not _slopes_fit(x, a) or not servable(x, dy) or dy.shape != x.shape:
        return NotImplemented
    dx = np.empty(x.shape, x.dtype)
    slopes = np.ascontiguousarray(np.broadcast_to(a, x.shape[1]))
    partial = np.empty((*x.shape[:2], pieces(dx[0, 0].size)))
    launch(_prelu_backward, planes(dy), planes(x), slopes, dx.reshape(*x.shape[:2], -1), partial)
    da = partial.sum(axis=(0, 2)) if a.size > 1 else partial.sum().reshape(1)
    return dx, da.astype(x.dtype)


def _of_one(kernel: Any, x: Any, *options: float) -> Any:
    if not servable(x) or x.ndim == 0:
        return NotImplemented
    y = np.empty(x.shape, x.dtype)
    launch(kernel, flat(x), *options, y.reshape(-1))
    return y


def _of_two(kernel: Any, dy: Any, y: Any, *options: float) -> Any:
    if not servable(dy, y) or dy.ndim == 0 or dy.shape != y.shape:
        return NotImplemented
    dx = np.empty(y.shape, y.dtype)
    launch(kernel, flat(dy), flat(y), *options, dx.reshape(-1))
    return dx


def _slopes_fit(x: Any, a: Any) -> bool:
    return servable(x, a) and x.ndim >= 2 and a.ndim == 1 and len(a) in (1, x.shape[1])


# Comparisons are so turned that NaN, which is neither above nor below, stays NaN.


@jit(parallel=True)
def _relu(x: Any, y: Any) -> None:
    zero = x.dtype.type(0)
    for i in prange(len(x)):
        y[i] = zero if x[i] <= zero else x[i]


@jit(parallel=True)
def _relu_backward(dy: Any, y: Any, dx: Any) -> None:
    zero = y.dtype.type(0)
    for i in prange(len(y)):
        dx[i] = zero if y[i] <= zero else dy[i]


@jit(parallel=True)
def _elu(x: Any, alpha: float, y: Any) -> None:
    zero, level = x.dtype.type(0), x.dtype.type(alpha)
    for i in prange(len(x)):
        below = level * expm1(zero if x[i] > zero else x[i])
        y[i] = x[i] if x[i] > zero else below


@jit(parallel=True)
def _elu_backward(dy: Any, y: Any, alpha: float, dx: Any) -> None:
    zero, one, level = y.dtype.type(0), y.dtype.type(1), y.dtype.type(alpha)
    for i in prange(len(y)):
        dx[i] = dy[i] * (one if y[i] > zero else y[i] + level)


@jit(parallel=True, error_model="numpy")
def _sigmoid(x: Any, y: Any) -> None:
    zero, one = x.dtype.type(0), x.dtype.type(1)
    for i in prange(len(x)):
        e = exp(x[i] if x[i] < zero else -x[i])
        y[i] = (e if x[i] < zero else one) / (one + e)


@jit(parallel=True)
def _sigmoid_backward(dy: Any, y: Any, dx: Any) -> None:
    one = y.dtype.type(1)
    for i in prange(len(y)):
        dx[i] = dy[i] * y[i] * (one - y[i])


@jit(parallel=True)
def _prelu(x: Any, slopes: Any, y: Any) -> None:
    samples, channels, pixels = x.shape
    count = (pixels + PIECE - 1) // PIECE
    for task in prange(samples * channels * count):
        plane, at = task // count, task % count * PIECE
        n, c = plane // channels, plane % channels
        _prelu_piece(x[n, c, at : at + PIECE], slopes[c], y[n, c, at : at + PIECE])


@jit()
def _prelu_piece(x: Any, slope: Any, y: Any) -> None:
    zero = x.dtype.type(0)
    for i in range(len(x)):
        scaled = slope * x[i]
        y[i] = x[i] if x[i] > zero else scaled


@jit(parallel=True)
def _prelu_backward(dy: Any, x: Any, slopes: Any, dx: Any, partial: Any) -> None:
    samples, channels, count = partial.shape
    for task in prange(samples * channels * count):
        plane, piece = task // count, task % count
        n, c, at = plane // channels, plane % channels, piece * PIECE
        partial[n, c, piece] = _prelu_backward_piece(
            dy[n, c, at : at + PIECE],
            x[n, c, at : at + PIECE],
            slopes[c],
            dx[n, c, at : at + PIECE],
        )


@jit(fastmath=SUMS)
def _prelu_backward_piece(dy: Any, x: Any, slope: Any, dx: Any) -> Any:
    zero = x.dtype.type(0)
    total = zero
    for i in range(len(x)):
        scaled = slope * dy[i]
        share = dy[i] * x[i]
        dx[i] = dy[i] if x[i] > zero else scaled
        total += zero if x[i] > zero else share
    return total
