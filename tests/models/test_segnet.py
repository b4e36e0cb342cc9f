"""SegNet is PyTorch's SegNet: output and every gradient; the published count; any size."""

import numpy as np
import pytest
import torch

import minis
from minis.models.segnet import SegNet

from ..reference.segnet import VGG16, TorchSegNet
from .scaled_error import scaled_error


def pair(in_channels, num_classes):
    """Our small network and the oracle, with the oracle's weights, in float64."""
    torch.manual_seed(0)
    oracle = TorchSegNet(in_channels, num_classes, [[4, 4], [8], [16, 16, 16]]).double()
    model = SegNet(in_channels, num_classes, width=4, layers=(2, 1, 3)).astype(np.float64)
    return model.load_state_dict({k: v.numpy() for k, v in oracle.state_dict().items()}), oracle


@pytest.mark.parametrize("size", [(16, 24), (8, 13), (19, 30), (5, 1), (1, 2)])
def test_equal_to_pytorch(size, backend):
    """Output, input gradient, every parameter's gradient and the running statistics in float64."""
    model, oracle = pair(2, 3)
    rng = np.random.default_rng(1)
    x = rng.standard_normal((3, 2, *size))
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
    """With running statistics in place of the batch's, a single pixel among the images."""
    model, oracle = pair(1, 2)
    oracle(torch.randn(4, 1, 16, 16, dtype=torch.float64))
    oracle.eval()
    model.load_state_dict({k: v.numpy() for k, v in oracle.state_dict().items()}).eval()
    for size in [(16, 16), (11, 7), (1, 1)]:
        x = np.random.default_rng(1).standard_normal((1, 1, *size))
        with torch.no_grad():
            expected = oracle(torch.from_numpy(x)).numpy()
        assert scaled_error(model(x), expected) <= 1e-12


def test_published_network_at_its_size():
    """The full network: parameter count, and PyTorch's output in float64, an odd side included."""
    torch.manual_seed(0)
    oracle = TorchSegNet(3, 11, VGG16).double()
    model = SegNet.paper()
    learned = sum(p.data.size for p in model.parameters())
    assert learned == sum(p.numel() for p in oracle.parameters()) == 29_449_355
    assert learned == 29_441_280 + 576 * 3 + 577 * 11
    with torch.no_grad():
        oracle(torch.randn(2, 3, 32, 32, dtype=torch.float64))
    model.astype(np.float64).eval()
    model.load_state_dict({k: v.numpy() for k, v in oracle.state_dict().items()})
    x = np.random.default_rng(1).standard_normal((1, 3, 64, 90))
    with torch.no_grad():
        expected = oracle.eval()(torch.from_numpy(x)).numpy()
    y = model(x)
    assert y.shape == expected.shape == (1, 11, 64, 90)
    assert scaled_error(y, expected) <= 1e-10


def test_pools_round_up_as_in_caffe():
    """360 × 480 becomes 12 × 15: the sizes that the authors' files unpool to."""
    model = SegNet(1, 2, width=1, layers=(1,) * 5).eval()
    inputs = []
    for block in model.decoder:
        forward = block.forward
        block.forward = lambda x, f=forward: (inputs.append(x.shape[2:]), f(x))[1]
    model(np.zeros((1, 1, 360, 480), np.float32))
    assert inputs == [(23, 30), (45, 60), (90, 120), (180, 240), (360, 480)]


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 3), (7, 8), (16, 16), (33, 65)])
def test_any_size_gives_its_own(size):
    """Odd sides, single pixels, and the gradient has the image's shape."""
    model = SegNet.mini(in_channels=3, num_classes=4)
    x = np.random.default_rng(0).random((2, 3, *size), dtype=np.float32)
    y = model(x)
    assert y.shape == (2, 4, *size)
    assert y.dtype == np.float32
    assert model.backward(y).shape == x.shape


def test_several_calls_before_backward():
    """The one pooling layer remembers each call: backward takes the last one first."""
    model, _ = pair(1, 2)
    rng = np.random.default_rng(3)
    images = [rng.standard_normal((2, 1, *size)) for size in [(8, 12), (9, 5)]]
    gradients = [rng.standard_normal((2, 2, *x.shape[2:])) for x in images]

    def alone(x, dy):
        model(x)
        return model.backward(dy)

    expected = [alone(x, dy) for x, dy in zip(images, gradients, strict=True)]
    for x in images:
        model(x)
    for i in (1, 0):
        assert np.array_equal(model.backward(gradients[i]), expected[i])


def test_wrong_inputs_and_options():
    """Rank, channels, empty sides and dtype; and options out of their range."""
    model = SegNet.mini()
    with pytest.raises(ValueError, match=r"SegNet: x must have shape \(N, C, H, W\)"):
        model(np.zeros((1, 8, 8), np.float32))
    with pytest.raises(ValueError, match="SegNet: x must have 1 channels, got 3"):
        model(np.zeros((1, 3, 8, 8), np.float32))
    with pytest.raises(ValueError, match="SegNet: x has an empty side"):
        model(np.zeros((1, 1, 0, 8), np.float32))
    with pytest.raises(TypeError, match="conv: x must be float32 or float64, got uint8"):
        model(np.zeros((1, 1, 8, 8), np.uint8))
    with pytest.raises(ValueError, match="width must be positive, got 3, 11, 0"):
        SegNet(width=0)
    for layers in [(), (2, 0)]:
        with pytest.raises(ValueError, match="layers must name positive numbers"):
            SegNet(layers=layers)


def test_weights_follow_the_seed():
    """The same seed gives the same network, another seed another."""
    x = np.random.default_rng(0).random((2, 1, 16, 16), dtype=np.float32)
    logits = [SegNet.mini(rng=np.random.default_rng(seed))(x) for seed in (3, 3, 4)]
    assert np.array_equal(logits[0], logits[1])
    assert not np.array_equal(logits[0], logits[2])
