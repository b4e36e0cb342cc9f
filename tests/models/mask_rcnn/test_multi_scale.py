"""Multi-scale RoIAlign: which level a box is read from, and gradients to each of them."""

import numpy as np
import pytest
import torch

import minis
from minis.models.mask_rcnn.multi_scale import MultiScaleRoIAlign, assign_levels, level_scale

from ...reference.roi_heads import pool as torch_pool
from ..scaled_error import scaled_error

SCALES = [1 / 4, 1 / 8, 1 / 16, 1 / 32]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_levels_change_at_powers_of_two_of_224(dtype):
    """A side of exactly 112, 224 or 448 belongs to the coarser level; beyond the ends, the ends."""
    sides = [0, 1e-3, 28, 111.9, 112, 223.9, 224, 447.9, 448, 896, 1e5]
    boxes = np.array([[7, 9, 7 + side, 9 + side] for side in sides], dtype)
    assert assign_levels(boxes, SCALES).tolist() == [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 3]
    wide = np.array([[0, 0, 448, 112], [0, 0, 448, 111]], dtype)  # the area counts
    assert assign_levels(wide, SCALES).tolist() == [2, 1]
    assert assign_levels(boxes[:0], SCALES).shape == (0,)


def test_levels_of_other_pyramids():
    """The first level's stride says which level it is."""
    boxes = np.array([[0.0, 0, s, s] for s in (20, 112, 224, 448)])
    assert assign_levels(boxes, [1 / 8, 1 / 16]).tolist() == [0, 0, 1, 1]
    assert assign_levels(boxes, [1 / 2, 1 / 4, 1 / 8]).tolist() == [0, 2, 2, 2]


def test_scale_is_a_power_of_two():
    """Also where sizes were rounded."""
    for size, image, scale in [(200, 800, 1 / 4), (25, 800, 1 / 32), (13, 416, 1 / 32)]:
        assert level_scale((size, size), (image, image)) == scale
    assert level_scale((34, 34), (1065, 1065)) == 1 / 32
    assert level_scale((5, 5), (36, 36)) == 1 / 8


def test_equal_to_pytorch(backend):
    """Output and gradients with boxes on all levels, beyond borders, and without extent."""
    rng = np.random.default_rng(0)
    features = [rng.standard_normal((2, 3, 512 // s, 640 // s)) for s in (4, 8, 16, 32)]
    boxes = [
        np.array([[3.3, 5.1, 40, 60], [-20, -30, 90, 120], [0, 0, 640, 512], [9, 9, 9, 9]]),
        np.array([[100.5, 80, 330, 300], [400, 300, 700, 560], [7, 9, 250, 30], [0, 0, 112, 112]]),
    ]
    inputs = [torch.from_numpy(x).requires_grad_(True) for x in features]
    expected = torch_pool(inputs, [torch.from_numpy(b) for b in boxes], 7)
    layer = MultiScaleRoIAlign(7)
    with minis.use(backend):
        y = layer(features, boxes, (512, 640))
        dy = rng.standard_normal(y.shape)
        gradients = layer.backward(dy)
    expected.backward(torch.from_numpy(dy))
    assert scaled_error(y, expected.detach().numpy()) <= 1e-12
    for dx, tx in zip(gradients, inputs, strict=True):
        assert dx.any()
        assert scaled_error(dx, tx.grad.numpy()) <= 1e-12


def test_levels_that_no_box_reads_get_zeros():
    """One small box: only the finest level has a gradient. No box at all: none has."""
    features = [np.ones((1, 2, 64 // 2**i, 64 // 2**i), np.float32) for i in range(4)]
    layer = MultiScaleRoIAlign(2)
    y = layer(features, [np.array([[8.0, 8, 40, 40]], np.float32)], (256, 256))
    assert y.dtype == np.float32
    gradients = layer.backward(y)
    assert [bool(dx.any()) for dx in gradients] == [True, False, False, False]
    assert [dx.shape for dx in gradients] == [x.shape for x in features]
    y = layer(features, [np.zeros((0, 4), np.float32)], (256, 256))
    assert y.shape == (0, 2, 2, 2)
    assert not any(dx.any() for dx in layer.backward(y))


def test_wrong_boxes():
    """As many lists as images, and finite."""
    features = [np.ones((1, 2, 64 // 2**i, 64 // 2**i)) for i in range(4)]
    layer = MultiScaleRoIAlign(2)
    with pytest.raises(ValueError, match="one array per image, 1, got 2"):
        layer(features, [np.zeros((1, 4))] * 2, (256, 256))
    with pytest.raises(ValueError, match="boxes must be finite"):
        layer(features, [np.full((1, 4), np.nan)], (256, 256))
    with pytest.raises(ValueError, match="bins must be at least 1"):
        MultiScaleRoIAlign(0)
