"""Batch normalisation: each channel's sums are found by a block, whose threads share memory.

    training   1. block c finds the mean and the variance of channel c
    both       2. a thread takes numbers of x: it normalises, scales and shifts each
    backward   1. block c finds Σ dy and Σ dy·x̂ of channel c
               2. a thread takes numbers of dx

Thread t of a block adds up the numbers t, t + T, t + 2T … of its channel, T being the block's
threads. Their T sums are then added in a tree, through memory that the block shares:

    parts    a   b   c   d   e   f   g   h       8 threads
             a+e b+f c+g d+h                     4 of them add, the others wait
             a+e+c+g b+f+d+h                     2
             a+b+c+d+e+f+g+h                     1

A thread reads what another has written, so at each step all wait until all have written: without
the barrier a sum would be read before it is complete. The order of additions is the same always,
and so are the bits.

Sums are kept in float64: a channel has millions of numbers. The variance comes from a second pass
over the channel: Σx² − (Σx)²/m would lose it where the mean is large. One block for a channel is
simple; but with 64 channels it keeps 64 of a large GPU's 132 multiprocessors at work.
"""

from __future__ import annotations

from typing import Any

from numba import cuda, float64

from ..arguments import number
from .arrays import contiguous, empty, namespace, servable
from .launch import THREADS, blocks_for, device, kernel
from .signatures import Real1, Real3


def batch_norm(
    x: Any,
    gamma: Any,
    beta: Any,
    running_mean: Any,
    running_var: Any,
    *,
    training: bool,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """Normalise each channel, then scale and shift it: `minis.ops.batch_norm`."""
    share, least = number(momentum, 0, 1), number(eps, 0)
    if share is None or least is None:
        return NotImplemented
    if not _served(x, gamma, beta, running_mean, running_var):
        return NotImplemented
    m = x.size // x.shape[1]
    if training and m == 1:
        return NotImplemented
    xp: Any = namespace(x)
    x3 = _three_axes(x)
    mean, var = running_mean.copy(), running_var.copy()
    new_mean, new_var = running_mean.copy(), running_var.copy()
    if training:
        _statistics[x.shape[1], THREADS](x3, mean, var)
        new_mean = (1 - share) * running_mean + share * mean
        new_var = (1 - share) * running_var + share * (var * (m / (m - 1)))
    inv_std = 1 / xp.sqrt(var + least)
    y = empty(x3.shape, x)
    scale_and_shift = contiguous(gamma), contiguous(beta)
    _normalise[blocks_for(x.size), THREADS](x3, mean, inv_std, *scale_and_shift, y)
    return y.reshape(x.shape), mean, inv_std, new_mean, new_var


def batch_norm_backward(
    dy: Any, x: Any, gamma: Any, mean: Any, inv_std: Any, *, training: bool
) -> Any:
    """Gradients of batch normalisation: `minis.ops.batch_norm_backward`."""
    if not servable(x, dy) or x.shape != dy.shape or not _served(x, gamma, mean, inv_std):
        return NotImplemented
    dy3, x3 = _three_axes(dy), _three_axes(x)
    gamma, mean, inv_std = contiguous(gamma), contiguous(mean), contiguous(inv_std)
    dx, dgamma, dbeta = empty(x3.shape, x), empty(mean.shape, x), empty(mean.shape, x)
    _sums[x.shape[1], THREADS](dy3, x3, mean, inv_std, dgamma, dbeta)
    _input_gradient[blocks_for(x.size), THREADS](
        dy3, x3, gamma, mean, inv_std, dgamma, dbeta, bool(training), dx
    )
    return dx.reshape(x.shape), dgamma, dbeta


def _served(x: Any, *per_channel: Any) -> bool:
    return (
        servable(x, *per_channel)
        and 2 <= x.ndim <= 5
        and all(a.shape == (x.shape[1],) for a in per_channel)
    )


def _three_axes(x: Any) -> Any:
    """View (N, C, *S), copied if it is not contiguous, as (N, C, pixels)."""
    return contiguous(x).reshape(*x.shape[:2], -1)


@device
def _sum_of_block(parts: Any, mine: float) -> float:
    """Add up the numbers that the threads of a block bring; each gets the sum."""
    t = cuda.threadIdx.x
    cuda.syncthreads()  # until all have read the sum before, whose place is taken now
    parts[t] = mine
    adding = THREADS // 2
    while adding > 0:
        cuda.syncthreads()  # until all parts of this step are there
        if t < adding:
            parts[t] += parts[t + adding]
        adding //= 2
    cuda.syncthreads()  # until thread 0 has written the last sum
    return parts[0]  # type: ignore[no-any-return]


@kernel
def _statistics(x: Real3, mean: Real1, var: Real1) -> None:
    """Find the mean and the biased variance of the block's channel."""
    parts = cuda.shared.array(THREADS, float64)
    c = cuda.blockIdx.x
    samples, _, pixels = x.shape
    count = samples * pixels
    total = 0.0
    for i in range(cuda.threadIdx.x, count, THREADS):
        total += x[i // pixels, c, i % pixels]
    centre = _sum_of_block(parts, total) / count
    squares = 0.0
    for i in range(cuda.threadIdx.x, count, THREADS):
        distance = x[i // pixels, c, i % pixels] - centre
        squares += distance * distance
    spread = _sum_of_block(parts, squares) / count
    if cuda.threadIdx.x == 0:  # all have the numbers, one is enough to write them
        mean[c] = centre
        var[c] = spread


@kernel
def _normalise(x: Real3, mean: Real1, inv_std: Real1, gamma: Real1, beta: Real1, y: Real3) -> None:
    """Set y = gamma · (x − mean) · inv_std + beta."""
    _, channels, pixels = x.shape
    for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
        plane, p = i // pixels, i % pixels
        n, c = plane // channels, plane % channels
        y[n, c, p] = gamma[c] * ((x[n, c, p] - mean[c]) * inv_std[c]) + beta[c]


@kernel
def _sums(dy: Real3, x: Real3, mean: Real1, inv_std: Real1, dgamma: Real1, dbeta: Real1) -> None:
    """Find Σ dy·x̂ and Σ dy of the block's channel."""
    parts = cuda.shared.array(THREADS, float64)
    c = cuda.blockIdx.x
    samples, _, pixels = x.shape
    along_x = along_1 = 0.0
    for i in range(cuda.threadIdx.x, samples * pixels, THREADS):
        n, p = i // pixels, i % pixels
        along_x += dy[n, c, p] * ((x[n, c, p] - mean[c]) * inv_std[c])
        along_1 += dy[n, c, p]
    along_x = _sum_of_block(parts, along_x)
    along_1 = _sum_of_block(parts, along_1)
    if cuda.threadIdx.x == 0:
        dgamma[c] = along_x
        dbeta[c] = along_1


@kernel
def _input_gradient(
    dy: Real3,
    x: Real3,
    gamma: Real1,
    mean: Real1,
    inv_std: Real1,
    dgamma: Real1,
    dbeta: Real1,
    training: bool,
    dx: Real3,
) -> None:
    """Set dx = gamma · inv_std · (dy − mean(dy) − x̂ · mean(dy · x̂)), or gamma · inv_std · dy."""
    samples, channels, pixels = x.shape
    one = x.dtype.type(1)
    share = one / x.dtype.type(samples * pixels)
    for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
        plane, p = i // pixels, i % pixels
        n, c = plane // channels, plane % channels
        left = dy[n, c, p]
        if training:
            x_hat = (x[n, c, p] - mean[c]) * inv_std[c]
            left -= share * (dbeta[c] + x_hat * dgamma[c])
        dx[n, c, p] = gamma[c] * inv_std[c] * left
