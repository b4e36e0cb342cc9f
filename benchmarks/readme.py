"""The README's table of measurements, written from the results in `benchmarks/results`.

`python -m benchmarks readme` writes it between the file's markers.
"""

from __future__ import annotations

import os
from pathlib import Path

from . import markdown, tables
from .cuda import readme as gpu
from .results import RESULTS, Report, Row, SideResult, read_machines
from .suites import SUITES
from .summary import geometric_mean, peak_memory, seconds, speedup, speedups
from .tables import NONE, name_of
from .task import CPU

START, END = "<!-- benchmarks: begin -->", "<!-- benchmarks: end -->"
OURS, THEIRS = "numba", "torch"


def section(results: Path = RESULTS, root: Path | None = None) -> str:
    """Return the text for the README: tables for each machine that has results.

    Parameters
    ----------
    results : path
        Folder of the machines' folders.
    root : path, optional
        Folder of the README, for links; by default that of the project.
    """
    root = RESULTS.parent.parent if root is None else root
    found = read_machines(results, CPU, SUITES)
    parts = [_machine(folder, reports, root) for folder, reports in found]
    return "\n\n".join(parts) or "No results yet: `python -m benchmarks ops models`."


def current(text: str) -> str:
    """Return the README's text with current tables, those of GPUs where it has the markers."""
    text = rewritten(text, section())
    if gpu.START in text:
        text = rewritten(text, gpu.section(), gpu.START, gpu.END)
    return text


def rewritten(text: str, content: str, start: str = START, end: str = END) -> str:
    """Return `text` with what stands between the markers replaced by `content`.

    Raises
    ------
    ValueError
        If the markers are missing.
    """
    if start not in text or end not in text:
        raise ValueError(f"the README must contain {start} and {end}")
    before, rest = text.split(start, 1)
    _, after = rest.split(end, 1)
    return f"{before}{start}\n{content}\n{end}{after}"


def _machine(folder: Path, reports: dict[str, Report], root: Path) -> str:
    any_report = next(iter(reports.values()))
    parts = [_headline(any_report)]
    if "ops" in reports:
        report = reports["ops"]
        picture = folder / f"ops-{OURS}-{THEIRS}.svg"
        parts.append(_means(report))
        if picture.exists():
            link = Path(os.path.relpath(picture, root)).as_posix()
            parts.append(f"![Speed-ups of the operations over PyTorch]({link})")
        parts.append(_operations(report))
        parts += _stand_ins(report)
    if "models" in reports:
        parts.append(_models(reports["models"]))
        parts += _stand_ins(reports["models"])
    if "memory" in reports:
        parts.append(_memory(reports["memory"]))
    if "startup" in reports:
        parts.append(_first_calls(reports["startup"]))
    return "\n\n".join(parts)


def _headline(report: Report) -> str:
    machine = report.machine
    versions = ", ".join(f"{k} {machine[k]}" for k in ("NumPy", "Numba", "PyTorch") if k in machine)
    return (
        f"{machine['processor']}, {report.settings['threads']} threads, {versions}, "
        f"{report.settings['date']}. Times are medians in milliseconds; a speed-up above 1 says "
        "that minis is faster."
    )


def _means(report: Report) -> str:
    texts = []
    for ours in report.ours:
        ratios = speedups(report.rows, ours, THEIRS)
        if ratios:
            texts.append(
                f"{name_of(ours)} backend over {len(ratios)} passes: geometric mean "
                f"**{geometric_mean(ratios.values()):.2f}** times PyTorch's speed, lowest "
                f"{min(ratios.values()):.2f}."
            )
    return "\n".join(texts)


def _stand_ins(report: Report) -> list[str]:
    """Say what stands on the other side, where there is a choice."""
    return [f"{note}." for note in dict.fromkeys(n for r in report.rows for n in tables.notes(r))]


def _operations(report: Report) -> str:
    titles = ["operation"]
    for pass_ in ("forward", "backward"):
        titles += [pass_, name_of(THEIRS), "speed-up"]
    rows: dict[str, dict[str, Row]] = {}
    for row in report.rows:
        rows.setdefault(row.label, {})[row.pass_] = row
    lines = []
    for label, passes in rows.items():
        line = [label]
        for pass_ in ("forward", "backward"):
            line += _compared(passes.get(pass_), THEIRS, with_ours=True)
        lines.append(line)
    return markdown.table(titles, lines, left=1)


def _models(report: Report) -> str:
    titles = ["network", "pass", "minis"]
    for theirs in report.theirs:
        titles += [name_of(theirs), "speed-up"]
    lines = []
    for row in report.rows:
        line = [row.label, row.pass_, tables.milliseconds(row.sides.get(OURS))]
        for theirs in report.theirs:
            line += _compared(row, theirs, with_ours=False)
        lines.append(line)
    return markdown.table(titles, lines, left=2)


def _memory(report: Report) -> str:
    lines = []
    for row in report.rows:
        sizes = [peak_memory(row.sides.get(name, SideResult())) for name in (OURS, THEIRS)]
        cells = [NONE if size is None else f"{size / tables.MIB:,.0f}" for size in sizes]
        lines.append([row.label, row.pass_, *cells])
    return markdown.table(["peak memory, MiB", "pass", "minis", name_of(THEIRS)], lines, left=2)


def _first_calls(report: Report) -> str:
    texts = []
    for name in report.ours:
        times = [seconds(row.sides[name]) for row in report.rows if row.key]
        slowest = max((time.median for time in times if time), default=0.0)
        texts.append(f"{name} {slowest:.2f} s")
    return f"The slowest first call of an operation: {', '.join(texts)}."


def _compared(row: Row | None, theirs: str, with_ours: bool) -> list[str]:
    if row is None:
        return [NONE] * (2 + with_ours)
    ratio = speedup(row, OURS, theirs)
    cells = [tables.milliseconds(row.sides.get(name)) for name in (OURS, theirs)]
    return [*cells[not with_ours :], f"{ratio.median:.2f}" if ratio else NONE]
