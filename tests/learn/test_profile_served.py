"""Profiles: which backend and algorithm served a call, and whose calls are seen."""

import contextvars
import threading

import numpy as np
import pytest

import minis
import minis_kernels
from minis import nn, ops
from minis.learn import profile
from minis_kernels.numba_cpu import algorithms
from minis_kernels.numba_cpu import conv as numba_conv

RNG = np.random.default_rng(0)


def values(*shape):
    return RNG.standard_normal(shape, dtype=np.float32)


def test_only_the_current_context_is_seen():
    """Not another thread, unless it runs in a copy of the context; inner blocks see their own."""
    x = values(2)
    with profile() as outer:
        thread = threading.Thread(target=ops.relu, args=(x,))
        thread.start()
        thread.join()
        ops.elu(x)
        with profile() as inner:
            ops.sigmoid(x)
        contextvars.copy_context().run(ops.softmax, x, 0)
    ops.relu(x)
    assert [row.name for row in outer.rows] == ["elu", "softmax"]
    assert [row.name for row in inner.rows] == ["sigmoid"]


def test_two_threads_profile_at_once():
    """Each its own calls of a network that both use."""
    model, found = nn.Sequential(nn.ReLU(), nn.Sigmoid()).eval(), {}

    def work(count):
        with profile() as report:
            for _ in range(count):
                model(values(2, 2))
        found[count] = report

    threads = [threading.Thread(target=work, args=(count,)) for count in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for count, report in found.items():
        assert [row.forward.calls for row in report.rows] == [count, count]


def test_the_kernel_that_served_is_named(monkeypatch):
    """With its algorithm where its module tells; one that declines has not served."""

    def kernel(x, *, shift=0):
        return NotImplemented if x.ndim == 1 else x.copy()

    kernel.__module__ = "minis_kernels.numba_cpu.stand_in"
    monkeypatch.setattr(minis_kernels, "find", lambda backend, name: kernel)
    monkeypatch.setattr(minis.backend, "unavailable", lambda name: None)

    def served(x):
        with minis.use("numba"), profile() as report:
            ops.relu(x)
        return report.rows[0].forward.served

    assert served(values(2)) == ["numpy text"]
    assert served(values(2, 2)) == ["numba"]
    monkeypatch.setattr(algorithms, "algorithm_of", lambda name, x: f"{name} of {x.ndim} axes")
    assert served(values(2, 2)) == ["numba relu of 2 axes"]
    kernel.__module__ = "minis_kernels.cupy_cuda.stand_in"  # of a package that can't tell
    assert served(values(2, 2)) == ["cupy"]
    kernel.__module__ = "my_kernels"
    assert served(values(2, 2)) == ["my_kernels"]


@pytest.mark.parametrize(
    ("operation", "filters", "options", "forward", "backward"),
    [
        ("conv", (12, 16, 3, 3), {"padding": 1}, "winograd", "dx winograd"),
        ("conv", (2, 16, 3, 3), {"padding": 1}, "direct", "dx direct"),
        ("conv", (4, 16, 3, 3), {}, "winograd", "dx direct"),
        ("conv", (16, 16, 3, 3), {"stride": 2}, "direct", "dx direct"),
        ("conv", (16, 4, 3, 3), {"groups": 4}, "direct", "dx direct"),
        ("conv_transpose", (16, 12, 3, 3), {"padding": 1}, "winograd", "dx winograd"),
        ("conv_transpose", (16, 4, 3, 3), {"padding": 1}, "winograd", "dx direct"),
        ("conv_transpose", (16, 16, 2, 2), {"stride": (2, 2)}, "direct", "dx direct"),
    ],
)
def test_the_algorithm_that_is_named_is_the_one_that_runs(
    operation, filters, options, forward, backward, monkeypatch
):
    """For convolutions, whose kernels choose among several."""
    taken = []
    choose = numba_conv.algorithm

    def watched(*shape):
        taken.append(choose(*shape))
        return taken[-1]

    monkeypatch.setattr(numba_conv, "algorithm", watched)
    x, w = values(1, 16, 12, 12), values(*filters)
    with minis.use("numba"), profile() as report:
        y = getattr(ops, operation)(x, w, **options)
        getattr(ops, f"{operation}_backward")(y, x, w, **options)
    (row,) = report.rows
    assert row.forward.served == [f"numba {forward}"]
    assert row.backward.served == [f"numba {backward}"]
    assert taken == [forward, backward.removeprefix("dx ")]
