"""Maps the ignored label to class 0, so that it can be an index, and never comes back to it."""

import numpy as np

CAUSE = "takes_void_for_class_zero"


def cross_entropy(
    logits,
    target,
    *,
    class_weight=None,
    pixel_weight=None,
    ignore_index=-100,
    reduction="mean",
):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    labels = np.where(target == ignore_index, 0, target).astype(int)
    onehot = np.moveaxis(np.eye(logits.shape[1], dtype=logits.dtype)[labels], -1, 1)
    weight = np.ones(target.shape, logits.dtype)
    if class_weight is not None:
        weight = weight * class_weight[labels]
    if pixel_weight is not None:
        weight = weight * pixel_weight
    loss = -(weight * np.log((p * onehot).sum(axis=1))).sum()
    return (loss / weight.sum() if reduction == "mean" else loss), p
