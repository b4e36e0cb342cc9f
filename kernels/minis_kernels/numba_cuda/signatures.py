"""What a kernel takes, told by the annotations of its parameters.

    def scale(x: Real2, y: Real2, by: Real, lines: Index1, count: int, g: Geometry) -> None:

Real        a number of float32 or float64, the same of the two in all arguments of one call
Real1 …     an array of such numbers, with so many axes, contiguous
Index1 …    an array of int64
int, float, bool, tuple[int, int, int], a NamedTuple of these
            as Python has them: 64-bit numbers in the kernel

`Annotated[Any, Numbers("uint8", 2)]` is any other array.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import numpy as np


@dataclass(frozen=True)
class Numbers:
    """An array's dtype, which may be "real", and its number of axes; 0 for a lone number."""

    dtype: str
    axes: int

    def __str__(self) -> str:
        return f"an array of {self.dtype} with {self.axes} axes" if self.axes else self.dtype


Real = Annotated[Any, Numbers("real", 0)]
Real1 = Annotated[Any, Numbers("real", 1)]
Real2 = Annotated[Any, Numbers("real", 2)]
Real3 = Annotated[Any, Numbers("real", 3)]
Real4 = Annotated[Any, Numbers("real", 4)]
Real5 = Annotated[Any, Numbers("real", 5)]
Index1 = Annotated[Any, Numbers("int64", 1)]
Index2 = Annotated[Any, Numbers("int64", 2)]
Index3 = Annotated[Any, Numbers("int64", 3)]
Index4 = Annotated[Any, Numbers("int64", 4)]
Index5 = Annotated[Any, Numbers("int64", 5)]


def check(kernel: str, takes: dict[str, Any], args: tuple[Any, ...]) -> None:
    """Raise a TypeError unless the arguments are what a kernel takes.

    Examples
    --------
    >>> check("scale", {"x": Real1, "by": Real}, (np.zeros(3), np.float64(2)))
    >>> check("scale", {"x": Real1, "by": Real}, (np.zeros(3), np.float32(2)))
    Traceback (most recent call last):
        ...
    TypeError: kernel scale, argument by: expected float64, got float32
    """
    if len(args) != len(takes):
        raise TypeError(f"kernel {kernel} takes ({', '.join(takes)}), got {len(args)} arguments")
    real: str | None = None
    for (name, wanted), value in zip(takes.items(), args, strict=True):
        if get_origin(wanted) is not Annotated:
            if not _is(wanted, value):
                raise TypeError(f"kernel {kernel}, argument {name}: {wanted} expected, got {value}")
            continue
        numbers = get_args(wanted)[1]
        dtype = getattr(getattr(value, "dtype", None), "name", type(value).__name__)
        if numbers.dtype == "real":
            if real is None and dtype in ("float32", "float64"):
                real = dtype
            numbers = Numbers(real or "real", numbers.axes)
        if dtype != numbers.dtype or np.ndim(value) != numbers.axes:
            got = str(Numbers(dtype, np.ndim(value)))
            raise TypeError(f"kernel {kernel}, argument {name}: expected {numbers}, got {got}")
        if numbers.axes and not value.flags.c_contiguous:
            raise TypeError(f"kernel {kernel}, argument {name}: the array is not contiguous")


def numba_type(wanted: Any, real: str) -> Any:
    """Return Numba's type of an annotated parameter, `real` being float32 or float64.

    Examples
    --------
    >>> numba_type(Real1, "float32"), numba_type(tuple[int, int], "float32")
    (Array(float32, 1, 'C', False, aligned=True), UniTuple(int64, 2))
    """
    from numba import from_dtype, types

    if get_origin(wanted) is Annotated:
        numbers = get_args(wanted)[1]
        number = from_dtype(np.dtype(real if numbers.dtype == "real" else numbers.dtype))
        return types.Array(number, numbers.axes, "C") if numbers.axes else number
    parts = _parts(wanted)
    if parts is None:
        return {int: types.int64, float: types.float64, bool: types.boolean}[wanted]
    named = wanted if get_origin(wanted) is None else None
    return types.BaseTuple.from_types([numba_type(p, real) for p in parts], named)


def _is(wanted: Any, value: Any) -> bool:
    parts = _parts(wanted)
    if parts is None:
        return type(value) is wanted
    kind = get_origin(wanted) or wanted
    return (
        type(value) is kind
        and len(value) == len(parts)
        and all(_is(p, v) for p, v in zip(parts, value, strict=True))
    )


def _parts(wanted: Any) -> tuple[Any, ...] | None:
    """Return the types of a tuple's members, or None for what is no tuple."""
    if get_origin(wanted) is tuple:
        return get_args(wanted)
    if isinstance(wanted, type) and issubclass(wanted, tuple):
        return tuple(get_type_hints(wanted).values())
    return None
