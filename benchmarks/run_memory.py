"""The rows of the memory suite, and the memory of a ladder's rungs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from . import memory
from .ladder import LadderCase
from .plan import Plan
from .results import Report, Row, SideResult
from .screen import Screen
from .sides import Side
from .task import FORWARD, Task, Work

RUNS = 3
# memory that is freed goes back at once, so that what is resident is what is in use
EXACT = {"MALLOC_MMAP_THRESHOLD_": "65536"}


def memory_rows(
    tasks: Sequence[Task], report: Report, plan: Plan, files: Path, screen: Screen
) -> None:
    """Measure each network on every side."""
    runs = 1 if plan.quick else RUNS
    for task in tasks:
        for pass_ in task.passes:
            row = Row(task.key, task.label, pass_, Work(0.0, 0.0), task.limit(pass_), {})
            for name in [*report.ours, *report.theirs]:
                with screen.busy(f"{task.label}, {pass_}, {name}"):
                    row.sides[name] = _measure(task, pass_, name, plan, files, runs)
            report.rows.append(row)
            screen.row(report, row)


def add_memory(task: LadderCase, row: Row, plan: Plan, files: Path) -> None:
    """Measure what each rung takes, where it is large enough to be seen."""
    if memory.unavailable() or task.small:
        return
    for name, side in row.sides.items():
        if not side.problem:
            found = _measure(task, FORWARD, name, plan, files, 1, EXACT)
            side.memory, side.problem = found.memory, found.problem


def _measure(
    task: Task,
    pass_: str,
    name: str,
    plan: Plan,
    files: Path,
    runs: int,
    settings: dict[str, str] | None = None,
) -> SideResult:
    """Measure in a fresh process each time; a first one has the kernels compiled and cached."""
    request = {"do": "memory", "task": task.key, "pass": pass_, "files": str(files)}
    found = SideResult()
    for _ in range(1 + runs):
        with Side(name, plan.threads, settings) as side:
            answer = side.ask(request)
        if "problem" in answer:
            return SideResult(problem=answer["problem"])
        found.note = answer.pop("note", "")
        found.memory.append(answer)
    found.memory = found.memory[1:]
    return found
