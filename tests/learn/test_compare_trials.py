"""What a divergence comes from: PyTorch called with one thing changed, and named."""

import numpy as np
import pytest
import torch
from torch.nn import functional as f

from minis import ops
from minis.learn.comparing.norm import momentum_of, norm_explained
from minis.learn.comparing.step import Step
from minis.learn.comparing.trials import explained

RNG = np.random.default_rng(0)
X = RNG.standard_normal((2, 4, 7, 7))
W, B = RNG.standard_normal((4, 4, 3, 3)), RNG.standard_normal(4)
TX, TW, TB = map(torch.from_numpy, (X, W, B))


def step(name, *args, **options):
    """One of our steps."""
    operation = getattr(ops, name)
    result = operation(*args, **options)
    y = result[0] if isinstance(result, tuple) else result
    return Step("layer", name, args[0], y, call=(operation.reference, args, options))


CONV = step("conv", X, W, B, padding=1)
UP = step("conv_transpose", X, W, B, stride=2)
POOL, MEAN = step("max_pool", X, 2), step("avg_pool", X, 3, padding=1)
LARGER = step("interpolate", X, (14, 14), mode="linear")
FLAT = step("linear", X[0, 0, :4, :4], W[:, :, 0, 0], B)
RELU = step("relu", X)
BOX = np.array([[0, 0.7, 0.2, 5.1, 4.4]])
ROI = step("roi_align", X, BOX, 3, aligned=True, sampling_ratio=2)

CASES = {
    "no bias": (CONV, f.conv2d(TX, TW, padding=1), "theirs has no bias"),
    "transposed": (CONV, f.conv2d(TX, TW.mT, TB, padding=1), "transposed (the last two axes"),
    "mirrored": (CONV, f.conv2d(TX, TW.flip(2, 3), TB, padding=1), "mirrored"),
    "channels": (CONV, f.conv2d(TX, TW.transpose(0, 1), TB, padding=1), "and output channels"),
    "padding": (CONV, f.conv2d(TX, TW, TB), "theirs has padding=0, ours 1"),
    "stride": (CONV, f.conv2d(TX, TW, TB, padding=1, stride=2), "theirs has stride=2, ours 1"),
    "dilation": (CONV, f.conv2d(TX, TW, TB, padding=1, dilation=2), "dilation=2, ours 1"),
    "circular": (CONV, f.conv2d(f.pad(TX, [1] * 4, "circular"), TW, TB), "pads by circular"),
    "replicate": (CONV, f.conv2d(f.pad(TX, [1] * 4, "replicate"), TW, TB), "pads by replicate"),
    "up, no bias": (UP, f.conv_transpose2d(TX, TW, stride=2), "theirs has no bias"),
    "up, mirrored": (UP, f.conv_transpose2d(TX, TW.flip(2, 3), TB, stride=2), "mirrored"),
    "up, padding": (UP, f.conv_transpose2d(TX, TW, TB, stride=2, padding=1), "padding=1, ours 0"),
    "mean": (POOL, f.avg_pool2d(TX, 2), "theirs takes the mean of each window"),
    "ceil": (POOL, f.max_pool2d(TX, 2, ceil_mode=True), "ceil_mode=True, ours False"),
    "window": (POOL, f.max_pool2d(TX, 3, stride=2), "theirs has windows of 3, ours of 2"),
    "pool stride": (POOL, f.max_pool2d(TX, 2, stride=1), "theirs has stride=1, ours none"),
    "count": (
        MEAN, f.avg_pool2d(TX, 3, padding=1, count_include_pad=False), "count_include_pad=False",
    ),
    "maximum": (MEAN, f.max_pool2d(TX, 3, padding=1), "theirs takes the maximum of each window"),
    "corners": (
        LARGER,
        f.interpolate(TX, (14, 14), mode="bilinear", align_corners=True),
        "align_corners=True (positions moved by up to half a pixel)",
    ),
    "nearest": (LARGER, f.interpolate(TX, (14, 14)), "theirs has mode='nearest'"),
    "linear": (FLAT, f.linear(TX[0, 0, :4, :4], TW[:, :, 0, 0]), "theirs has no bias"),
    "matrix": (FLAT, f.linear(TX[0, 0, :4, :4], TW[:, :, 0, 0].T, TB), "their matrix is ours tra"),
    "none": (RELU, TX, "theirs has no activation here"),
    "elu": (RELU, f.elu(TX), "theirs is ELU"),
    "leaky": (RELU, f.leaky_relu(TX), "theirs is a leaky ReLU of slope 0.01"),
    "unaligned": (
        ROI,
        torch.from_numpy(ops.roi_align(X, BOX, 3, sampling_ratio=2)),
        "theirs has aligned=False, ours True",
    ),
    "samples": (
        ROI,
        torch.from_numpy(ops.roi_align(X, BOX, 3, aligned=True, sampling_ratio=1)),
        "theirs has sampling_ratio=1, ours 2",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_was_changed_is_named(case):
    """And nothing else is."""
    ours, theirs, says = CASES[case]
    (told,) = explained(ours, theirs.numpy(), 1e-9)
    assert says in told


@pytest.mark.parametrize("ours", [CONV, UP, POOL, MEAN, LARGER, FLAT, RELU, ROI])
def test_nothing_explains_what_is_unrelated(ours):
    """Nor does anything but the operation as it is explain its own result."""
    other = np.random.default_rng(9).standard_normal(ours.y.shape)
    assert explained(ours, other, 1e-9) == []
    assert explained(ours, ours.y, 1e-9) == []


GAMMA, MOVED, SPREAD = RNG.uniform(0.5, 2, (3, 4))
NORM = step("batch_norm", X, GAMMA, B, MOVED, SPREAD, training=True)
GROUPS = step("group_norm", X, GAMMA, B, 2)


def batch_norm(training=True, gamma=GAMMA, beta=B, eps=1e-5):
    """PyTorch's, on copies of the statistics."""
    tensors = (None if a is None else torch.from_numpy(a) for a in (gamma, beta))
    mean, var = torch.from_numpy(MOVED.copy()), torch.from_numpy(SPREAD.copy())
    return f.batch_norm(TX, mean, var, *tensors, training, 0.1, eps).numpy()


UNBIASED = (X - X.mean((0, 2, 3), keepdims=True)) / np.sqrt(
    X.var((0, 2, 3), keepdims=True, ddof=1) + 1e-5
) * GAMMA[:, None, None] + B[:, None, None]


@pytest.mark.parametrize(
    ("ours", "theirs", "says"),
    [
        (NORM, batch_norm(eps=1e-3), "another eps, 0.001; ours is 1e-05"),
        (NORM, batch_norm(eps=0.0325), "another eps, 0.0325; ours is 1e-05"),
        (NORM, batch_norm(training=False), "the wrong mode: theirs normalises with the running"),
        (NORM, batch_norm(gamma=None, beta=None), "neither gamma nor beta"),
        (NORM, batch_norm(gamma=None), "theirs has no gamma"),
        (NORM, batch_norm(beta=None), "theirs has no beta"),
        (NORM, UNBIASED, "theirs divides by n − 1 in the variance"),
        (
            step("batch_norm", X, GAMMA, B, MOVED, SPREAD, training=False),
            batch_norm(),
            "the batch's, as in train()",
        ),
        (
            step("batch_norm", X, GAMMA, B, MOVED, SPREAD, training=False),
            batch_norm(training=False, eps=0.02),
            "another eps, 0.02",
        ),
        (
            GROUPS,
            f.group_norm(TX, 4, torch.from_numpy(GAMMA), TB).numpy(),
            "theirs has 4 groups, ours 2",
        ),
        (
            GROUPS,
            f.group_norm(TX, 2, torch.from_numpy(GAMMA), TB, eps=1e-3).numpy(),
            "another eps, 0.001",
        ),
    ],
)
def test_norms(ours, theirs, says):
    """The one thing that is otherwise; unrelated values have no explanation."""
    (told,) = norm_explained(ours, theirs, 1e-9)
    assert says in told
    assert norm_explained(ours, np.random.default_rng(1).standard_normal(X.shape), 1e-9) == []


def test_momentum():
    """Told from where the statistics went."""
    old, batch = RNG.standard_normal((2, 5))
    after = old + 0.1 * (batch - old)
    says = {
        0.3: "another momentum: theirs is 0.3, ours 0.1",
        0.9: "theirs is 0.9, ours 0.1 (the weight of what was, not of what is new?)",
        0.0: "theirs don't move",
    }
    for momentum, told in says.items():
        theirs = old + momentum * (batch - old)
        assert told in momentum_of(old, after, theirs, 0.1, 1e-9)
    assert "ours don't" in momentum_of(old, old, after, 0.1, 1e-9)
    assert "other statistics" in momentum_of(old, after, old + batch, 0.1, 1e-9)
