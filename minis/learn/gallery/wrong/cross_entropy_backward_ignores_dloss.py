"""Begins with p − onehot, as if nothing came after the loss."""

import numpy as np

CAUSE = "forgets_the_upstream_gradient"


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
    labels = np.where(target == ignore_index, 0, target).astype(int)
    dlogits = probabilities.copy()
    np.put_along_axis(
        dlogits, labels[:, None], np.take_along_axis(dlogits, labels[:, None], 1) - 1, axis=1
    )
    weight = (target != ignore_index).astype(dlogits.dtype)
    if class_weight is not None:
        weight *= class_weight[labels]
    if pixel_weight is not None:
        weight *= pixel_weight
    if reduction == "mean" and weight.any():
        weight /= weight.sum()
    return dlogits * weight[:, None]
