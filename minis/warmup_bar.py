"""What `minis warmup` shows: a bar while it runs, and a table of what it found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from .warmup import Tell, Warmed


@contextmanager
def bar(console: Any, title: str) -> Iterator[Tell]:
    """Show a bar with the operation that runs, and how much was compiled and how much loaded.

    Yields
    ------
    callable
        To be given to `warm_up` as `tell`.
    """
    columns = [
        SpinnerColumn(finished_text="✓"),
        TextColumn(title, markup=False),
        BarColumn(),
        TextColumn("{task.fields[operation]}"),
        TextColumn("{task.fields[counts]}"),
        TimeElapsedColumn(),
    ]
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=1.0, operation="", counts="")
        shown = set()

        def tell(share: float, operation: str, found: list[Warmed]) -> None:
            progress.update(
                task,
                completed=share,
                operation=operation,
                counts=counts(found),
                refresh=operation not in shown,  # its compilation may take a while
            )
            shown.add(operation)

        yield tell
        progress.update(task, completed=1.0, operation="")


def counts(found: Sequence[Warmed]) -> str:
    """Say how many kernels were compiled and how many loaded.

    Examples
    --------
    >>> counts([Warmed("conv", compiled=2, loaded=1), Warmed("relu", compiled=1)])
    '3 compiled, 1 cached'
    """
    return f"{sum(w.compiled for w in found)} compiled, {sum(w.loaded for w in found)} cached"


def summed(found: Sequence[Warmed]) -> list[Warmed]:
    """Add up what was found of each operation.

    Examples
    --------
    >>> summed([Warmed("conv", 1, 0, 2.0), Warmed("conv", 1, 1, 1.0)])
    [Warmed(operation='conv', compiled=2, loaded=1, seconds=3.0)]
    """
    rows: dict[str, Warmed] = {}
    for warmed in found:
        row = rows.setdefault(warmed.operation, Warmed(warmed.operation))
        row.compiled += warmed.compiled
        row.loaded += warmed.loaded
        row.seconds += warmed.seconds
    return list(rows.values())


def table(found: Sequence[Warmed]) -> Table:
    """List the operations that kernels were compiled or loaded for."""
    rows = Table("operation", "compiled", "cached", "seconds")
    for column in rows.columns[1:]:
        column.justify = "right"
    for w in found:
        if w.compiled or w.loaded:
            rows.add_row(w.operation, str(w.compiled), str(w.loaded), f"{w.seconds:.2f}")
    return rows
