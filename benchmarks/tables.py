"""The tables: one for each suite, as lines of text cells for the screen and for Markdown."""

from __future__ import annotations

from typing import NamedTuple

from .cuda.cpu import cpu_seconds, source
from .ladder import LADDERS
from .peaks import Peaks
from .results import Report, Row, SideResult
from .sides import OTHERS
from .summary import (
    extra_memory,
    geometric_mean,
    host_seconds,
    peak_memory,
    rate,
    seconds,
    speedup,
    speedups,
)
from .task import CUDA

NONE = "–"
OTHER_NAMES = {
    "numba": "Numba",
    "numpy": "NumPy",
    "cupy": "CuPy",
    "numba-cuda": "Numba-CUDA",
    "torch-cuda": "PyTorch",
}
MIB = 2.0**20


class Column(NamedTuple):
    """A column's title, and its width on the screen; the first columns are aligned left."""

    title: str
    width: int
    left: bool = False


def columns(report: Report) -> list[Column]:
    """Return the columns of a suite's table."""
    if report.suite == "ladder":
        return [
            Column("operation", 25, left=True),
            Column("version", 28, left=True),
            Column("ms", 9),
            Column("× PyTorch", 10),
            Column("rate", 14),
            Column("extra MiB", 10),
            Column("error", 8),
        ]
    found = [Column("operation", 38, left=True), Column("pass", 9, left=True)]
    if report.suite == "startup":
        return [*found, *(Column(f"{name}, s", 15) for name in report.ours)]
    names = [name_of(other) for other in report.theirs]
    if report.suite == "memory":
        found += [Column(f"{name_of(ours)} MiB", 10) for ours in report.ours]
        for name in names:
            found += [Column(f"{name} MiB", 11), Column(f"{name} ÷ ours", 14)]
        return found
    on_gpu = report.device == CUDA
    found += [Column("backend", 10 if on_gpu else 7, left=True), Column("ms", 8)]
    for name in names:
        found += [Column(f"{name} ms", max(8, len(name) + 3)), Column("speed-up", 16)]
    if report.peaks:
        found += [Column("rate", 14), Column("of peak", 7)]
    if on_gpu:
        found += [Column("host ms", 8), Column("CPU ms", 8), Column("× CPU", 7)]
    return [*found, Column("errors", 17 if names else 8)]


def lines(report: Report, row: Row) -> list[list[str]]:
    """Return the lines of a row: one for each backend of ours, or each rung of a ladder."""
    if report.suite == "ladder":
        return [_rung(report, row, name) for name in row.sides]
    if report.suite == "memory":
        return [_memory(report, row)]
    if report.suite == "startup":
        return [_startup(report, row)]
    return [_times(report, row, ours) for ours in report.ours]


def notes(row: Row) -> list[str]:
    """Return what stands in for what a library doesn't have."""
    return [
        f"{row.label}: {name_of(name)} is {side.note}"
        for name, side in row.sides.items()
        if side.note
    ]


def closing(report: Report) -> list[str]:
    """Return the lines below the table: geometric means and extremes, and the peaks."""
    found = []
    for ours in report.ours:
        for theirs in report.theirs:
            ratios = speedups(report.rows, ours, theirs)
            if not ratios:
                continue
            worst = min(ratios, key=lambda name: ratios[name])
            below = sum(ratio < 1 for ratio in ratios.values())
            found.append(
                f"{name_of(ours)} against {name_of(theirs)}: geometric mean "
                f"{geometric_mean(ratios.values()):.2f} over {len(ratios)} rows; "
                f"lowest {ratios[worst]:.2f} ({worst}); {below} below 1"
            )
    if report.peaks:
        found.append(peaks_text(report.peaks, "1 GiB" if report.device == CUDA else "256 MiB"))
    if report.device == CUDA and (cpu := source(report)):
        found.append(cpu)
    return found


def peaks_text(peaks: Peaks, copied: str) -> str:
    """Return the measured ceilings in words.

    Examples
    --------
    >>> peaks_text(Peaks(456.2, 40.9), "256 MiB")
    'measured peaks: 456 GFLOP/s (float32 matrix product), 41 GB/s (copy of 256 MiB)'
    """
    tf32 = f", {peaks.tf32:,.0f} GFLOP/s (in TF32)" if peaks.tf32 else ""
    return (
        f"measured peaks: {peaks.gflops:.0f} GFLOP/s (float32 matrix product){tf32}, "
        f"{peaks.gbs:.0f} GB/s (copy of {copied})"
    )


def name_of(side: str) -> str:
    """Return a side's name as it is written.

    Examples
    --------
    >>> name_of("torch"), name_of("numba")
    ('PyTorch', 'Numba')
    """
    return {**OTHERS, **OTHER_NAMES}.get(side, side)


def short(value: float) -> str:
    """Return a number with three digits, or all that stand before the point.

    Examples
    --------
    >>> short(1234.5), short(0.012345)
    ('1,234', '0.0123')
    """
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def milliseconds(side: SideResult | None) -> str:
    """Return the median time."""
    time = seconds(side) if side else None
    return short(time.median * 1e3) if time else NONE


def exactness(side: SideResult | None) -> str:
    """Return the error."""
    return NONE if side is None or side.error is None else f"{side.error:.0e}"


def _times(report: Report, row: Row, ours: str) -> list[str]:
    mine = row.sides.get(ours)
    cells = [row.label, row.pass_, ours, milliseconds(mine)]
    for theirs in report.theirs:
        ratio = speedup(row, ours, theirs)
        cells.append(milliseconds(row.sides.get(theirs)))
        cells.append(f"{ratio.median:.2f} ({ratio.low:.2f}–{ratio.high:.2f})" if ratio else NONE)
    time = seconds(mine) if mine else None
    if report.peaks:
        speed = rate(row.work, time.median, report.peaks.at(row.precision)) if time else None
        cells.append(f"{short(speed.value)} {speed.unit}" if speed else NONE)
        cells.append(f"{speed.share:.0%}" if speed else NONE)
    if report.device == CUDA:
        cells += [_host(mine), *beside_cpu(report, row, ours)]
    compared = [ours, *report.theirs]
    return [*cells, " / ".join(exactness(row.sides.get(name)) for name in compared)]


def beside_cpu(report: Report, row: Row, ours: str) -> list[str]:
    """Return the CPU's time, and how many times faster the GPU is."""
    mine, cpu = row.sides.get(ours), cpu_seconds(report, row)
    time = seconds(mine) if mine else None
    return [
        short(cpu * 1e3) if cpu else NONE,
        short(cpu / time.median) if cpu and time else NONE,
    ]


def _host(side: SideResult | None) -> str:
    time = host_seconds(side) if side else None
    return short(time.median * 1e3) if time else NONE


def _memory(report: Report, row: Row) -> list[str]:
    peaks = {name: peak_memory(side) for name, side in row.sides.items()}
    cells = [row.label, row.pass_]
    cells += [_mib(peaks.get(ours)) for ours in report.ours]
    mine = peaks.get(report.ours[0])
    for name in report.theirs:
        other = peaks.get(name)
        cells += [_mib(other), f"{other / mine:.2f}" if mine and other else NONE]
    return cells


def _rung(report: Report, row: Row, name: str) -> list[str]:
    side = row.sides[name]
    time, ratio = seconds(side), speedup(row, name, "torch")
    speed = rate(row.work, time.median, report.peaks) if time else None
    return [
        row.label,
        rung_name(row, name),
        milliseconds(side),
        f"{ratio.median:.2g}" if ratio else NONE,
        f"{short(speed.value)} {speed.unit}" if speed else NONE,
        _mib(extra_memory(side)),
        exactness(side),
    ]


def rung_name(row: Row, name: str) -> str:
    """Return what a version of a ladder's operation is called."""
    ladder = next(case.ladder for case in LADDERS if case.key == row.key)
    return next((rung.label for rung in ladder.rungs if rung.name == name), name)


def _startup(report: Report, row: Row) -> list[str]:
    times = [seconds(row.sides[name]) for name in report.ours]
    return [row.label, row.pass_, *(f"{t.median:.3f}" if t else NONE for t in times)]


def _mib(size: float | None) -> str:
    return NONE if size is None else f"{size / MIB:,.0f}"
