"""ResNet is PyTorch's ResNet: its maps, every gradient, and torchvision's weights."""

import numpy as np
import pytest
import torch

import minis
from minis.models.mask_rcnn.resnet import ResNet

from ...reference.resnet_fpn import TorchResNet
from ..scaled_error import scaled_error


def pair(depth, norm, width=4, in_channels=2, **options):
    """Our network and PyTorch's, with the same weights, in float64."""
    torch.manual_seed(0)
    oracle = TorchResNet(depth, in_channels, width, norm, **options).double()
    model = ResNet(depth, in_channels=in_channels, width=width, norm=norm, **options)
    model.astype(np.float64)
    return model.load_state_dict(oracle.state_dict()), oracle


@pytest.mark.parametrize(
    ("depth", "norm", "size"),
    [
        (18, "batch", (64, 48)),
        (18, "group", (37, 51)),  # odd on every level
        (34, "frozen", (33, 40)),
        (50, "frozen", (64, 48)),
        (50, "batch", (37, 70)),
        (50, "group", (45, 33)),
        (101, "frozen", (32, 21)),
        (18, "group", (1, 9)),
    ],
)
def test_equal_to_pytorch(depth, norm, size, backend):
    """Four maps, input gradient, every parameter's gradient and every buffer in float64."""
    model, oracle = pair(depth, norm)
    rng = np.random.default_rng(1)
    x = rng.standard_normal((2, 2, *size))
    tx = torch.from_numpy(x.copy()).requires_grad_(True)
    expected = oracle(tx)
    with minis.use(backend):
        maps = model(x)
        for level, (y, e, channels) in enumerate(
            zip(maps, expected, model.channels, strict=True), start=2
        ):
            assert y.shape == (2, channels, *(-(-s // 2**level) for s in size))
            assert scaled_error(y, e.detach().numpy()) <= 1e-8
        upstream = [rng.standard_normal(y.shape) for y in maps]
        dx = model.backward(upstream)
    torch.autograd.backward(expected, [torch.from_numpy(dy) for dy in upstream])
    assert scaled_error(dx, tx.grad.numpy()) <= 1e-8
    grads = {name: p.grad.numpy() for name, p in oracle.named_parameters()}
    for name, parameter in model.named_parameters():
        assert scaled_error(parameter.grad, grads.pop(name)) <= 1e-8, name
    assert not grads
    buffers = oracle.state_dict()
    for name, value in model.state_dict().items():
        assert scaled_error(value, buffers[name].numpy()) <= 1e-10, name


def test_eps_of_the_published_detectors():
    """It reaches every norm, those of the shortcuts too."""
    model, oracle = pair(50, "frozen", eps=0.0)
    x = np.random.default_rng(1).standard_normal((1, 2, 32, 32))
    with torch.no_grad():
        expected = oracle(torch.from_numpy(x))
    for y, e in zip(model.eval()(x), expected, strict=True):
        assert scaled_error(y, e.numpy()) <= 1e-12
    assert {m.eps for _, m in model.modules() if hasattr(m, "eps")} == {0.0}


def test_parameter_counts():
    """ResNet-50 without its classifier: 23,454,912 filters' weights, the frozen norms not counted.

    With norms that learn there are 25,557,032 in torchvision's, less 2,049,000 of the classifier.
    """

    def count(depth, norm):
        return sum(p.data.size for p in ResNet(depth, norm=norm).parameters())

    assert count(50, "frozen") == 23_454_912
    assert count(50, "batch") == count(50, "group") == 25_557_032 - 2_049_000
    assert count(18, "batch") == 11_689_512 - 513_000
    assert count(34, "batch") == 21_797_672 - 513_000
    assert count(101, "batch") == 44_549_160 - 2_049_000


def test_weights_that_imagenet_taught():
    """torchvision's state dict loads, its classifier and counters dropped, into either norm."""
    torch.manual_seed(0)
    theirs = TorchResNet(50, 3, 4, "batch", classes=10).double().eval()
    x = np.random.default_rng(1).standard_normal((1, 3, 40, 33))
    theirs.train()(torch.from_numpy(x))  # so that the statistics are not the initial ones
    with torch.no_grad():
        expected = theirs.eval()(torch.from_numpy(x))
    for norm in ("frozen", "batch"):
        model = ResNet(50, width=4, norm=norm).astype(np.float64)
        assert model.load_pretrained(theirs.state_dict()) is model
        for y, e in zip(model.eval()(x), expected, strict=True):
            assert scaled_error(y, e.numpy()) <= 1e-12


def test_weights_that_do_not_fit():
    """Of another depth, or with names and shapes that differ: nothing is loaded."""
    state = TorchResNet(34, 3, 4, "batch", classes=10).state_dict()
    model = ResNet(18, width=4)
    before = {name: a.copy() for name, a in model.state_dict().items()}
    with pytest.raises(ValueError, match=r"weights of depth 34, and this network's is 18"):
        model.load_pretrained(state)
    state = TorchResNet(18, 3, 4, "batch", classes=10).state_dict()
    del state["layer3.0.bn2.running_var"]
    state["conv1.weight"] = torch.zeros(4, 1, 7, 7)
    state["extra"] = torch.zeros(1)
    with pytest.raises(ValueError, match="3 of the names don't fit") as error:
        model.load_pretrained(state)
    assert str(error.value).splitlines()[1:] == [
        "  missing layer3.0.bn2.running_var",
        "  unexpected extra",
        "  conv1.weight has shape (4, 1, 7, 7), expected (4, 3, 7, 7)",
    ]
    assert all(np.array_equal(a, before[name]) for name, a in model.state_dict().items())


def test_initial_weights():
    """Of variance 2 / fan-out; the same seed gives the same."""
    model = ResNet(50, width=16, rng=np.random.default_rng(3))
    again = ResNet(50, width=16, rng=np.random.default_rng(3))
    for name, parameter in model.named_parameters():
        w = parameter.data
        fan_out = w.shape[0] * w.shape[2] * w.shape[3]
        assert w.dtype == np.float32
        assert w.std() == pytest.approx((2 / fan_out) ** 0.5, rel=0.1), name
        assert np.array_equal(w, dict(again.named_parameters())[name].data)


def test_learns_from_scratch_in_float32():
    """With group norm, maps keep a size that can be learned from, at every depth's kind."""
    x = np.random.default_rng(0).random((1, 3, 64, 64), dtype=np.float32)
    for depth in (18, 50):
        for y in ResNet(depth, width=8, norm="group")(x):
            assert y.dtype == np.float32
            assert 0.1 < y.std() < 10


def test_wrong_arguments_and_inputs():
    """Depth, norm, widths; rank and channels."""
    with pytest.raises(ValueError, match="depth must be 18, 34, 50 or 101, got 152"):
        ResNet(152)
    with pytest.raises(ValueError, match="norm must be 'frozen', 'batch' or 'group', got 'layer'"):
        ResNet(18, norm="layer")
    with pytest.raises(ValueError, match="in_channels and width must be positive, got 3, 0"):
        ResNet(18, width=0)
    model = ResNet(18, width=2)
    with pytest.raises(ValueError, match=r"ResNet: x must have shape \(N, C, H, W\)"):
        model(np.zeros((3, 8, 8), np.float32))
    with pytest.raises(ValueError, match="ResNet: x must have 3 channels, got 1"):
        model(np.zeros((1, 1, 8, 8), np.float32))
