"""Uses |d| beyond beta as it is: the line doesn't meet the parabola."""

import numpy as np

CAUSE = "does_not_join_the_pieces"


def smooth_l1(x, target, *, beta=1.0, reduction="mean"):
    loss = np.abs(x - target)
    small = loss < beta
    if beta > 0:
        loss[small] = 0.5 * loss[small] ** 2 / beta
    return loss.mean() if reduction == "mean" else loss.sum()
