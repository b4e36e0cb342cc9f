"""Divides by the number of pixels; ignored ones and weights don't change that number."""

import numpy as np

CAUSE = "averages_over_all_pixels"


def cross_entropy(
    logits,
    target,
    *,
    class_weight=None,
    pixel_weight=None,
    ignore_index=-100,
    reduction="mean",
):
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    total = logits.dtype.type(0)
    for n, *at in np.argwhere(target != ignore_index):
        label = target[(n, *at)]
        weight = 1 if class_weight is None else class_weight[label]
        if pixel_weight is not None:
            weight = weight * pixel_weight[(n, *at)]
        total -= weight * log_p[(n, label, *at)]
    if reduction == "mean":
        total = total / logits.dtype.type(target.size)
    return total, np.exp(log_p)
