"""What Mask R-CNN cuts out of maps and masks, in PyTorch without torchvision, all at once."""

import math
import warnings

import torch


def pool(features, boxes, bins, padded):
    """RoIAlign of every box of every image, from the level of its size, two samples a bin and axis.

    Every result is a weighted sum of cells, and all levels' cells stand below each other: a sparse
    matrix times a dense one. The channels stay last in memory.
    """
    image = torch.cat([torch.full((len(b),), n) for n, b in enumerate(boxes)])
    boxes = torch.cat(list(boxes))
    channels = features[0].shape[1]
    if len(boxes) == 0:
        return features[0].new_zeros(0, channels, bins, bins)
    scales = [2.0 ** round(math.log2(x.shape[2] / padded[0])) for x in features]
    first, last = (-round(math.log2(s)) for s in (scales[0], scales[-1]))
    side = (boxes[:, 2:] - boxes[:, :2]).prod(1).clamp(min=0).sqrt()
    level = ((4 + torch.log2(side / 224) + 1e-6).floor().clamp(first, last) - first).long()
    sizes = torch.tensor([x.shape[2:] for x in features])  # (levels, 2)
    counts = sizes.prod(1) * len(features[0])
    h, w = sizes[level].unbind(1)
    start = (counts.cumsum(0) - counts)[level] + image * h * w  # the map's first cell, (R,)
    corners = boxes * boxes.new_tensor(scales)[level, None]
    cells_y, weights_y = _samples(corners[:, 1], corners[:, 3], bins, h)  # (R, bins, 4)
    cells_x, weights_x = _samples(corners[:, 0], corners[:, 2], bins, w)
    rows = (start[:, None, None] + cells_y * w[:, None, None])[:, :, None, :, None]
    cells = rows + cells_x[:, None, :, None, :]  # (R, bins, bins, 4, 4)
    weights = weights_y[:, :, None, :, None] * weights_x[:, None, :, None, :]
    count = len(boxes) * bins**2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that sparse matrices are in beta state
        matrix = torch.sparse_csr_tensor(
            torch.arange(0, 16 * (count + 1), 16),
            cells.flatten(),
            weights.flatten(),
            (count, int(counts.sum())),
        )
    x = torch.cat([x.permute(0, 2, 3, 1).reshape(-1, channels) for x in features])
    return (matrix @ x).reshape(-1, bins, bins, channels).permute(0, 3, 1, 2)


def _samples(start, end, bins, length):
    """For each bin along an axis the four cells of its two samples, and their weights."""
    step = (end - start).clamp(min=1) / bins
    at = (torch.arange(2 * bins).to(start) + 0.5) / 2
    at = start[:, None] + at * step[:, None]  # (R, 2·bins)
    inside = ((at >= -1) & (at <= length[:, None])) / 2
    last = length[:, None] - 1
    at = at.clamp(min=0).minimum(last)
    low = at.long()
    high = (low + 1).minimum(last)
    cells, weights = torch.stack([low, high], 2), torch.stack([1 - (at - low), at - low], 2)
    return cells.reshape(-1, bins, 4), (weights * inside[:, :, None]).reshape(-1, bins, 4)


def cut_masks(masks, boxes, matched, size):
    """RoIAlign of each box's true mask, with a sample for each pixel: two matrix products a box."""
    down = _averages(boxes[:, 1], boxes[:, 3], size, masks.shape[1])  # (P, size, H)
    across = _averages(boxes[:, 0], boxes[:, 2], size, masks.shape[2])  # (P, size, W)
    cut = boxes.new_zeros(len(boxes), size, size)
    for m in matched.unique():
        rows = (matched == m).nonzero().flatten()
        cut[rows] = down[rows] @ masks[m].to(boxes) @ across[rows].mT
    return cut


def _averages(start, end, bins, length):
    """For each box and bin, the weights of the pixels along an axis: (P, bins, length)."""
    weights = start.new_zeros(len(start), bins, length)
    if len(start) == 0:
        return weights
    side = (end - start).clamp(min=1)
    count = torch.ceil(side / bins)  # (P,), samples in a bin
    sample = torch.arange(int(count.max()))
    at = (sample + 0.5) / count[:, None]  # in bins, (P, samples)
    at = torch.arange(bins)[:, None] + at[:, None]  # (P, bins, samples)
    at = start[:, None, None] + at * (side / bins)[:, None, None]
    used = (sample < count[:, None])[:, None] & (at >= -1) & (at <= length)
    share = used / count[:, None, None]
    at = at.clamp(0, length - 1)
    low = at.floor()
    high = (low + 1).clamp(max=length - 1)
    weights.scatter_add_(2, low.long(), (1 - (at - low)) * share)
    return weights.scatter_add_(2, high.long(), (at - low) * share)
