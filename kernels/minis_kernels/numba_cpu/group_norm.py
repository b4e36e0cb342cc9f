"""Group normalisation: groups that stay in the cache, so that memory is read once.

The values that share a mean, a sample's group, lie in one piece. Some of these rows are taken at a
time: their statistics are found piece by piece, then the same numbers, by now in the cache, are
normalised channel by channel. The NumPy text goes over memory a dozen times.

Where there are many rows that each fit a core's cache, a thread takes a row alone: then some read
while others write, and memory does both at a time, which is 10 % faster than all waiting for all.

Milliseconds on two Zen 5 cores, float32, 32 groups, with the NumPy text's:

    (8, 64, 128, 128)    forward 2.0 (16)       backward 3.3 (23)
    (2, 256, 56, 56)     forward 0.14 (1.9)     backward 0.20 (3.2)

Backward needs two sums for each channel of each sample, Σ dy and Σ dy·(x − mean). Dgamma and dbeta
add them over the samples; weighted with gamma and added over a group, they give two numbers a and b
for each row: dx = inv_std·(gamma·dy − a − b·(x − mean)).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from ..arguments import number
from .arrays import servable
from .jit import jit
from .launch import launch
from .moments import merged, moments
from .norm import normalise, sums_along
from .pieces import PIECE, planes

AT_ONCE = 1 << 20  # bytes of the rows that are taken at a time, in each array
MANY = 16  # rows, from which on a thread takes one alone


def group_norm(x: Any, gamma: Any, beta: Any, groups: int, *, eps: float = 1e-5) -> Any:
    """Normalise each sample's groups, then scale and shift: `minis.ops.group_norm`."""
    least = number(eps, 0)
    if least is None or not _served(x, groups, gamma, beta):
        return NotImplemented
    mean, inv_std = np.empty((2, len(x), groups))
    y = np.empty(x.shape, x.dtype)
    flat = planes(x)
    arrays = mean, inv_std, y.reshape(flat.shape)
    given = flat, np.ascontiguousarray(gamma), np.ascontiguousarray(beta), least
    at_once = _rows_at_once(flat, groups)
    if mean.size >= MANY and at_once > 1:
        launch(_forward_by_rows, *given, *arrays)
    else:
        launch(_forward, *given, at_once, *arrays)
    return y, mean.astype(x.dtype), inv_std.astype(x.dtype)


def group_norm_backward(dy: Any, x: Any, gamma: Any, mean: Any, inv_std: Any, groups: int) -> Any:
    """Gradients of group normalisation: `minis.ops.group_norm_backward`."""
    if not _served(x, groups, gamma) or not servable(x, dy, mean, inv_std):
        return NotImplemented
    if dy.shape != x.shape or not mean.shape == inv_std.shape == (len(x), groups):
        return NotImplemented
    dx = np.empty(x.shape, x.dtype)
    flat = planes(x)
    sums = np.empty((2, *x.shape[:2]))  # Σ dy and Σ dy·(x − mean)
    launch(
        _backward,
        planes(dy),
        flat,
        np.ascontiguousarray(gamma),
        np.ascontiguousarray(mean),
        np.ascontiguousarray(inv_std),
        _rows_at_once(flat, groups),
        sums,
        dx.reshape(flat.shape),
    )
    of_channels = np.repeat(inv_std, x.shape[1] // groups, axis=1)  # (N, C)
    dgamma, dbeta = (sums[1] * of_channels).sum(axis=0), sums[0].sum(axis=0)
    return dx, dgamma.astype(x.dtype), dbeta.astype(x.dtype)


def _served(x: Any, groups: Any, *per_channel: Any) -> bool:
    return bool(
        servable(x, *per_channel)
        and 2 <= x.ndim <= 5
        and all(a.shape == (x.shape[1],) for a in per_channel)
        and isinstance(groups, int | np.integer)
        and not isinstance(groups, bool)
        and groups > 0
        and x.shape[1] % groups == 0
    )


def _rows_at_once(x: Any, groups: int) -> int:
    return max(1, AT_ONCE // (x[0].size // groups * x.itemsize))


@jit(parallel=True, error_model="numpy")
def _forward(
    x: Any, gamma: Any, beta: Any, eps: float, at_once: int, mean: Any, inv_std: Any, y: Any
) -> None:
    samples, channels, pixels = x.shape
    groups = mean.shape[1]
    members = channels // groups
    values = members * pixels
    pieces = (values + PIECE - 1) // PIECE
    plane_pieces = (pixels + PIECE - 1) // PIECE
    rows = x.reshape(samples * groups, values)
    means, inv_stds = mean.reshape(-1), inv_std.reshape(-1)
    partial = np.empty((2, at_once, pieces))
    for first in range(0, samples * groups, at_once):
        count = min(at_once, samples * groups - first)
        for task in prange(count * pieces):
            r, piece = task // pieces, task % pieces
            of_piece = moments(rows[first + r, piece * PIECE : (piece + 1) * PIECE])
            partial[0, r, piece], partial[1, r, piece] = of_piece
        for r in range(count):
            centre, var = merged(partial[0, r : r + 1], partial[1, r : r + 1], values)
            means[first + r], inv_stds[first + r] = centre, 1 / np.sqrt(var + eps)
        for task in prange(count * members * plane_pieces):
            plane, at = task // plane_pieces, task % plane_pieces * PIECE
            r = first + plane // members
            n, c = r // groups, r % groups * members + plane % members
            normalise(
                x[n, c, at : at + PIECE],
                means[r],
                gamma[c] * inv_stds[r],
                beta[c],
                y[n, c, at : at + PIECE],
            )


@jit(parallel=True, error_model="numpy")
def _forward_by_rows(
    x: Any, gamma: Any, beta: Any, eps: float, mean: Any, inv_std: Any, y: Any
) -> None:
    samples, channels, pixels = x.shape
    groups = mean.shape[1]
    members = channels // groups
    values = members * pixels
    pieces = (values + PIECE - 1) // PIECE
    rows = x.reshape(samples * groups, values)
    for r in prange(samples * groups):
        n, g = r // groups, r % groups
        partial = np.empty((2, 1, pieces))
        for piece in range(pieces):
            of_piece = moments(rows[r, piece * PIECE : (piece + 1) * PIECE])
            partial[0, 0, piece], partial[1, 0, piece] = of_piece
        centre, var = merged(partial[0], partial[1], values)
        mean[n, g], inv_std[n, g] = centre, 1 / np.sqrt(var + eps)
        for c in range(g * members, (g + 1) * members):
            normalise(x[n, c], centre, gamma[c] * inv_std[n, g], beta[c], y[n, c])


@jit(parallel=True)
def _backward(
    dy: Any, x: Any, gamma: Any, mean: Any, inv_std: Any, at_once: int, sums: Any, dx: Any
) -> None:
    samples, channels, pixels = x.shape
    groups = mean.shape[1]
    members = channels // groups
    pieces = (pixels + PIECE - 1) // PIECE
    partial = np.empty((2, at_once * members, pieces))
    constant, slope = np.empty(at_once), np.empty(at_once)
    for first in range(0, samples * groups, at_once):
        count = min(at_once, samples * groups - first)
        for task in prange(count * members * pieces):
            plane, piece = task // pieces, task % pieces
            r, at = first + plane // members, piece * PIECE
            n, g = r // groups, r % groups
            c = g * members + plane % members
            of_piece = sums_along(dy[n, c, at : at + PIECE], x[n, c, at : at + PIECE], mean[n, g])
            partial[0, plane, piece], partial[1, plane, piece] = of_piece
        for r in range(count):
            n, g = (first + r) // groups, (first + r) % groups
            a = b = 0.0
            for member in range(members):
                c, plane = g * members + member, r * members + member
                total = along = 0.0
                for piece in range(pieces):
                    total += partial[0, plane, piece]
                    along += partial[1, plane, piece]
                sums[0, n, c], sums[1, n, c] = total, along
                a += gamma[c] * total
                b += gamma[c] * along
            factor = np.float64(inv_std[n, g])
            constant[r] = a / (members * pixels)
            slope[r] = factor * factor * b / (members * pixels)
        for task in prange(count * members * pieces):
            plane, at = task // pieces, task % pieces * PIECE
            r = plane // members
            n, g = (first + r) // groups, (first + r) % groups
            c = g * members + plane % members
            _input_gradient(
                dy[n, c, at : at + PIECE],
                x[n, c, at : at + PIECE],
                mean[n, g],
                gamma[c],
                inv_std[n, g],
                constant[r],
                slope[r],
                dx[n, c, at : at + PIECE],
            )


@jit()
def _input_gradient(
    dy: Any,
    x: Any,
    mean: Any,
    gamma: Any,
    inv_std: Any,
    constant: float,
    slope: float,
    dx: Any,
) -> None:
    number = x.dtype.type
    a, b = number(constant), number(slope)
    for i in range(len(x)):
        dx[i] = inv_std * (gamma * dy[i] - a - b * (x[i] - mean))
