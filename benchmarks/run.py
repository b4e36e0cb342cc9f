"""Run a suite from the first row to the last, and write what it found."""

from __future__ import annotations

import datetime
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import charts, comparison, machine, markdown, memory, peaks, results, startup
from .ladder import LadderCase
from .networks import DetectionNetwork, exported
from .networks.network import INFERENCE
from .results import Report, Row, SideResult
from .screen import Screen
from .sides import OTHERS, Side
from .suites import choose
from .task import FORWARD, Task, Work

REFERENCE = "numpy"
FIRST_CALLS = ("nothing cached", "cached")  # of the start-up suite
PEAK_TURNS = 2  # before the rows, and again after them: machines have slow minutes
MEMORY_RUNS = 3
# memory that is freed goes back at once, so that what is resident is what is in use
EXACT_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "65536"}


@dataclass
class Plan:
    """What to run.

    Attributes
    ----------
    ours, theirs : list of str
        The implementations.
    threads, pairs : int
        Of each side.
    quick : bool
        Whether to leave cases out.
    cases : list of str
        Keys of the only ones wanted; none means all.
    """

    ours: list[str]
    theirs: list[str]
    threads: int
    pairs: int
    quick: bool = False
    cases: list[str] = field(default_factory=list)


def run(suite: str, plan: Plan, screen: Screen) -> Report:
    """Run a suite."""
    report = Report(
        suite,
        machine.describe(),
        {
            "date": datetime.date.today().isoformat(),
            "threads": plan.threads,
            "pairs": plan.pairs,
            "pause": comparison.PAUSE,
            "partial": bool(plan.quick or plan.cases or plan.pairs < comparison.PAIRS),
        },
        ours=plan.ours,
        theirs=[o for o in plan.theirs if suite == "models" or o == "torch"],
    )
    left_out = [OTHERS[other] for other in plan.theirs if other not in report.theirs]
    if left_out and suite != "startup":
        screen.say(f"{', '.join(left_out)}: compared on models only")
    tasks = choose(suite, plan.cases, plan.quick)
    with tempfile.TemporaryDirectory(prefix="minis-benchmarks-") as files:
        if suite == "memory":
            screen.begin(report)
            _memory_rows(tasks, report, plan, Path(files), screen)
        elif suite == "startup":
            report.ours, report.theirs = list(FIRST_CALLS), []
            screen.begin(report)
            _startup_rows(tasks, report, screen)
        else:
            with _Sides(plan.threads) as sides:
                _measure_peaks(report, sides, 1 if plan.quick else PEAK_TURNS, screen)
                screen.begin(report)
                _time_rows(tasks, report, plan, sides, Path(files), screen)
                if not plan.quick:
                    _measure_peaks(report, sides, PEAK_TURNS, screen)
    screen.end(report)
    return report


def write(report: Report, folder: Path) -> list[Path]:
    """Write a report's JSON, Markdown and pictures; return their paths."""
    written = {
        f"{report.suite}.json": results.to_json(report),
        f"{report.suite}.md": markdown.document(report),
        **charts.draw(report),
    }
    for name, text in written.items():
        results.write(folder / name, text)
    return [folder / name for name in written]


class _Sides:
    """Processes by name, each started when it is first needed, all ended together."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._open: dict[str, Side] = {}

    def __getitem__(self, name: str) -> Side:
        if name not in self._open:
            self._open[name] = Side(name, self.threads)
        return self._open[name]

    def __enter__(self) -> _Sides:
        return self

    def __exit__(self, *exception: object) -> None:
        for side in self._open.values():
            side.close()


def _measure_peaks(report: Report, sides: _Sides, turns: int, screen: Screen) -> None:
    libraries = [REFERENCE, *(o for o in report.theirs if o == "torch")]
    with screen.busy("measuring the machine's peaks"):
        for _ in range(turns):
            for name in libraries:
                time.sleep(comparison.PAUSE)
                measured = sides[name].ask({"do": "peaks"})
                if "problem" in measured:
                    screen.say(f"no peaks from {name}: {measured['problem']}", "yellow")
                else:
                    report.peaks_by_library.setdefault(name, []).append(measured)
    report.peaks = peaks.best(report.peaks_by_library) if report.peaks_by_library else None


def _time_rows(
    tasks: Sequence[Task], report: Report, plan: Plan, sides: _Sides, files: Path, screen: Screen
) -> None:
    with Side(REFERENCE, plan.threads) as reference:
        for task in tasks:
            for pass_ in task.passes:
                with screen.busy(f"{task.label}, {pass_}"):
                    names = _side_names(task, pass_, report)
                    _export(task, pass_, names, reference, files)
                    row = comparison.compare(
                        task, pass_, reference, [sides[n] for n in names], plan.pairs, files
                    )
                    if isinstance(task, LadderCase):
                        _add_memory(task, row, plan, files)
                    _say_left_out(task, row, report)
                report.rows.append(row)
                screen.row(report, row)


def _side_names(task: Task, pass_: str, report: Report) -> list[str]:
    if isinstance(task, LadderCase):
        names = [rung.name for rung in task.rungs()]
        return [name for name in names if name != "torch" or name in report.theirs]
    engines = exported.RUNNERS if pass_ != INFERENCE or isinstance(task, DetectionNetwork) else {}
    return [*report.ours, *(other for other in report.theirs if other not in engines)]


def _say_left_out(task: Task, row: Row, report: Report) -> None:
    """Give the engines that don't run this network a side with the reason, and no times."""
    if isinstance(task, DetectionNetwork) and row.pass_ == INFERENCE:
        for name in report.theirs:
            if name in exported.RUNNERS:
                row.sides[name] = SideResult(note=task.left_out)


def _export(task: Task, pass_: str, names: list[str], reference: Side, files: Path) -> None:
    if any(name in exported.RUNNERS for name in names):
        request = {"do": "export", "task": task.key, "pass": pass_, "files": str(files)}
        reference.ask(request)


def _add_memory(task: LadderCase, row: Row, plan: Plan, files: Path) -> None:
    if memory.unavailable() or task.small:
        return
    for name, side in row.sides.items():
        if not side.problem:
            found = _measure_memory(task, FORWARD, name, plan, files, 1, EXACT_MEMORY)
            side.memory, side.problem = found.memory, found.problem


def _memory_rows(
    tasks: Sequence[Task], report: Report, plan: Plan, files: Path, screen: Screen
) -> None:
    runs = 1 if plan.quick else MEMORY_RUNS
    for task in tasks:
        for pass_ in task.passes:
            row = Row(task.key, task.label, pass_, Work(0.0, 0.0), task.limit(pass_), {})
            for name in [*report.ours, *report.theirs]:
                with screen.busy(f"{task.label}, {pass_}, {name}"):
                    row.sides[name] = _measure_memory(task, pass_, name, plan, files, runs)
            report.rows.append(row)
            screen.row(report, row)


def _startup_rows(tasks: Sequence[Task], report: Report, screen: Screen) -> None:
    with screen.busy("first calls") as status:
        found = startup.measure_startup(tasks, lambda name: status.update(f"first call: {name}"))
    labels = {f"{task.key} {p}": (task.key, task.label, p) for task in tasks for p in task.passes}
    for name, *times in found:
        key, label, pass_ = labels.get(name, ("", name, ""))  # Numba's own start is no task
        sides = {
            when: SideResult(turns=[[time]]) for when, time in zip(FIRST_CALLS, times, strict=True)
        }
        row = Row(key, label, pass_, Work(0.0, 0.0), 0.0, sides)
        report.rows.append(row)
        screen.row(report, row)


def _measure_memory(
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
