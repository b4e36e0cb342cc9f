"""The README's tables of what GPUs reached, as measured; where nothing was measured, how to."""

from __future__ import annotations

import os
from pathlib import Path

from .. import markdown, tables
from ..results import RESULTS, Report, read_machines
from ..suites import SUITES_ON_GPU
from ..task import CUDA

START, END = "<!-- gpu: begin -->", "<!-- gpu: end -->"
LEFT_OUT = ("host ms", "errors")  # columns that only the whole report has
VERSIONS = ("driver", "CUDA of CuPy", "CuPy", "CUDA of PyTorch", "PyTorch")
UNMEASURED = (
    "No GPU has been measured yet. `make benchmarks-gpu` does it on a machine that has one: it "
    "installs what is needed, and runs `python -m benchmarks ops models --device cuda --against "
    "torch`."
)


def section(results: Path = RESULTS, root: Path = RESULTS.parent.parent) -> str:
    """Return the text for the README: tables for each GPU that has results.

    Parameters
    ----------
    results : path
        Folder of the machines' folders.
    root : path
        Folder of the README, for links.
    """
    found = read_machines(results, CUDA, SUITES_ON_GPU)
    return "\n\n".join(_gpu(folder, reports, root) for folder, reports in found) or UNMEASURED


def _gpu(folder: Path, reports: dict[str, Report], root: Path) -> str:
    parts = []
    for suite, report in reports.items():
        parts += [_headline(report), "\n".join(f"- {line}" for line in tables.closing(report))]
        picture = folder / f"{suite}-{report.ours[0]}-torch-cuda.svg"
        if picture.exists():
            link = Path(os.path.relpath(picture, root)).as_posix()
            parts.append(f"![Speed-ups over PyTorch on {report.machine['GPU']}]({link})")
        parts.append(_table(report))
        parts += dict.fromkeys(f"{note}." for row in report.rows for note in tables.notes(row))
    return "\n\n".join(parts)


def _headline(report: Report) -> str:
    machine = report.machine
    versions = ", ".join(f"{key} {machine[key]}" for key in VERSIONS if key in machine)
    return (
        f"{markdown.TITLES[report.suite]} on {machine['GPU']}: {versions}, "
        f"{report.settings['date']}. Times are medians in milliseconds, by CUDA events; a speed-up "
        "above 1 says that minis is faster."
    )


def _table(report: Report) -> str:
    columns = tables.columns(report)
    shown = [n for n, column in enumerate(columns) if column.title not in LEFT_OUT]
    lines = [line for row in report.rows for line in tables.lines(report, row)]
    return markdown.table(
        [columns[n].title for n in shown],
        [[line[n] for n in shown] for line in lines],
        left=sum(columns[n].left for n in shown),
    )
