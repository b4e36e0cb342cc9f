"""How much two boxes overlap: intersection over union.

A box is (x1, y1, x2, y2): left, top, right, bottom, in real numbers. Its width is x2 − x1;
nothing is added, as would be for counted pixels.
"""

import numpy as np


def box_iou(a, b):
    """Return the IoU of every box of a (A, 4) with every box of b (B, 4), as an (A, B) array.

    Two boxes without area have an IoU of 0 / 0, which is NaN; leave it so.

    >>> box_iou(np.array([[0.0, 0.0, 2.0, 2.0]]), np.array([[1.0, 0.0, 3.0, 2.0]]))
    array([[0.33333333]])
    """
    # your turn
    top_left = np.maximum(a[:, None, :2], b[None, :, :2])
    bottom_right = np.minimum(a[:, None, 2:], b[None, :, 2:])
    sides = np.maximum(bottom_right - top_left, 0)
    common = sides[..., 0] * sides[..., 1]
    area_a = (a[:, 2] - a[:, 0]) * (a[:, 3] - a[:, 1])
    area_b = (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])
    return common / (area_a[:, None] + area_b - common)
    # end of your turn


# hint: The common part begins at the larger of both lefts, and ends at the smaller of both
#     rights.
# hint: Where boxes lie apart, that end lies before the beginning: cut the side off at 0.
# hint: a[:, None] and b[None, :] meet in a table of all pairs. The union is both areas less
#     what is common, which they count twice.
