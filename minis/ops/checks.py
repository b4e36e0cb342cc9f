"""What every operation asks of its arguments, and how it says what is wrong.

Each check names the operation, the argument, what came and what was expected.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..backend import array_namespace

FLOATS = (np.float32, np.float64)
INFINITE = (-math.inf, math.inf)


def check_float(operation: str, *, optional: Sequence[str] = (), **arrays: Any) -> None:
    """Raise TypeError unless all `arrays` are float32, or all are float64.

    Only those named in `optional` may be None.
    """
    first = None
    for name, a in arrays.items():
        if a is None and name in optional:
            continue
        if not hasattr(a, "dtype") or not hasattr(a, "shape"):
            raise TypeError(f"{operation}: {name} must be an array, got {type(a).__name__}")
        if a.dtype not in FLOATS:
            raise TypeError(f"{operation}: {name} must be float32 or float64, got {a.dtype}")
        if first is None:
            first = name, a.dtype
        elif a.dtype != first[1]:
            raise TypeError(
                f"{operation}: {name} is {a.dtype} but {first[0]} is {first[1]}; they must agree"
            )


def check_integer(operation: str, **arrays: Any) -> None:
    """Raise TypeError unless all `arrays` are of an integer dtype."""
    for name, a in arrays.items():
        if not hasattr(a, "dtype"):
            raise TypeError(f"{operation}: {name} must be an array, got {type(a).__name__}")
        if a.dtype.kind not in "iu":
            raise TypeError(f"{operation}: {name} must be of an integer dtype, got {a.dtype}")


def check_spatial(operation: str, **arrays: Any) -> None:
    """Raise ValueError unless all `arrays` have the form (N, C, *spatial), 1 to 3 spatial axes."""
    for name, a in arrays.items():
        if not 3 <= a.ndim <= 5:
            raise ValueError(
                f"{operation}: {name} must have shape (N, C, *spatial) with one to three "
                f"spatial axes, got {shape_text(a.shape)}"
            )


def check_ndim(operation: str, ndim: int, form: str, **arrays: Any) -> None:
    """Raise ValueError unless all `arrays` have `ndim` axes; `form` spells the expected shape."""
    for name, a in arrays.items():
        if a.ndim != ndim:
            raise ValueError(
                f"{operation}: {name} must have shape {form}, got {shape_text(a.shape)}"
            )


def check_shape(operation: str, expected: Sequence[int], **arrays: Any) -> None:
    """Raise ValueError unless all `arrays` have the shape `expected`; None passes."""
    for name, a in arrays.items():
        if a is not None and tuple(a.shape) != tuple(expected):
            raise ValueError(
                f"{operation}: {name} must have shape {shape_text(expected)}, "
                f"got {shape_text(a.shape)}"
            )


def check_same_shape(operation: str, **arrays: Any) -> None:
    """Raise ValueError unless all `arrays` have the shape of the first; None passes."""
    given = {name: a for name, a in arrays.items() if a is not None}
    first, *others = given
    for name in others:
        if given[name].shape != given[first].shape:
            raise ValueError(
                f"{operation}: {name} has shape {shape_text(given[name].shape)} but {first} has "
                f"{shape_text(given[first].shape)}; they must agree"
            )


def check_indices(
    operation: str, indices: Any, size: int, name: str = "indices", *, low: int = 0
) -> None:
    """Raise unless `indices` are integers in low … size − 1."""
    check_integer(operation, **{name: indices})
    if not indices.size:
        return
    least, most = extremes(indices)
    if least < low or most >= size:
        raise ValueError(
            f"{operation}: {name} must lie in {low} … {size - 1}, got {least} … {most}"
        )


def extremes(x: Any) -> tuple[Any, Any]:
    """Return the least and the greatest number as Python's, which on the GPU are read at once.

    Examples
    --------
    >>> extremes(np.array([3, 1, 2]))
    (1, 3)
    """
    least, most = array_namespace(x).stack([x.min(), x.max()]).tolist()
    return least, most


def check_input_shape(operation: str, input_shape: Any, axes: int) -> None:
    """Raise unless `input_shape` is a shape of so many axes."""
    if (
        isinstance(input_shape, str)
        or not isinstance(input_shape, Sequence)
        or not all(isinstance(s, int | np.integer) for s in input_shape)
    ):
        raise TypeError(f"{operation}: input_shape must be a tuple of ints, got {input_shape!r}")
    if len(input_shape) != axes or min(input_shape) < 0:
        raise ValueError(
            f"{operation}: input_shape must have {axes} entries, none negative, got "
            f"{shape_text(input_shape)}"
        )


def check_axis(operation: str, axis: int, x: Any) -> None:
    """Raise unless `axis` is an int, and an axis of `x`."""
    check_int(operation, "axis", axis)
    if not -x.ndim <= axis < x.ndim:
        raise ValueError(
            f"{operation}: axis {axis} is out of range for x of shape {shape_text(x.shape)}"
        )


def check_choice(operation: str, name: str, value: Any, choices: Sequence[Any]) -> None:
    """Raise ValueError unless `value` is one of `choices`."""
    if value not in choices:
        expected = " or ".join(repr(c) for c in choices)
        raise ValueError(f"{operation}: {name} must be {expected}, got {value!r}")


def check_number(
    operation: str, name: str, value: Any, *, low: float = -math.inf, high: float = math.inf
) -> float:
    """Raise unless `value` is a real number with low ≤ value ≤ high, and return it as a float.

    A Python float leaves float32 arrays float32, which NumPy's float64 scalar would not.

    Examples
    --------
    >>> check_number("elu", "alpha", np.float64(0.5), low=0)
    0.5
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{operation}: {name} must be a number, got {value!r}")
    if not low <= value <= high:  # NaN is in no range
        expected = f"at least {low}" if high == math.inf else f"in {low} … {high}"
        expected = f"at most {high}" if low == -math.inf else expected
        expected = "a number" if math.isnan(value) and (low, high) == INFINITE else expected
        raise ValueError(f"{operation}: {name} must be {expected}, got {value}")
    return float(value)


def check_int(operation: str, name: str, value: Any, *, low: float = -math.inf) -> None:
    """Raise unless `value` is an int with low ≤ value."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{operation}: {name} must be an int, got {value!r}")
    if value < low:
        raise ValueError(f"{operation}: {name} must be at least {low}, got {value}")


def per_axis(operation: str, name: str, value: Any, axes: int, *, low: int) -> tuple[int, ...]:
    """Turn an int, or one int per spatial axis, into a tuple of `axes` ints, each ≥ low.

    Examples
    --------
    >>> per_axis("conv", "stride", 2, 3, low=1)
    (2, 2, 2)
    >>> per_axis("conv", "padding", (0, -1), 2, low=0)
    Traceback (most recent call last):
        ...
    ValueError: conv: padding must be at least 0 along every axis, got (0, -1)
    """
    values = (value,) * axes if isinstance(value, int | np.integer) else value
    if (
        isinstance(value, bool | str)
        or not isinstance(values, Sequence)
        or not all(isinstance(v, int | np.integer) and not isinstance(v, bool) for v in values)
    ):
        raise TypeError(f"{operation}: {name} must be an int or a tuple of ints, got {value!r}")
    if len(values) != axes:
        raise ValueError(
            f"{operation}: {name} must be one int or {axes}, one per spatial axis, got {value!r}"
        )
    if min(values) < low:
        raise ValueError(
            f"{operation}: {name} must be at least {low} along every axis, got {value!r}"
        )
    return tuple(int(v) for v in values)


def shape_text(shape: Sequence[int]) -> str:
    """Write a shape as plain ints: (2, 3), whatever integer type its entries are."""
    return str(tuple(int(s) for s in shape))


def check_boxes(
    operation: str, boxes: Any, *, maps: int | None = None, name: str = "boxes"
) -> None:
    """Raise unless `boxes` are floating, finite and (R, 4), or (R, 5) with indices below `maps`."""
    columns = 4 if maps is None else 5
    form = "rows (x1, y1, x2, y2)" if maps is None else "rows (n, x1, y1, x2, y2)"
    check_float(operation, **{name: boxes})
    if boxes.ndim != 2 or boxes.shape[1] != columns:
        raise ValueError(
            f"{operation}: {name} must have shape (R, {columns}), {form}, got "
            f"{shape_text(boxes.shape)}"
        )
    xp = array_namespace(boxes)
    bad = xp.flatnonzero(~xp.isfinite(boxes).all(axis=1))
    if bad.size:
        row = int(bad[0])
        raise ValueError(f"{operation}: {name} must be finite, got row {row}: {boxes[row]}")
    if maps is None or not len(boxes):
        return
    n = boxes[:, 0]
    bad = xp.flatnonzero((n < 0) | (n >= maps) | (n != xp.floor(n)))
    if bad.size:
        row = int(bad[0])
        raise ValueError(
            f"{operation}: column 0 of {name} must index one of the {maps} maps of x, got "
            f"{float(n[row])} in row {row}"
        )
