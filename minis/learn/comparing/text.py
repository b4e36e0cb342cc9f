"""A comparison as text, for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from .report import Comparison, Row

AROUND = 3  # rows before and after the first divergence
LISTED = 12  # names in a line of what has no counterpart


def comparison_text(found: Comparison, every: bool, names: bool) -> Group:
    """Lay out a comparison: what was matched, the layers, and the verdict."""
    parts: list[Table | Text] = [Text(line) for line in _matched(found)]
    if names:
        parts += [Text(f"  {ours} → {theirs}") for ours, theirs in found.weights.by_order]
    rows = found.rows if every else _around(found)
    if rows:
        parts += [Text(""), _table(found, rows), Text("")]
    return Group(*parts, *(Text(line) for line in verdict(found)))


def verdict(found: Comparison) -> list[str]:
    """Say whether the networks agree, or where they part and what that looks like."""
    first = found.first
    if first is None:
        both = f"forward {scientific(found.largest('forward'))}"
        if found.gradients:
            both += f", gradient {scientific(found.largest('backward'))}"
        lines = [f"No divergence: the largest differences are {both}."]
        if not found.gradients and found.mode == "evaluation":
            lines.append("Gradients weren't compared: that takes training mode.")
        return lines
    lines = [f"First divergence: {first.name}, {first.what}: {size_text(first.size)}."]
    lines += [f"Looks like: {told}." for told in first.likely]
    if not first.likely:
        lines.append("Looks like none of the known mistakes.")
    if first.note:
        lines.append(f"Note: {first.note}.")
    if found.our_output != found.their_output:
        lines.append(f"Results: ours {found.our_output}, theirs {found.their_output}.")
    return lines


def size_text(size: float) -> str:
    """Say how large a difference is.

    Examples
    --------
    >>> size_text(0.25), size_text(float("inf"))
    ('up to 25 % of the largest value', 'shapes, or what is NaN, differ')
    """
    if size == float("inf"):
        return "shapes, or what is NaN, differ"
    percent = f"{100 * size:.2g}" if size < 0.995 else f"{100 * size:.0f}"
    return f"up to {percent} % of the largest value"


def scientific(value: float) -> str:
    """Write a difference briefly.

    Examples
    --------
    >>> [scientific(v) for v in (0.0, 1.23e-16, float("inf"), float("nan"))]
    ['0', '1e-16', 'shape', '–']
    """
    if value != value:
        return "–"
    return "0" if value == 0 else "shape" if value == float("inf") else f"{value:.0e}"


def _matched(found: Comparison) -> Iterator[str]:
    weights, rows = found.weights, found.matched
    yield (
        f"weights: {len(weights.by_name)} matched by name, {len(weights.by_order)} by order and "
        f"shape"
    )
    for names, whose in ((weights.only_ours, "ours"), (weights.only_theirs, "theirs")):
        if names:
            more = f" … and {len(names) - LISTED} more" if len(names) > LISTED else ""
            yield f"  only in {whose}: {', '.join(names[:LISTED])}{more}"
    if found.parameters:
        yield f"  with other values: {', '.join(name for *_, name, _ in found.parameters[:LISTED])}"
    yield f"layers: {len(rows)} matched"
    for side in ("ours", "theirs"):
        alone = [
            f"{step.name} ({step.kind})"
            for row in found.rows
            if row.ours is None or row.theirs is None
            if (step := getattr(row, side)) is not None
        ]
        if alone:
            more = f" … and {len(alone) - LISTED} more" if len(alone) > LISTED else ""
            yield f"  only in {side}: {', '.join(alone[:LISTED])}{more}"


def _around(found: Comparison) -> list[Row]:
    if found.first is None:
        return []
    at = [
        i
        for i, row in enumerate(found.rows)
        if row.ours is not None and row.ours.name == found.first.name and (row.theirs is not None)
    ]
    if not at:
        return []
    worst = [i for i in at if not max(found.rows[i].forward, 0) <= found.tolerance] or at
    return found.rows[max(0, worst[0] - AROUND) : worst[0] + AROUND + 1]


def _table(found: Comparison, rows: list[Row]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.caption = (
        "forward, gradient (of what is read): the largest difference, 1 being the largest value; "
        "– where it isn't known"
    )
    table.caption_justify = "left"
    for heading in ("layer", "operation", "their name", "result"):
        table.add_column(heading, overflow="fold")
    table.add_column("forward", justify="right", no_wrap=True)
    table.add_column("gradient", justify="right", no_wrap=True)
    for row in rows:
        step = row.ours or row.theirs
        assert step is not None
        apart = [value for value in (row.forward, row.backward) if value > found.tolerance]
        table.add_row(
            row.ours.name if row.ours else "–",
            step.kind,
            "–" if row.theirs is None else "same" if _same(row) else row.theirs.name,
            "×".join(map(str, step.y.shape)),
            scientific(row.forward),
            scientific(row.backward),
            style="bold" if apart else "",
        )
    return table


def _same(row: Row) -> bool:
    return row.ours is not None and row.theirs is not None and row.ours.name == row.theirs.name
