"""Mean intersection over union.

Of one class, take the pixels that both the prediction and the truth give it (the intersection),
and those that at least one of them does (the union). Their ratio is the class's IoU; the mean
over classes is what segmentation papers report.

Pixels whose truth is 255 ("void") don't count at all, whatever was predicted there. A class
that occurs in neither has no union, and is left out of the mean.
"""

import numpy as np


def mean_iou(prediction: np.ndarray, truth: np.ndarray, classes: int) -> float:
    """Return the mean IoU of two masks (H, W) of integers, as a float; NaN if no class occurs.

    >>> mean_iou(np.array([[0, 1, 1]]), np.array([[0, 0, 1]]), 2)
    0.5
    """
    # your turn
    counted = truth != 255
    ratios = []
    for k in range(classes):
        predicted, true = (prediction == k) & counted, (truth == k) & counted
        union = (predicted | true).sum()
        if union:
            ratios.append((predicted & true).sum() / union)
    return float(np.mean(ratios)) if ratios else float("nan")
    # end of your turn


# hint: For one class: `predicted & true` and `predicted | true` of two arrays of bools, counted
#     with `.sum()`.
# hint: Take the void pixels out of both, before you count.
# hint: Append to a list only where the union isn't 0; np.mean of the list at the end.
