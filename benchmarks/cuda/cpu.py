"""The CPU's times beside the GPU's: the newest committed ones, or those of the same run.

Times of another machine say how that machine compares with this GPU, and no more; so the machine is
named. `--with-cpu` has the `numba` backend measured on the GPU's own host, in turns with the rest.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..results import RESULTS, Report, Row, read_machines
from ..summary import seconds
from ..task import CPU

BACKEND = "numba"


def newest(suite: str, folder: Path = RESULTS) -> dict[str, Any]:
    """Return the newest times of a suite that were measured on a CPU; nothing if there are none.

    Returns
    -------
    dict
        "processor", "threads", "date", and "seconds" by "key pass".
    """
    reports = [found[suite] for _, found in read_machines(folder, CPU, [suite])]
    measured = [report for report in reports if BACKEND in report.ours]
    if not measured:
        return {}
    report = max(measured, key=lambda report: report.settings["date"])
    times = ((row, seconds(row.sides[BACKEND])) for row in report.rows if BACKEND in row.sides)
    return {
        "processor": report.machine["processor"],
        "threads": report.settings["threads"],
        "date": report.settings["date"],
        "seconds": {f"{row.key} {row.pass_}": time.median for row, time in times if time},
    }


def cpu_seconds(report: Report, row: Row) -> float | None:
    """Return the CPU's time of a row: of the same run, or else the committed one.

    A row in float32 has the time of the row that may take TF32: a CPU has no such difference.
    """
    side = row.sides.get(BACKEND)
    time = seconds(side) if side else None
    if time:
        return time.median
    known: dict[str, float] = report.cpu.get("seconds", {})
    return known.get(f"{row.key.removesuffix('-float32')} {row.pass_}")


def source(report: Report) -> str:
    """Say where the CPU's times come from; nothing where there are none."""
    if report.settings.get("with_cpu"):
        return (
            f"CPU: the {BACKEND} backend on the GPU's host, {report.machine['processor']}, "
            f"{report.settings['threads']} threads, in the same run"
        )
    if not report.cpu:
        return ""
    return (
        f"CPU: the {BACKEND} backend on another machine, {report.cpu['processor']}, "
        f"{report.cpu['threads']} threads, {report.cpu['date']}"
    )
