"""Subtracts the largest of all scores; of an empty batch there is none."""

import numpy as np

KIND = "exception"


def softmax(x, axis=1):
    e = np.exp(x - x.max())
    return e / np.sum(e, axis=axis, keepdims=True)
