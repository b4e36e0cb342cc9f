"""A verdict on the screen."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from rich.columns import Columns
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from .grids import first_difference, lines, number, plane
from .verdict import Failure, Verdict

WIDTH = 88


class Screen:
    """A verdict as rich renders it.

    Parameters
    ----------
    verdict : Verdict
    """

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        verdict = self.verdict
        if verdict.failure:
            yield from _failed(verdict, verdict.failure)
        else:
            yield from _passed(verdict)
        yield Text(f"{verdict.seconds:.1f} s", style="dim")


def as_text(verdict: Verdict) -> str:
    """Return a verdict as plain text."""
    console = Console(file=io.StringIO(), width=WIDTH, highlight=False)
    console.print(Screen(verdict))
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def as_html(verdict: Verdict) -> str:
    """Return a verdict as HTML, for a notebook."""
    console = Console(file=io.StringIO(), width=WIDTH, record=True, highlight=False)
    console.print(Screen(verdict))
    return console.export_html(inline_styles=True, code_format="<pre>{code}</pre>")


def _passed(verdict: Verdict) -> Iterator[Any]:
    yield f"[bold green]✓ {escape(verdict.function)} is a right {verdict.operation}[/bold green]"
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 2))
    table.add_column(justify="right")
    for held in verdict.held:
        table.add_row(f"{held.calls}", escape(held.text))
    yield "\nWhat held, and on how many drawn calls:"
    yield table
    if verdict.speed:
        yield f"\nOn {verdict.measured_on or 'one call'}, the median of several calls:"
        speeds = Table(box=None, padding=(0, 2, 0, 2))
        for title in ("", "ms", "MiB"):
            speeds.add_column(title, justify="left" if not title else "right")
        for speed in verdict.speed:
            speeds.add_row(speed.name, f"{speed.milliseconds:.3g}", f"{speed.mebibytes:.2g}")
        yield speeds


def _failed(verdict: Verdict, failure: Failure) -> Iterator[Any]:
    title = f"✗ {escape(verdict.function)}"
    if failure.kind != "file":
        title += f" is not yet a right {verdict.operation}"
    yield f"[bold red]{title}[/bold red]: {escape(failure.text)}"
    if failure.calls:
        share = f"{failure.wrong} of {failure.calls} drawn calls fail"
        yield f"\n{share}{', ' + escape(failure.pattern) if failure.pattern else ''}."
    if failure.cause:
        explains = "" if failure.share > 0.99 else f" (on {failure.share:.0%} of those calls)"
        same = f"\n[dim]This mistake gives exactly your numbers{explains}.[/dim]"
        yield Panel(
            f"{escape(failure.cause)}{same if failure.share else ''}",
            title="the likely cause",
            title_align="left",
            border_style="yellow",
            width=WIDTH - 4,
        )
    if failure.call and failure.kind != "promise":
        yield "\nThe smallest case that was found:\n"
        yield f"    [bold]{escape(failure.call)}[/bold]\n"
    yield from _arguments(failure)
    if failure.got is not None and failure.expected is not None:
        yield from _side_by_side(failure)


def _arguments(failure: Failure) -> Iterator[Any]:
    blocks = []
    for name, array in failure.arguments.items():
        leading = (0,) * (array.ndim - 2)
        where = f"[{', '.join(map(str, leading))}]" if leading and array.size else ""
        body = lines(plane(array, leading)) if array.size else ["(empty)"]
        title = f"{name}{where}" + (f" of {array.shape}" if leading or not array.size else "")
        blocks.append(Text.from_markup(f"[dim]{escape(title)}[/dim]\n" + "\n".join(body)))
    if blocks:
        yield Columns(blocks, padding=(0, 4))
        yield ""


def _side_by_side(failure: Failure) -> Iterator[Any]:
    got, expected = np.asarray(failure.got), np.asarray(failure.expected)
    leading = first_difference(got, expected)
    g, e = plane(got, leading), plane(expected, leading)
    wrong = ~np.isclose(g, e, rtol=1e-4, atol=1e-6, equal_nan=True)
    where = f"[{', '.join(map(str, leading))}]" if leading else ""
    table = Table(box=None, padding=(0, 4, 0, 0))
    for title in (f"got{where}", f"expected{where}", "difference", "wrong at ■"):
        table.add_column(title)
    with np.errstate(all="ignore"):
        difference = g.astype(float) - e.astype(float)
    written = [[("·" if not w else number(d)) for d, w in zip(*rows, strict=True)]
               for rows in zip(difference, wrong, strict=True)]  # fmt: skip
    width = max((len(t) for row in written for t in row), default=1)
    picture = ["".join("■" if w else "·" for w in row) for row in wrong[:14, :60]]
    table.add_row(
        "\n".join(lines(g, wrong)),
        "\n".join(lines(e)),
        "\n".join("  ".join(t.rjust(width) for t in row[:14]) for row in written[:14]),
        "\n".join(picture),
    )
    yield table
