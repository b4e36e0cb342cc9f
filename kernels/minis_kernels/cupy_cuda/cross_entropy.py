"""Softmax cross-entropy on the GPU, by the kernels of `sources/cross_entropy.cu`.

Labels are checked on the GPU, and whether one is bad is read from there, one number: forward and
backward both wait for the GPU, once. The loss stays there.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .arrays import contiguous, namespace, servable
from .grid import THREADS, blocks_for
from .losses import blocks_to_sum, upstream
from .program import Program
from .softmax import HELD, Scores, scores

PROGRAMS = {most: Program("cross_entropy.cu", MOST=most) for most in (*HELD, 0)}
LARGEST = 1 << 62  # label


class Given(NamedTuple):
    """Contiguous arguments of a call, and how its scores lie."""

    labels: tuple[Any, Any, Any, int]  # target, class_weight, pixel_weight, ignore_index
    layout: Scores
    program: Program


def cross_entropy(
    logits: Any,
    target: Any,
    *,
    class_weight: Any = None,
    pixel_weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Any:
    """Loss and probabilities: `minis.ops.cross_entropy`."""
    given = _read(logits, target, class_weight, pixel_weight, ignore_index, reduction)
    if given is None:
        return NotImplemented
    logits = contiguous(logits)
    xp: Any = namespace(logits)
    p, loss = xp.empty(logits.shape, logits.dtype), xp.empty(1, logits.dtype)
    layout = given.layout
    blocks = blocks_to_sum(layout.pixels * layout.lanes)
    partial, bad = xp.empty((3, blocks), "float64"), xp.empty(1, "int32")
    run = given.program.kernel("cross_entropy", logits.dtype)
    run(blocks, THREADS, logits, *given.labels, p, partial, *layout)
    run = given.program.kernel("cross_entropy_loss", logits.dtype)
    run(1, THREADS, partial, blocks, reduction == "mean", loss, bad)
    return NotImplemented if int(bad[0]) else (loss[0], p)


def cross_entropy_backward(
    dloss: Any,
    probabilities: Any,
    target: Any,
    *,
    class_weight: Any = None,
    pixel_weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Any:
    """Gradient with respect to the logits: `minis.ops.cross_entropy_backward`."""
    given = _read(probabilities, target, class_weight, pixel_weight, ignore_index, reduction)
    from_above = upstream(dloss)
    if given is None or from_above is None:
        return NotImplemented
    p = contiguous(probabilities)
    xp: Any = namespace(p)
    dlogits, factor = xp.empty(p.shape, p.dtype), xp.empty(1, p.dtype)
    layout = given.layout
    blocks = blocks_to_sum(layout.pixels)
    partial, bad = xp.empty((3, blocks), "float64"), xp.empty(1, "int32")
    run = given.program.kernel("cross_entropy_weights", p.dtype)
    run(blocks, THREADS, *given.labels, partial, layout.classes, layout.pixels)
    run = given.program.kernel("cross_entropy_factor", p.dtype)
    run(1, THREADS, partial, blocks, reduction == "mean", *from_above, factor, bad)
    run = given.program.kernel("cross_entropy_backward", p.dtype)
    blocks = blocks_for(layout.pixels * layout.lanes)
    run(blocks, THREADS, p, *given.labels, factor, dlogits, *layout)
    return NotImplemented if int(bad[0]) else dlogits


def _read(
    x: Any, target: Any, class_weight: Any, pixel_weight: Any, ignore_index: Any, reduction: Any
) -> Given | None:
    weights = [a for a in (class_weight, pixel_weight) if a is not None]
    if not servable(x, *weights) or x.ndim < 2 or reduction not in ("mean", "sum"):
        return None
    if namespace(target) is not namespace(x) or target.dtype.kind not in "iu":
        return None
    if target.dtype == "uint64" or type(ignore_index) is not int or abs(ignore_index) > LARGEST:
        return None  # they may not fit into an int64
    if target.shape != (x.shape[0], *x.shape[2:]):
        return None
    if class_weight is not None and class_weight.shape != (x.shape[1],):
        return None
    if pixel_weight is not None and pixel_weight.shape != target.shape:
        return None
    layout = scores(x.shape, 1)
    if layout is None:
        return None
    arrays = (target.astype("int64", copy=False), class_weight, pixel_weight)
    of_class, of_pixel = (None if a is None else contiguous(a) for a in arrays[1:])
    labels = (contiguous(arrays[0]), of_class, of_pixel, ignore_index)
    return Given(labels, layout, PROGRAMS[layout.most])
