"""Takes the exponential of any tw and th: boxes of astronomical size."""

import numpy as np

CAUSE = "never_limits_the_size"


def decode_boxes(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    boxes = np.empty_like(deltas)
    for at in np.ndindex(*deltas.shape[:-1]):
        x1, y1, x2, y2 = anchors[at[0]]
        tx, ty, tw, th = deltas[at] / np.array(weights, deltas.dtype)
        x, y = (x1 + x2) / 2 + tx * (x2 - x1), (y1 + y2) / 2 + ty * (y2 - y1)
        w, h = (x2 - x1) * np.exp(tw), (y2 - y1) * np.exp(th)
        boxes[at] = x - w / 2, y - h / 2, x + w / 2, y + h / 2
    return boxes
