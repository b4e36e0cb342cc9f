"""Sums overlap and sizes over all samples, asked or not."""

import numpy as np

CAUSE = "sums_over_the_batch_always"


def dice_loss(probabilities, target, *, squared=False, over_batch=False, smooth=0.0):
    losses = []
    for c in range(probabilities.shape[1]):
        p, g = probabilities[:, c].ravel(), target[:, c].ravel()
        sizes = p @ p + g @ g if squared else p.sum() + g.sum()
        if sizes + smooth == 0:
            losses.append(0)
        else:
            losses.append(1 - (2 * (p @ g) + smooth) / (sizes + smooth))
    return np.mean(losses).astype(probabilities.dtype)
