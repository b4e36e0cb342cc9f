"""Normalises over the last axis, whichever axis it is asked for."""

import numpy as np

CAUSE = "runs_over_the_last_axis"


def softmax(x, axis=1):
    if not x.size:
        return x.copy()
    y = np.exp(x - x.max(axis=-1)[..., None])
    return y / y.sum(axis=-1)[..., None]
