"""Non-maximum suppression with all overlaps at once; the best of the rest rules out its column."""

import numpy as np


def nms(boxes, scores, iou_threshold):
    order = np.argsort(-scores, kind="stable")
    a = boxes[order]
    low = np.maximum(a[:, None, :2], a[:, :2])
    high = np.minimum(a[:, None, 2:], a[:, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = (a[:, 2:] - a[:, :2]).prod(axis=1)
    union = areas[:, None] + areas - shared
    suppresses = np.triu(shared / union > iou_threshold, k=1)  # (better, worse)
    alive = np.ones(len(a), bool)
    for row in range(len(a)):
        if alive[row]:
            alive &= ~suppresses[row]
    return order[alive]
