"""Dice loss on the GPU, by the kernels of `sources/dice.cu`. The loss stays there."""

from __future__ import annotations

from typing import Any

from ..arguments import number
from .arrays import contiguous, namespace, servable
from .grid import THREADS
from .losses import upstream
from .program import Program
from .rows import WARP, planes_of_samples

PROGRAM = Program("dice.cu")


def dice_loss(
    probabilities: Any,
    target: Any,
    *,
    squared: bool = True,
    over_batch: bool = False,
    smooth: float = 0.0,
) -> Any:
    """One minus the mean Dice coefficient: `minis.ops.dice_loss`."""
    p, g = probabilities, target
    if not _served(p, g, smooth):
        return NotImplemented
    p, g = contiguous(p), contiguous(g)
    above, below = _coefficients(p, g, squared, over_batch, smooth)
    loss = namespace(p).empty(1, p.dtype)  # type: ignore[union-attr]
    PROGRAM.kernel("dice_loss", p.dtype)(1, THREADS, above, below, above.size, loss)
    return loss[0]


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
    p, g = probabilities, target
    from_above = upstream(dloss)
    if from_above is None or not _served(p, g, smooth):
        return NotImplemented
    p, g = contiguous(p), contiguous(g)
    above, below = _coefficients(p, g, squared, over_batch, smooth)
    xp: Any = namespace(p)
    regions = above.size
    factors = [xp.empty(regions, p.dtype) for _ in range(3)]
    run = PROGRAM.kernel("dice_factors", p.dtype)
    sums = (above, below, regions)
    run(-(-regions // THREADS), THREADS, *sums, bool(squared), *from_above, *factors)
    dp = xp.empty(p.shape, p.dtype)
    rows = planes_of_samples(p, g, dp)
    assert rows is not None
    run = PROGRAM.kernel("dice_backward", p.dtype)
    run(rows.grid, rows.threads, p, g, *factors, regions, dp, *rows.arguments)
    return dp


def _served(p: Any, g: Any, smooth: Any) -> bool:
    return (
        servable(p, g)
        and p.shape == g.shape
        and p.ndim >= 3
        and number(smooth, 0) is not None
        and planes_of_samples(p) is not None
    )


def _coefficients(p: Any, g: Any, squared: Any, over_batch: Any, smooth: Any) -> tuple[Any, Any]:
    """Return the numerator and the denominator of each region's coefficient."""
    xp: Any = namespace(p)
    rows = planes_of_samples(p, g)
    assert rows is not None
    both, either = xp.empty(rows.grid, "float64"), xp.empty(rows.grid, "float64")
    run = PROGRAM.kernel("dice_sums", p.dtype)
    run(rows.grid, rows.threads, p, g, bool(squared), both, either, *rows.arguments)
    samples, regions = (p.shape[0], p.shape[1]) if over_batch else (1, rows.rows)
    above, below = xp.empty(regions, "float64"), xp.empty(regions, "float64")
    run = PROGRAM.kernel("dice_coefficients", p.dtype)
    run(regions, WARP, both, either, samples, rows.parts, float(smooth), above, below)
    return above, below
