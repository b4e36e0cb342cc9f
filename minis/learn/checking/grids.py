"""Small arrays as text: planes of numbers in columns, side by side."""

from __future__ import annotations

from typing import Any

import numpy as np

from .verdict import Planes

MOST = 14  # rows and columns of a plane that are shown


def number(value: Any) -> str:
    """Write a number as short as it can be read.

    Examples
    --------
    >>> number(2.0), number(-0.33333), number(float("-inf")), number(True)
    ('2', '-0.333', '-∞', '1')
    """
    value = float(value)
    if np.isnan(value):
        return "NaN"
    if np.isinf(value):
        return "∞" if value > 0 else "-∞"
    return f"{value:.0f}" if value == round(value) and abs(value) < 1e6 else f"{value:.3g}"


def plane(array: Any, leading: tuple[int, ...] = ()) -> Any:
    """Return the last two axes of an array, at `leading` of the others; a vector is a row."""
    chosen = np.asarray(array)[leading] if leading else np.asarray(array)
    return chosen.reshape(1, -1) if chosen.ndim < 2 else chosen


def first_difference(got: Any, expected: Any) -> tuple[int, ...]:
    """Return the indices of the axes before the last two, where two arrays first differ.

    Examples
    --------
    >>> first_difference(np.array([[[[1]]], [[[2]]]]), np.array([[[[1]]], [[[3]]]]))
    (1, 0)
    """
    expected = np.asarray(expected)
    if expected.ndim <= 2:
        return ()
    differs = ~np.isclose(got, expected, rtol=1e-4, atol=1e-6, equal_nan=True)
    at = np.argwhere(differs) if differs.any() else np.zeros((1, expected.ndim), int)
    return tuple(int(i) for i in at[0][:-2])


def first_wrong_plane(call: str, got: Any, expected: Any) -> Planes:
    """Return the first plane in which two results of a call differ, and where it lies."""
    leading = first_difference(got, expected)
    where = f"[{', '.join(map(str, leading))}]" if leading else ""
    return Planes(call + where, plane(got, leading), plane(expected, leading))


def lines(values: Any, marked: Any = None) -> list[str]:
    """Write a plane of numbers in aligned columns, those that are marked in rich's bold red.

    Examples
    --------
    >>> lines(np.array([[1, -2], [10, 0]]))
    [' 1  -2', '10   0']
    """
    shown = np.asarray(values)[:MOST, :MOST]
    texts = [[number(v) for v in row] for row in shown]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    written = []
    for i, row in enumerate(texts):
        cells = []
        for j, text in enumerate(row):
            cell = text.rjust(widths[j])
            cells.append(
                f"[bold red]{cell}[/bold red]" if marked is not None and marked[i, j] else cell
            )
        more = " …" if np.shape(values)[1] > MOST else ""
        written.append("  ".join(cells) + more)
    return [*written, "…"] if len(values) > MOST else written
