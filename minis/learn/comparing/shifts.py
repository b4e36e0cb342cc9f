"""Recognising that one array is another, moved by a pixel, or by half a pixel."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np


def pixel_shift(ours: Any, theirs: Any, tolerance: float) -> str | None:
    """Recognise a shift by one or two whole pixels; the borders, where it runs out, don't count.

    Examples
    --------
    >>> x = np.arange(5.0).reshape(1, 1, 5) ** 2
    >>> pixel_shift(x, np.roll(x, 1, 2), 1e-9)
    'a shift: theirs is ours moved by 1 pixel along spatial axis 0'
    """
    return _moved(ours, theirs, tolerance, (-2, -1, 0, 1, 2), "pixel")


def half_pixel_shift(ours: Any, theirs: Any, tolerance: float) -> str | None:
    """Recognise a shift by half a pixel: theirs is, inside, the mean of two neighbours of ours.

    Resampling does that exactly only where it is linear, so a fifth may be left unexplained.

    Examples
    --------
    >>> x = np.arange(6.0).reshape(1, 1, 6) ** 2
    >>> y = (x + np.roll(x, 1, 2)) / 2
    >>> half_pixel_shift(x, y, 1e-9)
    'a shift: theirs is ours moved by half a pixel along spatial axis 0'
    """
    return _moved(ours, theirs, max(tolerance, 0.2), (-0.5, 0, 0.5), "half a pixel")


def _moved(ours: Any, theirs: Any, slack: float, steps: Sequence[float], unit: str) -> str | None:
    """Try moves along all spatial axes together; `slack` is what part of the change may stay."""
    axes = range(2, ours.ndim)
    edge = 2 if max(steps) > 1 else 1
    if ours.shape != theirs.shape or not axes or min(ours.shape[2:]) < 2 * edge + 1:
        return None
    inside = (..., *(slice(edge, s - edge) for s in ours.shape[2:]))
    seen = theirs[inside]
    if not np.isfinite(ours).all() or not np.isfinite(seen).all():
        return None
    change = np.abs(ours[inside] - seen).max(initial=0)
    moves = sorted(itertools.product(steps, repeat=len(axes)), key=lambda m: sum(map(abs, m)))
    for move in moves[1:]:  # the first is none
        guess = ours
        for axis, step in zip(axes, move, strict=True):
            low, high = np.floor(step), np.ceil(step)
            guess = (np.roll(guess, int(low), axis) + np.roll(guess, int(high), axis)) / 2
        left = np.abs(guess[inside] - seen).max(initial=0)
        if change > 0 and left <= slack * change:
            told = " and ".join(
                f"{_length(step, unit)} along spatial axis {axis}"
                for axis, step in enumerate(move)
                if step
            )
            return f"a shift: theirs is ours moved by {told}"
    return None


def _length(step: float, unit: str) -> str:
    minus = "minus " if step < 0 else ""
    if unit != "pixel":
        return f"{minus}{unit}"
    return f"{minus}{abs(step)} pixel{'s' if abs(step) > 1 else ''}"
