"""Stops when it is left with one box; it never is, if there was none to begin with."""

import numpy as np

KIND = "endless"


def nms(boxes, scores, iou_threshold):
    order = np.argsort(-scores, kind="stable")
    kept = []
    done = False
    while not done:
        kept.extend(order[:1])
        best, rest = boxes[order[:1]], boxes[order[1:]]
        low = np.maximum(best[:, :2], rest[:, :2])
        high = np.minimum(best[:, 2:], rest[:, 2:])
        shared = np.maximum(high - low, 0).prod(axis=1)
        area = (best[:, 2:] - best[:, :2]).prod(axis=1) + (rest[:, 2:] - rest[:, :2]).prod(axis=1)
        drop = shared / (area - shared) > iou_threshold
        done = len(order) == 1
        order = order[1:][~drop]
        done = done or (len(kept) > 0 and len(order) == 0)
    return np.array(kept, np.int64)
