"""The matrices of an adjoint lab as text, a row for each pixel."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from rich import box
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from .matrices import AdjointLab

DENOMINATORS = 144  # the largest that is looked for


def pixel_labels(shape: tuple[int, ...]) -> list[str]:
    """Name the places of an array, in row-major order; axes of length 1 in front are left out.

    Examples
    --------
    >>> pixel_labels((1, 1, 2, 2)), pixel_labels((3,))
    (['0,0', '0,1', '1,0', '1,1'], ['0', '1', '2'])
    """
    kept = next((i for i, s in enumerate(shape[:-1]) if s > 1), max(0, len(shape) - 2))
    return [",".join(map(str, at[kept:])) for at in np.ndindex(*shape)]


def common_denominator(matrix: Any) -> int:
    """Return the least number that makes a matrix whole, or 0 if there is no small one.

    Examples
    --------
    >>> common_denominator(np.array([[0.25, 0.5]])), common_denominator(np.array([[np.pi]]))
    (4, 0)
    """
    found = 1
    for value in np.unique(matrix):
        if not np.isfinite(value):
            return 0
        found = int(
            np.lcm(found, Fraction(float(value)).limit_denominator(DENOMINATORS).denominator)
        )
        if found > DENOMINATORS:
            return 0
    whole = matrix * found
    return found if np.allclose(whole, np.round(whole), rtol=0, atol=1e-9 * found) else 0


def entries(matrix: Any, denominator: int) -> list[list[str]]:
    """Write a matrix's numbers, times the denominator if there is one; zeros as points.

    Examples
    --------
    >>> entries(np.array([[0.0, 0.25]]), 4), entries(np.array([[np.pi]]), 0)
    ([['·', '1']], [['3.14']])
    """

    def written(value: float) -> str:
        if value == 0:
            return "·"
        return f"{value * denominator:.0f}" if denominator else f"{value:.2f}"

    return [[written(float(value)) for value in row] for row in matrix]


def lab_text(lab: AdjointLab, width: int | None) -> Group:
    """Lay out a lab: A, the backward's matrix, and the identity."""
    width = Console(width=width).width
    outputs, inputs = pixel_labels(lab.output_shape), pixel_labels(lab.input_shape)
    wrong = set(lab.wrong)
    return Group(
        Text(f"{lab.name}{': ' if lab.says else ''}{lab.says}"),
        _titled("A", lab.matrix, "output", outputs, "input", inputs, set(), width),
        _titled("the backward", lab.backward, "dx", inputs, "dy", outputs, wrong, width),
        Text(f"\n{verdict(lab)}"),
    )


def verdict(lab: AdjointLab) -> str:
    """Say whether the backward is the transpose; if not, name its first wrong entry."""
    identity = f"⟨Ax, y⟩ = {lab.left:.6f}, ⟨x, backward(y)⟩ = {lab.right:.6f}"
    if lab.holds:
        return f"{identity}: equal. The backward's matrix is Aᵀ."
    if not lab.wrong:
        return f"{identity}: not equal, though every entry is that of Aᵀ: is it linear?"
    j, i = lab.wrong[0]
    dx, dy = pixel_labels(lab.input_shape)[j], pixel_labels(lab.output_shape)[i]
    return (
        f"{identity}. The backward's matrix is not Aᵀ: {len(lab.wrong)} of {lab.matrix.size} "
        f"entries are others, marked by *. The first says how much of dy({dy}) goes to dx({dx}): "
        f"it is {lab.backward[j, i]:g}, in Aᵀ {lab.matrix[i, j]:g}."
    )


def _titled(
    name: str,
    matrix: Any,
    row_kind: str,
    row_labels: list[str],
    column_kind: str,
    column_labels: list[str],
    marked: set[tuple[int, int]],
    width: int,
) -> Group:
    denominator = common_denominator(matrix)
    shape = f"{len(row_labels)} × {len(column_labels)}"
    factor = f", times {denominator}" if denominator > 1 else ""
    title = Text(f"\n{name}, {shape}{factor}: a row for each {row_kind} pixel")
    cells = entries(matrix, denominator)
    for i, j in marked:
        cells[i][j] += "*"
    for above in (column_labels, [label.replace(",", "\n") for label in column_labels]):
        table = _laid_out(f"{row_kind} \\ {column_kind}", above, row_labels, cells, marked)
        needed = Console(width=10**6).measure(table).maximum
        if needed <= width:
            return Group(title, table)
    return Group(
        title, Text(f"  needs {needed} columns, the terminal has {width}: see the picture")
    )


def _laid_out(
    corner: str,
    column_labels: list[str],
    row_labels: list[str],
    cells: list[list[str]],
    marked: set[tuple[int, int]],
) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=0)
    table.add_column(corner, no_wrap=True)
    for label in column_labels:
        table.add_column(label, justify="right", no_wrap=True)
    for i, (label, row) in enumerate(zip(row_labels, cells, strict=True)):
        styled = (
            Text(cell, style="bold red" if (i, j) in marked else "") for j, cell in enumerate(row)
        )
        table.add_row(label, *styled)
    return table
