"""What a profile found: rows of times and costs, and how several profiles become one."""

from __future__ import annotations

import io
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from .costs import NOTHING, Cost

BY, SORT = ("layer", "operation"), ("network", "time")


@dataclass
class Pass:
    """One direction through a layer, forward or backward, summed over its calls.

    Attributes
    ----------
    calls : int
        How often.
    seconds : float
        Time taken in all.
    cost : Cost
        FLOPs and bytes of its operations; see `minis.learn.costs`.
    served : list of str
        What ran its operations: "numba", with the algorithm where it has several, "numpy text" …
    """

    calls: int = 0
    seconds: float = 0.0
    cost: Cost = NOTHING
    served: list[str] = field(default_factory=list)

    def add(self, other: Pass) -> None:
        """Add another's calls, time and costs."""
        self.calls += other.calls
        self.seconds += other.seconds
        self.cost += other.cost
        self.served += [s for s in other.served if s not in self.served]


@dataclass
class Row:
    """A layer, or an operation called outside of one.

    Attributes
    ----------
    name : str
        Dotted, as in the network's state dict.
    kind : str
        The layer's class, or "operation".
    shapes : list of tuple of int
        The output's shapes, each once.
    forward, backward : Pass
    """

    name: str
    kind: str
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    forward: Pass = field(default_factory=Pass)
    backward: Pass = field(default_factory=Pass)

    @property
    def seconds(self) -> float:
        """Time of both passes."""
        return self.forward.seconds + self.backward.seconds


@dataclass
class Report:
    """What `profile` gives; `print` it, or read its rows.

    Attributes
    ----------
    rows : list of Row
        Each layer, and each operation called outside of layers, in order of their first call.
    operations : list of Row
        The same calls grouped by operation; the time is that of the operations alone, without
        what a layer does besides, such as adding to gradients.
    between : Row
        Time that networks spent between their layers: concatenating, padding, adding.
    """

    rows: list[Row] = field(default_factory=list)
    operations: list[Row] = field(default_factory=list)
    between: Row = field(default_factory=lambda: Row("between layers", ""))

    @property
    def total(self) -> Row:
        """The sum of all rows, and of what lies between."""
        total = Row("total", "")
        for row in (*self.rows, self.between):
            for whole, part in ((total.forward, row.forward), (total.backward, row.backward)):
                whole.add(Pass(0, part.seconds, part.cost))
        return total

    def grouped(self, by: str = "layer", sort: str = "network") -> tuple[list[Row], Row]:
        """Return the rows to show, and a last one for the time that they leave out.

        Parameters
        ----------
        by : {"layer", "operation"}
        sort : {"network", "time"}
            In the order of their first calls, or the longest first.

        Raises
        ------
        ValueError
            If there is no such grouping or order.
        """
        check_choices(by, sort)
        rows, rest = self.rows, self.between
        if by == "operation":
            rows, total = self.operations, self.total
            rest = Row("the rest", "")
            for direction in ("forward", "backward"):
                spent = sum(getattr(row, direction).seconds for row in rows)
                getattr(rest, direction).seconds = getattr(total, direction).seconds - spent
        if sort == "time":
            rows = sorted(rows, key=lambda row: row.seconds, reverse=True)
        return rows, rest

    def table(self, *, by: str = "layer", sort: str = "network", width: int | None = None) -> Any:
        """Return the table that `rich` prints, laid out for a terminal of `width` columns."""
        from .profile_table import build_table

        return build_table(self, by, sort, width)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as numbers, strings, lists and dicts, for JSON."""
        return {
            name: [_row_dict(row) for row in value] if isinstance(value, list) else _row_dict(value)
            for name, value in [*vars(self).items(), ("total", self.total)]
        }

    def __str__(self) -> str:
        from rich.console import Console

        text = io.StringIO()
        console = Console(file=text, highlight=False)
        console.print(self.table(width=console.width))
        return text.getvalue().rstrip("\n")


def check_choices(by: str, sort: str) -> None:
    """Raise ValueError unless there is such a grouping and such an order."""
    for name, value, known in (("by", by, BY), ("sort", sort, SORT)):
        if value not in known:
            raise ValueError(f"profile: {name} must be {' or '.join(known)}, got {value!r}")


def _row_dict(row: Row) -> dict[str, Any]:
    whole = asdict(row)
    for direction in ("forward", "backward"):
        flops, traffic = getattr(row, direction).cost
        del whole[direction]["cost"]
        whole[direction] |= {"flops": flops, "bytes": traffic}
    return whole


def median(reports: Sequence[Report]) -> Report:
    """Return the last of several reports on the same work, its times the medians of all.

    A row that another report lacks, as where the data decide what is called, counts as it is.
    """
    last = reports[-1]

    def replace(rows_of: Callable[[Report], list[Row]]) -> None:
        found = [{(row.name, row.kind): row for row in rows_of(report)} for report in reports]
        for row in rows_of(last):
            same = [rows[row.name, row.kind] for rows in found if (row.name, row.kind) in rows]
            row.forward.seconds = statistics.median(r.forward.seconds for r in same)
            row.backward.seconds = statistics.median(r.backward.seconds for r in same)

    for rows_of in (lambda r: r.rows, lambda r: r.operations, lambda r: [r.between]):
        replace(rows_of)
    return last
