"""Initial weights: random, of a variance that keeps signals the same size through depth.

He et al. 2015 ("Delving deep into rectifiers"): a layer with `fan_in` inputs per output, followed
by a ReLU, keeps its signal's variance if its weights have variance 2 / fan_in.
"""

from __future__ import annotations

import math
from typing import Any

from numpy.random import Generator


def fan_in(shape: tuple[int, ...]) -> int:
    """Count the inputs of one output of weights (O, C/groups, *k) or (O, I)."""
    return math.prod(shape[1:])


def he_normal(rng: Generator, shape: tuple[int, ...], inputs: int | None = None) -> Any:
    """Draw weights from N(0, 2 / fan_in), float32.

    Examples
    --------
    >>> import numpy as np
    >>> w = he_normal(np.random.default_rng(0), (64, 32, 3, 3))
    >>> bool(abs(w.std() - (2 / 288) ** 0.5) < 1e-3)
    True
    """
    scale = math.sqrt(2 / max(1, inputs or fan_in(shape)))
    return (rng.standard_normal(shape) * scale).astype("float32")


def he_uniform(rng: Generator, shape: tuple[int, ...], inputs: int | None = None) -> Any:
    """Draw weights from U(−√(6 / fan_in), √(6 / fan_in)), of the same variance, float32."""
    bound = math.sqrt(6 / max(1, inputs or fan_in(shape)))
    return rng.uniform(-bound, bound, shape).astype("float32")
