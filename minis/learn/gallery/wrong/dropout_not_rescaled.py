"""Drops, and leaves the survivors as large as they were."""

import numpy as np

CAUSE = "does_not_rescale"


def dropout(x, p, rng, *, per_channel=False):
    shape = x.shape[:2] + (1,) * (x.ndim - 2) if per_channel else x.shape
    mask = np.ones(shape, x.dtype)
    mask[rng.random(shape, dtype=np.float32) < p] = 0
    return x * mask, mask
