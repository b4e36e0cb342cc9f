"""Overlaps of boxes, and non-maximum suppression by a matrix of bits.

Suppression goes from the best box to the worst, and whether a box stays depends on those before it:
it can't be cut into parts. What takes long can, to compare the boxes:

    1. All pairs are compared at once. Bit b of word w of row i says that box i, if it stays, drops
       box 64·w + b, which comes after it. A block makes the words of 64 rows for 64 boxes; a thread
       makes one word, and compares its row's box with all 64. These it reads from memory that the
       block shares: each thread has fetched one of them.

                  boxes 0 … 63   64 … 127   128 … 191
        rows 0…       block        block       block
        rows 64…        –          block       block     what lies below drops nothing:
        rows 128…       –            –         block     later boxes don't drop earlier ones

    2. One block walks down the rows. If the row's box has not been dropped, its bits are added to
       those of all dropped: word by word, the words shared among the threads.

Comparing is R²/2 overlaps; the walk reads R bits for each box that stays, in 64-bit words.

Rounding is the NumPy text's, and so are the decisions. The compiler would fuse a product and the
sum that follows it into one instruction that rounds once. Areas are therefore products that lie in
memory, and the shared area is a product that has been fused already, with 0.

The GPU is waited for twice: to learn that boxes are finite, and how many of them stay.
"""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np
from numba import cuda

from ..arguments import number
from .arrays import contiguous, empty, namespace, servable
from .launch import THREADS, blocks_for, device, kernel
from .signatures import Index1, Numbers, Real1, Real2

WORD = 64  # bits: boxes that one thread compares its own with
MOST = 1 << 15  # boxes whose bits take 128 MiB

Words1 = Annotated[Any, Numbers("uint64", 1)]
Words2 = Annotated[Any, Numbers("uint64", 2)]
Flags1 = Annotated[Any, Numbers("bool", 1)]


def box_iou(a: Any, b: Any) -> Any:
    """Overlap all pairs: `minis.ops.box_iou`."""
    if not servable(a, b) or not _are_boxes(a) or not _are_boxes(b):
        return NotImplemented
    if not bool(_finite(a) & _finite(b)):
        return NotImplemented
    iou = empty((len(a), len(b)), a)
    of_boxes = contiguous(a), _areas(a), contiguous(b), _areas(b)
    _overlap_all[blocks_for(iou.size), THREADS](*of_boxes, iou)
    return iou


def nms(boxes: Any, scores: Any, iou_threshold: Any) -> Any:
    """Keep boxes that no better one overlaps too much: `minis.ops.nms`."""
    xp = namespace(boxes)
    if xp is None or boxes.ndim != 2:
        return NotImplemented
    return batched_nms(boxes, scores, xp.zeros(len(boxes), np.int64), iou_threshold)


def batched_nms(boxes: Any, scores: Any, labels: Any, iou_threshold: Any) -> Any:
    """Do so for each label by itself: `minis.ops.batched_nms`."""
    limit = number(iou_threshold, low=0)
    if limit is None or not servable(boxes) or not servable(scores) or not _are_boxes(boxes):
        return NotImplemented
    count = len(boxes)
    if namespace(labels) is None or labels.dtype.kind not in "iu" or labels.shape != (count,):
        return NotImplemented
    xp: Any = namespace(boxes)
    if scores.shape != (count,) or count > MOST:
        return NotImplemented
    if not bool(_finite(boxes) & ~xp.isnan(scores).any()):
        return NotImplemented
    order = xp.argsort(-scores, kind="stable")
    ranked, ranked_labels = contiguous(boxes[order]), labels[order].astype(np.int64)
    words = math.ceil(count / WORD)
    drops = empty((count, words), boxes, np.uint64)
    _compare[(words, words), WORD](ranked, _areas(ranked), ranked_labels, limit, drops)
    dropped, kept = xp.zeros(words, np.uint64), empty((count,), boxes, np.bool_)
    _walk[1, THREADS](drops, dropped, kept)
    return order[kept]


def _are_boxes(a: Any) -> bool:
    return a.ndim == 2 and a.shape[1] == 4


def _finite(a: Any) -> Any:
    xp: Any = namespace(a)
    return xp.isfinite(a).all()


def _areas(a: Any) -> Any:
    return (a[:, 2] - a[:, 0]) * (a[:, 3] - a[:, 1])


@device
def _overlap(a: Any, i: int, area_a: Any, b: Any, j: int, area_b: Any, zero: Any) -> Any:
    """Return the intersection over union of box i of `a` and box j of `b`; NaN for 0/0."""
    width = max(min(a[i, 2], b[j, 2]) - max(a[i, 0], b[j, 0]), zero)
    height = max(min(a[i, 3], b[j, 3]) - max(a[i, 1], b[j, 1]), zero)
    shared = cuda.fma(width, height, zero)
    return shared / (area_a + area_b - shared)


@kernel
def _overlap_all(a: Real2, area_a: Real1, b: Real2, area_b: Real1, iou: Real2) -> None:
    """Overlap pairs; a thread takes some of them."""
    zero = iou.dtype.type(0)
    for at in range(cuda.grid(1), iou.size, cuda.gridsize(1)):
        i, j = at // len(b), at % len(b)
        iou[i, j] = _overlap(a, i, area_a[i], b, j, area_b[j], zero)


@kernel
def _compare(boxes: Real2, areas: Real1, labels: Index1, limit: float, drops: Words2) -> None:
    """Make one word of each of 64 rows: which of 64 later boxes the row's box drops."""
    others = cuda.shared.array((WORD, 4), boxes.dtype)
    other_areas = cuda.shared.array(WORD, areas.dtype)
    other_labels = cuda.shared.array(WORD, labels.dtype)
    t, w = cuda.threadIdx.x, cuda.blockIdx.x
    if w < cuda.blockIdx.y:
        return  # these words are never read; the whole block leaves, so none waits for it
    first = w * WORD
    if first + t < len(boxes):
        for side in range(4):
            others[t, side] = boxes[first + t, side]
        other_areas[t] = areas[first + t]
        other_labels[t] = labels[first + t]
    cuda.syncthreads()  # until all 64 boxes are there
    i = cuda.blockIdx.y * WORD + t
    if i < len(boxes):
        word, one, zero = np.uint64(0), np.uint64(1), boxes.dtype.type(0)
        for j in range(max(i + 1 - first, 0), min(WORD, len(boxes) - first)):
            if labels[i] == other_labels[j]:
                iou = _overlap(boxes, i, areas[i], others, j, other_areas[j], zero)
                if np.float64(iou) > limit:  # nor is NaN, of two boxes without area
                    word |= one << np.uint64(j)
        drops[i, w] = word


@kernel
def _walk(drops: Words2, dropped: Words1, kept: Flags1) -> None:
    """Go from the best box to the worst, and keep those that none before has dropped.

    All threads of the one block go from box to box together. `dropped` comes as zeros.
    """
    count, words = drops.shape
    one = np.uint64(1)
    for i in range(count):
        stays = (dropped[i // WORD] >> np.uint64(i % WORD)) & one == 0
        if stays:
            # A thread that is late may still be reading whether box i was dropped: the words
            # change meanwhile, but not in the bits of i and those before it.
            for w in range(cuda.threadIdx.x + i // WORD, words, THREADS):
                dropped[w] |= drops[i, w]
            cuda.syncthreads()  # until box i has dropped all that it drops
        if cuda.threadIdx.x == 0:
            kept[i] = stays
