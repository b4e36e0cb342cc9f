"""Receptive fields: which pixels of the input a value of a map depends on.

Along an axis, cell p of a map depends on the pixels first(p) … last(p). A layer reads some cells of
a map, and so depends on all that these depend on:

    convolution, pooling      cell p reads p·stride + κ·dilation − padding, for each tap κ
    transposed convolution    cell q reads p where q = p·stride + κ·dilation − padding
    interpolation             cell j reads the cells that it lies between
    unpooling                 cell q reads the windows that it lies in, values and indices
    concatenation, addition   what either reads

(Araujo, Norris & Sim 2019, "Computing Receptive Fields of Convolutional Neural Networks", Distill,
follow such intervals through networks of any shape.) Maps are taken to have no ends: only far
enough from the image's border is a field as large as it is here. After upsampling, neighbours may
have read the same cell, so fields differ from one cell to the next. But the same repeats every few
cells, a number of pixels further on; a whole map takes no more than these.

Batch norm in training, which reads the whole batch, is left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ..ops.windows import Axes


@dataclass(frozen=True, eq=False)
class AxisField:
    """Fields along one axis: cell p + P·n depends on first[p] + shift·n … last[p] + shift·n.

    Attributes
    ----------
    first, last : (P,) float arrays
        Of P cells, until the same repeats. Infinite, with first above last, for cells that depend
        on nothing.
    shift : int
        Pixels by which the next P cells' fields lie further on.
    """

    first: Any
    last: Any
    shift: int

    @property
    def period(self) -> int:
        """P."""
        return len(self.first)

    def of(self, cells: Any) -> tuple[Any, Any]:
        """Return first and last of each of the cells, ints of any shape."""
        turns, places = np.divmod(cells, self.period)
        return self.first[places] + self.shift * turns, self.last[places] + self.shift * turns

    def reading(self, cells: Any, period: int) -> AxisField:
        """Return the fields of a map whose cell p reads `cells[p]` of this one: ints (P', taps).

        The next P' cells read what lies `period` cells further on.
        """
        first, last = self.of(cells)
        shift = self.shift * period // self.period
        return AxisField(first.min(axis=1), last.max(axis=1), shift)


Field = tuple[AxisField, ...]  # one per spatial axis
UNKNOWN: Field = ()  # of values that depend on the input in no such way


def of_input(axes: int) -> Field:
    """Return the field of the input itself: each pixel depends on that pixel.

    Examples
    --------
    >>> x = of_input(2)
    >>> y = windows(windows(x, (3, 3), (2, 1), (1, 1)), (3, 3), (1, 1), (1, 1))
    >>> sizes(y), steps(y)
    ((7, 5), (Fraction(2, 1), Fraction(1, 1)))
    """
    return (AxisField(np.zeros(1), np.zeros(1), 1),) * axes


def windows(
    field: Field, kernel: Axes, stride: Axes, padding: Axes, dilation: Axes | None = None
) -> Field:
    """Return the field after a convolution or pooling."""
    out = []
    dilation = dilation or _ones(field)
    for axis, k, s, p, d in zip(field, kernel, stride, padding, dilation, strict=True):
        period = axis.period // math.gcd(axis.period, s)
        taps = np.arange(period)[:, None] * s + np.arange(k) * d - p  # (P', k)
        out.append(axis.reading(taps, period * s))
    return tuple(out)


def stamps(
    field: Field, kernel: Axes, stride: Axes, padding: Axes, dilation: Axes | None = None
) -> Field:
    """Return the field after a transposed convolution, or unpooling.

    Examples
    --------
    >>> halved = windows(of_input(1), (2,), (2,), (0,))
    >>> restored = stamps(halved, (2,), (2,), (0,))
    >>> sizes(windows(restored, (2,), (1,), (0,)), min), sizes(windows(restored, (2,), (1,), (0,)))
    ((2,), (4,))
    """
    out = []
    dilation = dilation or _ones(field)
    for axis, k, s, p, d in zip(field, kernel, stride, padding, dilation, strict=True):
        at = np.arange(axis.period * s)[:, None] + p - np.arange(k) * d  # stride times the cell
        first, last = axis.of(at // s)
        reads = at % s == 0
        first = np.where(reads, first, np.inf).min(axis=1)
        last = np.where(reads, last, -np.inf).max(axis=1)
        out.append(AxisField(first, last, axis.shift))
    return tuple(out)


def resized(field: Field, size: Axes, out: Axes, mode: str, align_corners: bool) -> Field:
    """Return the field after `minis.ops.interpolate`."""
    resized_axes = []
    corners = mode == "linear" and align_corners
    for axis, old, new in zip(field, size, out, strict=True):
        if corners and min(old, new) < 2:
            return UNKNOWN
        scale = Fraction(old - 1, new - 1) if corners else Fraction(old, new)
        a, b = scale.numerator, scale.denominator  # b cells on, a cells further on are read
        repeats = axis.period // math.gcd(axis.period, a)
        j = np.arange(b * repeats)
        if mode == "linear" and not corners:
            over, under = (2 * j + 1) * a - b, 2 * b  # the position, as a fraction
        else:
            over, under = j * a, b
        left = over // under
        right = left + (over % under > 0) * (mode == "linear")
        resized_axes.append(axis.reading(np.stack([left, right], axis=1), a * repeats))
    return tuple(resized_axes)


def hull(*fields: Field | None) -> Field | None:
    """Return the field of values that depend on several: None stands for values of no input."""
    given = [f for f in fields if f is not None]
    if len(given) < 2 or all(f is given[0] for f in given):
        return given[0] if given else None
    steady = len({len(f) for f in given}) == 1 and len({steps(f) for f in given}) == 1
    return tuple(map(_join, *given)) if steady else UNKNOWN


def sliced(field: Field | None, key: Any, shape: tuple[int, ...]) -> Field | None:
    """Return the field of `x[key]`, x being of that shape."""
    cuts = _cuts(key, shape)
    if not field or cuts is None:
        return None if field is None else UNKNOWN
    return windows(field, _ones(field), tuple(c.step for c in cuts), tuple(-c.start for c in cuts))


def moved(field: Field | None, key: Any, shape: tuple[int, ...]) -> Field | None:
    """Return the field that `y[key] = x` brings into y, which is of that shape."""
    cuts = _cuts(key, shape)
    if not field or cuts is None or any(c.step != 1 for c in cuts):
        return None if field is None else UNKNOWN
    return windows(field, _ones(field), _ones(field), tuple(c.start for c in cuts))


def after(operation: str, a: Mapping[str, Any]) -> Field | None:
    """Return the field of an operation's result, from all of its arguments by name."""
    fields = [f for v in a.values() if (f := getattr(v, "field", None)) is not None]
    if not fields or UNKNOWN in fields:
        return UNKNOWN if fields else None
    field, axes = fields[0], len(fields[0])

    match operation:
        case "conv" | "conv_transpose":
            rule = windows if operation == "conv" else stamps
            kernel = a["w"].shape[2:]
            options = (_spelt_out(a[key], axes) for key in ("stride", "padding", "dilation"))
            stride, padding, dilation = options
            return rule(field, kernel, stride, padding, dilation)
        case "max_pool" | "avg_pool":
            return windows(field, *pool_window(axes, a))
        case "max_unpool":
            window = a["indices"].window
            both = hull(a["x"].field, a["indices"].field)
            return stamps(both, *window) if both and window else UNKNOWN
        case "interpolate":
            out = _spelt_out(a["size"], axes)
            return resized(field, a["x"].shape[2:], out, a["mode"], a["align_corners"])
        case "linear":
            return UNKNOWN
    return hull(*fields)


def pool_window(axes: int, a: Mapping[str, Any]) -> tuple[Axes, Axes, Axes, Axes]:
    """Return a pooling's size, stride, padding and dilation, each spelt out per axis."""
    stride = a["size"] if a["stride"] is None else a["stride"]
    given = (a["size"], stride, a["padding"], a.get("dilation", 1))
    size, step, padding, dilation = (_spelt_out(value, axes) for value in given)
    return size, step, padding, dilation


def sizes(field: Field, choose: Any = max) -> Axes:
    """Return, per axis, the pixels that the largest field spans; with `min` the smallest.

    Cells that depend on nothing, as a transposed convolution leaves between its stamps, don't
    count.
    """
    spans = [[int(s) for s in axis.last - axis.first + 1 if s > 0] for axis in field]
    return tuple(choose(s, default=0) for s in spans)


def steps(field: Field) -> tuple[Fraction, ...]:
    """Return, per axis, the pixels from one cell to the next, also known as the jump."""
    return tuple(Fraction(axis.shift, axis.period) for axis in field)


def _join(*axes: AxisField) -> AxisField:
    period = math.lcm(*(axis.period for axis in axes))
    cells = np.arange(period)[:, None]
    same = [axis.reading(cells, period) for axis in axes]
    first = np.min([axis.first for axis in same], axis=0)
    return AxisField(first, np.max([axis.last for axis in same], axis=0), same[0].shift)


def _spelt_out(value: Any, axes: int) -> Axes:
    return tuple(value) if isinstance(value, tuple | list) else (int(value),) * axes


def _ones(field: Field) -> Axes:
    return (1,) * len(field)


def _cuts(key: Any, shape: tuple[int, ...]) -> list[Any] | None:
    """Spell out the spatial axes' slices in an index; None if it is of another kind."""
    keys = list(key) if isinstance(key, tuple) else [key]
    at = next((i for i, k in enumerate(keys) if k is Ellipsis), len(keys))
    keys[at : at + 1] = [slice(None)] * (len(shape) - len([k for k in keys if k is not Ellipsis]))
    if len(keys) != len(shape) or not all(isinstance(k, slice) for k in keys):
        return None
    cuts = [slice(*k.indices(s)) for k, s in zip(keys[2:], shape[2:], strict=True)]
    return cuts if all(c.step > 0 for c in cuts) else None
