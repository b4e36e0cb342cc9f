"""Plausible mistakes in what the library has no operation for: causes that a check can name.

Each is a function; its docstring says in a sentence what is wrong.
"""

from .gradients import NUMERICAL_GRADIENT
from .masks import MEAN_IOU, ONE_HOT
from .sampling import BILINEAR_FILTER, BILINEAR_SAMPLE
from .sizes import OUTPUT_SIZE, RECEPTIVE_FIELD
from .windows import COL2IM, CORRELATE, IM2COL

__all__ = [
    "BILINEAR_FILTER",
    "BILINEAR_SAMPLE",
    "COL2IM",
    "CORRELATE",
    "IM2COL",
    "MEAN_IOU",
    "NUMERICAL_GRADIENT",
    "ONE_HOT",
    "OUTPUT_SIZE",
    "RECEPTIVE_FIELD",
]
