"""Softmax and its logarithm on the GPU, by the kernels of `sources/softmax.cu`."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .arrays import contiguous, namespace, servable
from .grid import THREADS, blocks_for
from .program import Program
from .rows import WARP

HELD = (8, 32)  # scores of a pixel that a thread holds in registers
PROGRAMS = {most: Program("softmax.cu", MOST=most) for most in (*HELD, 0)}
LARGEST = 1 << 30  # pixels


class Scores(NamedTuple):
    """An array seen as (outer, classes, inner), and how many threads share a pixel of it."""

    classes: int
    inner: int
    pixels: int
    lanes: int

    @property
    def most(self) -> int:
        """How many scores a thread holds: 0 if it can't hold all."""
        return next((most for most in HELD if self.classes <= most), 0)


def softmax(x: Any, axis: int = 1) -> Any:
    """Turn scores into probabilities: `minis.ops.softmax`."""
    return _along("softmax", axis, x)


def log_softmax(x: Any, axis: int = 1) -> Any:
    """Logarithm of softmax: `minis.ops.log_softmax`."""
    return _along("log_softmax", axis, x)


def softmax_backward(dy: Any, y: Any, axis: int = 1) -> Any:
    """Gradient of softmax: `minis.ops.softmax_backward`."""
    return _along("softmax_backward", axis, dy, y)


def log_softmax_backward(dy: Any, y: Any, axis: int = 1) -> Any:
    """Gradient of log_softmax: `minis.ops.log_softmax_backward`."""
    return _along("log_softmax_backward", axis, dy, y)


def scores(shape: tuple[int, ...], axis: int) -> Scores | None:
    """See an array as (outer, classes, inner); None if it has too many pixels.

    Examples
    --------
    >>> scores((2, 3, 5, 7), 1)
    Scores(classes=3, inner=35, pixels=70, lanes=1)
    >>> scores((9, 100), -1)
    Scores(classes=100, inner=1, pixels=9, lanes=32)
    """
    axis %= len(shape)
    classes, inner = shape[axis], math.prod(shape[axis + 1 :])
    pixels = math.prod(shape[:axis]) * inner
    side_by_side = inner == 1 and classes > max(HELD)
    found = Scores(classes, inner, pixels, WARP if side_by_side else 1)
    return found if pixels < LARGEST and classes < LARGEST else None


def _along(kernel: str, axis: Any, *arrays: Any) -> Any:
    if not servable(*arrays) or any(a.shape != arrays[0].shape for a in arrays):
        return NotImplemented
    given = [contiguous(a) for a in arrays]
    shape = given[0].shape
    if isinstance(axis, bool) or not isinstance(axis, int | np.integer):
        return NotImplemented
    if not -len(shape) <= axis < len(shape):
        return NotImplemented
    found = scores(shape, int(axis))
    if found is None:
        return NotImplemented
    result = namespace(given[0]).empty(shape, given[0].dtype)  # type: ignore[union-attr]
    run = PROGRAMS[found.most].kernel(kernel, result.dtype)
    run(blocks_for(found.pixels * found.lanes), THREADS, *given, result, *found)
    return result
