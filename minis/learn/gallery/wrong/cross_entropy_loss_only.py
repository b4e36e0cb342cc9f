"""Returns the loss, and keeps the probabilities that backward needs to itself."""

import numpy as np

KIND = "count"


def cross_entropy(
    logits,
    target,
    *,
    class_weight=None,
    pixel_weight=None,
    ignore_index=-100,
    reduction="mean",
):
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    keep = target != ignore_index
    labels = np.where(keep, target, 0)
    weight = keep.astype(logits.dtype)
    weight *= 1 if class_weight is None else class_weight[labels]
    weight *= 1 if pixel_weight is None else pixel_weight
    loss = -(weight * np.take_along_axis(log_p, labels[:, None], 1)[:, 0]).sum()
    return loss / weight.sum() if reduction == "mean" else loss
