"""Reads p as the probability to survive."""

import numpy as np

CAUSE = "keeps_with_probability_p"


def dropout(x, p, rng, *, per_channel=False):
    shape = list(x.shape)
    if per_channel:
        shape[2:] = [1] * len(shape[2:])
    survives = rng.random(shape, dtype=np.float32) < p
    mask = (survives / p if p else np.zeros(shape)).astype(x.dtype)
    return x * mask, mask
