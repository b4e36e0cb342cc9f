"""Inputs in several copies that take turns, so that each call reads them from memory.

A second call on the same arrays would find them in the L2 cache, where a network, which computes
much between two uses of the same operation, would not. So there are as many copies as exceed that
cache twice over. Networks need none: their weights and activations exceed it by themselves.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..task import Prepared
from .library import Library

TIMES = 2  # the L2 cache's size
MOST = 256  # copies: inputs below half a megabyte may stay in the cache of a large GPU


def copies(size: int, l2: int) -> int:
    """Return how many copies of inputs of that many bytes there are.

    Examples
    --------
    >>> copies(30_000_000, 50_000_000), copies(200_000_000, 50_000_000), copies(1000, 50_000_000)
    (4, 1, 256)
    """
    return max(1, min(MOST, math.ceil(TIMES * l2 / max(1, size))))


def input_sets(arrays: Mapping[str, Any], library: Library) -> list[dict[str, Any]]:
    """Put the inputs on the GPU, so many times over."""
    count = copies(sum(array.nbytes for array in arrays.values()), library.l2())
    return [{k: library.put(array) for k, array in arrays.items()} for _ in range(count)]


def rotating(prepared: Sequence[Prepared]) -> Prepared:
    """Let the next of several that are prepared alike run at each call."""
    if len(prepared) == 1:
        return prepared[0]
    turns = itertools.cycle([one.run for one in prepared])
    return prepared[0]._replace(run=lambda: next(turns)())
