"""Operations and bytes: as `minis.learn.costs` counts them, and as committed results have them."""

import numpy as np
import pytest

import minis
from benchmarks import results
from benchmarks.cases import CASES
from benchmarks.cases.pooling import MaxPooling
from benchmarks.cases.regions import NMS
from benchmarks.counting import Counter
from benchmarks.ladder import LADDERS
from benchmarks.networks import NETWORKS
from benchmarks.suites import find_task
from benchmarks.summary import rate
from benchmarks.task import BACKWARD, FORWARD, Work
from minis import ops
from minis.learn.costs import Cost
from minis.models import UNet


def work(task, pass_, dtype=np.float32):
    """What has to be done, counted while it runs."""
    counter = Counter()
    with minis.use("numba"):
        prepared = task.prepare("numba", pass_, dtype, None)
        with counter.looking_on():
            prepared.run()
    return task.work(pass_, counter.costs)


def committed(suite, tasks):
    """The committed rows of a suite, with their tasks and the peaks."""
    found = []
    for file in results.RESULTS.glob(f"*/{suite}.json"):
        report = results.from_json(file.read_text(encoding="utf-8"))
        found += [(find_task(row.key), row, report.peaks) for row in report.rows]
    assert {task.key for task in tasks} <= {task.key for task, *_ in found}
    return found


@pytest.mark.parametrize(("suite", "tasks"), [("ops", CASES), ("ladder", LADDERS)])
def test_committed_figures_stand(suite, tasks):
    """The rate of what holds an operation up: within a hundredth, the bytes within a thousandth."""
    for task, row, peaks in committed(suite, tasks):
        counted = work(task, row.pass_)
        assert counted.bytes == pytest.approx(row.work.bytes, rel=1e-3), row.key
        before, after = (rate(w, 1.0, peaks) for w in (row.work, counted))
        assert (before is None) == (after is None)
        if before:
            assert after.unit == before.unit
            assert after.value == pytest.approx(before.value, rel=1e-2), (row.key, row.pass_)


def test_max_pooling_by_hand():
    """Three comparisons a window; 16 values read, 4 values and 4 indices of 8 bytes written."""
    assert work(MaxPooling("", "", x=(1, 1, 4, 4)), FORWARD) == (12, 4 * (16 + 4) + 8 * 4)


def test_bytes_are_those_of_float32():
    """Although the reference, which is counted, has float64; indices and labels stay."""
    for key in ("max-pool", "cross-entropy", "batch-norm"):
        task = find_task(key)
        for pass_ in task.passes:
            assert work(task, pass_, np.float64) == work(task, pass_), (key, pass_)


def test_max_unpooling_reads_a_part_backward():
    """Of dy only the values at the indices, a quarter; the indices; and dx is written."""
    task = find_task("max-unpool")
    small = np.prod(task.pooled)
    assert work(task, BACKWARD) == Work(0.0, small * (4 + 8 + 4))


def test_nms_has_no_rate():
    """What it has to do depends on the boxes."""
    assert NMS("", "").work(FORWARD, {"nms": Cost(9, 9)}) == Work(0.0, 0.0)


def test_networks_are_counted():
    """Each convolution once forward, twice backward, and nobody looks on afterwards."""
    model = UNet(1, 2, width=2, levels=2)
    forward, both = Counter(), Counter()
    x = np.ones((1, 1, 8, 8), np.float32)
    with forward.looking_on():
        model(x)
    with both.looking_on():
        model.backward(model(x))
    network = NETWORKS[0]
    once, thrice = (network.work("training", counter.costs) for counter in (forward, both))
    # twice, and what each layer adds up for its bias: as many numbers as come out of it
    sums = (2 + 2 + 2 + 2 + 2 + 2) * 64 + (4 + 4) * 16
    assert thrice.flops == 3 * once.flops + sums
    pixels = 64
    full = (9 * (1 * 2 + 2 * 2) + 9 * (4 * 2 + 2 * 2) + 2 * 2) * pixels
    half = (9 * (2 * 4 + 4 * 4) + 4 * 4 * 2) * pixels // 4
    assert once == Work(2.0 * (full + half), 0.0)
    ops.conv(np.ones((1, 1, 4)), np.ones((1, 1, 2)))
    assert network.work("inference", forward.costs) == once
