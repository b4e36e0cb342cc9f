"""How far two arrays are apart, relative to the largest value expected."""

import numpy as np


def scaled_error(got, expected):
    """Largest error over the largest value expected, or over 1 where that is smaller."""
    return float(np.abs(got - expected).max() / max(1.0, np.abs(expected).max()))
