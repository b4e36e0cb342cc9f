"""Mistakes in box arithmetic, non-maximum suppression and mask pasting."""

import math

import numpy as np

from minis import ops
from minis.ops.windows import pad

from . import wrong


def _parts(boxes):
    size = boxes[..., 2:] - boxes[..., :2]
    return boxes[..., :2] + size / 2, size


@wrong("box_iou")
def adds_one_to_widths(a, b):
    """Counts corners as pixels: x2 − x1 + 1."""
    a, b = a.copy(), b.copy()
    a[:, 2:] += 1
    b[:, 2:] += 1
    return ops.box_iou.reference(a, b)


@wrong("box_iou")
def multiplies_two_negative_extents(a, b):
    """Doesn't cut the overlap off at 0 before it multiplies width and height."""
    size = np.minimum(a[:, None, 2:], b[:, 2:]) - np.maximum(a[:, None, :2], b[:, :2])
    shared = size.prod(axis=2)
    area_a, area_b = (_parts(c)[1].prod(axis=1) for c in (a, b))
    return shared / (area_a[:, None] + area_b - shared)


@wrong("box_iou")
def counts_the_overlap_twice(a, b):
    """Divides by the sum of the areas."""
    iou = ops.box_iou.reference(a, b)
    return iou / (1 + iou)


@wrong("box_iou")
def hides_empty_boxes_behind_an_epsilon(a, b):
    """Two empty boxes get 0 in place of NaN."""
    return np.nan_to_num(ops.box_iou.reference(a, b), nan=0.0)


@wrong("encode_boxes")
def compares_corners(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    """Takes the difference of the upper left corners for that of the centres."""
    deltas = ops.encode_boxes.reference(boxes, anchors)
    deltas[:, :2] = (boxes[:, :2] - anchors[:, :2]) / _parts(anchors)[1]
    return deltas * np.asarray(weights, boxes.dtype)


@wrong("encode_boxes")
def divides_by_the_boxes_size(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    """Measures the centres' difference in the box's size, not the anchor's."""
    deltas = ops.encode_boxes.reference(boxes, anchors)
    deltas[:, :2] *= _parts(anchors)[1] / _parts(boxes)[1]
    return deltas * np.asarray(weights, boxes.dtype)


@wrong("encode_boxes")
def divides_by_the_weights(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    """Uses the weights as standard deviations."""
    return ops.encode_boxes.reference(boxes, anchors, tuple(1 / w for w in weights))


@wrong("decode_boxes")
def never_limits_the_size(deltas, anchors, *weights):
    """Leaves out the limit of log(1000/16)."""
    largest = np.abs(deltas).max(initial=0)
    if largest <= math.log(1000 / 16):
        return ops.decode_boxes.reference(deltas, anchors, *weights)
    return np.full_like(deltas, math.inf)


@wrong("decode_boxes")
def limits_shrinking_too(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    """Cuts tw and th off on both sides."""
    limit = math.log(1000 / 16) * np.asarray([math.inf, math.inf, *weights[2:]], deltas.dtype)
    return ops.decode_boxes.reference(np.maximum(deltas, -limit), anchors, weights)


@wrong("decode_boxes")
def limits_the_shift(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    """Cuts tx and ty off as it does tw and th."""
    limit = (math.log(1000 / 16) * np.asarray(weights)).astype(deltas.dtype)
    return ops.decode_boxes.reference(np.minimum(deltas, limit), anchors, weights)


@wrong("clip_boxes")
def clips_to_the_last_pixel(boxes, size):
    """Takes W − 1 and H − 1 for the borders."""
    return ops.clip_boxes.reference(boxes, tuple(max(s - 1, 0) for s in size))


@wrong("clip_boxes")
def swaps_height_and_width(boxes, size):
    """Takes size for (width, height)."""
    return ops.clip_boxes.reference(boxes, size[::-1])


def _suppress(boxes, scores, drops, *, by_dropped=False, order=None):
    """NMS whose criterion, suppressors and order are given."""
    iou = ops.box_iou.reference(boxes, boxes)
    order = np.argsort(-scores, kind="stable") if order is None else order
    kept = []
    for rank, i in enumerate(order):
        rivals = order[:rank] if by_dropped else kept
        if not any(drops(iou[k, i]) for k in rivals):
            kept.append(i)
    return np.array(kept, np.int64)


@wrong("nms")
def drops_at_the_threshold(boxes, scores, iou_threshold):
    """Compares with >= in place of >."""
    return _suppress(boxes, scores, lambda iou: iou >= iou_threshold)


@wrong("nms")
def lets_dropped_boxes_drop_others(boxes, scores, iou_threshold):
    """Every better box suppresses, whether it was kept or not."""
    return _suppress(boxes, scores, lambda iou: iou > iou_threshold, by_dropped=True)


@wrong("nms")
def prefers_the_higher_index(boxes, scores, iou_threshold):
    """Reverses an ascending sort, which reverses ties too."""
    order = np.argsort(scores, kind="stable")[::-1]
    return _suppress(boxes, scores, lambda iou: iou > iou_threshold, order=order)


@wrong("nms")
def drops_where_iou_is_nan(boxes, scores, iou_threshold):
    """Asks for what to keep, iou <= threshold, which is false for NaN."""
    return _suppress(boxes, scores, lambda iou: not iou <= iou_threshold)


@wrong("nms")
def returns_ascending_indices(boxes, scores, iou_threshold):
    """Sorts what it keeps by index, not by score."""
    return np.sort(ops.nms.reference(boxes, scores, iou_threshold))


@wrong("batched_nms")
def ignores_the_labels(boxes, scores, labels, iou_threshold):
    """Lets boxes of different labels suppress each other."""
    return ops.nms.reference(boxes, scores, iou_threshold)


@wrong("batched_nms")
def lists_label_after_label(boxes, scores, labels, iou_threshold):
    """Joins the labels' results without sorting them by score."""
    kept = [np.zeros(0, np.int64)]
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        kept.append(members[ops.nms.reference(boxes[members], scores[members], iou_threshold)])
    return np.concatenate(kept)


@wrong("batched_nms")
def moves_labels_apart_by_the_largest_corner(boxes, scores, labels, iou_threshold):
    """Shifts boxes by label·(max + 1), too little where coordinates are negative."""
    shift = labels.astype(boxes.dtype) * (boxes.max(initial=0) + 1)
    return ops.nms.reference(boxes + shift[:, None], scores, iou_threshold)


def _paste(masks, boxes, size, aligned, *, corners, frame=1):
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


@wrong("paste_masks")
def rounds_corners_down(masks, boxes, size, *, aligned=False):
    """Takes ⌊·⌋ where truncation is towards zero."""
    return _paste(masks, boxes, size, aligned, corners=np.floor)


@wrong("paste_masks")
def leaves_the_last_pixel_out(masks, boxes, size, *, aligned=False):
    """The far corner does not belong to the box."""
    return _paste(masks, boxes, size, aligned, corners=lambda c: np.trunc(c) - [0, 0, 1, 1])


@wrong("paste_masks")
def pastes_without_a_frame(masks, boxes, size, *, aligned=False):
    """Doesn't surround the mask with zeros before it resizes it."""
    return _paste(masks, boxes, size, aligned, corners=np.trunc, frame=0)


@wrong("paste_masks")
def reads_aligned_masks_at_corners(masks, boxes, size, *, aligned=False):
    """Aligned, reads the grid where the pixels' upper left corners lie, not their centres."""
    moved = boxes + boxes.dtype.type(0.5 if aligned else 0)
    return ops.paste_masks.reference(masks, moved, size, aligned=aligned)


@wrong("paste_masks")
def repeats_the_edge_of_aligned_masks(masks, boxes, size, *, aligned=False):
    """Aligned, surrounds the mask with its outermost cells, not with zeros."""
    if aligned:
        cell = (boxes[:, 2:] - boxes[:, :2]) / boxes.dtype.type(masks.shape[-1])
        boxes = np.concatenate([boxes[:, :2] - cell, boxes[:, 2:] + cell], axis=1)
        masks = np.pad(masks, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    return ops.paste_masks.reference(masks, boxes, size, aligned=aligned)
