"""Group normalisation on the GPU, by the kernels of `sources/group_norm.cu` and `norm.cu`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arguments import number
from .arrays import contiguous, namespace, servable
from .norm import fit, input_gradient, normalise, partial_moments, sums_along
from .program import Program
from .rows import WARP, groups_of_samples, planes_of_samples

PROGRAM = Program("group_norm.cu")


def group_norm(x: Any, gamma: Any, beta: Any, groups: int, *, eps: float = 1e-5) -> Any:
    """Normalise each sample's groups, then scale and shift: `minis.ops.group_norm`."""
    least = number(eps, 0)
    if least is None or not fit(x, gamma, beta) or not _divides(groups, x.shape[1]):
        return NotImplemented
    x, gamma, beta = contiguous(x), contiguous(gamma), contiguous(beta)
    xp: Any = namespace(x)
    y = xp.empty(x.shape, x.dtype)
    rows = groups_of_samples(groups, x, y)
    if rows is None:
        return NotImplemented
    means, squares = partial_moments(x, rows)
    mean, inv_std = (xp.empty((x.shape[0], groups), x.dtype) for _ in range(2))
    run = PROGRAM.kernel("group_norm_statistics", x.dtype)
    values = rows.length * rows.segments
    run(rows.rows, WARP, means, squares, rows.parts, rows.share, values, least, mean, inv_std)
    normalise(x, mean, inv_std, gamma, beta, y, rows, groups=groups, run_is_channel=True)
    return y, mean, inv_std


def group_norm_backward(dy: Any, x: Any, gamma: Any, mean: Any, inv_std: Any, groups: int) -> Any:
    """Gradients of group normalisation: `minis.ops.group_norm_backward`."""
    if not servable(x, dy, mean, inv_std) or not fit(x, gamma) or dy.shape != x.shape:
        return NotImplemented
    if not _divides(groups, x.shape[1]) or not mean.shape == inv_std.shape == (len(x), groups):
        return NotImplemented
    dy, x, gamma, mean, inv_std = (contiguous(a) for a in (dy, x, gamma, mean, inv_std))
    xp: Any = namespace(x)
    dx = xp.empty(x.shape, x.dtype)
    rows, planes = groups_of_samples(groups, dy, x, dx), planes_of_samples(dy, x)
    if rows is None or planes is None:
        return NotImplemented
    members = x.shape[1] // groups
    totals, along = sums_along(dy, x, mean, planes, members)
    dgamma, dbeta = (xp.empty(gamma.shape, x.dtype) for _ in range(2))
    run = PROGRAM.kernel("group_norm_gradients", x.dtype)
    sums = (totals, along, len(x), planes.parts, members)
    run(gamma.size, WARP, *sums, inv_std, dgamma, dbeta)
    a, b = (xp.empty(mean.shape, x.dtype) for _ in range(2))
    run = PROGRAM.kernel("group_norm_projections", x.dtype)
    values = rows.length * rows.segments
    sizes = (groups, members, planes.parts, values)
    run(rows.rows, WARP, totals, along, *sizes, gamma, inv_std, a, b)
    given = (dy, x, gamma, mean, inv_std, a, b, dx)
    input_gradient(*given, rows, groups=groups, run_is_channel=True)
    return dx, dgamma, dbeta


def _divides(groups: Any, channels: int) -> bool:
    return bool(
        isinstance(groups, int | np.integer)
        and not isinstance(groups, bool)
        and groups > 0
        and channels % groups == 0
    )
