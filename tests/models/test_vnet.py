"""V-Net is PyTorch's V-Net: output and every gradient; its counts, its sizes, its errors."""

import numpy as np
import pytest
import torch

import minis
from minis.models.vnet import VNet

from ..reference.vnet import TorchVNet
from .scaled_error import scaled_error


def pair(in_channels, num_classes, **options):
    """Both networks in float64 with the same weights, their PReLU slopes no longer all alike."""
    torch.manual_seed(0)
    oracle = TorchVNet(in_channels, num_classes, **options).double()
    for module in oracle.modules():
        if isinstance(module, torch.nn.PReLU):
            torch.nn.init.uniform_(module.weight, -0.5, 0.9)
    model = VNet(in_channels, num_classes, **options).astype(np.float64)
    return oracle, model.load_state_dict({k: v.numpy() for k, v in oracle.state_dict().items()})


@pytest.mark.parametrize(
    ("channels", "options", "size"),
    [
        ((1, 2), {"schedule": "code", "levels": 3}, (8, 12, 4)),
        ((1, 2), {"schedule": "figure", "levels": 3}, (4, 8, 12)),
        ((1, 3), {"schedule": "code", "levels": 5, "width": 1}, (16, 16, 32)),
        ((1, 3), {"schedule": "figure", "levels": 5, "width": 1}, (32, 16, 16)),
        ((2, 2), {"levels": 2, "width": 4, "activation": "elu"}, (6, 4, 8)),  # two replicas of two
        ((2, 4), {"levels": 2, "batch_norm": True}, (6, 8, 4)),
        ((2, 3), {"levels": 3, "batch_norm": True, "activation": "elu"}, (8, 8, 4)),
        ((1, 2), {"schedule": "figure", "levels": 3, "batch_norm": True}, (4, 8, 8)),
        ((1, 2), {"levels": 1}, (5, 3, 7)),  # no way down or up
        ((1, 3), {"levels": 3, "kernel_size": 3, "any_size": True}, (5, 13, 1)),
        ((1, 3), {"levels": 2, "kernel_size": 3, "any_size": True, "batch_norm": True}, (7, 5, 6)),
    ],
    ids=str,
)
def test_equal_to_pytorch(channels, options, size, backend):
    """Output, input gradient, every parameter's gradient and the running statistics."""
    oracle, model = pair(*channels, **{"width": 2, **options})
    rng = np.random.default_rng(1)
    x = rng.standard_normal((2, channels[0], *size))

    tx = torch.from_numpy(x.copy()).requires_grad_(True)
    expected = oracle(tx)
    with minis.use(backend):
        y = model(x)
        assert y.shape == (2, channels[1], *size)
        assert scaled_error(y, expected.detach().numpy()) <= 1e-11
        dy = rng.standard_normal(y.shape)
        dx = model.backward(dy)
    expected.backward(torch.from_numpy(dy))
    assert scaled_error(dx, tx.grad.numpy()) <= 1e-8
    grads = {name: p.grad.numpy() for name, p in oracle.named_parameters()}
    for name, parameter in model.named_parameters():
        assert np.abs(grads[name]).max() > 0, name
        assert scaled_error(parameter.grad, grads.pop(name)) <= 1e-8, name
    assert not grads
    buffers = oracle.state_dict()
    for name, value in model.state_dict().items():
        assert scaled_error(value, buffers[name].numpy()) <= 1e-11, name


def test_equal_to_pytorch_in_evaluation():
    """With running statistics in place of the batch's."""
    oracle, model = pair(1, 2, width=2, levels=3, batch_norm=True)
    oracle(torch.randn(2, 1, 8, 8, 8, dtype=torch.float64))
    oracle.eval()
    model.load_state_dict({k: v.numpy() for k, v in oracle.state_dict().items()}).eval()
    x = np.random.default_rng(1).standard_normal((1, 1, 8, 4, 8))
    with torch.no_grad():
        expected = oracle(torch.from_numpy(x)).numpy()
    assert scaled_error(model(x), expected) <= 1e-11


@pytest.mark.parametrize("schedule", ["code", "figure"])
def test_published_network_at_its_width(schedule):
    """All 62 or 65 million parameters: PyTorch's output in float64, on a small volume."""
    torch.manual_seed(0)
    oracle = TorchVNet(1, 2, schedule=schedule).eval()
    weights = {k: v.numpy() for k, v in oracle.state_dict().items()}
    model = VNet.paper(schedule=schedule).load_state_dict(weights).astype(np.float64).eval()
    x = np.random.default_rng(1).standard_normal((1, 1, 16, 16, 32))
    with torch.no_grad():
        expected = oracle.double()(torch.from_numpy(x)).numpy()
    y = model(x)
    assert y.shape == expected.shape == (1, 2, 16, 16, 32)
    assert scaled_error(y, expected) <= 1e-8


def test_published_counts():
    """What the paper's figure and the authors' network definition come to."""
    assert count(VNet.paper()) == 61_982_682
    assert count(VNet.paper(schedule="code")) == 61_982_682
    assert count(VNet.paper(schedule="figure")) == 65_183_258


def test_schedules():
    """Convolutions in each stage, downwards and upwards; fewer levels leave out the deepest."""

    def convs(stages):
        return [
            sum(
                name.endswith("weight") and value.data.ndim == 5
                for name, value in stage.named_parameters()
            )
            for stage in stages
        ]

    code, figure = (VNet(width=1, schedule=schedule) for schedule in ("code", "figure"))
    assert (convs(code.down), convs(code.up)) == ([1, 1, 2, 3, 3], [3, 2, 1, 1])
    assert (convs(figure.down), convs(figure.up)) == ([1, 2, 3, 3, 3], [3, 3, 2, 1])
    cut = VNet(width=1, schedule="figure", levels=3)
    assert (convs(cut.down), convs(cut.up)) == ([1, 2, 3], [2, 1])


def test_volume_is_repeated_on_the_channel_axis():
    """With filters of zero the first stage is PReLU of the volume, in every channel."""
    stage = VNet(in_channels=2, width=4, levels=1).down[0]
    for parameter in stage.layers.parameters():
        parameter.data[...] = 0
    x = np.random.default_rng(0).standard_normal((3, 2, 2, 3, 4)).astype(np.float32)
    y = stage(x)
    assert np.array_equal(y, np.where(x > 0, x, x / 4)[:, [0, 1, 0, 1]])


@pytest.mark.parametrize("size", [(1, 1, 1), (1, 9, 2), (2, 3, 5), (7, 8, 17), (16, 16, 16)])
@pytest.mark.parametrize("batch", [1, 2])
def test_any_size_gives_its_own(size, batch):
    """Single voxels, odd sides; the gradient has the volume's shape."""
    model = VNet.mini(in_channels=1, num_classes=3)
    x = np.random.default_rng(0).random((batch, 1, *size), dtype=np.float32)
    y = model(x)
    assert y.shape == (batch, 3, *size)
    assert y.dtype == np.float32
    assert model.backward(y).shape == x.shape
    assert model.eval()(x).shape == y.shape


def test_gradient_of_tiny_and_odd_volumes():
    """The directional derivative of a sum, by finite differences, where sides are padded."""
    rng = np.random.default_rng(2)
    model = VNet.mini(2, 2).astype(np.float64)
    for size in [(1, 1, 1), (3, 2, 5), (9, 5, 6)]:
        x, v = rng.standard_normal((2, 1, 2, *size))
        dy = rng.standard_normal((1, 2, *size))
        model(x)
        dx = model.backward(dy)
        h = 1e-6
        change = (model(x + h * v) - model(x - h * v)) / (2 * h)
        model.zero_grad()
        assert float((dx * v).sum()) == pytest.approx(float((dy * change).sum()), rel=1e-5)


def test_mini_takes_any_number_of_channels():
    """Its width is the next multiple."""
    for channels, width in [(1, 8), (3, 9), (4, 8), (10, 10)]:
        model = VNet.mini(channels, 2)
        assert model(np.zeros((1, channels, 4, 4, 4), np.float32)).shape == (1, 2, 4, 4, 4)
        assert model.down[0].layers[0].weight.data.shape[0] == width


def test_sizes_that_do_not_fit_are_named():
    """The paper's network halves four times; the error says which sizes are near."""
    model = VNet(width=1)
    with pytest.raises(ValueError, match=r"side of 20 is no multiple of 16.*nearest: 16 and 32"):
        model(np.zeros((1, 1, 16, 16, 20), np.float32))
    with pytest.raises(ValueError, match=r"side of 5 is no multiple of 16.*nearest: 16$"):
        model(np.zeros((1, 1, 5, 16, 16), np.float32))


def test_wrong_inputs():
    """Rank, channels, dtype and empty sides."""
    model = VNet.mini()
    with pytest.raises(
        ValueError, match=r"VNet: x must have shape \(N, C, D, H, W\), got \(1, 1, 8, 8\)"
    ):
        model(np.zeros((1, 1, 8, 8), np.float32))
    with pytest.raises(ValueError, match="VNet: x must have 1 channels, got 3"):
        model(np.zeros((1, 3, 8, 8, 8), np.float32))
    with pytest.raises(TypeError, match=r"conv: x must be float32 or float64, got uint8"):
        model(np.zeros((1, 1, 8, 8, 8), np.uint8))
    with pytest.raises(ValueError, match="VNet: x has an empty side"):
        model(np.zeros((1, 1, 8, 0, 8), np.float32))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"in_channels": 0}, "must be positive, got 0, 2, 16"),
        ({"in_channels": 3}, "width=16 is no multiple of in_channels=3"),
        ({"schedule": "paper"}, "schedule='paper', expected 'code' or 'figure'"),
        ({"levels": 6}, "levels=6, expected 1…5"),
        ({"levels": 0}, "levels=0, expected 1…5"),
        ({"activation": "relu"}, "activation='relu', expected 'prelu' or 'elu'"),
        ({"kernel_size": 4}, "kernel_size=4, expected an odd number"),
    ],
)
def test_wrong_options(options, message):
    """Each names itself, what came and what was expected."""
    with pytest.raises(ValueError, match=f"VNet: .*{message}"):
        VNet(**options)


def test_same_seed_same_network():
    """Weights come from the generator; slopes and biases start alike."""
    first, again, other = (
        VNet(width=2, levels=2, rng=np.random.default_rng(seed)).state_dict() for seed in (3, 3, 4)
    )
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["head.0.weight"], other["head.0.weight"])
    assert np.all(first["down.0.act.weight"] == 0.25)
    assert np.all(first["down.0.layers.0.bias"] == 0)


def count(model):
    """Count what is learned."""
    return sum(parameter.data.size for parameter in model.parameters())
