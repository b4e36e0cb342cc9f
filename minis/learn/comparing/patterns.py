"""What a divergence looks like, told from two arrays alone.

Each function gets our array, theirs and a tolerance (see `difference`), and returns what it
recognises in a few words, or None.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from .shifts import half_pixel_shift, pixel_shift
from .step import difference

Pattern = Callable[[Any, Any, float], str | None]
PERMUTED = 3  # axes up to which all orders are tried


def constant_scale(ours: Any, theirs: Any, tolerance: float) -> str | None:
    """Recognise theirs = factor · ours.

    Examples
    --------
    >>> constant_scale(np.array([1.0, 2.0]), np.array([0.5, 1.0]), 1e-9)
    'a constant scale: theirs is ours times 0.5'
    """
    if ours.shape != theirs.shape or ours.size < 2 or not np.any(ours):
        return None
    factor = float((ours * theirs).sum() / (ours * ours).sum())
    if (
        not np.isfinite(factor)
        or abs(factor - 1) <= tolerance
        or difference(factor * ours, theirs) > tolerance
        or not factor
    ):
        return None
    near = Fraction(factor).limit_denominator(64)
    ratio = f" = {near}" if near.denominator > 2 and abs(near - factor) < 1e-9 else ""
    return f"a constant scale: theirs is ours times {factor:.6g}{ratio}"


def constant_per_channel(ours: Any, theirs: Any, tolerance: float) -> str | None:
    """Recognise a constant added to each channel, axis 1: a bias that only one side has.

    Examples
    --------
    >>> x = np.arange(8.0).reshape(1, 2, 4)
    >>> constant_per_channel(x, x + [[[1.0], [-2.0]]], 1e-9)
    'a missing bias: theirs is ours plus a constant in each channel (1, -2)'
    """
    if ours.shape != theirs.shape or ours.ndim < 3 or ours[0, 0].size * len(ours) < 2:
        return None
    axes = (0, *range(2, ours.ndim))
    change = (theirs - ours).mean(axis=axes, keepdims=True)
    if not np.isfinite(change).all() or difference(ours, theirs) <= tolerance:
        return None
    if difference(ours + change, theirs) > tolerance:
        return None
    told = ", ".join(f"{v:.3g}" for v in change.ravel()[:3]) + (" …" if change.size > 3 else "")
    return f"a missing bias: theirs is ours plus a constant in each channel ({told})"


def channel_order(ours: Any, theirs: Any, tolerance: float) -> str | None:
    """Recognise channels in another order; that of two concatenated parts, by its form.

    Examples
    --------
    >>> x = np.arange(6.0).reshape(1, 3, 2)
    >>> channel_order(x, x[:, [1, 2, 0]], 1e-9)
    'swapped channels: theirs begin with our channel 1, our first 1 come last (a concatenation the
    other way round?)'
    >>> channel_order(x, x[:, ::-1], 1e-9)
    'swapped channels: theirs are ours in the order 2, 1, 0'
    """
    if ours.shape != theirs.shape or ours.ndim < 2 or ours.shape[1] < 2:
        return None
    rows, others = (np.moveaxis(a, 1, 0).reshape(a.shape[1], -1) for a in (ours, theirs))
    order: list[int] = []
    for other in others:
        scale = max(np.abs(other).max(initial=0), np.abs(rows).max(initial=0)) or 1.0
        apart = np.abs(rows - other).max(axis=1)
        apart[order] = np.inf  # each of ours is one of theirs
        if apart.min() > tolerance * scale:
            return None
        order.append(int(apart.argmin()))
    first = order[0]
    if order == sorted(order):
        return None
    if order == [*range(first, len(order)), *range(first)]:
        return (
            f"swapped channels: theirs begin with our channel {first}, our first {first} come "
            "last (a concatenation the other way round?)"
        )
    told = ", ".join(map(str, order[:8])) + (" …" if len(order) > 8 else "")
    return f"swapped channels: theirs are ours in the order {told}"


def transposed_axes(
    ours: Any, theirs: Any, tolerance: float, *, first: int = 2, what: str = "spatial axes"
) -> str | None:
    """Recognise axes, from `first` on, in another order, or read backwards.

    Examples
    --------
    >>> x = np.arange(6.0).reshape(1, 1, 2, 3)
    >>> transposed_axes(x, x.swapaxes(2, 3), 1e-9)
    'a transpose: theirs has our spatial axes in the order 1, 0'
    >>> transposed_axes(x, x[..., ::-1], 1e-9)
    'mirrored: theirs has our spatial axes read backwards along 1'
    """
    axes = range(first, ours.ndim)
    if ours.ndim != theirs.ndim or not axes or len(axes) > PERMUTED + 2:
        return None
    for order in itertools.permutations(axes):
        moved = ours.transpose(*range(first), *order)
        if order != tuple(axes) and difference(moved, theirs) <= tolerance:
            told = ", ".join(str(a - first) for a in order)
            return f"a transpose: theirs has our {what} in the order {told}"
    for count in range(1, len(axes) + 1):
        for chosen in itertools.combinations(axes, count):
            if difference(np.flip(ours, chosen), theirs) <= tolerance:
                told = " and ".join(str(a - first) for a in chosen)
                return f"mirrored: theirs has our {what} read backwards along {told}"
    return None


def borders_only(ours: Any, theirs: Any, tolerance: float) -> str | None:
    """Recognise arrays that are equal inside, or one of which is the inside of the other.

    Examples
    --------
    >>> x = np.ones((1, 1, 5))
    >>> borders_only(x, np.pad(x[..., 1:-1], ((0, 0), (0, 0), (1, 1))), 1e-9)
    'the padding: only the outermost 1 of the spatial axes differ'
    >>> borders_only(x + np.arange(5), x[..., 1:-1] + np.arange(1, 4), 1e-9)
    'the padding: theirs is the inside of ours, smaller by 2'
    """
    if ours.ndim != theirs.ndim or ours.ndim < 3 or ours.shape[:2] != theirs.shape[:2]:
        return None
    if difference(ours, theirs) <= tolerance:
        return None
    if ours.shape == theirs.shape:
        for margin in range(1, min(ours.shape[2:]) // 4 + 1):
            inside = (..., *(slice(margin, s - margin) for s in ours.shape[2:]))
            if difference(ours[inside], theirs[inside]) <= tolerance:
                return f"the padding: only the outermost {margin} of the spatial axes differ"
        return None
    changes = {s - t for s, t in zip(ours.shape[2:], theirs.shape[2:], strict=True)}
    if len(changes) != 1:
        return None
    change = changes.pop()
    large, small, names = (
        (ours, theirs, ("theirs", "ours", "smaller"))
        if change > 0
        else (theirs, ours, ("ours", "theirs", "larger"))
    )
    start = abs(change) // 2
    inside = (..., *(slice(start, start + s) for s in small.shape[2:]))
    if difference(large[inside], small) > tolerance:
        return None
    whose, of, size = names
    if size == "larger":
        return f"the padding: ours is the inside of theirs, which is larger by {-change}"
    return f"the padding: {whose} is the inside of {of}, {size} by {change}"


PATTERNS: tuple[Pattern, ...] = (
    constant_scale,
    constant_per_channel,
    channel_order,
    transposed_axes,
    borders_only,
    pixel_shift,
    half_pixel_shift,
)


def recognise(ours: Any, theirs: Any, tolerance: float) -> str | None:
    """Return what the first pattern that fits says, or None.

    Examples
    --------
    >>> recognise(np.ones(2), np.array([1.0, np.nan]), 1e-9)
    'NaN or infinity: 1 of their 2 values, 0 of our 2'
    """
    bad = [int(np.size(a) - np.isfinite(a).sum()) for a in (ours, theirs)]
    if bad[0] != bad[1]:
        return (
            f"NaN or infinity: {bad[1]} of their {np.size(theirs)} values, "
            f"{bad[0]} of our {np.size(ours)}"
        )
    return next((told for p in PATTERNS if (told := p(ours, theirs, tolerance))), None)


def recognise_weights(ours: Any, theirs: Any, tolerance: float) -> str | None:
    """Say what a parameter of theirs is that isn't ours: all axes may be in another order."""
    if ours.ndim > 1 and not np.any(theirs):
        return "theirs are zeros"
    return (
        constant_scale(ours, theirs, tolerance)
        or transposed_axes(ours, theirs, tolerance, first=0, what="axes")
        or (channel_order(ours[None], theirs[None], tolerance) if ours.ndim else None)
    )
