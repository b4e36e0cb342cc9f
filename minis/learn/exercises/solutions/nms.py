"""Non-maximum suppression.

A detector finds each object several times. Take the box with the best score; drop all others
that overlap it by more than a threshold; go on with the best that is left.
"""

import numpy as np

from minis.ops import box_iou


def nms(boxes, scores, iou_threshold):
    """Return the indices of the boxes (R, 4) that are kept, best score first, as int64.

    A box is dropped if its IoU with a kept one is greater than `iou_threshold`, not if it is equal.
    Of equal scores, the lower index comes first.
    """
    # your turn
    order = np.argsort(-scores, kind="stable")
    overlap = box_iou(boxes, boxes)
    dropped = np.zeros(len(boxes), bool)
    kept = []
    for i in order:
        if not dropped[i]:
            kept.append(i)
            dropped |= overlap[i] > iou_threshold
    return np.array(kept, np.int64)
    # end of your turn


# hint: np.argsort(-scores, kind="stable") is the order, equal scores included.
# hint: Go through it with an array of bools that tells which boxes have been dropped so far.
# hint: np.array([]) is of float64: give the dtype, for the case of no boxes.
