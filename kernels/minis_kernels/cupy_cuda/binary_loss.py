"""Binary cross-entropy on the GPU, by the kernels of `sources/binary_loss.cu`.

The loss stays there.
"""

from __future__ import annotations

from typing import Any

from .arrays import contiguous, namespace, servable
from .grid import THREADS, blocks_for
from .losses import blocks_to_sum, upstream
from .packs import packs, width
from .program import Program

PROGRAM = Program("binary_loss.cu")


def bce_with_logits(
    logits: Any, target: Any, *, weight: Any = None, reduction: str = "mean"
) -> Any:
    """Binary cross-entropy: `minis.ops.bce_with_logits`."""
    arrays = _arrays(logits, target, weight, reduction)
    if arrays is None:
        return NotImplemented
    x = arrays[0]
    xp: Any = namespace(x)
    many = packs(*arrays)
    blocks = blocks_to_sum(many, width(x)) if many else blocks_to_sum(x.size)
    partial, loss = xp.empty(blocks, "float64"), xp.empty(1, x.dtype)
    PROGRAM.kernel("bce_with_logits", x.dtype)(blocks, THREADS, *arrays, partial, x.size, many)
    divisor = x.size if reduction == "mean" else 1
    PROGRAM.kernel("bce_loss", x.dtype)(1, THREADS, partial, blocks, divisor, loss)
    return loss[0]


def bce_with_logits_backward(
    dloss: Any, logits: Any, target: Any, *, weight: Any = None, reduction: str = "mean"
) -> Any:
    """Gradient with respect to the logits: `minis.ops.bce_with_logits_backward`."""
    arrays = _arrays(logits, target, weight, reduction)
    from_above = upstream(dloss)
    if arrays is None or from_above is None:
        return NotImplemented
    x = arrays[0]
    dx = namespace(x).empty(logits.shape, x.dtype)  # type: ignore[union-attr]
    number, on_gpu = from_above
    each = number / x.size if reduction == "mean" else number
    many = packs(*arrays, dx)
    run = PROGRAM.kernel("bce_with_logits_backward", x.dtype)
    run(blocks_for(many or x.size), THREADS, *arrays, each, on_gpu, dx, x.size, many)
    return dx


def _arrays(logits: Any, target: Any, weight: Any, reduction: Any) -> list[Any] | None:
    """Return contiguous logits, target and weight, or None if they aren't served."""
    given = (logits, target) if weight is None else (logits, target, weight)
    if not servable(*given) or reduction not in ("mean", "sum"):
        return None
    if any(a.shape != logits.shape for a in given):
        return None
    return [contiguous(logits), contiguous(target), None if weight is None else contiguous(weight)]
