"""The matrices of adjoint labs, drawn: A and the backward's side by side, entries by pixel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .text import common_denominator, entries, pixel_labels

if TYPE_CHECKING:
    from .matrices import AdjointLab

CELL = 0.32  # inches
NUMBERED = 40  # rows or columns up to which numbers are written into the cells
NARROWEST = 7  # columns that a panel is wide at least: its title needs them


def draw_labs(labs: Sequence[AdjointLab]) -> Any:
    """Draw two matrices for each of one or two labs.

    Parameters
    ----------
    labs : sequence of AdjointLab

    Returns
    -------
    matplotlib.figure.Figure
        Of each lab A, then the backward. Colours say the values, on one scale for a lab, white for
        0. Where the backward isn't the transpose, its entry has a red frame. Of two labs with
        matrices of transposed shapes, those of one shape stand together.

    Examples
    --------
    >>> from minis.learn.adjoint.matrices import adjoint_lab
    >>> figure = draw_labs([adjoint_lab("max_pool"), adjoint_lab("max_unpool")])
    >>> [panel.get_title(loc="left").split("\\n")[0] for panel in figure.axes][:2]
    ['max_pool: A, 4 × 16', 'max_pool, backward: Aᵀ']
    """
    figure, panels = _panels([lab.matrix.shape for lab in labs])
    for lab, (left, right) in zip(labs, panels, strict=True):
        inputs, outputs = pixel_labels(lab.input_shape), pixel_labels(lab.output_shape)
        values = np.concatenate([lab.matrix.ravel(), lab.backward.ravel()])
        limit = max(1e-12, float(np.abs(values[np.isfinite(values)]).max(initial=0)))
        _draw(left, lab.matrix, limit, outputs, inputs, "output", "input")
        _draw(right, lab.backward, limit, inputs, outputs, "dx", "dy")
        rows, columns = lab.matrix.shape
        equal = "Aᵀ" if not lab.wrong else f"not Aᵀ: {len(lab.wrong)} entries"
        _title(left, f"{lab.name}: A, {rows} × {columns}", lab.matrix)
        _title(right, f"{lab.name}, backward: {equal}", lab.backward)
        for j, i in lab.wrong:
            right.add_patch(_frame(i, j))
    if any(lab.says for lab in labs):
        told = "\n".join(f"{lab.name}: {lab.says}" for lab in labs if lab.says)
        figure.suptitle(told, x=0.01, ha="left", fontsize=9)
    return figure


def _panels(shapes: Sequence[tuple[int, int]]) -> tuple[Any, list[tuple[Any, Any]]]:
    """Make a figure with two panels for each matrix shape: the matrix, and its transpose."""
    from matplotlib.figure import Figure

    rows, columns = (max(shape[axis] for shape in shapes) for axis in (0, 1))
    names = [[f"{k} A", f"{k} B"] for k in range(len(shapes))]
    widths = [max(NARROWEST, columns), max(NARROWEST, rows)]
    heights = [max(shape) for shape in shapes]
    square = shapes[0][0] == shapes[0][1]
    if len(shapes) == 2 and shapes[0] == shapes[1][::-1] and not square:
        (rows, columns), wide = shapes[0], max(shapes[0])
        tall = max(NARROWEST, min(shapes[0]))
        flat = ["0 A", "1 B"] if columns > rows else ["0 B", "1 A"]
        high = ["0 B", "1 A"] if columns > rows else ["0 A", "1 B"]
        names = [[flat[0], *high], [flat[1], *high]]
        widths, heights = [wide, tall, tall], [wide // 2, wide // 2]
    figure = Figure(
        figsize=(CELL * sum(widths) + 0.8 * len(widths), CELL * sum(heights) + 1.2 * len(shapes)),
        dpi=120,
        layout="constrained",
    )
    panels: dict[str, Any] = figure.subplot_mosaic(
        names, width_ratios=widths, height_ratios=heights
    )
    return figure, [(panels[f"{k} A"], panels[f"{k} B"]) for k in range(len(shapes))]


def _title(axes: Any, text: str, matrix: Any) -> None:
    denominator = common_denominator(matrix)
    times = f"\nentries times {denominator}" if denominator > 1 else ""
    axes.set_title(f"{text}{times}", fontsize=9, loc="left")


def _draw(
    axes: Any,
    matrix: Any,
    limit: float,
    row_labels: list[str],
    column_labels: list[str],
    row_kind: str,
    column_kind: str,
) -> None:
    axes.imshow(matrix, cmap="RdBu_r", vmin=-1.4 * limit, vmax=1.4 * limit, aspect="equal")
    axes.set_anchor("NW")
    axes.set_xticks(range(len(column_labels)), column_labels, fontsize=6, rotation=90)
    axes.set_yticks(range(len(row_labels)), row_labels, fontsize=6)
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xlabel(f"pixel of {column_kind}", fontsize=7)
    axes.set_ylabel(f"pixel of {row_kind}", fontsize=7)
    axes.tick_params(length=0)
    axes.set_xticks(np.arange(0.5, len(column_labels) - 1), minor=True)
    axes.set_yticks(np.arange(0.5, len(row_labels) - 1), minor=True)
    axes.grid(which="minor", color="0.85", linewidth=0.5)
    axes.tick_params(which="minor", length=0)
    if max(matrix.shape) > NUMBERED:
        return
    for i, row in enumerate(entries(matrix, common_denominator(matrix))):
        for j, text in enumerate(row):
            if text != "·":
                axes.text(j, i, text, ha="center", va="center", fontsize=7)


def _frame(column: int, row: int) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor="red", linewidth=1.5)
