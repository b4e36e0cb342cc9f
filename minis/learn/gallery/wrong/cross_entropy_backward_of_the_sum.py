"""Differentiates the sum over pixels where the loss was their mean."""

import numpy as np

CAUSE = "does_not_divide"


def cross_entropy_backward(
    dloss,
    probabilities,
    target,
    *,
    class_weight=None,
    pixel_weight=None,
    ignore_index=-100,
    reduction="mean",
):
    dlogits = np.zeros_like(probabilities)
    for n, *at in np.argwhere(target != ignore_index):
        label = target[(n, *at)]
        weight = float(dloss)
        if class_weight is not None:
            weight *= class_weight[label]
        if pixel_weight is not None:
            weight *= pixel_weight[(n, *at)]
        slope = probabilities[(n, slice(None), *at)].copy()
        slope[label] -= 1
        dlogits[(n, slice(None), *at)] = weight * slope
    return dlogits
