"""FCN's crops are the published ones, and it takes any size it says it does."""

import numpy as np
import pytest

from minis.models import FCN


def narrow(variant="8s", backbone="vgg16", **options):
    """The published network with as few channels as it can have."""
    width = 6 if backbone == "alexnet" else 1
    return FCN(1, 1, variant=variant, backbone=backbone, width=width, fc_width=1, **options)


@pytest.mark.parametrize(
    ("variant", "backbone", "skips", "image"),
    [
        ("32s", "vgg16", [], 19),
        ("16s", "vgg16", [5], 27),
        ("8s", "vgg16", [5, 9], 31),
        ("8s-at-once", "vgg16", [5, 9], 31),
        ("32s", "alexnet", [], 18),
        ("32s", "alexnet-torchvision", [], 18),
    ],
)
def test_published_crops(variant, backbone, skips, image):
    """What follows from the geometry is what the published networks crop at."""
    model = narrow(variant, backbone)
    assert model.offsets == skips
    assert model.offset == image


@pytest.mark.parametrize(
    ("variant", "backbone"),
    [("32s", "vgg16"), ("16s", "vgg16"), ("8s", "vgg16"), ("32s", "alexnet")],
)
def test_the_paper_takes_any_size(variant, backbone):
    """The border of 100 makes room for fc6 even on a single pixel."""
    model = narrow(variant, backbone)
    for height, width in zip(range(1, 65), range(64, 0, -1), strict=True):
        x = np.zeros((1, 1, height, width), np.float32)
        y = model(x)
        assert y.shape == x.shape
        assert model.backward(y).shape == x.shape
    for side in range(1, 1500):
        model._check(np.empty((0, 1, side, 1)))


def test_sizes_that_do_not_fit_are_named():
    """Pools that round down lose some pixels at the end; the error says which sizes are near."""
    model = narrow("32s", "alexnet-torchvision")
    with pytest.raises(ValueError, match=r"FCN: an image's side of 20 doesn't fit; nearest: 27$"):
        model(np.zeros((1, 1, 20, 27), np.float32))
    with pytest.raises(ValueError, match=r"side of 50 doesn't fit; nearest: 45 and 59$"):
        model(np.zeros((1, 1, 45, 50), np.float32))
    fitting = []
    for side in range(1, 100):
        try:
            y = model(np.zeros((1, 1, side, side), np.float32))
        except ValueError:
            continue
        assert y.shape == (1, 1, side, side)
        fitting.append(side)
    assert fitting == [*range(27, 46), *range(59, 78), *range(91, 100)]


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 3), (7, 8), (16, 16), (33, 65), (96, 128)])
def test_mini_takes_any_size(size):
    """Odd sides, single pixels, and the gradient has the image's shape."""
    model = FCN.mini(in_channels=3, num_classes=4)
    x = np.random.default_rng(0).random((2, 3, *size), dtype=np.float32)
    y = model(x)
    assert y.shape == (2, 4, *size)
    assert y.dtype == np.float32
    assert model.backward(y).shape == x.shape


def test_wrong_inputs_and_arguments():
    """Rank, channels, dtype, names and numbers."""
    model = FCN.mini()
    with pytest.raises(ValueError, match=r"FCN: x must have shape \(N, C, H, W\), got \(1, 8, 8\)"):
        model(np.zeros((1, 8, 8), np.float32))
    with pytest.raises(ValueError, match="FCN: x must have 1 channels, got 3"):
        model(np.zeros((1, 3, 8, 8), np.float32))
    with pytest.raises(TypeError, match="conv: x must be float32 or float64, got uint8"):
        model(np.zeros((1, 1, 8, 8), np.uint8))
    with pytest.raises(ValueError, match=r"FCN: variant must be one of 32s, .*, got '4s'"):
        FCN(variant="4s")
    with pytest.raises(ValueError, match=r"FCN: backbone must be one of vgg16, .*, got 'vgg'"):
        FCN(backbone="vgg")
    for backbone in ("alexnet", "alexnet-torchvision"):
        with pytest.raises(ValueError, match=rf"'{backbone}' only variant='32s' is published, got"):
            FCN.paper(backbone=backbone)
    with pytest.raises(ValueError, match="batch_norm is for backbone 'vgg16', got 'alexnet'"):
        narrow("32s", "alexnet", batch_norm=True)
    with pytest.raises(ValueError, match="must be positive"):
        FCN(0, 2)
    with pytest.raises(ValueError, match="fc6_padding and padding can't be negative, got 0, -1"):
        narrow(padding=-1)
    with pytest.raises(ValueError, match="alexnet: width must be a multiple of 6, got 64"):
        FCN(1, 2, variant="32s", backbone="alexnet", width=64, fc_width=1)
    with pytest.raises(ValueError, match=r"with padding=1 .* it must be at least 69"):
        narrow(padding=1)
    assert narrow(padding=69).offset == 0
