"""Tiramisu is PyTorch's FC-DenseNet: output and every gradient; published counts; any size."""

import numpy as np
import pytest
import torch
from torch.nn import functional

import minis
from minis.models.tiramisu import VARIANTS, Tiramisu

from ..reference.tiramisu import TorchTiramisu
from .scaled_error import scaled_error

SMALL = {"growth_rate": 3, "layers": (2, 1, 3, 2, 1), "first_channels": 5}


def pair(in_channels, num_classes, **options):
    """Our small network and the oracle, with the oracle's weights, in float64."""
    torch.manual_seed(0)
    oracle = TorchTiramisu(in_channels, num_classes, *SMALL.values()).double()
    model = Tiramisu(in_channels, num_classes, **SMALL, dropout=0.0, **options).astype(np.float64)
    return model.load_state_dict({k: v.numpy() for k, v in oracle.state_dict().items()}), oracle


def check_gradients(model, oracle):
    """Every parameter's gradient, and the buffers."""
    grads = {name: p.grad.numpy() for name, p in oracle.named_parameters()}
    for name, parameter in model.named_parameters():
        assert scaled_error(parameter.grad, grads.pop(name)) <= 1e-8, name
    assert not grads
    buffers = oracle.state_dict()
    for name, value in model.state_dict().items():
        assert scaled_error(value, buffers[name].numpy()) <= 1e-12, name


@pytest.mark.parametrize("size", [(16, 12), (4, 9), (13, 18), (23, 31)])
def test_equal_to_pytorch(size, backend):
    """Output, input gradient, every parameter's gradient and the running statistics in float64."""
    model, oracle = pair(2, 3)
    rng = np.random.default_rng(1)
    x = rng.standard_normal((2, 2, *size))
    tx = torch.from_numpy(x.copy()).requires_grad_(True)
    expected = oracle(tx)
    with minis.use(backend):
        y = model(x)
        assert scaled_error(y, expected.detach().numpy()) <= 1e-12
        dy = rng.standard_normal(y.shape)
        dx = model.backward(dy)
    expected.backward(torch.from_numpy(dy))
    assert scaled_error(dx, tx.grad.numpy()) <= 1e-8
    check_gradients(model, oracle)


def test_small_images_are_padded_inside():
    """With `any_size`, a 1 × 7 image gives what the oracle gives of the padded one, cropped."""
    model, oracle = pair(1, 2, any_size=True)
    rng = np.random.default_rng(1)
    x, dy = rng.standard_normal((3, 1, 1, 7)), rng.standard_normal((3, 2, 1, 7))
    tx = torch.from_numpy(x.copy()).requires_grad_(True)
    expected = oracle(functional.pad(tx, (0, 0, 1, 2)))[:, :, 1:2]  # 4 × 7, the row at 1
    assert scaled_error(model(x), expected.detach().numpy()) <= 1e-12
    dx = model.backward(dy)
    expected.backward(torch.from_numpy(dy))
    assert scaled_error(dx, tx.grad.numpy()) <= 1e-8
    check_gradients(model, oracle)


def test_evaluation_has_two_kinds_of_statistics():
    """The running ones, as PyTorch's eval(); or the batch's, as its train()."""
    model, oracle = pair(2, 3)
    oracle(torch.randn(4, 2, 16, 16, dtype=torch.float64))
    state = {k: v.numpy().copy() for k, v in oracle.state_dict().items()}
    x = np.random.default_rng(1).standard_normal((2, 2, 12, 16))
    with torch.no_grad():
        running = oracle.eval()(torch.from_numpy(x)).numpy()
        of_batch = oracle.train()(torch.from_numpy(x)).numpy()
    assert scaled_error(running, of_batch) > 1e-2
    assert scaled_error(model.load_state_dict(state).eval()(x), running) <= 1e-12
    model = pair(2, 3, batch_statistics=True)[0].load_state_dict(state).eval()
    assert scaled_error(model(x), of_batch) <= 1e-12
    assert all(np.array_equal(value, state[name]) for name, value in model.state_dict().items())
    model.train()(x)  # training moves them, so that one may choose later
    moved = oracle.state_dict()
    for name, value in model.state_dict().items():
        assert scaled_error(value, moved[name].numpy()) <= 1e-12, name


@pytest.mark.parametrize(
    ("variant", "learned", "more_classes", "with_statistics"),
    [
        (56, 1_376_795, 1_376_988, 1_397_963),
        (67, 3_463_243, 3_463_532, 3_502_923),
        (103, 9_322_091, 9_322_348, 9_425_163),
    ],
)
def test_published_counts(variant, learned, more_classes, with_statistics):
    """For 11 classes and for 12; and with the running statistics counted in, as in the paper."""
    model = Tiramisu.paper(variant=variant)
    assert sum(p.data.size for p in model.parameters()) == learned
    assert sum(a.size for a in model.state_dict().values()) == with_statistics
    model = Tiramisu.paper(3, 12, variant=variant)
    assert sum(p.data.size for p in model.parameters()) == more_classes
    # as many convolutions as its name says
    convolutions = [name for name, p in model.named_parameters() if p.data.ndim == 4]
    assert len(convolutions) == variant


def test_published_network_at_its_size():
    """The full network: PyTorch's output in float64, with running statistics that have moved."""
    torch.manual_seed(0)
    oracle = TorchTiramisu(3, 11, *VARIANTS[103], 48).double()
    with torch.no_grad():
        oracle(torch.randn(2, 3, 32, 64, dtype=torch.float64))
    model = Tiramisu.paper().astype(np.float64).eval()
    model.load_state_dict({k: v.numpy() for k, v in oracle.state_dict().items()})
    x = np.random.default_rng(1).standard_normal((1, 3, 64, 70))
    with torch.no_grad():
        expected = oracle.eval()(torch.from_numpy(x)).numpy()
    y = model(x)
    assert y.shape == expected.shape == (1, 11, 64, 70)
    assert scaled_error(y, expected) <= 1e-10
    drops = [m for _, m in model.modules() if isinstance(m, minis.nn.Dropout)]
    assert len(drops) == 103 - 1 - 5 - 1  # all but the first, those going up, and the last
    assert {drop.p for drop in drops} == {0.2}


def test_initial_weights_are_uniform():
    """He et al. 2015: within ±√(6/fan_in), and as spread as a uniform distribution is."""
    for name, p in Tiramisu.paper(variant=56).named_parameters():
        if p.data.ndim == 4:
            bound = np.sqrt(6 / p.data[0].size)
            assert np.abs(p.data).max() <= bound * (1 + 1e-6), name
            if p.data.size > 2000:
                assert p.data.std() == pytest.approx(bound / np.sqrt(3), rel=0.05), name


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 3), (7, 8), (16, 16), (33, 65)])
def test_any_size_gives_its_own(size):
    """Odd sides, single pixels, and the gradient has the image's shape."""
    model = Tiramisu.mini(in_channels=3, num_classes=4)
    x = np.random.default_rng(0).random((2, 3, *size), dtype=np.float32)
    y = model(x)
    assert y.shape == (2, 4, *size)
    assert y.dtype == np.float32
    assert model.backward(y).shape == x.shape


def test_the_published_network_takes_any_size_from_32():
    """Five poolings need 32 pixels a side; the error says so."""
    model = Tiramisu(1, 2, growth_rate=1, layers=(1,) * 11, first_channels=1)
    assert model.eval()(np.zeros((1, 1, 32, 47), np.float32)).shape == (1, 2, 32, 47)
    message = "Tiramisu: an image's side of 31 is too small for 5 poolings; nearest: 32"
    with pytest.raises(ValueError, match=message):
        model(np.zeros((1, 1, 64, 31), np.float32))


def test_wrong_inputs_and_options():
    """Rank, channels and dtype; and options out of their range."""
    model = Tiramisu.mini()
    with pytest.raises(ValueError, match=r"Tiramisu: x must have shape \(N, C, H, W\)"):
        model(np.zeros((1, 8, 8), np.float32))
    with pytest.raises(ValueError, match="Tiramisu: x must have 1 channels, got 3"):
        model(np.zeros((1, 3, 8, 8), np.float32))
    with pytest.raises(TypeError, match="conv: x must be float32 or float64, got uint8"):
        model(np.zeros((1, 1, 8, 8), np.uint8))
    with pytest.raises(ValueError, match="variant must be 56, 67 or 103, got 100"):
        Tiramisu(variant=100)
    with pytest.raises(ValueError, match="must be positive, got 3, 11, 0, 48"):
        Tiramisu(growth_rate=0)
    for layers in [(), (2,), (2, 2), (2, 2, 2, 2), (2, 0, 2)]:
        with pytest.raises(ValueError, match="odd number of blocks, at least 3"):
            Tiramisu(layers=layers)
    with pytest.raises(ValueError, match=r"dropout must be in 0 … 1, got 1.5"):
        Tiramisu(dropout=1.5)


def test_dropout_follows_the_seed():
    """The same seed gives the same network and the same masks; evaluation has none."""
    x = np.random.default_rng(0).random((2, 1, 8, 8), dtype=np.float32)

    def small(seed):
        return Tiramisu(1, 2, **SMALL, dropout=0.5, rng=np.random.default_rng(seed))

    assert np.array_equal(small(3)(x), small(3)(x))
    assert not np.array_equal(small(3)(x), small(4)(x))
    model = small(3)
    assert not np.array_equal(model(x), model(x))
    model.eval()
    assert np.array_equal(model(x), model(x))


def test_gradient_through_dropout():
    """The directional derivative, by finite differences, with the masks drawn anew alike."""
    rng = np.random.default_rng(2)
    x, v = rng.standard_normal((2, 2, 1, 8, 9))
    dy = rng.standard_normal((2, 2, 8, 9))

    def model():
        drawn = np.random.default_rng(5)
        return Tiramisu(1, 2, **SMALL, dropout=0.3, rng=drawn).astype(np.float64)

    at = model()
    at(x)
    h = 1e-6
    change = (model()(x + h * v) - model()(x - h * v)) / (2 * h)
    assert float((at.backward(dy) * v).sum()) == pytest.approx(float((dy * change).sum()), rel=1e-6)
