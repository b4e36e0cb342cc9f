"""Writes the intersection over the sum of the sizes, without the 2 in front of it."""

import numpy as np

CAUSE = "forgets_the_factor_two"


def dice_loss(probabilities, target, *, squared=False, over_batch=False, smooth=0.0):
    p, g = probabilities, target
    n, k = p.shape[:2]
    p, g = p.reshape(n, k, p[:1, :1].size), g.reshape(n, k, g[:1, :1].size)
    overlap = np.einsum("nks,nks->nk", p, g)
    sizes = (p**2 + g**2).sum(2) if squared else (p + g).sum(2)
    if over_batch:
        overlap, sizes = overlap.sum(0), sizes.sum(0)
    both = sizes + smooth
    dice = np.ones_like(both)
    np.divide(overlap + smooth, both, out=dice, where=both != 0)
    return (1 - dice).mean()
