"""Local response normalisation on the GPU, by the kernels of `sources/local_response_norm.cu`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arguments import number
from .arrays import contiguous, namespace, servable
from .program import Program
from .rows import planes_of_samples

PROGRAM = Program("local_response_norm.cu")
LARGEST = 1 << 30  # size; sums of it and a channel's number fit in an int


def local_response_norm(
    x: Any, size: int = 5, *, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Any:
    """Divide by the energy of neighbouring channels: `minis.ops.local_response_norm`."""
    options = _options(x, size, alpha, beta, k)
    if options is None:
        return NotImplemented
    x = contiguous(x)
    y = namespace(x).empty(x.shape, x.dtype)  # type: ignore[union-attr]
    rows = planes_of_samples(x, y)
    if rows is None:
        return NotImplemented
    run = PROGRAM.kernel("local_response_norm", x.dtype)
    run(rows.grid, rows.threads, x, y, *options, *rows.arguments)
    return y


def local_response_norm_backward(
    dy: Any, x: Any, size: int = 5, *, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Any:
    """Gradient of it: `minis.ops.local_response_norm_backward`."""
    options = _options(x, size, alpha, beta, k)
    if options is None or not servable(x, dy) or x.shape != dy.shape:
        return NotImplemented
    dy, x = contiguous(dy), contiguous(x)
    xp: Any = namespace(x)
    dx, sent = xp.empty(x.shape, x.dtype), xp.empty(x.shape, x.dtype)
    rows = planes_of_samples(dy, x, dx, sent)
    if rows is None:
        return NotImplemented
    run = PROGRAM.kernel("local_response_norm_sent", x.dtype)
    run(rows.grid, rows.threads, dy, x, dx, sent, *options, *rows.arguments)
    run = PROGRAM.kernel("local_response_norm_gathered", x.dtype)
    neighbours, factor = options[:3], 2 * float(alpha) * float(beta) / size
    run(rows.grid, rows.threads, x, sent, dx, *neighbours, factor, *rows.arguments)
    return dx


def _options(x: Any, size: Any, alpha: Any, beta: Any, k: Any) -> tuple[Any, ...] | None:
    """Return channels, how far a neighbourhood reaches back and on, alpha / size, beta and k."""
    values = [number(value) for value in (alpha, beta, k)]
    if not servable(x) or x.ndim < 2 or None in values:
        return None
    if isinstance(size, bool) or not isinstance(size, int | np.integer):
        return None
    if not 1 <= size < LARGEST:
        return None
    share, *others = values
    assert share is not None
    return x.shape[1], int(size) // 2, (int(size) - 1) // 2, share / size, *others
