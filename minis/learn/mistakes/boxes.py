"""Mistakes in box arithmetic, non-maximum suppression and mask pasting."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minis import ops
from minis.ops.windows import pad

from . import mistake


def _parts(boxes: Any) -> Any:
    size = boxes[..., 2:] - boxes[..., :2]
    return boxes[..., :2] + size / 2, size


@mistake("box_iou")
def adds_one_to_widths(a: Any, b: Any) -> Any:
    """Counts corners as pixels: x2 − x1 + 1."""
    a, b = a.copy(), b.copy()
    a[:, 2:] += 1
    b[:, 2:] += 1
    return ops.box_iou.reference(a, b)


@mistake("box_iou")
def multiplies_two_negative_extents(a: Any, b: Any) -> Any:
    """Doesn't cut the overlap off at 0 before it multiplies width and height."""
    size = np.minimum(a[:, None, 2:], b[:, 2:]) - np.maximum(a[:, None, :2], b[:, :2])
    shared = size.prod(axis=2)
    area_a, area_b = (_parts(c)[1].prod(axis=1) for c in (a, b))
    return shared / (area_a[:, None] + area_b - shared)


@mistake("box_iou")
def counts_the_overlap_twice(a: Any, b: Any) -> Any:
    """Divides by the sum of the areas."""
    iou = ops.box_iou.reference(a, b)
    return iou / (1 + iou)


@mistake("box_iou")
def hides_empty_boxes_behind_an_epsilon(a: Any, b: Any) -> Any:
    """Two empty boxes get 0 in place of NaN."""
    return np.nan_to_num(ops.box_iou.reference(a, b), nan=0.0)


@mistake("encode_boxes")
def compares_corners(boxes: Any, anchors: Any, weights: Any = (1.0, 1.0, 1.0, 1.0)) -> Any:
    """Takes the difference of the upper left corners for that of the centres."""
    deltas = ops.encode_boxes.reference(boxes, anchors)
    deltas[:, :2] = (boxes[:, :2] - anchors[:, :2]) / _parts(anchors)[1]
    return deltas * np.asarray(weights, boxes.dtype)


@mistake("encode_boxes")
def divides_by_the_boxes_size(boxes: Any, anchors: Any, weights: Any = (1.0, 1.0, 1.0, 1.0)) -> Any:
    """Measures the centres' difference in the box's size, not the anchor's."""
    deltas = ops.encode_boxes.reference(boxes, anchors)
    deltas[:, :2] *= _parts(anchors)[1] / _parts(boxes)[1]
    return deltas * np.asarray(weights, boxes.dtype)


@mistake("encode_boxes")
def divides_by_the_weights(boxes: Any, anchors: Any, weights: Any = (1.0, 1.0, 1.0, 1.0)) -> Any:
    """Uses the weights as standard deviations."""
    return ops.encode_boxes.reference(boxes, anchors, tuple(1 / w for w in weights))


@mistake("decode_boxes")
def never_limits_the_size(deltas: Any, anchors: Any, weights: Any = (1.0, 1.0, 1.0, 1.0)) -> Any:
    """Leaves out the limit of log(1000/16)."""
    centre, size = _parts(anchors[:, None] if deltas.ndim == 3 else anchors)
    t = deltas / np.asarray(weights, deltas.dtype)
    half = np.exp(t[..., 2:]) * size / 2
    middle = centre + t[..., :2] * size
    return np.concatenate([middle - half, middle + half], axis=-1)


@mistake("decode_boxes")
def limits_shrinking_too(deltas: Any, anchors: Any, weights: Any = (1.0, 1.0, 1.0, 1.0)) -> Any:
    """Cuts tw and th off on both sides."""
    limit = math.log(1000 / 16) * np.asarray([math.inf, math.inf, *weights[2:]], deltas.dtype)
    return ops.decode_boxes.reference(np.maximum(deltas, -limit), anchors, weights)


@mistake("decode_boxes")
def limits_the_shift(deltas: Any, anchors: Any, weights: Any = (1.0, 1.0, 1.0, 1.0)) -> Any:
    """Cuts tx and ty off as it does tw and th."""
    limit = (math.log(1000 / 16) * np.asarray(weights)).astype(deltas.dtype)
    return ops.decode_boxes.reference(np.minimum(deltas, limit), anchors, weights)


@mistake("clip_boxes")
def clips_to_the_last_pixel(boxes: Any, size: Any) -> Any:
    """Takes W − 1 and H − 1 for the borders."""
    return ops.clip_boxes.reference(boxes, tuple(max(s - 1, 0) for s in size))


@mistake("clip_boxes")
def swaps_height_and_width(boxes: Any, size: Any) -> Any:
    """Takes size for (width, height)."""
    return ops.clip_boxes.reference(boxes, size[::-1])


def _suppress(
    boxes: Any, scores: Any, drops: Any, *, by_dropped: Any = False, order: Any = None
) -> Any:
    """NMS whose criterion, suppressors and order are given."""
    iou = ops.box_iou.reference(boxes, boxes)
    order = np.argsort(-scores, kind="stable") if order is None else order
    kept: list[int] = []
    for rank, i in enumerate(order):
        rivals = order[:rank] if by_dropped else kept
        if not any(drops(iou[k, i]) for k in rivals):
            kept.append(i)
    return np.array(kept, np.int64)


@mistake("nms")
def drops_at_the_threshold(boxes: Any, scores: Any, iou_threshold: Any) -> Any:
    """Compares with >= in place of >."""
    return _suppress(boxes, scores, lambda iou: iou >= iou_threshold)


@mistake("nms")
def lets_dropped_boxes_drop_others(boxes: Any, scores: Any, iou_threshold: Any) -> Any:
    """Every better box suppresses, whether it was kept or not."""
    return _suppress(boxes, scores, lambda iou: iou > iou_threshold, by_dropped=True)


@mistake("nms")
def prefers_the_higher_index(boxes: Any, scores: Any, iou_threshold: Any) -> Any:
    """Reverses an ascending sort, which reverses ties too."""
    order = np.argsort(scores, kind="stable")[::-1]
    return _suppress(boxes, scores, lambda iou: iou > iou_threshold, order=order)


@mistake("nms")
def drops_where_iou_is_nan(boxes: Any, scores: Any, iou_threshold: Any) -> Any:
    """Asks for what to keep, iou <= threshold, which is false for NaN."""
    return _suppress(boxes, scores, lambda iou: not iou <= iou_threshold)


@mistake("nms")
def returns_ascending_indices(boxes: Any, scores: Any, iou_threshold: Any) -> Any:
    """Sorts what it keeps by index, not by score."""
    return np.sort(ops.nms.reference(boxes, scores, iou_threshold))


@mistake("batched_nms")
def ignores_the_labels(boxes: Any, scores: Any, labels: Any, iou_threshold: Any) -> Any:
    """Lets boxes of different labels suppress each other."""
    return ops.nms.reference(boxes, scores, iou_threshold)


@mistake("batched_nms")
def lists_label_after_label(boxes: Any, scores: Any, labels: Any, iou_threshold: Any) -> Any:
    """Joins the labels' results without sorting them by score."""
    kept = [np.zeros(0, np.int64)]
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        kept.append(members[ops.nms.reference(boxes[members], scores[members], iou_threshold)])
    return np.concatenate(kept)


@mistake("batched_nms")
def moves_labels_apart_by_the_largest_corner(
    boxes: Any, scores: Any, labels: Any, iou_threshold: Any
) -> Any:
    """Shifts boxes by label·(max + 1), too little where coordinates are negative."""
    shift = labels.astype(boxes.dtype) * (boxes.max(initial=0) + 1)
    return ops.nms.reference(boxes + shift[:, None], scores, iou_threshold)


def _paste(masks: Any, boxes: Any, size: Any, aligned: Any, *, corners: Any, frame: Any = 1) -> Any:
    """Mask pasting whose rounding of corners and frame of zeros are given; aligned, it is right."""
    if aligned:
        return ops.paste_masks.reference(masks, boxes, size, aligned=True)
    height, width = (size, size) if isinstance(size, int) else size
    y = np.zeros((len(boxes), 1, height, width), masks.dtype)
    framed = pad(masks, (frame, frame), (frame, frame))
    centre, extent = _parts(boxes.astype(float))
    half = extent / 2 * framed.shape[-1] / masks.shape[-1]
    for m, place in enumerate(corners(np.concatenate([centre - half, centre + half], axis=1))):
        x1, y1, x2, y2 = (int(v) for v in place)
        h, w = max(y2 - y1 + 1, 1), max(x2 - x1 + 1, 1)
        whole = ops.interpolate.reference(framed[m : m + 1], (h, w), mode="linear")[0, 0]
        for i in range(max(y1, 0), min(y2 + 1, height)):
            for j in range(max(x1, 0), min(x2 + 1, width)):
                y[m, 0, i, j] = whole[i - y1, j - x1]
    return y


@mistake("paste_masks")
def rounds_corners_down(masks: Any, boxes: Any, size: Any, *, aligned: Any = False) -> Any:
    """Takes ⌊·⌋ where truncation is towards zero."""
    return _paste(masks, boxes, size, aligned, corners=np.floor)


@mistake("paste_masks")
def leaves_the_last_pixel_out(masks: Any, boxes: Any, size: Any, *, aligned: Any = False) -> Any:
    """The far corner does not belong to the box."""
    return _paste(masks, boxes, size, aligned, corners=lambda c: np.trunc(c) - [0, 0, 1, 1])


@mistake("paste_masks")
def pastes_without_a_frame(masks: Any, boxes: Any, size: Any, *, aligned: Any = False) -> Any:
    """Doesn't surround the mask with zeros before it resizes it."""
    return _paste(masks, boxes, size, aligned, corners=np.trunc, frame=0)


@mistake("paste_masks")
def reads_aligned_masks_at_corners(
    masks: Any, boxes: Any, size: Any, *, aligned: Any = False
) -> Any:
    """Aligned, reads the grid where the pixels' upper left corners lie, not their centres."""
    moved = boxes + boxes.dtype.type(0.5 if aligned else 0)
    return ops.paste_masks.reference(masks, moved, size, aligned=aligned)


@mistake("paste_masks")
def repeats_the_edge_of_aligned_masks(
    masks: Any, boxes: Any, size: Any, *, aligned: Any = False
) -> Any:
    """Aligned, surrounds the mask with its outermost cells, not with zeros."""
    if aligned:
        cell = (boxes[:, 2:] - boxes[:, :2]) / boxes.dtype.type(masks.shape[-1])
        boxes = np.concatenate([boxes[:, :2] - cell, boxes[:, 2:] + cell], axis=1)
        masks = np.pad(masks, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    return ops.paste_masks.reference(masks, boxes, size, aligned=aligned)
