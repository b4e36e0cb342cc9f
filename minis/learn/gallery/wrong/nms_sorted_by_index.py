"""Marks the boxes that are kept, and returns where the marks are: in order of index."""

import numpy as np

CAUSE = "returns_ascending_indices"


def nms(boxes, scores, iou_threshold):
    x1, y1, x2, y2 = boxes.T
    areas = (x2 - x1) * (y2 - y1)
    alive, kept = np.ones(len(boxes), bool), np.zeros(len(boxes), bool)
    for i in np.lexsort((np.arange(len(scores)), -scores)):
        if not alive[i]:
            continue
        kept[i] = True
        width = np.maximum(np.minimum(x2[i], x2) - np.maximum(x1[i], x1), 0)
        height = np.maximum(np.minimum(y2[i], y2) - np.maximum(y1[i], y1), 0)
        shared = width * height
        alive &= ~(shared / (areas[i] + areas - shared) > iou_threshold)
    return np.flatnonzero(kept)
