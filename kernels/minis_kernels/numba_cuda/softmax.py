"""Softmax and its logarithm: a thread takes lines along the axis of the classes.

An array is seen as (outer, classes, inner), whatever the axis. A thread goes through the classes of
its line thrice: for the largest score, for the sum of the exponentials, for the result. Threads
share nothing.

          inner →                 Neighbouring threads take neighbouring columns: in each step of
    k=0   t0 t1 t2 t3 …           their loops the threads of a warp read one stretch of memory.
    k=1   t0 t1 t2 t3 …           Along the last axis there is but one column: a warp then reads
    k=2   t0 t1 t2 t3 …           numbers that lie apart, and leaves the rest to the cache.
"""

from __future__ import annotations

import math
from typing import Any

from numba import cuda

from .arrays import contiguous, empty, servable
from .launch import THREADS, blocks_for, device, kernel
from .signatures import Real3


def softmax(x: Any, axis: int = 1) -> Any:
    """Turn scores into probabilities: `minis.ops.softmax`."""
    return _along_classes(_softmax, axis, x)


def log_softmax(x: Any, axis: int = 1) -> Any:
    """Logarithm of softmax: `minis.ops.log_softmax`."""
    return _along_classes(_log_softmax, axis, x)


def softmax_backward(dy: Any, y: Any, axis: int = 1) -> Any:
    """Gradient of softmax: `minis.ops.softmax_backward`."""
    return _along_classes(_softmax_backward, axis, dy, y)


def log_softmax_backward(dy: Any, y: Any, axis: int = 1) -> Any:
    """Gradient of log_softmax: `minis.ops.log_softmax_backward`."""
    return _along_classes(_log_softmax_backward, axis, dy, y)


def _along_classes(run: Any, axis: Any, *arrays: Any) -> Any:
    """Run a kernel on arrays of one shape, seen as (outer, classes, inner)."""
    x = arrays[-1]
    if not servable(*arrays) or any(a.shape != x.shape for a in arrays):
        return NotImplemented
    if type(axis) is not int or not -x.ndim <= axis < x.ndim:
        return NotImplemented
    axis %= x.ndim
    shape = math.prod(x.shape[:axis]), x.shape[axis], math.prod(x.shape[axis + 1 :])
    y = empty(shape, x)
    lines = shape[0] * shape[2]
    run[blocks_for(lines), THREADS](*(contiguous(a).reshape(shape) for a in arrays), y)
    return y.reshape(x.shape)


@device
def exponentials(x: Any, n: int, at: int, y: Any) -> Any:
    """Set a line of y to e^(x − largest); return the largest score and the line's sum."""
    largest = x[n, 0, at]
    for k in range(1, x.shape[1]):
        largest = max(largest, x[n, k, at])
    total = x.dtype.type(0)
    for k in range(x.shape[1]):
        e = math.exp(x[n, k, at] - largest)  # at most 1: nothing overflows
        y[n, k, at] = e
        total += e
    return largest, total


@kernel
def _softmax(x: Real3, y: Real3) -> None:
    """Set y = e^x / Σ e^x."""
    outer, classes, inner = x.shape
    for i in range(cuda.grid(1), outer * inner, cuda.gridsize(1)):
        n, at = i // inner, i % inner
        _, total = exponentials(x, n, at, y)
        for k in range(classes):
            y[n, k, at] /= total


@kernel
def _log_softmax(x: Real3, y: Real3) -> None:
    """Set y = x − log Σ e^x."""
    outer, classes, inner = x.shape
    for i in range(cuda.grid(1), outer * inner, cuda.gridsize(1)):
        n, at = i // inner, i % inner
        largest, total = exponentials(x, n, at, y)
        lost = math.log(total)
        for k in range(classes):
            y[n, k, at] = x[n, k, at] - largest - lost


@kernel
def _softmax_backward(dy: Real3, y: Real3, dx: Real3) -> None:
    """Set dx = y · (dy − Σ dy·y)."""
    outer, classes, inner = y.shape
    for i in range(cuda.grid(1), outer * inner, cuda.gridsize(1)):
        n, at = i // inner, i % inner
        total = y.dtype.type(0)
        for k in range(classes):
            total += dy[n, k, at] * y[n, k, at]
        for k in range(classes):
            dx[n, k, at] = y[n, k, at] * (dy[n, k, at] - total)


@kernel
def _log_softmax_backward(dy: Real3, y: Real3, dx: Real3) -> None:
    """Set dx = dy − e^y · Σ dy."""
    outer, classes, inner = y.shape
    for i in range(cuda.grid(1), outer * inner, cuda.gridsize(1)):
        n, at = i // inner, i % inner
        total = y.dtype.type(0)
        for k in range(classes):
            total += dy[n, k, at]
        for k in range(classes):
            dx[n, k, at] = dy[n, k, at] - math.exp(y[n, k, at]) * total
