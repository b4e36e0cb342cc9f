"""Run a suite from the first row to the last, and write what it found."""

from __future__ import annotations

import datetime
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import charts, comparison, machine, markdown, peaks, results, startup
from .cuda import cpu, device
from .ladder import LadderCase
from .networks import DetectionNetwork, exported
from .networks.network import INFERENCE
from .plan import Plan
from .results import Report, Row, SideResult
from .run_memory import add_memory, memory_rows
from .screen import Screen
from .sides import ON_GPU, OTHERS, Side
from .suites import choose
from .task import CUDA, Task, Work

REFERENCE = "numpy"
FIRST_CALLS = ("nothing cached", "cached")  # of the start-up suite
PEAK_TURNS = 2  # before the rows, and again after them: machines have slow minutes


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
            "device": plan.device,
            "with_cpu": plan.with_cpu,
        },
        ours=plan.ours,
        theirs=[o for o in plan.theirs if suite == "models" or o == "torch"],
    )
    left_out = [OTHERS[other] for other in plan.theirs if other not in report.theirs]
    if left_out and suite != "startup":
        screen.say(f"{', '.join(left_out)}: compared on models only")
    tasks = choose(suite, plan.cases, plan.quick, plan.device)
    with tempfile.TemporaryDirectory(prefix="minis-benchmarks-") as files:
        if suite == "memory":
            screen.begin(report)
            memory_rows(tasks, report, plan, Path(files), screen)
        elif suite == "startup":
            report.ours, report.theirs = list(FIRST_CALLS), []
            screen.begin(report)
            _startup_rows(tasks, report, screen)
        else:
            with _Sides(plan.threads) as sides:
                if plan.device == CUDA:
                    _go_to_gpu(report, sides)
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


def _go_to_gpu(report: Report, sides: _Sides) -> None:
    """Give the report the sides' names there, the GPU's description, and the CPU's times."""
    report.theirs = [ON_GPU[other] for other in report.theirs]
    found = [sides[name].ask({"do": "device"}) for name in (*report.ours, *report.theirs)]
    for answer in found:
        if "problem" in answer:
            raise ValueError(f"the GPU can't be described: {answer['problem']}")
    known = {key: text for answer in found for key, text in answer["device"].items()}
    report.machine = {**known, **device.driver(), **report.machine}
    report.cpu = cpu.newest(report.suite)


def _measure_peaks(report: Report, sides: _Sides, turns: int, screen: Screen) -> None:
    on_gpu = report.device == CUDA
    libraries = [
        report.ours[0] if on_gpu else REFERENCE,
        *(o for o in report.theirs if o in ON_GPU or on_gpu),
    ]
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
                    left_out = _left_out(task, pass_, report)
                    names = [n for n in _side_names(task, pass_, report) if n not in left_out]
                    _export(task, pass_, names, reference, files)
                    row = comparison.compare(
                        task,
                        pass_,
                        reference,
                        [sides[n] for n in names],
                        plan.pairs,
                        files,
                        comparison.PAUSE,
                        plan.device,
                    )
                    if isinstance(task, LadderCase):
                        add_memory(task, row, plan, files)
                    row.sides |= {name: SideResult(note=left_out[name]) for name in left_out}
                report.rows.append(row)
                screen.row(report, row)


def _side_names(task: Task, pass_: str, report: Report) -> list[str]:
    if isinstance(task, LadderCase):
        names = [rung.name for rung in task.rungs()]
        return [name for name in names if name != "torch" or name in report.theirs]
    cpu_too = [cpu.BACKEND] if report.settings["with_cpu"] else []
    engines = exported.RUNNERS if pass_ != INFERENCE else {}
    return [*report.ours, *(o for o in report.theirs if o not in engines), *cpu_too]


def _left_out(task: Task, pass_: str, report: Report) -> Mapping[str, str]:
    """Name the sides that can't run a network, each with the reason: they have no times."""
    if not isinstance(task, DetectionNetwork):
        return {}
    reasons = dict.fromkeys(exported.RUNNERS, task.left_out) if pass_ == INFERENCE else {}
    if ON_GPU["torch"] in report.theirs and not task.uses_torchvision():
        reasons[ON_GPU["torch"]] = task.without_torchvision
    return {name: reason for name, reason in reasons.items() if name in report.theirs}


def _export(task: Task, pass_: str, names: list[str], reference: Side, files: Path) -> None:
    if any(name in exported.RUNNERS for name in names):
        request = {"do": "export", "task": task.key, "pass": pass_, "files": str(files)}
        reference.ask(request)


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
