"""The GPU's memory is not enough: how much was asked for is told, and what is free."""

import numpy as np
import pytest

import minis
from minis import nn
from minis.gpu_memory import GPUOutOfMemoryError, explained_memory
from minis.models import UNet
from minis.prediction import Trained
from minis.training import SGD, Adam, evaluate, fit
from minis.training.losses import softmax_cross_entropy

from ..fake_cupy import memory

FREE = r"asked for .* but 1.5 GiB of 8.0 GiB are free; "


@pytest.fixture
def small(imagined_gpu, monkeypatch):
    """A GPU that has room for arrays of 1 MB, and a U-Net on it."""
    monkeypatch.setattr(memory, "free", 3 << 29)
    model = UNet.mini(in_channels=3, num_classes=2, rng=np.random.default_rng(0)).to("cuda")
    monkeypatch.setattr(memory, "largest", 1_000_000)
    return model


def batches(size):
    def draw(rng):
        return (
            rng.random((1, 3, size, size), dtype=np.float32),
            rng.integers(0, 2, (1, size, size)),
        )

    return draw


def train(model, size, optimiser):
    return fit(
        model,
        batches(size),
        loss=softmax_cross_entropy,
        optimiser=optimiser,
        rng=np.random.default_rng(1),
        steps=1,
        show_progress=False,
    )


def test_a_step_says_what_to_do_and_leaves_nothing_behind(small):
    """Parameters, statistics and memory are as before: a smaller step then goes on."""
    adam = Adam(small.named_parameters(), 1e-3)
    before = {name: array.get() for name, array in small.state_dict().items()}
    with pytest.raises(GPUOutOfMemoryError, match=f"{FREE}a smaller batch, or smaller crops"):
        train(small, 64, adam)
    for name, array in small.state_dict().items():
        np.testing.assert_array_equal(array.get(), before[name])
    assert adam.steps == 0
    assert len(train(small, 16, adam).loss) == 1


def test_what_an_optimiser_remembers(small, monkeypatch):
    """It is made before any parameter is changed."""
    sgd = SGD(small.named_parameters(), 1.0, momentum=0.9)
    for parameter in small.parameters():
        parameter.grad = parameter.data
    before = [parameter.data.get() for parameter in small.parameters()]
    largest = max(p.data.nbytes for p in small.parameters())
    monkeypatch.setattr(memory, "largest", largest - 1)
    with pytest.raises(MemoryError):
        sgd.step()
    assert sgd.steps == 0
    for parameter, values in zip(small.parameters(), before, strict=True):
        np.testing.assert_array_equal(parameter.data._values, values)


def test_prediction_and_scores(small):
    """A large image."""
    trained = Trained(small.eval(), ("a", "b"), (0, 1), False, 3)
    image = np.zeros((3, 96, 96), np.float32)
    with pytest.raises(GPUOutOfMemoryError, match=f"{FREE}a smaller image"):
        trained.predict(image)
    sample = minis.data.Sample(image, np.zeros((96, 96), np.int64))
    with pytest.raises(GPUOutOfMemoryError, match=f"{FREE}a smaller image"):
        evaluate(small, [sample], num_classes=2)


def test_a_network_that_does_not_fit(imagined_gpu, monkeypatch):
    """It stays where it was, whole."""
    model = nn.Sequential(nn.Linear(4, 4, rng=np.random.default_rng(0)))
    large = nn.Linear(4000, 40, rng=np.random.default_rng(0))
    both = nn.Sequential(model, large)
    monkeypatch.setattr(memory, "largest", 1000)
    with pytest.raises(GPUOutOfMemoryError, match=r"asked for 625.0 KiB, but 8.0 GiB of 8.0 GiB"):
        both.to("cuda")
    assert all(isinstance(p.data, np.ndarray) for p in both.parameters())


def test_other_errors_stay_as_they_are(imagined_gpu):
    """Of the CPU's memory, and whatever else."""
    for error in (MemoryError("of the CPU"), ValueError("of another kind")):
        with pytest.raises(type(error), match=str(error)), explained_memory("nothing"):
            raise error
