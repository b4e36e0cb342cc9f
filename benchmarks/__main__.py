"""Measure how fast minis is on this machine, and what it is compared with.

    python -m benchmarks ops models --against torch
    python -m benchmarks ops --quick                      a few operations, in a minute
    python -m benchmarks ops --case relu --backend numpy --backend numba
    python -m benchmarks models --against torch --against onnxruntime --against openvino
    python -m benchmarks readme                           the README's table, from the results

Every implementation is checked against a float64 reference before it is timed. Each side runs in a
process of its own; the sides take turns, with a pause between them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from minis.backend import unavailable
from minis.doctor import cores

from . import machine, memory, readme, results
from .comparison import PAIRS
from .run import Plan, run, write
from .screen import Screen
from .sides import OTHERS, missing
from .suites import SUITES, choose
from .task import OUR_BACKENDS

QUICK_PAIRS = 3
README = Path(__file__).parent.parent / "README.md"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
screen = Screen(Console(highlight=False))
errors = Screen(Console(stderr=True, highlight=False))

Strings = list[str]


@app.command()
def main(
    suites: Annotated[Strings, typer.Argument(help=f"{', '.join(SUITES)}; or readme.")],
    against: Annotated[
        Strings | None, typer.Option(help=f"{', '.join(OTHERS)}; repeatable. Default: torch.")
    ] = None,
    backend: Annotated[
        Strings | None, typer.Option(help="numpy or numba; repeatable. Default: numba.")
    ] = None,
    case: Annotated[
        Strings | None, typer.Option(help="Only this case; repeatable. `--case list` lists them.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Few cases, few turns.")] = False,
    pairs: Annotated[
        int | None, typer.Option(min=1, help=f"Turns of each side. Default: {PAIRS}.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Of each side.")] = cores(),
    out: Annotated[
        Path | None, typer.Option(help="Folder for the results. Default: benchmarks/results/….")
    ] = None,
) -> None:
    """Measure suites, or write the README's table."""
    if suites == ["readme"]:
        text = README.read_text(encoding="utf-8")
        results.write(README, readme.rewritten(text, readme.section()))
        screen.say("the README's table is current")
        return
    _check("suite", suites, list(SUITES))
    if case == ["list"]:
        for suite in suites:
            for task in SUITES[suite]:
                screen.say(f"{suite}  {task.key:22}  {task.label}")
        return
    _check("case", case or [], [task.key for suite in suites for task in SUITES[suite]])
    ours = list(dict.fromkeys(backend or ["numba"]))
    _check("backend", ours, OUR_BACKENDS)
    for name in ours:
        problem = unavailable(name)
        if problem:
            raise typer.BadParameter(f"backend {name}: {problem}")
    plan = Plan(
        ours,
        _installed(list(dict.fromkeys(against or ["torch"]))),
        threads,
        pairs or (QUICK_PAIRS if quick else PAIRS),
        quick,
        case or [],
    )
    try:
        for suite in dict.fromkeys(suites):
            if choose(suite, plan.cases, quick):
                _run(suite, plan, out)
    except KeyboardInterrupt:
        errors.say("stopped; what was written before is whole", style="yellow")
        raise typer.Exit(130) from None


def _run(suite: str, plan: Plan, out: Path | None) -> None:
    if suite == "memory" and (problem := memory.unavailable()):
        errors.say(f"memory is left out: {problem}", style="yellow")
        return
    screen.say(f"\n{suite}", style="bold underline")
    report = run(suite, plan, screen)
    folder = out or readme.RESULTS / machine.slug(report.machine)
    if out is None and report.settings["partial"]:
        folder /= "partial"
    written = write(report, folder)
    screen.say(f"written to {os.path.relpath(folder)}: {', '.join(p.name for p in written)}")


def _installed(names: list[str]) -> list[str]:
    """Leave out what isn't there, and say so."""
    _check("--against", names, list(OTHERS))
    for name in names:
        problem = missing(name)
        if problem:
            errors.say(f"running without {OTHERS[name]}: {problem}", style="yellow")
    return [name for name in names if not missing(name)]


def _check(what: str, given: list[str], known: list[str] | tuple[str, ...]) -> None:
    for name in given:
        if name not in known:
            raise typer.BadParameter(f"no {what} {name!r}; there are {', '.join(known)}")


def start() -> None:
    """Run the command; what the user can mend is told in a line."""
    try:
        app()
    except (ValueError, OSError) as error:
        errors.say(f"error: {error}", style="red")
        sys.exit(2)


if __name__ == "__main__":
    start()
