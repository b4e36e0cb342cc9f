"""Wrong implementations are found out, and not timed."""

from dataclasses import dataclass

import numpy as np
import pytest

import minis
from benchmarks import worker
from benchmarks.cases.pointwise import BatchNorm, ReLU
from benchmarks.cases.pooling import MaxPooling
from benchmarks.comparison import compare
from benchmarks.validation import Wrong, errors

from .in_process import InProcess


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Compare the NumPy text with PyTorch on a case."""

    def run(case, pass_, sides=("numpy", "torch")):
        monkeypatch.setattr(worker, "find_task", lambda key: case)
        with minis.use("numpy"):
            sides = [InProcess(name) for name in sides]
            return compare(case, pass_, InProcess("numpy"), sides, 2, tmp_path, pause=0)

    return run


class HalvedReLU(ReLU):
    """PyTorch's side is wrong."""

    def torch(self, torch, t):
        """Half of it."""
        return (torch.relu(t["x"]) / 2,)


@dataclass(frozen=True)
class BiasedBatchNorm(BatchNorm):
    """Our running variance is the biased one."""

    def shown(self, forward):
        """Undo Bessel's correction."""
        y, mean, var = super().shown(forward)
        m = y.size // y.shape[1]
        if y.dtype == np.float32:
            var = var * np.float32((m - 1) / m)
        return y, mean, var


class ShiftedIndices(MaxPooling):
    """PyTorch's indices are off by one."""

    def torch(self, torch, t):
        """Add one."""
        y, indices = super().torch(torch, t)
        return y, indices + 1


@pytest.mark.parametrize("pass_", ["forward", "backward"])
def test_right_ones_are_timed(run, pass_):
    """Every side has a turn for each pair, and an error."""
    row = run(ReLU("relu", "ReLU", x=(2, 3, 8, 8)), pass_)
    for side in row.sides.values():
        assert not side.problem
        assert len(side.turns) == 2
        assert side.error <= 1e-6
    assert row.work.flops == 2 * 3 * 8 * 8


@pytest.mark.parametrize("pass_", ["forward", "backward"])
def test_wrong_values_are_not_timed(run, pass_):
    """The other side still is."""
    row = run(HalvedReLU("relu", "ReLU", x=(2, 3, 8, 8)), pass_)
    assert row.sides["torch"].problem.startswith("wrong: the error of ")
    assert row.sides["torch"].turns == []
    assert len(row.sides["numpy"].turns) == 2


def test_wrong_side_results_count(run):
    """Not only y is compared."""
    row = run(BiasedBatchNorm("batch-norm", "batch norm", x=(1, 2, 4, 4)), "forward")
    assert "new_running_var" in row.sides["numpy"].problem
    assert not row.sides["torch"].problem


def test_wrong_integers_are_not_timed(run):
    """Indices must be equal."""
    row = run(ShiftedIndices("max-pool", "max pool", x=(1, 2, 4, 4)), "forward")
    assert row.sides["torch"].problem == "indices differs in 8 places"


def test_what_can_not_run_is_told(run):
    """An exception in a side's process is a row's problem, not the end of the run."""
    row = run(ReLU("relu", "ReLU", x=(2, 3, 8, 8)), "forward", ("numpy", "openvino"))
    assert "operations are not compared with openvino" in row.sides["openvino"].problem
    assert len(row.sides["numpy"].turns) == 2


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (np.zeros((2, 1), np.float32), r"y has shape \(2, 1\), expected \(2,\)"),
        (np.zeros(2), "y is float64, expected float32"),
        (np.array([np.nan, 0], np.float32), "y is not finite"),
    ],
)
def test_what_can_not_be_compared(result, text):
    """Shape, precision, NaN."""
    with pytest.raises(Wrong, match=text):
        errors({"y": result}, {"y": np.array([1.0, 2.0])})
    with pytest.raises(Wrong, match="returned z; expected y"):
        errors({"z": result}, {"y": np.array([1.0, 2.0])})


def test_errors_by_norm():
    """One entry that jumps counts little; a layer that is wrong counts in full."""
    rng = np.random.default_rng(0)
    reference = {"a": rng.standard_normal(10_000), "b": 5e-2 * rng.standard_normal(10_000)}
    jumped = {k: v.astype(np.float32) for k, v in reference.items()}
    jumped["a"][0] += 0.5
    found = errors(jumped, reference, by_norm=True)
    assert found["a"] == pytest.approx(0.5 / 100, rel=0.1)
    assert errors(jumped, reference)["a"] > 0.1
    jumped["b"] *= 2
    assert errors(jumped, reference, by_norm=True)["b"] == pytest.approx(1.0)
