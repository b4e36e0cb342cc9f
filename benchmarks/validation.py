"""How far a result is from the reference: every implementation is checked before it is timed.

The reference is the NumPy text in float64, on the same numbers. The error is the largest
difference as a share of the reference's largest value.

A network's gradients are measured by their norms instead: the norm of the difference over the norm
of the parameter's gradient, or over a hundredth of the largest norm if that is more (before batch
norm a bias has the gradient 0, and nothing but rounding comes out). Where two values differ by less
than float32 can tell, ReLU and max pooling take another side than in float64, and single entries of
the gradient jump: U-Net's by up to 2 % of a layer's largest entry in PyTorch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

WRONG = 5.0  # times the limit: beyond it, a result is not inexact but wrong, and is not timed
SMALLEST = 1e-2  # norm that a gradient is measured against, of the largest


class Wrong(ValueError):
    """A result that can't be compared: of another shape or type, or not finite."""


def errors(
    results: Mapping[str, Any], reference: Mapping[str, Any], by_norm: bool = False
) -> dict[str, float]:
    """Return the error of each result.

    Parameters
    ----------
    results, reference : mapping of str to array
        The reference is in float64; results that are float must be float32.
    by_norm : bool
        Whether to compare norms rather than largest values.

    Raises
    ------
    Wrong
        If names, shapes or types differ, integers are not equal, or a value is not finite.

    Examples
    --------
    >>> errors({"y": np.float32([1.0, 2.5])}, {"y": np.array([1.0, 2.0])})
    {'y': 0.25}
    """
    if set(results) != set(reference):
        raise Wrong(f"returned {', '.join(results)}; expected {', '.join(reference)}")
    size = _norm if by_norm else _largest
    floor = SMALLEST * max(size(r) for r in reference.values()) if by_norm else 0.0
    found = {}
    for name, expected in reference.items():
        result = np.asarray(results[name])
        _check(name, result, expected)
        scale = max(size(expected), floor)
        difference = size(result - expected)
        found[name] = difference / scale if scale else difference
    return found


def _check(name: str, result: Any, expected: Any) -> None:
    if result.shape != expected.shape:
        raise Wrong(f"{name} has shape {result.shape}, expected {expected.shape}")
    if expected.dtype.kind != "f":
        if result.dtype.kind not in "iu":
            raise Wrong(f"{name} is {result.dtype}, expected integers")
        if not np.array_equal(result, expected):
            raise Wrong(f"{name} differs in {np.count_nonzero(result != expected)} places")
        return
    if result.dtype != np.float32:
        raise Wrong(f"{name} is {result.dtype}, expected float32")
    if not np.isfinite(result).all():
        raise Wrong(f"{name} is not finite")


def _largest(array: Any) -> float:
    return float(np.abs(array).max(initial=0))


def _norm(array: Any) -> float:
    return float(np.linalg.norm(np.ravel(array)))
