"""Innermost loops over lines of an array.

They stand in functions of their own, on slices: counting from 0, the compiler sees that no index is
negative, and vectorises. Inlined, slicing costs nothing either.
"""

from __future__ import annotations

from typing import Any

from .jit import jit


@jit(inline="always")
def inner_range(out: int, size: int, stride: int, offset: int) -> tuple[int, int]:
    """Return the range of outputs i with 0 ≤ i·stride + offset < size."""
    low = 0 if offset >= 0 else (-offset + stride - 1) // stride
    high = (size - offset + stride - 1) // stride if size > offset else 0
    return min(low, out), max(min(low, out), min(high, out))


@jit(inline="always")
def fill(target: Any, value: float) -> None:
    """Set every element."""
    for i in range(len(target)):
        target[i] = value


@jit(inline="always")
def copy(source: Any, target: Any, step: int) -> None:
    """Set target[i] = source[i · step]."""
    if step == 1:
        for i in range(len(target)):
            target[i] = source[i]
    else:
        for i in range(len(target)):
            target[i] = source[i * step]


@jit(inline="always")
def add(source: Any, target: Any, step: int) -> None:
    """Add source[i] to target[i · step]."""
    if step == 1:
        for i in range(len(source)):
            target[i] += source[i]
    else:
        for i in range(len(source)):
            target[i * step] += source[i]
