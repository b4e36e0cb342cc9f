"""FCN is PyTorch's FCN: output and every gradient; at full width, the output and the counts."""

import numpy as np
import pytest
import torch

import minis
from minis.models import FCN
from minis.models.bilinear import bilinear_kernel
from minis.nn import Module

from ..reference.fcn import TorchFCN, TorchMini
from .scaled_error import scaled_error


def assert_equal(model, oracle, x, backend):
    """Output, input gradient, and every parameter's gradient and every buffer in float64."""
    model.load_state_dict({k: v.numpy() for k, v in oracle.state_dict().items()})
    tx = torch.from_numpy(x.copy()).requires_grad_(True)
    expected = oracle(tx)
    dy = np.random.default_rng(2).standard_normal(expected.shape)
    with minis.use(backend):
        y = model(x)
        dx = model.backward(dy)
    assert np.abs(y).max() > 0.1
    assert scaled_error(y, expected.detach().numpy()) <= 1e-12
    expected.backward(torch.from_numpy(dy))
    assert scaled_error(dx, tx.grad.numpy()) <= 1e-10
    learned = {k: p.grad.numpy() for k, p in oracle.named_parameters() if p.requires_grad}
    for name, parameter in model.named_parameters():
        grad = learned.pop(name)
        assert grad.any(), name
        assert scaled_error(parameter.grad, grad) <= 1e-10, name
    assert not learned
    state = oracle.state_dict()
    for name, value in model.state_dict().items():
        assert scaled_error(value, state[name].numpy()) <= 1e-12, name


@pytest.mark.parametrize(
    ("variant", "backbone", "width", "shape"),
    [
        ("32s", "vgg16", 4, (2, 2, 9, 20)),
        ("16s", "vgg16", 4, (1, 2, 60, 27)),
        ("8s", "vgg16", 4, (1, 3, 45, 70)),
        ("8s", "vgg16", 4, (1, 1, 1, 1)),
        ("8s-at-once", "vgg16", 4, (2, 2, 33, 14)),
        ("32s", "alexnet", 12, (2, 2, 31, 70)),
        ("32s", "alexnet-torchvision", 6, (2, 3, 31, 45)),
    ],
)
def test_equal_to_pytorch(variant, backbone, width, shape, backend):
    """Every variant and backbone, on images of odd sizes, with the published padding and crops."""
    torch.manual_seed(0)
    oracle = TorchFCN(shape[1], 3, variant, backbone, width, 16).double()
    options = {"variant": variant, "backbone": backbone, "width": width, "fc_width": 16}
    model = FCN(shape[1], 3, **options, dropout=0).astype(np.float64)
    x = np.random.default_rng(1).standard_normal(shape)
    assert_equal(model, oracle, x, backend)


@pytest.mark.parametrize("size", [(64, 32), (37, 51), (1, 9)])
def test_mini_equals_pytorch(size, backend):
    """The padded network with batch norm, in training and in evaluation."""
    torch.manual_seed(0)
    oracle = TorchMini(2, 3, 16, 128).double()
    model = FCN.mini(2, 3).astype(np.float64)
    x = np.random.default_rng(1).standard_normal((4, 2, *size))
    assert_equal(model, oracle, x, backend)
    with torch.no_grad():
        expected = oracle.eval()(torch.from_numpy(x)).numpy()
    assert scaled_error(model.eval()(x), expected) <= 1e-12


class Zeros(np.random.Generator):
    """A generator that takes no time to draw 134 million weights: all are 0."""

    def standard_normal(self, size=None, dtype=np.float32, out=None):
        return np.broadcast_to(np.float32(0), size)


@pytest.mark.parametrize(
    ("variant", "backbone", "learned", "fixed_too"),
    [
        ("32s", "vgg16", 134_346_581, 136_152_917),
        ("16s", "vgg16", 134_357_354, 134_815_994),
        ("8s", "vgg16", 134_362_751, 134_489_759),
        ("8s-at-once", "vgg16", 134_362_751, 134_489_759),
        ("32s", "alexnet", 56_954_261, 58_704_590),
    ],
)
def test_published_network(variant, backbone, learned, fixed_too):
    """Parameter counts, and the output of the full width in float64."""
    model = FCN.paper(variant=variant, backbone=backbone, rng=Zeros(np.random.PCG64(0)))
    assert sum(p.data.size for p in model.parameters()) == learned
    assert sum(a.size for a in model.state_dict().values()) == fixed_too
    assert [layer.p for layer in model.classifier.layers[2::3]] == [0.5, 0.5]
    if variant not in ("8s", "32s"):
        return
    torch.manual_seed(0)
    oracle = TorchFCN(3, 21, variant, backbone, 64 if backbone == "vgg16" else 96, 4096).double()
    share(oracle, model)
    x = np.random.default_rng(1).standard_normal((1, 3, 3, 2))
    with torch.no_grad():
        expected = oracle(torch.from_numpy(x)).numpy()
    y = model.eval()(x)
    assert y.shape == (1, 21, 3, 2)
    assert np.abs(y).max() > 0.1
    assert scaled_error(y, expected) <= 1e-10


def share(oracle: torch.nn.Module, model: Module) -> None:
    """Have the model read PyTorch's own arrays: copies of these would take gigabytes."""
    state = {name: tensor.numpy() for name, tensor in oracle.state_dict().items()}
    for name, parameter in model.named_parameters():
        assert parameter.data.shape == state[name].shape
        parameter.data = state[name]
    for name, module in model.modules():
        for buffer in module._buffers:
            assert np.array_equal(getattr(module, buffer), state[f"{name}.{buffer}"])
            setattr(module, buffer, state[f"{name}.{buffer}"])


@pytest.mark.parametrize("factor", [2, 8, 16, 32])
def test_bilinear_upsampling_is_interpolation(factor):
    """Away from the borders the tent gives what bilinear interpolation gives."""
    x = torch.randn(1, 1, 5, 6, dtype=torch.float64)
    w = torch.from_numpy(bilinear_kernel(2 * factor))[None, None]
    y = torch.nn.functional.conv_transpose2d(x, w, stride=factor, padding=factor // 2)
    expected = torch.nn.functional.interpolate(x, scale_factor=factor, mode="bilinear")
    inside = (..., slice(factor, -factor), slice(factor, -factor))
    assert scaled_error(y[inside].numpy(), expected[inside].numpy()) <= 1e-12
    with pytest.raises(ValueError, match="bilinear_kernel: size must be positive, got 0"):
        bilinear_kernel(0)


def test_the_tent_of_odd_size():
    """The AlexNet's: 63 for a factor of 32, with a peak of 1."""
    w = bilinear_kernel(63)
    assert w[31, 31] == 1
    assert w[0, 31] == w[31, 62] == 1 / 32


def test_dropout_follows_the_seed():
    """The same seed gives the same network and the same masks; evaluation has none."""
    x = np.random.default_rng(0).random((1, 1, 5, 5), dtype=np.float32)

    def small(seed):
        model = FCN(1, 2, variant="32s", width=1, fc_width=64, rng=np.random.default_rng(seed))
        assert not model(x).any()  # the scores begin at zero
        model.score_fr.weight.data[...] = 1
        return model

    assert np.array_equal(small(3)(x), small(3)(x))
    assert not np.array_equal(small(3)(x), small(4)(x))
    model = small(3)
    assert not np.array_equal(model(x), model(x))
    model.eval()
    assert np.array_equal(model(x), model(x))
