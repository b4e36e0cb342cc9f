"""Who chooses the anchors and the proposals that are trained on: a generator, or a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy.random import Generator

from ... import ops

Draw = Callable[[Any], tuple[Any, Any]]  # labels -> indices of the objects, and of the background
# the function is given how many to draw, and the share of objects, besides the labels
Sampler = Generator | Callable[[Any, int, float], tuple[Any, Any]]


def drawing(sampler: Sampler, samples: int, positive_fraction: float) -> Draw:
    """Return what draws from an image's labels.

    Parameters
    ----------
    sampler : numpy.random.Generator or callable
        A generator draws by `ops.sample_balanced`. A function in its place is called with labels,
        `samples` and `positive_fraction`: so the draws of a reference can be repeated.
    samples : int
        How many to draw, at most.
    positive_fraction : float
        The share of objects among them, at most.

    Returns
    -------
    callable
        Given an image's labels, integers, ≥ 1 for an object, 0 for background and −1 for neither:
        the indices of the objects and of the background to take, none twice.

    Examples
    --------
    >>> import numpy as np
    >>> draw = drawing(np.random.default_rng(0), 2, 0.5)
    >>> draw(np.array([0, -1, 7]))
    (array([2]), array([0]))
    """
    if isinstance(sampler, Generator):
        return lambda labels: ops.sample_balanced(labels, samples, positive_fraction, sampler)
    return lambda labels: sampler(labels, samples, positive_fraction)
