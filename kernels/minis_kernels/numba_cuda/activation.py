"""Activations: thread t of T takes the numbers t, t + T, t + 2T … and shares nothing.

Each number is read once, goes through the whole formula in registers, and is written once: relu
moves 8 bytes for a float32. Comparisons are so turned that NaN, which is neither above nor below,
stays NaN.

PReLU's slopes get the only sums. Block c goes through channel c; each of its threads writes what it
has added up, and an array operation adds that: in the same order always.
"""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np
from numba import cuda

from ..arguments import number
from .arrays import contiguous, empty, namespace, servable
from .launch import THREADS, blocks_for, kernel
from .signatures import Numbers, Real, Real1, Real3

Sums = Annotated[Any, Numbers("float64", 2)]


def relu(x: Any) -> Any:
    """Replace negative values by zero: `minis.ops.relu`."""
    return _elementwise(_relu, x)


def relu_backward(dy: Any, y: Any) -> Any:
    """Gradient of relu: `minis.ops.relu_backward`."""
    return _elementwise(_relu_backward, dy, y)


def elu(x: Any, alpha: Any = 1.0) -> Any:
    """Let negative values level off at −alpha: `minis.ops.elu`."""
    level = number(alpha, low=0)
    return NotImplemented if level is None else _elementwise(_elu, x, level=level)


def elu_backward(dy: Any, y: Any, alpha: Any = 1.0) -> Any:
    """Gradient of elu: `minis.ops.elu_backward`."""
    level = number(alpha, low=0)
    return NotImplemented if level is None else _elementwise(_elu_backward, dy, y, level=level)


def sigmoid(x: Any) -> Any:
    """Squeeze values into 0 … 1: `minis.ops.sigmoid`."""
    return _elementwise(_sigmoid, x)


def sigmoid_backward(dy: Any, y: Any) -> Any:
    """Gradient of sigmoid: `minis.ops.sigmoid_backward`."""
    return _elementwise(_sigmoid_backward, dy, y)


def prelu(x: Any, a: Any) -> Any:
    """Scale negative values by a slope: `minis.ops.prelu`."""
    if not _slopes_fit(x, a):
        return NotImplemented
    y = empty((*x.shape[:2], x[0, 0].size), x)
    _prelu[blocks_for(x.size), THREADS](_three_axes(x), _slopes(x, a), y)
    return y.reshape(x.shape)


def prelu_backward(dy: Any, x: Any, a: Any) -> Any:
    """Gradients of prelu: `minis.ops.prelu_backward`."""
    if not _slopes_fit(x, a) or not servable(x, dy) or dy.shape != x.shape:
        return NotImplemented
    dx = empty((*x.shape[:2], x[0, 0].size), x)
    sums = empty((x.shape[1], THREADS), x, np.float64)
    arrays = _three_axes(dy), _three_axes(x), _slopes(x, a)
    _prelu_backward[x.shape[1], THREADS](*arrays, dx, sums)
    da = sums.sum(axis=1) if a.size > 1 else sums.sum().reshape(1)
    return dx.reshape(x.shape), da.astype(x.dtype)


def _elementwise(run: Any, *arrays: Any, level: float | None = None) -> Any:
    """Run a kernel on arrays of one shape, seen as having one axis."""
    x = arrays[0]
    if not servable(*arrays) or x.ndim == 0 or any(a.shape != x.shape for a in arrays):
        return NotImplemented
    y = empty((x.size,), x)
    options = () if level is None else (x.dtype.type(level),)
    flat = (contiguous(a).reshape(-1) for a in arrays)
    run[blocks_for(x.size), THREADS](*flat, *options, y)
    return y.reshape(x.shape)


def _slopes_fit(x: Any, a: Any) -> bool:
    return servable(x, a) and x.ndim >= 2 and a.ndim == 1 and len(a) in (1, x.shape[1])


def _slopes(x: Any, a: Any) -> Any:
    """Return one slope for each channel."""
    xp: Any = namespace(x)
    return xp.repeat(a, x.shape[1] // len(a))


def _three_axes(x: Any) -> Any:
    return contiguous(x).reshape(*x.shape[:2], -1)


@kernel
def _relu(x: Real1, y: Real1) -> None:
    zero = x.dtype.type(0)
    for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
        y[i] = zero if x[i] <= 0 else x[i]


@kernel
def _relu_backward(dy: Real1, y: Real1, dx: Real1) -> None:
    zero = y.dtype.type(0)
    for i in range(cuda.grid(1), y.size, cuda.gridsize(1)):
        dx[i] = zero if y[i] <= 0 else dy[i]


@kernel
def _elu(x: Real1, level: Real, y: Real1) -> None:
    for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
        y[i] = x[i] if x[i] > 0 else level * math.expm1(x[i])


@kernel
def _elu_backward(dy: Real1, y: Real1, level: Real, dx: Real1) -> None:
    for i in range(cuda.grid(1), y.size, cuda.gridsize(1)):
        dx[i] = dy[i] if y[i] > 0 else dy[i] * (y[i] + level)


@kernel
def _sigmoid(x: Real1, y: Real1) -> None:
    one = x.dtype.type(1)
    for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
        e = math.exp(-abs(x[i]))  # at most 1: nothing overflows
        y[i] = (e if x[i] < 0 else one) / (one + e)


@kernel
def _sigmoid_backward(dy: Real1, y: Real1, dx: Real1) -> None:
    one = y.dtype.type(1)
    for i in range(cuda.grid(1), y.size, cuda.gridsize(1)):
        dx[i] = dy[i] * y[i] * (one - y[i])


@kernel
def _prelu(x: Real3, slopes: Real1, y: Real3) -> None:
    _, channels, pixels = x.shape
    for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
        plane, p = i // pixels, i % pixels
        n, c = plane // channels, plane % channels
        value = x[n, c, p]
        y[n, c, p] = value if value > 0 else slopes[c] * value


@kernel
def _prelu_backward(dy: Real3, x: Real3, slopes: Real1, dx: Real3, sums: Sums) -> None:
    """Fill the block's channel of dx; each thread adds up its share of the slope's gradient."""
    c = cuda.blockIdx.x
    samples, _, pixels = x.shape
    total = 0.0
    for i in range(cuda.threadIdx.x, samples * pixels, THREADS):
        n, p = i // pixels, i % pixels
        if x[n, c, p] > 0:
            dx[n, c, p] = dy[n, c, p]
        else:
            dx[n, c, p] = slopes[c] * dy[n, c, p]
            total += dy[n, c, p] * x[n, c, p]
    sums[c, cuda.threadIdx.x] = total
