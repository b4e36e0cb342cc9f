"""Measure how fast minis is on this machine, and what it is compared with.

    python -m benchmarks ops models --against torch
    python -m benchmarks ops --quick                      a few operations, in a minute
    python -m benchmarks ops --case relu --backend numpy --backend numba
    python -m benchmarks models --against torch --against onnxruntime --against openvino
    python -m benchmarks ops models --device cuda --against torch
    python -m benchmarks readme                           the README's tables, from the results

Every implementation is checked against a float64 reference before it is timed. Each side runs in a
process of its own; the sides take turns, with a pause between them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from minis.backend import IMITATED_BY, imitated, unavailable
from minis.doctor import cores

from . import machine, memory, readme, results
from .comparison import PAIRS
from .plan import Plan
from .run import run, write
from .screen import Screen
from .sides import OTHERS, missing, missing_on_gpu
from .suites import BY_DEVICE, SUITES, choose
from .task import BACKENDS, CPU, CUDA

QUICK_PAIRS = 3
DEFAULT = {CPU: "numba", CUDA: "cupy"}  # backend
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
        Strings | None,
        typer.Option(help="numpy or numba (default); on a GPU cupy (default) or numba-cuda."),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, or cuda for an NVIDIA GPU.")] = CPU,
    with_cpu: Annotated[
        bool, typer.Option("--with-cpu", help="Beside a GPU, measure numba on its host.")
    ] = False,
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
    """Measure suites, or write the README's tables."""
    if suites == ["readme"]:
        results.write(README, readme.current(README.read_text(encoding="utf-8")))
        screen.say("the README's tables are current")
        return
    _check("device", [device], list(BY_DEVICE))
    known = BY_DEVICE[device]
    _check("suite", suites, list(known), " on a GPU" if device == CUDA else "")
    if case == ["list"]:
        for suite in suites:
            for task in known[suite]:
                screen.say(f"{suite}  {task.key:26}  {task.label}")
        return
    _check("case", case or [], [task.key for suite in suites for task in known[suite]])
    ours = list(dict.fromkeys(backend or [DEFAULT[device]]))
    _check("backend", ours, BACKENDS[device], " on a GPU" if device == CUDA else "")
    _available(ours, device, with_cpu)
    plan = Plan(
        ours,
        _installed(list(dict.fromkeys(against or ["torch"])), device),
        threads,
        pairs or (QUICK_PAIRS if quick else PAIRS),
        quick,
        case or [],
        device,
        with_cpu,
    )
    try:
        for suite in dict.fromkeys(suites):
            if choose(suite, plan.cases, quick, device):
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


def _available(ours: list[str], device: str, with_cpu: bool) -> None:
    """Refuse what can't run here, or would only be imitated."""
    if with_cpu and device == CPU:
        raise typer.BadParameter("--with-cpu goes with --device cuda")
    needed = [*(["cupy"] if device == CUDA else []), *(["numba"] if with_cpu else []), *ours]
    for name in dict.fromkeys(needed):
        if imitated(name):
            raise typer.BadParameter(
                f"backend {name}: {IMITATED_BY[name]}=1 has it imitated on the CPU, which is not "
                "worth timing; unset it"
            )
        problem = unavailable(name)
        if problem:
            what = "--device cuda" if name == "cupy" else f"backend {name}"
            raise typer.BadParameter(f"{what}: {problem}")


def _installed(names: list[str], device: str) -> list[str]:
    """Leave out what isn't there, and say so."""
    _check("--against", names, list(OTHERS))
    problems = {name: (missing_on_gpu if device == CUDA else missing)(name) for name in names}
    for name, problem in problems.items():
        if problem:
            errors.say(f"running without {OTHERS[name]}: {problem}", style="yellow")
    return [name for name, problem in problems.items() if not problem]


def _check(what: str, given: list[str], known: Iterable[str], where: str = "") -> None:
    known = list(known)
    for name in given:
        if name not in known:
            raise typer.BadParameter(f"no {what} {name!r}{where}; there are {', '.join(known)}")


def start() -> None:
    """Run the command; what the user can mend is told in a line."""
    try:
        app()
    except (ValueError, OSError) as error:
        errors.say(f"error: {error}", style="red")
        sys.exit(2)


if __name__ == "__main__":
    start()
