"""The table on the screen, line by line as rows finish."""

from __future__ import annotations

import re

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from . import tables
from .results import Report, Row
from .targets import misses, problems

GOOD, BAD = 1.0, 0.8


class Screen:
    """Shows a run while it goes on.

    Parameters
    ----------
    console : rich.console.Console
        Where to.
    """

    def __init__(self, console: Console) -> None:
        self.console = console

    def busy(self, text: str) -> Status:
        """Say what goes on, for as long as the `with` block lasts; on a terminal only."""
        return self.console.status(escape(text))

    def say(self, text: str, style: str = "") -> None:
        """Print a line."""
        self.console.print(escape(text), style=style, soft_wrap=True)

    def begin(self, report: Report) -> None:
        """Print the table's head."""
        columns = tables.columns(report)
        self._line([c.title for c in columns], columns, "bold")
        self.console.print("─" * (sum(c.width + 2 for c in columns) - 2), soft_wrap=True)

    def row(self, report: Report, row: Row) -> None:
        """Print a finished row, and what has to be said about it."""
        columns = tables.columns(report)
        for cells in tables.lines(report, row):
            self._line(cells, columns)
        for note in tables.notes(row):
            self.say(f"  {note}")
        for problem in problems(row):
            self.say(f"  {problem}", style="yellow")

    def end(self, report: Report) -> None:
        """Print means, peaks, and the targets that were missed."""
        for line in tables.closing(report):
            self.say(line, style="bold")
        missed = misses(report)
        for line in missed:
            self.say(f"missed: {line}", style="red")
        if not missed:
            self.say("no target was missed by what was measured", style="green")

    def _line(self, cells: list[str], columns: list[tables.Column], style: str = "") -> None:
        texts = []
        for cell, column in zip(cells, columns, strict=True):
            padded = cell.ljust(column.width) if column.left else cell.rjust(column.width)
            colour = "" if style or column.title != "speed-up" else _colour(cell)
            texts.append(f"[{colour}]{escape(padded)}[/]" if colour else escape(padded))
        self.console.print("  ".join(texts), style=style, soft_wrap=True)


def _colour(cell: str) -> str:
    """Return the colour of a speed-up."""
    found = re.match(r"[\d.]+", cell)
    if not found:
        return ""
    value = float(found[0])
    return "green" if value >= GOOD else "red" if value < BAD else "yellow"
