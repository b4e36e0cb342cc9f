"""RoIAlign and NMS written with PyTorch's own operations, for where torchvision is missing.

Of four ways to write RoIAlign (this one, `embedding_bag`, two batched matrix products,
`grid_sample` with average pooling), this was the fastest on two Zen 5 cores: 512 boxes of 7×7 bins
on 256×64² took 16 ms, the others 235, 164 and 202; backward 35 ms, the others 36, 184 and 519.
NMS by blocks of 256 took 3 ms for 2,000 boxes, all pairs at once 18.
"""

from __future__ import annotations

import warnings
from typing import Any

import torch

BLOCK = 256


def roi_align(x: Any, boxes: Any, bins: int, *, spatial_scale: float, sampling_ratio: int) -> Any:
    """Do what `torchvision.ops.roi_align` does, with aligned=False and a positive sampling ratio.

    Every result is a weighted sum of rows of x, one row for each cell: a sparse matrix times a
    dense one.
    """
    n, c, h, w = x.shape
    x1, y1, x2, y2 = (boxes[:, 1:] * spatial_scale).unbind(1)
    cells_y, weights_y = _axis(y1, y2 - y1, bins, sampling_ratio, h)  # (R, bins, 2·ratio)
    cells_x, weights_x = _axis(x1, x2 - x1, bins, sampling_ratio, w)
    image = boxes[:, 0].long().reshape(-1, 1, 1, 1, 1)
    cells = (image * h + cells_y[:, :, None, :, None]) * w + cells_x[:, None, :, None, :]
    weights = weights_y[:, :, None, :, None] * weights_x[:, None, :, None, :]
    taps = (2 * sampling_ratio) ** 2
    rows = len(boxes) * bins * bins
    starts = torch.arange(0, (rows + 1) * taps, taps, device=x.device)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that sparse matrices are in beta state
        matrix = torch.sparse_csr_tensor(
            starts, cells.reshape(-1), weights.reshape(-1), (rows, n * h * w)
        )
    # (R·bins², N·H·W) · (N·H·W, C) -> (R·bins², C)
    y = matrix @ x.permute(0, 2, 3, 1).reshape(-1, c)
    return y.reshape(len(boxes), bins, bins, c).permute(0, 3, 1, 2).contiguous()


def nms(boxes: Any, scores: Any, threshold: float) -> Any:
    """Do what `torchvision.ops.nms` does, a block of boxes at a time, best first."""
    order = scores.argsort(descending=True, stable=True)
    ranked = boxes[order]
    alive = torch.ones(len(boxes), dtype=torch.bool, device=boxes.device)
    for start in range(0, len(boxes), BLOCK):
        block = alive[start : start + BLOCK].nonzero().flatten() + start
        # of those in the block that better blocks left alive, and all from there on
        suppresses = (_iou(ranked[block], ranked[start:]) > threshold).float()
        kept = _greedy(suppresses[:, block - start].triu_(1))
        alive[block] = kept.bool()
        alive[start + BLOCK :] &= kept @ suppresses[:, BLOCK:] == 0
    return order[alive]


def _greedy(suppresses: Any) -> Any:
    """Return 1 for each box that no better box that stays suppresses, else 0.

    That is iterated from "all stay": after k rounds it holds for every box that hangs on a chain
    of at most k, and so in the end for all.
    """
    kept = torch.ones(len(suppresses), device=suppresses.device)
    while True:
        now = (kept @ suppresses == 0).float()
        if torch.equal(now, kept):
            return kept
        kept = now


def _iou(a: Any, b: Any) -> Any:
    """Intersection over union of each of `a` with each of `b`, in place where it can be."""
    ax1, ay1, ax2, ay2 = (column[:, None] for column in a.unbind(1))
    bx1, by1, bx2, by2 = b.unbind(1)
    overlap = torch.minimum(ax2, bx2).sub_(torch.maximum(ax1, bx1)).clamp_(min=0)
    overlap *= torch.minimum(ay2, by2).sub_(torch.maximum(ay1, by1)).clamp_(min=0)
    together = ((ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1)).sub_(overlap)
    return overlap.div_(together)


def _axis(start: Any, length: Any, bins: int, ratio: int, size: int) -> tuple[Any, Any]:
    """For each bin along an axis, the 2·ratio cells that it reads, and their weights."""
    step = length.clamp(min=1) / bins
    offsets = (torch.arange(bins * ratio).to(start) + 0.5) / ratio
    at = start[:, None] + offsets * step[:, None]  # (R, bins·ratio)
    inside = ((at >= -1) & (at <= size)).to(at.dtype) / ratio
    at = at.clamp(0, size - 1)
    first = at.long()
    t = at - first
    second = (first + 1).clamp(max=size - 1)
    cells = torch.stack([first, second], 2)
    weights = torch.stack([(1 - t) * inside, t * inside], 2)
    return cells.reshape(-1, bins, 2 * ratio), weights.reshape(-1, bins, 2 * ratio)
