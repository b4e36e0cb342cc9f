"""Operations and bytes: against counts by hand, and against what the operations return."""

import numpy as np
import pytest

from benchmarks.cases import CASES
from benchmarks.cases.pooling import MaxPooling
from benchmarks.cases.work import conv_flops, conv_transpose_flops
from benchmarks.networks.counting import Counter
from benchmarks.task import SEED
from minis import ops
from minis.models import UNet

SMALL = [c for c in CASES if c.forward_work().flops < 1e9]


def test_convolution_by_hand():
    """A multiplication and an addition for every tap of every output."""
    taps = 0
    for _ in np.ndindex(1, 6, 5, 4):  # (N, O, *o)
        taps += 2 * 3 * 3  # C/groups · k
    assert conv_flops((1, 6, 5, 4), (6, 2, 3, 3)) == 2 * taps


def test_transposed_convolution_is_counted_like_its_adjoint():
    """Both join the same pairs of cells, once."""
    small, large, w = (1, 4, 5, 5), (1, 6, 10, 10), (4, 6, 2, 2)
    assert conv_transpose_flops(small, w) == conv_flops(small, w)
    assert ops.conv_transpose(np.ones(small), np.ones(w), stride=2).shape == large


def test_max_pooling_by_hand():
    """Three comparisons a window; 16 values read, 4 values and 4 indices of 8 bytes written."""
    work = MaxPooling("", "", x=(1, 1, 4, 4)).forward_work()
    assert work == (12, 4 * (16 + 4) + 8 * 4)


@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.key)
def test_bytes_are_those_of_the_arrays(case):
    """What forward reads and shows, in float32; an operation can't move less."""
    if case.key == "nms":
        assert case.forward_work().bytes == 0
        return
    a = case.draw(np.random.default_rng(SEED))
    results = case.minis(ops, a)
    read = [v for k, v in a.items() if k not in ("running_mean", "running_var", "gamma", "beta")]
    written = [r for r in results if np.ndim(r) > 1]
    moved = sum(v.nbytes for v in read + written)
    assert case.forward_work().bytes == pytest.approx(moved, rel=0.01)
    assert case.forward_work().flops >= 0


def test_networks_are_counted():
    """Each convolution once forward, twice backward, and nobody looks on afterwards."""
    model = UNet(1, 2, width=2, levels=2)
    forward, both = Counter(), Counter()
    x = np.ones((1, 1, 8, 8), np.float32)
    with forward.looking_on():
        model(x)
    with both.looking_on():
        model.backward(model(x))
    # twice, and what each layer adds up for its bias: as many numbers as come out of it
    sums = (2 + 2 + 2 + 2 + 2 + 2) * 64 + (4 + 4) * 16
    assert both.flops == 3 * forward.flops + sums
    pixels = 64
    full = (9 * (1 * 2 + 2 * 2) + 9 * (4 * 2 + 2 * 2) + 2 * 2) * pixels
    half = (9 * (2 * 4 + 4 * 4) + 4 * 4 * 2) * pixels // 4
    assert forward.flops == 2 * (full + half)
    ops.conv(np.ones((1, 1, 4)), np.ones((1, 1, 2)))
    assert forward.flops == 2 * (full + half)
