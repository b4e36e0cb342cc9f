"""The tables of a plan: a row for each call of a layer, and what is needed in all."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .plan_report import OPTIMISERS, Need, Plan

COLUMNS = ("output", "parameters", "GFLOP", "MB", "field", "step")


def rows_table(plan: Plan, width: int | None = None) -> Table:
    """Lay out a plan's rows: a line for each if the terminal is wide enough, else two."""
    table = _rows(plan, together=False)
    unbounded, width = Console(width=sys.maxsize), Console(width=width).width
    return table if unbounded.measure(table).maximum <= width else _rows(plan, together=True)


def _rows(plan: Plan, together: bool) -> Table:
    """With the type beside the name, or below it; what is too long goes on in the next line."""
    table = _empty_table()
    for heading in ["layer\ntype"] if together else ["layer", "type"]:
        table.add_column(heading, overflow="fold")
    for heading in COLUMNS:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in plan.rows:
        names = [row.name, row.kind]
        table.add_row(
            *map(Text, ["\n".join(names)] if together else names),
            "×".join(map(str, row.shape)),
            f"{row.parameters:,}" if row.parameters else "",
            _digits(row.flops / 1e9),
            _digits(row.bytes / 1e6),
            "–" if row.field is None else _axes(row.field),
            "–" if row.step is None else _axes(row.step),
        )
    return table


def summary_table(plan: Plan) -> Table:
    """Lay out the totals: inference beside training."""
    table = _empty_table()
    table.add_column("in all")
    table.add_column("inference", justify="right")
    table.add_column("training", justify="right")
    training, weights = plan.training, _mb(plan.weight_bytes)

    def of(need: Need | None, text: str) -> str:
        return text if need else "–"

    table.add_row(
        "GFLOP",
        _digits(plan.inference.flops / 1e9),
        _digits(training.flops / 1e9) if training else "–",
    )
    table.add_row(
        "MB of activations at a time",
        _mb(plan.inference.activations),
        _mb(training.activations) if training else "–",
    )
    table.add_row("  the most in", plan.inference.at, training.at if training else "–")
    table.add_row("MB of weights", weights, of(training, weights))
    table.add_row("MB of gradients", "", of(training, _mb(plan.gradient_bytes)))
    for name in OPTIMISERS:
        kept = plan.optimisers[name]
        if kept:
            table.add_row(f"MB of {name}", "", of(training, _mb(kept)))
    table.add_section()
    table.add_row("MB together, without an optimiser", _mb(plan.memory()), "")
    for name in OPTIMISERS:
        table.add_row(f"MB with {name}", "", _mb(plan.memory(name)) if training else "–")
    return table


def field_text(plan: Plan) -> str:
    """Say what an output value depends on.

    Examples
    --------
    >>> from minis.learn import plan
    >>> from minis.models import UNet
    >>> field_text(plan(UNet(width=1, padded=False), (1, 1, 572, 572)))
    'each output depends on 188 to 204 pixels of the input along each axis'
    """
    if plan.field is None or plan.smallest_field is None:
        return "how many pixels of the input an output depends on isn't known"
    most, least = _axes(plan.field), _axes(plan.smallest_field)
    span = most if most == least else f"{least} to {most}"
    along = " along each axis" if "×" not in most else ""
    beyond = any(f > s for f, s in zip(plan.field, plan.input_shape[2:], strict=True))
    reach = ", as far as it reaches" if beyond else ""
    return f"each output depends on {span} pixels of the input{along}{reach}"


def _empty_table() -> Table:
    return Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))


def _axes(values: Iterable[Any]) -> str:
    """Write a number for all axes, or one for each.

    Examples
    --------
    >>> _axes((16, 16)), _axes((0.5, 2.0))
    ('16', '0.5×2')
    """
    texts = [f"{value:.4g}" for value in values]
    return texts[0] if len(set(texts)) == 1 else "×".join(texts)


def _mb(nbytes: float) -> str:
    return f"{nbytes / 1e6:,.1f}"


def _digits(value: float) -> str:
    """Write a number with three digits or more; nothing for zero.

    Examples
    --------
    >>> [_digits(v) for v in (1234.5, 12.34, 1.234, 0.01234, 0.00012, 0)]
    ['1,234', '12.3', '1.23', '0.012', '<0.001', '']
    """
    if 0 < value < 0.001:
        return "<0.001"
    places = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:,.{places}f}" if value else ""
