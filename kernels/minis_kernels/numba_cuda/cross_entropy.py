"""Softmax cross-entropy and its gradient: a thread takes pixels, whose classes it goes through.

    both       1. each pixel's weight is found, and its label checked
    forward    2. largest score, sum of exponentials, probabilities and loss of each pixel
               3. the losses are added up
    gradient   2. weight · (p − onehot) for each pixel

The scores of one pixel lie far apart, those of neighbouring pixels next to each other. Neighbouring
threads take neighbouring pixels: in each step of their loop over the classes, the threads of a warp
read one stretch of memory. Nothing needs to be shared.

Losses and weights are added by array operations, in float64 and in the same order always. The sum
of the weights stays on the GPU. It is waited for once, at the end, to learn whether a label named
no class.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import cuda

from ..arguments import scalar
from .arrays import contiguous, empty, namespace, servable
from .launch import THREADS, blocks_for, kernel
from .signatures import Index1, Index2, Real1, Real2, Real3
from .softmax import exponentials

LARGEST = 1 << 62  # label


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
    found = _weights(logits, target, class_weight, pixel_weight, ignore_index, reduction)
    if found is None:
        return NotImplemented
    labels, weight, wrong = found
    scores = contiguous(logits).reshape(*logits.shape[:2], -1)
    losses, p = empty(weight.shape, logits), empty(scores.shape, logits)
    _forward[blocks_for(weight.size), THREADS](scores, labels, weight, losses, p)
    loss = losses.sum(dtype=np.float64)
    if reduction == "mean":
        with np.errstate(invalid="ignore", divide="ignore"):
            loss = loss / weight.sum(dtype=np.float64)
    if int(wrong[0]):
        return NotImplemented
    return loss.astype(logits.dtype), p.reshape(logits.shape)


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
    on_gpu = namespace(dloss) is not None and dloss.ndim == 0 and dloss.dtype.kind in "fiu"
    upstream = dloss if on_gpu else scalar(dloss)
    if upstream is None:
        return NotImplemented
    found = _weights(probabilities, target, class_weight, pixel_weight, ignore_index, reduction)
    if found is None:
        return NotImplemented
    labels, weight, wrong = found
    xp: Any = namespace(probabilities)
    factor = xp.asarray(upstream, np.float64).reshape(1)
    if reduction == "mean":
        total = weight.sum(dtype=np.float64)
        factor = factor / xp.where(total == 0, 1.0, total)
    p = contiguous(probabilities).reshape(*probabilities.shape[:2], -1)
    dlogits = empty(p.shape, p)
    _backward[blocks_for(weight.size), THREADS](p, labels, weight, factor.astype(p.dtype), dlogits)
    return NotImplemented if int(wrong[0]) else dlogits.reshape(probabilities.shape)


def _weights(
    scores: Any,
    target: Any,
    class_weight: Any,
    pixel_weight: Any,
    ignore_index: Any,
    reduction: Any,
) -> tuple[Any, Any, Any] | None:
    """Return the labels and weights of the pixels (N, pixels), and whether a label is wrong.

    The last is an array on the GPU, yet to be computed. None where something can't be served.
    """
    weights = [a for a in (class_weight, pixel_weight) if a is not None]
    if not servable(scores, *weights) or scores.ndim < 2 or reduction not in ("mean", "sum"):
        return None
    if namespace(target) is None or target.dtype.kind not in "iu" or target.dtype == np.uint64:
        return None
    if type(ignore_index) is not int or abs(ignore_index) > LARGEST:
        return None
    n, classes, *size = scores.shape
    if target.shape != (n, *size) or (
        pixel_weight is not None and pixel_weight.shape != (n, *size)
    ):
        return None
    if class_weight is not None and class_weight.shape != (classes,):
        return None
    xp: Any = namespace(scores)
    # weights that were not given are ones
    of_class = xp.ones(classes, scores.dtype) if class_weight is None else contiguous(class_weight)
    of_pixel = xp.ones(target.shape, scores.dtype) if pixel_weight is None else pixel_weight
    labels = contiguous(target.astype(np.int64)).reshape(n, -1)  # a copy: it is written to
    weight, wrong = empty(labels.shape, scores), xp.zeros(1, np.int64)
    of_pixel = contiguous(of_pixel).reshape(-1)
    _weigh[blocks_for(weight.size), THREADS](
        labels.reshape(-1), ignore_index, of_class, of_pixel, weight.reshape(-1), wrong
    )
    return labels, weight, wrong


@kernel
def _weigh(
    labels: Index1,
    ignore_index: int,
    of_class: Real1,
    of_pixel: Real1,
    weight: Real1,
    wrong: Index1,
) -> None:
    """Multiply the weights of each pixel's class and of the pixel; 0 where it doesn't count.

    Labels that name no class become 0: whoever comes next may index with them.
    """
    zero, one = weight.dtype.type(0), weight.dtype.type(1)
    for i in range(cuda.grid(1), weight.size, cuda.gridsize(1)):
        label = labels[i]
        kept, inside = label != ignore_index, 0 <= label < len(of_class)
        if kept and not inside:
            wrong[0] = 1  # several threads may write this: all write the same
        counted, labels[i] = (one, label) if kept and inside else (zero, 0)
        weight[i] = counted * of_class[labels[i]] * of_pixel[i]


@kernel
def _forward(logits: Real3, labels: Index2, weight: Real2, losses: Real2, p: Real3) -> None:
    """Turn the scores of each pixel into probabilities, and the right class's into a loss."""
    _, classes, pixels = logits.shape
    zero = logits.dtype.type(0)
    for i in range(cuda.grid(1), weight.size, cuda.gridsize(1)):
        n, at = i // pixels, i % pixels
        largest, total = exponentials(logits, n, at, p)
        for k in range(classes):
            p[n, k, at] /= total
        loss = zero
        if weight[n, at] != 0:  # an ignored NaN stays out
            right = logits[n, labels[n, at], at] - largest
            loss = weight[n, at] * (math.log(total) - right)
        losses[n, at] = loss


@kernel
def _backward(p: Real3, labels: Index2, weight: Real2, factor: Real1, dlogits: Real3) -> None:
    """Set the gradient of each pixel: factor · weight · (p − onehot)."""
    _, classes, pixels = p.shape
    zero, one = p.dtype.type(0), p.dtype.type(1)
    for i in range(cuda.grid(1), weight.size, cuda.gridsize(1)):
        n, at = i // pixels, i % pixels
        scale = factor[0] * weight[n, at]
        for k in range(classes):
            difference = p[n, k, at] - (one if k == labels[n, at] else zero)
            dlogits[n, k, at] = scale * difference if scale != 0 else zero
