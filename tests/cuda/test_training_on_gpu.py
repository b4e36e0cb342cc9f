"""A short training gives what it gives on the CPU, within what the order of sums leaves open."""

import numpy as np
import pytest

import minis
from minis.backend import IMITATED_BY
from minis.models import MaskRCNN, UNet
from minis.training import Adam, fit
from minis.training.losses import softmax_cross_entropy
from minis.training.step import sum_of_losses

from .. import fake_cupy
from ..fake_cupy.transfers import TO_CPU, TO_GPU, WAITS, Transfers
from .test_host_copies import mask_batch

STEPS = 2  # on the imagined GPU
OUTSIDE = {"module._convert"}  # to the GPU and back, before and after
PLANS = "gather.<listcomp>"
LOSS = 2e-4  # largest relative difference of a loss, in float32
WEIGHTS = 2e-2  # of the mean change of the weights: Adam divides small gradients by their size


def train(device, size=32, batch=2, steps=5):
    """Train a U-Net; returns the losses, and how far its weights moved."""
    rng = np.random.default_rng(0)
    model = UNet.mini(in_channels=3, num_classes=3, rng=rng)
    begin = [parameter.data.copy() for parameter in model.parameters()]
    model.to(device)

    def batches(rng):
        x = rng.standard_normal((batch, 3, size, size), dtype=np.float32)
        return x, (x.argmax(axis=1) + rng.integers(0, 2, (batch, size, size))) % 3

    history = _fit(model, batches, softmax_cross_entropy, model.named_parameters(), rng, steps)
    model.to("cpu")
    moved = [p.data - old for p, old in zip(model.parameters(), begin, strict=True)]
    return np.array(history.loss), moved


def _fit(model, batches, loss, parameters, rng, steps):
    optimiser = Adam(parameters, 1e-3)
    options = {"rng": rng, "steps": steps, "clip_norm": 1.0, "show_progress": False}
    return fit(model, batches, loss=loss, optimiser=optimiser, **options)


def assert_alike(got, expected):
    """Compare two trainings."""
    np.testing.assert_allclose(got[0], expected[0], rtol=LOSS)
    change = sum(abs(a).sum() for a in expected[1])
    apart = sum(abs(a - b).sum() for a, b in zip(got[1], expected[1], strict=True))
    assert apart <= WEIGHTS * change


@pytest.mark.gpu
@pytest.mark.parametrize("gpu_backend", tuple(IMITATED_BY), indirect=True)
def test_u_net_on_the_gpu(gpu_backend):
    """With the kernels of either backend, against the NumPy text on the CPU."""
    with minis.use("numpy"):
        expected = train("cpu")
    with minis.use(gpu_backend):
        assert_alike(train("cuda"), expected)


@pytest.mark.gpu
def test_mask_rcnn_on_the_gpu(gpu):
    """Its five losses together, in the first steps."""

    def losses(device):
        rng = np.random.default_rng(0)
        model = MaskRCNN.mini(3, 3, min_size=64, rng=rng).to(device)
        return _fit(model, mask_batch, sum_of_losses, model.trainable(), rng, 2).loss

    with minis.use("numpy"):
        expected = losses("cpu")
    with minis.use("cupy"):
        # which proposals are drawn hangs on their order: later steps may differ by a box
        np.testing.assert_allclose(losses("cuda")[0], expected[0], rtol=1e-3)


@pytest.fixture
def gpu():
    """Skip where there is none."""
    from minis.backend import gpu_problem

    problem = gpu_problem()
    if problem:
        pytest.skip(problem)


def test_u_net_by_cuda_kernels_on_an_imagined_gpu():
    """The launchers as on a GPU, their CUDA C++ compiled for the CPU; and what is copied."""
    with minis.use("numpy"):
        expected = train("cpu", 16, 1, STEPS)
    with fake_cupy.installed() as transfers, minis.use("cupy"):
        got = train("cuda", 16, 1, STEPS)
        seen = Transfers(t for t in transfers if t.where not in OUTSIDE)
    assert_alike(got, expected)
    batches = [i for i, t in enumerate(seen) if t.where == "device._moved"]
    assert len(batches) == 2 * STEPS  # images and labels
    # how convolutions of each size are to be run is told once, in the first step
    assert PLANS in seen.by_asker(TO_GPU)
    assert PLANS not in Transfers(seen[batches[2] :]).by_asker(TO_GPU)
    assert set(seen.by_asker(TO_GPU)) == {"device._moved", "dropout.dropout", PLANS}
    assert seen.by_asker(TO_GPU)["dropout.dropout"] == STEPS
    assert seen.by_asker(TO_CPU) == {
        "losses.softmax_cross_entropy": STEPS,
        "clipping.gradient_norm": STEPS,
        "cross_entropy.cross_entropy": STEPS,  # are the labels classes?
        "cross_entropy.cross_entropy_backward": STEPS,
    }
    assert not seen.by_asker(WAITS)
