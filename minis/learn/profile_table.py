"""The table of a profile, for a terminal: a line a layer if it is wide enough, else two."""

from __future__ import annotations

import sys

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .profile_report import Pass, Report, Row

OTHERS = 65  # columns of the terminal for all but the name, in the table of two lines
COMPUTE_BOUND = 2  # from so many FLOPs per byte on, the rate is told in GFLOP/s


def build_table(report: Report, by: str, sort: str, width: int | None) -> Table:
    """Lay out a report's rows.

    Parameters
    ----------
    report : Report
    by, sort
        See `Report.grouped`.
    width : int, optional
        Columns of the terminal, by default as many as it has.

    Returns
    -------
    Table
        With a line for each row if that fits, else with one for each pass. Nothing is cut: what
        is too long goes on in the next line.
    """
    table = _one_line_each(report, by, sort)
    unbounded, width = Console(width=sys.maxsize), Console(width=width).width
    if unbounded.measure(table).maximum <= width:
        return table
    return _two_lines_each(report, by, sort, width)


def _one_line_each(report: Report, by: str, sort: str) -> Table:
    rows, rest = report.grouped(by, sort)
    total = report.total
    passes = ["forward", "backward"] if total.backward.seconds else ["forward"]
    table = _empty_table()
    for heading in (by, "type" if by == "layer" else "calls", "output"):
        table.add_column(f"\n{heading}")
    for unit in ("ms", "GFLOP", "MB", "rate"):
        for name in passes:
            table.add_column(f"{name}\n{unit}", justify="right")
    table.add_column("\n%", justify="right")
    for name in passes:
        table.add_column(f"{name}\nserved by")
    for row in (*rows, rest, total):
        if row is rest:
            table.add_section()
        both = [getattr(row, name) for name in passes]
        table.add_row(
            Text(row.name),
            Text(f"{row.kind} {_calls(row)}".strip()),
            _shape(row),
            *(text for unit in zip(*map(_numbers, both), strict=True) for text in unit),
            _digits(100 * row.seconds / (total.seconds or 1)),
            *(Text(_served(done)) for done in both),
        )
    return table


def _two_lines_each(report: Report, by: str, sort: str, width: int) -> Table:
    rows, rest = report.grouped(by, sort)
    total = report.total
    table = _empty_table()
    table.caption = "→ forward  ← backward"
    kind = "type" if by == "layer" else ""
    longest = max(len(text) for row in (*rows, rest) for text in (row.name, row.kind))
    table.add_column(f"{by}\n{kind}", overflow="fold", width=min(longest, max(15, width - OTHERS)))
    table.add_column("output\ncalls", no_wrap=True)
    table.add_column("→\n←", no_wrap=True)  # forward, backward
    for heading in ("ms", "GFLOP", "MB", "rate", "%"):
        table.add_column(f"\n{heading}", justify="right", no_wrap=True)
    table.add_column("\nserved by", overflow="fold")
    for row in (*rows, rest, total):
        if row is rest:
            table.add_section()
        lines = (
            ("→", row.forward, row.name, _shape(row)),
            ("←", row.backward, row.kind, _calls(row)),
        )
        for arrow, done, left, right in lines:
            if done.seconds or left or right:
                table.add_row(
                    Text(left),
                    right,
                    arrow if done.seconds else "",
                    *_numbers(done),
                    _digits(100 * done.seconds / (total.seconds or 1)),
                    Text(_served(done)),
                )
    return table


def _empty_table() -> Table:
    return Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=0)


def _numbers(done: Pass) -> list[str]:
    """Milliseconds, GFLOP, MB, and the rate."""
    flops, traffic = done.cost
    rate = ""
    if done.seconds > 0 and traffic:
        if flops >= COMPUTE_BOUND * traffic:
            rate = f"{_digits(flops / done.seconds / 1e9)} GFLOP/s"
        else:
            rate = f"{_digits(traffic / done.seconds / 1e9)} GB/s"
    return [
        _digits(1e3 * done.seconds),
        _digits(flops / 1e9),
        _digits(traffic / 1e6),
        rate,
    ]


def _digits(value: float) -> str:
    """Write a number with three digits or more; nothing for zero.

    Examples
    --------
    >>> [_digits(v) for v in (1234.5, 12.34, 1.234, 0.01234, 0.00012, 0)]
    ['1234', '12.3', '1.23', '0.012', '<0.001', '']
    """
    if value == 0:
        return ""
    if value < 0.001:
        return "<0.001"
    return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3}f}"


def _shape(row: Row) -> str:
    if len(row.shapes) > 1:
        return f"{len(row.shapes)} shapes"
    return "×".join(map(str, row.shapes[0])) if row.shapes else ""


def _calls(row: Row) -> str:
    calls = max(row.forward.calls, row.backward.calls)
    return f"×{calls}" if calls > 1 else ""


def _served(done: Pass) -> str:
    """Join who served it, each backend named once: "numba winograd, direct"."""
    by_backend: dict[str, list[str]] = {}
    for name in done.served:
        backend, _, algorithm = name.partition(" ")
        by_backend.setdefault(backend, []).append(algorithm)
    return "; ".join(f"{b} {', '.join(filter(None, a))}".strip() for b, a in by_backend.items())
