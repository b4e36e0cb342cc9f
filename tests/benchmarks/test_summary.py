"""Ratios, means and targets."""

import math

import pytest

from benchmarks import tables
from benchmarks.results import SideResult
from benchmarks.summary import geometric_mean, peak_memory, seconds, speedup, speedups
from benchmarks.targets import misses

from .reports import report, row


def test_speedup_is_above_one_where_we_are_faster():
    """PyTorch's time over ours, pair by pair: the machine's slow minute cancels."""
    found = speedup(row("relu", "forward", [1, 10, 1], [2, 20, 2]), "numba", "torch")
    assert found == pytest.approx((2, 2, 2))


def test_a_turn_is_its_median_call():
    """One slow call in a turn does not count."""
    assert seconds(SideResult(turns=[[1.0, 1.0, 9.0], [3.0]])).median == 2.0
    assert seconds(SideResult()) is None


def test_geometric_mean():
    """Twice as fast and half as fast is as fast."""
    assert geometric_mean([4.0, 0.25]) == pytest.approx(1.0)
    assert geometric_mean([2.0, 8.0]) == pytest.approx(4.0)
    assert math.isnan(geometric_mean([]))


def test_rows_without_times_do_not_count():
    """They are not taken for 1 or 0."""
    failed = row("relu", "forward", [], [2])
    fine = row("prelu", "forward", [1], [3])
    assert speedups([failed, fine], "numba", "torch") == {"prelu forward": pytest.approx(3.0)}


def test_missed_targets_are_named():
    """The mean, the worst and the inexact."""
    lines = misses(
        report(
            row("relu", "forward", [1], [0.7]),
            row("prelu", "forward", [1], [1.4]),
            row("nms", "forward", [1], [1.4], error=1e-4),
        )
    )
    assert lines == [
        "the nms, forward: Numba is inexact: 1.0e-04, to be ≤ 5e-05",
        "geometric mean 1.11, to be ≥ 1.2",
        "relu forward: 0.70 times PyTorch's speed, to be ≥ 0.8",
    ]
    assert misses(report(row("relu", "forward", [1], [1.4]))) == []
    assert misses(report(row("relu", "forward", [1], [1.1]), partial=True)) == []


def test_network_targets():
    """U-Net's inference is held to more than the rest."""
    rows = [row("unet", "inference", [1], [1.2]), row("unet", "training", [1], [1.2])]
    assert misses(report(*rows, suite="models")) == [
        "unet inference: 1.20 times PyTorch's speed, to be ≥ 1.3"
    ]


def test_memory_above_the_libraries():
    """What importing takes is left out; the median run counts."""
    runs = [{"imported": 100, "peak": peak} for peak in (150, 400, 170)]
    assert peak_memory(SideResult(memory=runs)) == 70
    ours, theirs = SideResult(memory=runs), SideResult(memory=[{"imported": 50, "peak": 100}])
    step = row("unet", "training", [], [])
    step.sides = {"numba": ours, "torch": theirs}
    (line,) = misses(report(step, suite="memory"))
    assert line == "the unet: a training step takes 1.40 times PyTorch's memory"


def test_rate_is_of_the_ceiling_that_binds():
    """10 operations a byte: at this machine's ridge, arithmetic binds."""
    cells = tables.lines(report(), row("relu", "forward", [5], [5]))[0]
    assert cells[6:8] == ["200 GFLOP/s", "50%"]


def test_a_row_that_failed_has_no_numbers():
    """And no traceback."""
    cells = tables.lines(report(), row("relu", "forward", [], [5], error=None))[0]
    assert cells[3:] == ["–", "5", "–", "–", "–", "– / 1e-07"]
