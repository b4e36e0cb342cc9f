"""Cross-entropy as a product with one-hot targets; an ignored pixel's row is zero."""

import numpy as np


def cross_entropy(
    logits,
    target,
    *,
    class_weight=None,
    pixel_weight=None,
    ignore_index=-100,
    reduction="mean",
):
    classes = np.arange(logits.shape[1]).reshape(-1, *[1] * (logits.ndim - 2))
    onehot = (target[:, None] == classes) & (target[:, None] != ignore_index)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    weight = onehot.astype(logits.dtype)
    if class_weight is not None:
        weight = weight * class_weight.reshape(classes.shape)
    if pixel_weight is not None:
        weight = weight * pixel_weight[:, None]
    loss = -np.where(weight != 0, log_p, 0).ravel() @ weight.ravel()
    if reduction == "mean":
        with np.errstate(invalid="ignore"):  # where every pixel is ignored, the mean is NaN
            loss = loss / weight.sum()
    return loss, np.exp(log_p)
