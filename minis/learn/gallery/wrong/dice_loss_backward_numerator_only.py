"""Differentiates the numerator, and takes the denominator along as a constant."""

import numpy as np

CAUSE = "takes_the_denominator_for_constant"


def dice_loss_backward(
    dloss, probabilities, target, *, squared=False, over_batch=False, smooth=0.0
):
    p, g = probabilities, target
    dp = np.zeros_like(p)
    samples = [slice(None)] if over_batch else [slice(n, n + 1) for n in range(len(p))]
    for part in samples:
        for k in range(p.shape[1]):
            a, b = p[part, k], g[part, k]
            total = (a * a + b * b).sum() if squared else (a + b).sum()
            if total + smooth > 0:
                dp[part, k] = -2 * b / (total + smooth)
    return dp * p.dtype.type(float(dloss) / max(1, len(samples) * p.shape[1]))
