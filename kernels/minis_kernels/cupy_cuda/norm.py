"""Batch normalisation on the GPU, by the kernels of `sources/norm.cu`."""

from __future__ import annotations

from typing import Any

from ..arguments import number
from .arrays import contiguous, namespace, servable
from .program import Program
from .rows import WARP, Rows, channels

PROGRAM = Program("norm.cu")


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
    weight, least = number(momentum, 0, 1), number(eps, 0)
    if weight is None or least is None:
        return NotImplemented
    if not fit(x, gamma, beta, running_mean, running_var):
        return NotImplemented
    values = x.size // x.shape[1]
    if training and values == 1:
        return NotImplemented
    x, gamma, beta = contiguous(x), contiguous(gamma), contiguous(beta)
    xp: Any = namespace(x)
    y = xp.empty(x.shape, x.dtype)
    rows = channels(x, y)
    if rows is None:
        return NotImplemented
    partial = partial_moments(x, rows) if training else (None, None)
    statistics = [xp.empty(gamma.shape, x.dtype) for _ in range(4)]
    run = PROGRAM.kernel("batch_norm_statistics", x.dtype)
    run(
        rows.rows,
        WARP,
        *partial,
        rows.parts if training else 0,
        rows.share,
        values,
        contiguous(running_mean),
        contiguous(running_var),
        weight if training else 0.0,
        least,
        *statistics,
    )
    mean, inv_std, new_mean, new_var = statistics
    normalise(x, mean, inv_std, gamma, beta, y, rows, groups=rows.rows, run_is_channel=False)
    return y, mean, inv_std, new_mean, new_var


def batch_norm_backward(
    dy: Any, x: Any, gamma: Any, mean: Any, inv_std: Any, *, training: bool
) -> Any:
    """Gradients of batch normalisation: `minis.ops.batch_norm_backward`."""
    if not servable(x, dy) or x.shape != dy.shape or not fit(x, gamma, mean, inv_std):
        return NotImplemented
    dy, x, gamma, mean, inv_std = (contiguous(a) for a in (dy, x, gamma, mean, inv_std))
    xp: Any = namespace(x)
    dx = xp.empty(x.shape, x.dtype)
    rows = channels(dy, x, dx)
    if rows is None:
        return NotImplemented
    in_evaluation = (None, None, None) if training else (gamma, inv_std, dx)
    totals, along = sums_along(dy, x, mean, rows, 1, *in_evaluation)
    dgamma, dbeta, a, b = (xp.empty(gamma.shape, x.dtype) for _ in range(4))
    run = PROGRAM.kernel("batch_norm_gradients", x.dtype)
    values = x.size // x.shape[1]
    run(rows.rows, WARP, totals, along, rows.parts, values, gamma, inv_std, dgamma, dbeta, a, b)
    if training:
        given = (dy, x, gamma, mean, inv_std, a, b, dx)
        input_gradient(*given, rows, groups=rows.rows, run_is_channel=False)
    return dx, dgamma, dbeta


def fit(x: Any, *per_channel: Any) -> bool:
    """Whether x is (N, C, *S), with one value a channel in each of the others."""
    return (
        servable(x, *per_channel)
        and 2 <= x.ndim <= 5
        and all(a.shape == (x.shape[1],) for a in per_channel)
    )


def partial_moments(x: Any, rows: Rows) -> tuple[Any, Any]:
    """Return each part's mean, and the sum of its squared distances from it: (rows, parts)."""
    xp: Any = namespace(x)
    means, squares = xp.empty(rows.grid, "float64"), xp.empty(rows.grid, "float64")
    run = PROGRAM.kernel("moments", x.dtype)
    run(rows.grid, rows.threads, x, means, squares, *rows.arguments)
    return means, squares


def normalise(
    x: Any,
    mean: Any,
    inv_std: Any,
    gamma: Any,
    beta: Any,
    y: Any,
    rows: Rows,
    *,
    groups: int,
    run_is_channel: bool,
) -> None:
    """Set y = (x − mean)·inv_std·gamma + beta."""
    run = PROGRAM.kernel("normalise", x.dtype)
    given = (x, mean, inv_std, gamma, beta, y, groups, run_is_channel)
    run(rows.grid, rows.threads, *given, *rows.arguments)


def sums_along(
    dy: Any,
    x: Any,
    mean: Any,
    rows: Rows,
    members: int,
    gamma: Any = None,
    inv_std: Any = None,
    dx: Any = None,
) -> tuple[Any, Any]:
    """Return each part's Σ dy and Σ dy·(x − mean), (rows, parts); set dx if it is given."""
    xp: Any = namespace(x)
    totals, along = xp.empty(rows.grid, "float64"), xp.empty(rows.grid, "float64")
    run = PROGRAM.kernel("sums_along", x.dtype)
    given = (dy, x, mean, members, gamma, inv_std, dx, totals, along)
    run(rows.grid, rows.threads, *given, *rows.arguments)
    return totals, along


def input_gradient(
    dy: Any,
    x: Any,
    gamma: Any,
    mean: Any,
    inv_std: Any,
    a: Any,
    b: Any,
    dx: Any,
    rows: Rows,
    *,
    groups: int,
    run_is_channel: bool,
) -> None:
    """Set dx = inv_std·(gamma·dy − a − b·(x − mean))."""
    run = PROGRAM.kernel("input_gradient", x.dtype)
    given = (dy, x, gamma, mean, inv_std, a, b, dx, groups, run_is_channel)
    run(rows.grid, rows.threads, *given, *rows.arguments)
