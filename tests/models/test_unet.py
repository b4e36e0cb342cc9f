"""U-Net is PyTorch's U-Net: output and every gradient; and it takes any size it says it does."""

import numpy as np
import pytest
import torch

import minis
from minis.models import UNet
from minis.models.sizes import pad_or_crop

from ..reference.unet import TorchUNet
from .scaled_error import scaled_error


@pytest.mark.parametrize(
    ("padded", "batch_norm", "size"),
    [
        (True, True, (32, 24)),
        (True, True, (37, 51)),  # odd sides on every level
        (True, False, (19, 30)),
        (False, False, (60, 76)),
        (False, True, (60, 60)),
    ],
)
def test_equal_to_pytorch(padded, batch_norm, size, backend):
    """Output, input gradient and every parameter's gradient in float64."""
    torch.manual_seed(0)
    options = {"width": 4, "levels": 3, "padded": padded, "batch_norm": batch_norm}
    oracle = TorchUNet(2, 3, **options).double()
    model = UNet(2, 3, **options).astype(np.float64)
    model.load_state_dict({k: v.numpy() for k, v in oracle.state_dict().items()})
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
    grads = {name: p.grad.numpy() for name, p in oracle.named_parameters()}
    for name, parameter in model.named_parameters():
        assert scaled_error(parameter.grad, grads.pop(name)) <= 1e-8, name
    assert not grads
    buffers = oracle.state_dict()  # the running statistics moved alike
    for name, value in model.state_dict().items():
        assert scaled_error(value, buffers[name].numpy()) <= 1e-12, name


def test_equal_to_pytorch_in_evaluation():
    """With running statistics in place of the batch's."""
    torch.manual_seed(0)
    options = {"width": 4, "levels": 3, "padded": True, "batch_norm": True}
    oracle = TorchUNet(1, 2, **options).double()
    oracle(torch.randn(4, 1, 32, 32, dtype=torch.float64))
    oracle.eval()
    model = UNet(1, 2, **options).astype(np.float64).eval()
    model.load_state_dict({k: v.numpy() for k, v in oracle.state_dict().items()})
    x = np.random.default_rng(1).standard_normal((1, 1, 32, 32))
    with torch.no_grad():
        expected = oracle(torch.from_numpy(x)).numpy()
    assert scaled_error(model(x), expected) <= 1e-12


def test_published_network_at_its_size():
    """The full network: parameter count, 572 → 388, and PyTorch's output in float64."""
    torch.manual_seed(0)
    model = UNet.paper(in_channels=1, num_classes=2)
    assert sum(p.data.size for p in model.parameters()) == 31_030_658
    assert sum(p.data.size for p in UNet.paper(3, 2).parameters()) == 31_031_810
    assert sum(p.data.size for p in UNet.paper(3, 21).parameters()) == 31_033_045
    oracle = TorchUNet(1, 2, 64, 5, False, False).double().eval()
    model.astype(np.float64).eval()
    model.load_state_dict({k: v.numpy() for k, v in oracle.state_dict().items()})
    x = np.random.default_rng(1).standard_normal((1, 1, 188, 204))
    with torch.no_grad():
        expected = oracle(torch.from_numpy(x)).numpy()
    y = model(x)
    assert y.shape == expected.shape == (1, 2, 4, 20)
    assert scaled_error(y, expected) <= 1e-10
    assert model.output_size(572) == 388
    assert model.drop.p == 0.5


def test_padded_variant_counts():
    """The usual variant with batch norm and without biases before it."""
    model = UNet(1, 2)
    assert sum(p.data.size for p in model.parameters()) == 31_036_546
    assert sum(p.data.size for p in UNet(3, 2).parameters()) == 31_037_698


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 3), (7, 8), (16, 16), (33, 65)])
def test_any_size_gives_its_own(size):
    """Odd sides, single pixels, and the gradient has the image's shape."""
    model = UNet.mini(in_channels=3, num_classes=4)
    x = np.random.default_rng(0).random((2, 3, *size), dtype=np.float32)
    y = model(x)
    assert y.shape == (2, 4, *size)
    assert y.dtype == np.float32
    assert model.backward(y).shape == x.shape


def test_gradient_of_tiny_and_odd_images():
    """The directional derivative of a sum, by finite differences, where sides are padded."""
    rng = np.random.default_rng(2)
    model = UNet(1, 2, width=2, levels=3, batch_norm=False).astype(np.float64)
    for size in [(3, 2), (5, 9)]:
        x, v = rng.standard_normal((2, 1, 1, *size))
        dy = rng.standard_normal((1, 2, *size))
        model(x)
        dx = model.backward(dy)
        h = 1e-6
        change = (model(x + h * v) - model(x - h * v)) / (2 * h)
        model.zero_grad()
        assert float((dx * v).sum()) == pytest.approx(float((dy * change).sum()), rel=1e-6)


def test_sizes_that_do_not_fit_are_named():
    """Without padding only some sizes work; the error says which are near."""
    model = UNet(1, 2, width=1, padded=False, batch_norm=False)
    with pytest.raises(ValueError, match=r"side of 571 doesn't fit 5 levels; nearest: 556 and 572"):
        model(np.zeros((1, 1, 571, 572), np.float32))
    with pytest.raises(ValueError, match=r"side of 20 doesn't fit 5 levels; nearest: 188"):
        model.output_size(20)
    fitting = []
    for size in range(1, 300):
        try:
            fitting.append((size, model.output_size(size)))
        except ValueError:
            continue
    assert fitting[:3] == [(188, 4), (204, 20), (220, 36)]


def test_wrong_inputs():
    """Rank, channels and dtype."""
    model = UNet.mini()
    with pytest.raises(
        ValueError, match=r"UNet: x must have shape \(N, C, H, W\), got \(1, 8, 8\)"
    ):
        model(np.zeros((1, 8, 8), np.float32))
    with pytest.raises(ValueError, match="UNet: x must have 1 channels, got 3"):
        model(np.zeros((1, 3, 8, 8), np.float32))
    with pytest.raises(TypeError, match=r"conv: x must be float32 or float64, got uint8"):
        model(np.zeros((1, 1, 8, 8), np.uint8))
    with pytest.raises(ValueError, match="must be positive"):
        UNet(levels=0)


def test_dropout_follows_the_seed():
    """The same seed gives the same network and the same masks; evaluation has none."""
    x = np.random.default_rng(0).random((1, 1, 188, 188), dtype=np.float32)

    def small(seed):
        return UNet(width=2, padded=False, dropout=0.5, rng=np.random.default_rng(seed))

    assert np.array_equal(small(3)(x), small(3)(x))
    model = small(3)
    assert not np.array_equal(model(x), model(x))
    model.eval()
    assert np.array_equal(model(x), model(x))


def test_pad_or_crop_is_its_own_adjoint():
    """⟨pad_or_crop(a), b⟩ = ⟨a, pad_or_crop(b)⟩ for padding, cropping and both at once."""
    rng = np.random.default_rng(0)
    for old, new in [((5, 8), (8, 8)), ((8, 7), (5, 2)), ((4, 9), (7, 6))]:
        a, b = rng.standard_normal((1, 2, *old)), rng.standard_normal((1, 2, *new))
        assert float((pad_or_crop(a, new) * b).sum()) == pytest.approx(
            float((a * pad_or_crop(b, old)).sum())
        )
