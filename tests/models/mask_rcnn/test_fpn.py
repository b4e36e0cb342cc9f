"""The feature pyramid, alone and on its body, is PyTorch's: maps and every gradient."""

import numpy as np
import pytest
import torch

import minis
from minis.models.mask_rcnn.backbone import Backbone
from minis.models.mask_rcnn.fpn import FeaturePyramid
from minis.models.mask_rcnn.resnet import ResNet

from ...reference.resnet_fpn import TorchBackbone, TorchPyramid, TorchResNet
from ..scaled_error import scaled_error

CHANNELS = (3, 4, 6, 8)


def assert_gradients_equal(model, oracle):
    """Every parameter's, by name."""
    grads = {name: p.grad.numpy() for name, p in oracle.named_parameters()}
    for name, parameter in model.named_parameters():
        assert scaled_error(parameter.grad, grads.pop(name)) <= 1e-8, name
    assert not grads


@pytest.mark.parametrize(
    "sizes",
    [
        [(32, 24), (16, 12), (8, 6), (4, 3)],
        [(19, 13), (10, 7), (5, 4), (3, 2)],  # odd: a cell is repeated once, not twice
        [(1, 1), (1, 1), (1, 1), (1, 1)],
    ],
)
def test_pyramid_equal_to_pytorch(sizes, backend):
    """Five maps, the four maps' gradients and every parameter's in float64."""
    torch.manual_seed(0)
    oracle = TorchPyramid(CHANNELS, 5).double()
    model = FeaturePyramid(CHANNELS, 5).astype(np.float64).load_state_dict(oracle.state_dict())
    rng = np.random.default_rng(1)
    maps = [rng.standard_normal((2, c, *s)) for c, s in zip(CHANNELS, sizes, strict=True)]
    tensors = [torch.from_numpy(m.copy()).requires_grad_(True) for m in maps]
    expected = oracle(tensors)
    with minis.use(backend):
        pyramid = model(maps)
        upstream = [rng.standard_normal(p.shape) for p in pyramid]
        given = [dy.copy() for dy in upstream]
        dmaps = model.backward(upstream)
    assert len(pyramid) == len(expected) == 5
    for p, e in zip(pyramid, expected, strict=True):
        assert scaled_error(p, e.detach().numpy()) <= 1e-12
    torch.autograd.backward(expected, [torch.from_numpy(dy) for dy in given])
    for dx, t in zip(dmaps, tensors, strict=True):
        assert scaled_error(dx, t.grad.numpy()) <= 1e-8
    assert_gradients_equal(model, oracle)
    assert all(np.array_equal(a, b) for a, b in zip(upstream, given, strict=True))


@pytest.mark.parametrize(
    ("depth", "norm", "size"),
    [(50, "frozen", (64, 96)), (18, "group", (37, 51)), (18, "batch", (45, 64))],
)
def test_backbone_equal_to_pytorch(depth, norm, size, backend):
    """From the image to P6 and back."""
    torch.manual_seed(0)
    oracle = TorchBackbone(TorchResNet(depth, 3, 4, norm), 6).double()
    body = ResNet(depth, width=4, norm=norm)
    model = Backbone(body, FeaturePyramid(body.channels, 6)).astype(np.float64)
    model.load_state_dict(oracle.state_dict())
    rng = np.random.default_rng(1)
    x = rng.standard_normal((2, 3, *size))
    tx = torch.from_numpy(x.copy()).requires_grad_(True)
    expected = oracle(tx)
    with minis.use(backend):
        pyramid = model(x)
        upstream = [rng.standard_normal(p.shape) for p in pyramid]
        dx = model.backward(upstream)
    for p, e in zip(pyramid, expected, strict=True):
        assert scaled_error(p, e.detach().numpy()) <= 1e-8
    torch.autograd.backward(expected, [torch.from_numpy(dy) for dy in upstream])
    assert scaled_error(dx, tx.grad.numpy()) <= 1e-8
    assert_gradients_equal(model, oracle)


def test_published_backbone():
    """ResNet-50 and 256 channels: torchvision's names, the count, PyTorch's maps in float64."""
    torch.manual_seed(0)
    oracle = TorchBackbone(TorchResNet(50, 3, 64, "frozen"), 256).double().eval()
    body = ResNet(50)
    model = Backbone(body, FeaturePyramid(body.channels))
    assert sum(p.data.size for p in model.fpn.parameters()) == 3_344_384
    assert sum(p.data.size for p in model.parameters()) == 23_454_912 + 3_344_384
    names = set(model.state_dict())
    assert {
        "body.conv1.weight",
        "body.bn1.running_var",
        "body.layer1.0.downsample.1.running_mean",
        "body.layer4.2.conv3.weight",
        "fpn.inner_blocks.0.0.weight",
        "fpn.layer_blocks.3.0.bias",
    } <= names
    model.astype(np.float64).eval().load_state_dict(oracle.state_dict())
    x = np.random.default_rng(1).standard_normal((1, 3, 75, 64))
    with torch.no_grad():
        expected = oracle(torch.from_numpy(x))
    for p, e in zip(model(x), expected, strict=True):
        assert p.shape == e.shape
        assert scaled_error(p, e.numpy()) <= 1e-8


@pytest.mark.parametrize(
    ("layers", "trained"),
    [
        (0, set()),
        (1, {"layer4"}),
        (3, {"layer4", "layer3", "layer2"}),
        (4, {"layer4", "layer3", "layer2", "layer1"}),
        (5, {"layer4", "layer3", "layer2", "layer1", "conv1", "bn1"}),
    ],
)
def test_trainable_layers(layers, trained):
    """As torchvision chooses them; the pyramid always learns, and what is frozen still counts."""
    body = ResNet(18, width=2, norm="group")
    model = Backbone(body, FeaturePyramid(body.channels, 4), trainable_layers=layers)
    names = [name for name, _ in model.trainable()]
    assert {n.split(".")[1] for n in names if n.startswith("body.")} == trained
    everything = dict(model.named_parameters())
    assert {n for n in names if n.startswith("fpn.")} == {n for n in everything if "fpn" in n}
    assert all(parameter is everything[name] for name, parameter in model.trainable())
    assert (len(names) == len(everything)) == (layers == 5)


def test_initial_weights():
    """Uniform, of variance 1 / fan-in, biases zero; the same seed gives the same."""
    model, again = (FeaturePyramid([40, 50], 60, rng=np.random.default_rng(3)) for _ in range(2))
    for name, parameter in model.named_parameters():
        w = parameter.data
        assert np.array_equal(w, dict(again.named_parameters())[name].data)
        if w.ndim == 1:
            assert not w.any()
            continue
        fan_in = w[0].size
        assert w.std() == pytest.approx(fan_in**-0.5, rel=0.05), name
        assert np.abs(w).max() <= (3 / fan_in) ** 0.5


def test_wrong_arguments_and_inputs():
    """Numbers of channels, of maps, of layers."""
    with pytest.raises(ValueError, match=r"must be positive, got \[\] and 4"):
        FeaturePyramid([], 4)
    with pytest.raises(ValueError, match=r"must be positive, got \[3, 0\] and 4"):
        FeaturePyramid([3, 0], 4)
    model = FeaturePyramid([3, 4], 2)
    maps = [np.zeros((1, 3, 4, 4), np.float32), np.zeros((1, 4, 2, 2), np.float32)]
    with pytest.raises(ValueError, match="FeaturePyramid: x must be 2 maps, got 1"):
        model(maps[:1])
    with pytest.raises(ValueError, match=r"map 1 must have shape \(N, 4, H, W\), got \(1, 3, 4,"):
        model([maps[0], maps[0]])
    body = ResNet(18, width=2)
    with pytest.raises(ValueError, match=r"the pyramid is of \(3, 4\) channels, the body's maps"):
        Backbone(body, model)
    with pytest.raises(ValueError, match=r"trainable_layers must be in 0 … 5, got 6"):
        Backbone(body, FeaturePyramid(body.channels, 2), trainable_layers=6)
