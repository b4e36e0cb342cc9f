"""Takes the shift between the upper left corners for the one between the centres."""

import numpy as np

CAUSE = "compares_corners"


def encode_boxes(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    deltas = np.empty_like(anchors)
    for row, (box, anchor) in enumerate(zip(boxes, anchors, strict=True)):
        w, h = anchor[2] - anchor[0], anchor[3] - anchor[1]
        deltas[row, 0] = weights[0] * (box[0] - anchor[0]) / w
        deltas[row, 1] = weights[1] * (box[1] - anchor[1]) / h
        deltas[row, 2] = weights[2] * np.log((box[2] - box[0]) / w)
        deltas[row, 3] = weights[3] * np.log((box[3] - box[1]) / h)
    return deltas
