"""What the times say: medians, quartiles, speed-ups, rates, geometric means."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .peaks import Peaks
from .results import Row, SideResult
from .task import Work


class Spread(NamedTuple):
    """A median between its quartiles."""

    low: float
    median: float
    high: float


class Rate(NamedTuple):
    """How fast, and how much of what the machine can do that is.

    Attributes
    ----------
    value : float
    unit : str
        "GFLOP/s" where arithmetic is the ceiling, "GB/s" where memory is.
    share : float
        Of the measured peak. Above 1 where Winograd saves multiplications, or where the data
        stay in the caches.
    """

    value: float
    unit: str
    share: float


def spread(values: Sequence[float]) -> Spread:
    """Return median and quartiles.

    Examples
    --------
    >>> spread([3.0, 1.0, 2.0])
    Spread(low=1.5, median=2.0, high=2.5)
    """
    if len(values) == 1:
        return Spread(values[0], values[0], values[0])
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(low, median, high)


def seconds(side: SideResult) -> Spread | None:
    """Return the time: over the turns, each the median of its calls. None where there is none."""
    return spread([statistics.median(turn) for turn in side.turns]) if side.turns else None


def host_seconds(side: SideResult) -> Spread | None:
    """Return the processor's time to queue a call, likewise. None where it was not measured."""
    return spread([statistics.median(turn) for turn in side.host]) if side.host else None


def speedup(row: Row, ours: str, theirs: str) -> Spread | None:
    """Return how many times faster `ours` is than `theirs`: the median over the pairs of turns.

    Above 1, ours is faster. None where one of them has no times.
    """
    sides = row.sides.get(ours), row.sides.get(theirs)
    if not all(side and side.turns for side in sides):
        return None
    mine, other = ([statistics.median(t) for t in side.turns] for side in sides if side)
    return spread([b / a for a, b in zip(mine, other, strict=True)])


def rate(work: Work, time: float, peaks: Peaks | None) -> Rate | None:
    """Return the rate of what holds the operation up on this machine.

    Examples
    --------
    >>> rate(Work(flops=8e9, bytes=1e8), 0.1, Peaks(gflops=400.0, gbs=40.0))
    Rate(value=80.0, unit='GFLOP/s', share=0.2)
    >>> rate(Work(flops=1e8, bytes=1e8), 0.01, Peaks(gflops=400.0, gbs=40.0))
    Rate(value=10.0, unit='GB/s', share=0.25)
    """
    if not peaks or not any(work):
        return None
    if not work.bytes or work.flops / work.bytes >= peaks.ridge:
        value = work.flops / time * 1e-9
        return Rate(value, "GFLOP/s", value / peaks.gflops)
    value = work.bytes / time * 1e-9
    return Rate(value, "GB/s", value / peaks.gbs)


def geometric_mean(values: Iterable[float]) -> float:
    """Return the geometric mean; NaN of nothing.

    Examples
    --------
    >>> geometric_mean([0.5, 2.0])
    1.0
    """
    logs = [math.log(v) for v in values]
    return math.exp(statistics.fmean(logs)) if logs else math.nan


def speedups(rows: Iterable[Row], ours: str, theirs: str) -> dict[str, float]:
    """Return the median speed-up of every row that has one, by "key pass"."""
    found = ((f"{row.key} {row.pass_}", speedup(row, ours, theirs)) for row in rows)
    return {name: ratio.median for name, ratio in found if ratio}


def peak_memory(side: SideResult) -> float | None:
    """Return the bytes of the peak above what importing the libraries takes: the runs' median."""
    if not side.memory:
        return None
    return statistics.median(run["peak"] - run["imported"] for run in side.memory)


def extra_memory(side: SideResult) -> float | None:
    """Return the bytes of the peak above what the prepared task takes: the runs' median."""
    if not side.memory:
        return None
    return statistics.median(run["peak"] - run["at_rest"] for run in side.memory)
