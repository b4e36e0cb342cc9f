"""What Mask R-CNN does with boxes, in PyTorch without torchvision, all of them at once."""

import math

import torch
from torch.nn import functional

from benchmarks.cases.torch_regions import nms

LARGEST_SCALE = math.log(1000 / 16)


def grid_anchors(padded, shapes, sizes, ratios, like):
    """Lay a box for each ratio and size over each cell of each level, corners rounded."""
    levels = []
    for (h, w), level_sizes in zip(shapes, sizes, strict=True):
        sides = [(s / math.sqrt(r), s * math.sqrt(r)) for r in ratios for s in level_sizes]
        half = like.new_tensor([[round(a / 2), round(b / 2)] for a, b in sides])  # (A, 2)
        y = torch.arange(h).to(like) * (padded[0] // h)
        x = torch.arange(w).to(like) * (padded[1] // w)
        centre = torch.stack([x.expand(h, w), y[:, None].expand(h, w)], 2).reshape(-1, 1, 2)
        levels.append(torch.cat([centre - half, centre + half], 2).reshape(-1, 4))
    return levels


def centres_and_sides(boxes):
    """Return centres and sides, (R, 2) each."""
    return (boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2]


def encode(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    """R-CNN's deltas, (R, 4)."""
    (centre, side), (at, size) = centres_and_sides(boxes), centres_and_sides(anchors)
    deltas = torch.cat([(centre - at) / size, torch.log(side / size)], 1)
    return deltas * deltas.new_tensor(weights)


def decode(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    """Their inverse, with the scales capped."""
    deltas = deltas / deltas.new_tensor(weights)
    at, size = centres_and_sides(anchors)
    centre = at + deltas[:, :2] * size
    half = size * torch.exp(deltas[:, 2:].clamp(max=LARGEST_SCALE)) / 2
    return torch.cat([centre - half, centre + half], 1)


def clip(boxes, size):
    """Move corners into an image of this height and width."""
    h, w = size
    return boxes.clamp(min=0).minimum(boxes.new_tensor([w, h, w, h]))


def iou(a, b):
    """Intersection over union of each of `a` with each of `b`, (A, B)."""
    overlap = torch.minimum(a[:, None, 2:], b[:, 2:]) - torch.maximum(a[:, None, :2], b[:, :2])
    overlap = overlap.clamp(min=0).prod(2)
    area_a, area_b = ((c[:, 2:] - c[:, :2]).prod(1) for c in (a, b))
    return overlap / (area_a[:, None] + area_b - overlap)


def match(objects, boxes, high, low, keep_best):
    """For each box its object's index, −1 for background, −2 for neither."""
    if len(objects) == 0:
        return torch.full((len(boxes),), -1)
    table = iou(objects, boxes)
    best, index = table.max(0)
    matched = torch.where(best >= high, index, torch.where(best < low, -1, -2))
    if keep_best:  # whatever overlaps some object most
        of_some = (table == table.max(1, keepdim=True).values).any(0)
        matched = torch.where(of_some, index, matched)
    return matched


def grouped_nms(boxes, scores, groups, threshold):
    """Suppress within each group; return what is left of all, best first."""
    keep = torch.zeros(len(boxes), dtype=torch.bool)
    if len(boxes):
        by_group = groups.argsort(stable=True)
        for rows in by_group.split([n for n in groups.bincount().tolist() if n]):
            keep[rows[nms(boxes[rows], scores[rows], threshold)]] = True
    kept = keep.nonzero().flatten()
    return kept[scores[kept].argsort(descending=True, stable=True)]


def paste(masks, boxes, size):
    """Put masks (D, 1, K, K) into images of their own; touch each box's pixels only.

    Two matrix products for all masks at once are slower, unless boxes fill the image.
    """
    padded = functional.pad(masks, (1, 1, 1, 1))
    centre, side = centres_and_sides(boxes)
    half = side / 2 * (padded.shape[-1] / masks.shape[-1])
    corners = torch.cat([centre - half, centre + half], 1).long()  # both belong to the box
    y = masks.new_zeros(len(masks), 1, *size)
    for i, (x1, y1, x2, y2) in enumerate(corners.tolist()):
        left, top, right, bottom = (
            max(x1, 0),
            max(y1, 0),
            min(x2 + 1, size[1]),
            min(y2 + 1, size[0]),
        )
        if left < right and top < bottom:
            sides = max(y2 - y1 + 1, 1), max(x2 - x1 + 1, 1)
            whole = functional.interpolate(padded[i : i + 1], sides, mode="bilinear")[0, 0]
            part = whole[top - y1 : bottom - y1, left - x1 : right - x1]
            y[i, 0, top:bottom, left:right] = part
    return y
