"""Keeps what overlaps by less than the threshold; what overlaps by just that much should stay."""

import numpy as np

CAUSE = "drops_at_the_threshold"


def _overlap(box, others):
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    areas = np.prod(others[:, 2:] - others[:, :2], axis=1)
    return shared / (np.prod(box[2:] - box[:2]) + areas - shared)


def nms(boxes, scores, iou_threshold):
    order = sorted(range(len(boxes)), key=lambda i: -scores[i])
    keep = []
    while order:
        best = order.pop(0)
        keep.append(best)
        iou = _overlap(boxes[best], boxes[order].reshape(-1, 4))
        order = [i for i, v in zip(order, iou, strict=True) if v < iou_threshold or np.isnan(v)]
    return np.array(keep, np.int64)
