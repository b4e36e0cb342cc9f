"""Classes as layers.

A mask names a class for each pixel: 0, 1, … K − 1. A network gives K numbers for each pixel. To
compare them, the mask is written as K layers of zeros and ones: layer k has a 1 wherever the
mask says k. A pixel that says 255 has no class (it is "void"): all its layers are 0.
"""

import numpy as np


def one_hot(mask: np.ndarray, classes: int) -> np.ndarray:
    """Write a mask (H, W) of integers as (classes, H, W) float64 zeros and ones.

    >>> one_hot(np.array([[0, 1, 255]]), 2)[:, 0]
    array([[1., 0., 0.],
           [0., 1., 0.]])
    """
    # your turn
    return (mask == np.arange(classes)[:, None, None]).astype(np.float64)
    # end of your turn


# hint: np.arange(classes)[:, None, None] has shape (classes, 1, 1). Compared with a mask (H,
#     W), it is repeated along the mask's axes, and the mask along its first.
# hint: A comparison gives bools; `.astype(np.float64)` makes zeros and ones of them.
