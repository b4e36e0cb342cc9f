"""A picture of where a wrong result differs from the right one."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from .grids import first_wrong_plane, number
from .verdict import Failure

MOST = 16  # rows and columns with their numbers written in


def draw(failure: Failure, file: str | os.PathLike[str]) -> None:
    """Draw what was got, what was expected, and the difference; wrong cells have a red frame.

    It is of a call of the usual size, on which a mistake's pattern shows; of the smallest failing
    one where that call came out right.

    Parameters
    ----------
    failure : Failure
        One with wrong values.
    file : path
        PNG, SVG or PDF.

    Raises
    ------
    ValueError
        If the failure is not one of values.
    """
    if failure.got is None or failure.expected is None:
        raise ValueError(f"draw: there are no values to draw: {failure.text}")
    from matplotlib.figure import Figure

    from ...show import save_figure

    smallest = first_wrong_plane(failure.call, failure.got, failure.expected)
    shown = failure.larger or smallest
    got, expected = (np.asarray(a).astype(float) for a in (shown.got, shown.expected))
    wrong = ~np.isclose(got, expected, rtol=1e-4, atol=1e-6, equal_nan=True)
    difference = np.where(wrong, got - expected, 0)
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    panels = zip(("got", "expected", "difference"), (got, expected, difference), strict=True)
    for axes, (title, values) in zip(figure.subplots(1, 3), panels, strict=True):
        _panel(axes, values, wrong if title != "expected" else np.zeros_like(wrong))
        axes.set_title(title)
    figure.suptitle(shown.call)
    save_figure(figure, file)


def _panel(axes: Any, values: Any, marked: Any) -> None:
    """Draw a plane of numbers: blue below zero, orange above."""
    from matplotlib.patches import Rectangle

    finite = np.where(np.isfinite(values), values, 0)
    reach = max(1e-12, float(np.abs(finite).max(initial=0)))
    axes.imshow(finite, cmap="PuOr_r", vmin=-1.6 * reach, vmax=1.6 * reach)
    axes.set_xticks([])
    axes.set_yticks([])
    for i, j in np.ndindex(*values.shape):
        if max(values.shape) <= MOST:
            axes.text(j, i, number(values[i, j]), ha="center", va="center", fontsize=8)
        if marked[i, j]:
            axes.add_patch(Rectangle((j - 0.47, i - 0.47), 0.94, 0.94, fill=False, ec="#c0392b"))
