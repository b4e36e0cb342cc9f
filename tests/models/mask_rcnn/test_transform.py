"""The transform is torchvision's: its rules in PyTorch, and their inverse."""

import numpy as np
import pytest
import torch

import minis
from minis import ops
from minis.models.mask_rcnn.targets import resize_target
from minis.models.mask_rcnn.transform import MEAN, STD, Transform

from ..scaled_error import scaled_error

SIZES = [(480, 640), (427, 640), (640, 426), (333, 500), (30, 1000), (3, 7), (1, 1), (801, 799)]


def torch_scale(size, low, high):
    """torchvision's scale: of Python's floats, unless the model is traced or scripted."""
    return min(low / min(size), high / max(size))


def torch_resize(x, scale, mode):
    """One array (C, H, W)."""
    return torch.nn.functional.interpolate(
        torch.from_numpy(x)[None],
        scale_factor=scale,
        mode=mode,
        recompute_scale_factor=True,
        **({} if mode == "nearest" else {"align_corners": False}),
    )[0].numpy()


def test_sizes_are_torchvisions():
    """Every short side, with several long ones: sizes are rounded down."""
    x = torch.zeros(1, 1, 1, 1)
    for low, high in ((800, 1333), (100, 130), (61, 67)):
        transform = Transform(low, high)
        for short in range(1, 700, 3):
            for long in (short, short + 1, 2 * short + 1):
                scale = torch_scale((short, long), low, high)
                expected = torch.nn.functional.interpolate(
                    x.expand(1, 1, short, 1), scale_factor=(scale, 50), recompute_scale_factor=True
                ).shape[2]
                other = int(long * scale)
                assert transform.resized((short, long)) == (expected, other)
                assert transform.resized((long, short)) == (other, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_batch_equals_pytorch(dtype, backend):
    """Images of several sizes in one batch, with masks and boxes."""
    rng = np.random.default_rng(0)
    low, high = 60, 100
    images = [rng.random((3, h // 8 + 1, w // 8 + 1)).astype(dtype) for h, w in SIZES]
    targets = []
    for n, image in enumerate(images):
        corner = rng.uniform(0, 5, (n, 2))
        boxes = np.concatenate([corner, corner + rng.uniform(0.5, 9, (n, 2))], 1).astype(dtype)
        masks = rng.integers(0, 2, (n, *image.shape[1:]), np.uint8)
        targets.append({"boxes": boxes, "masks": masks, "labels": np.arange(n), "id": n})
    kept = [image.copy() for image in images]
    with minis.use(backend):
        batch, sizes, resized = Transform(low, high)(images, targets)
    assert all(np.array_equal(a, b) for a, b in zip(images, kept, strict=True))
    assert batch.dtype == dtype
    assert batch.shape[2:] == tuple(-(-max(s) // 32) * 32 for s in zip(*sizes, strict=True))
    mean, std = (np.asarray(a, dtype)[:, None, None] for a in (MEAN, STD))
    for n, (image, size) in enumerate(zip(images, sizes, strict=True)):
        scale = torch_scale(image.shape[1:], low, high)
        # PyTorch's own positions are rounded in float32, which shows in noise: compare with float64
        exact = ((image - mean) / std).astype(np.float64)
        expected = torch_resize(exact, scale, "bilinear")
        assert expected.shape[1:] == size
        h, w = size
        tolerance = 1e-6 if dtype == np.float32 else 1e-12
        assert scaled_error(batch[n, :, :h, :w], expected) <= tolerance
        assert not batch[n, :, h:].any()
        assert not batch[n, :, :, w:].any()
        got, given = resized[n], targets[n]
        assert got["labels"] is given["labels"]
        assert got["id"] == n
        assert got["masks"].dtype == np.uint8
        assert got["boxes"].dtype == dtype
        y, x = (
            (torch.tensor(float(a)) / torch.tensor(float(b))).item()
            for a, b in zip(size, image.shape[1:], strict=True)
        )
        rtol = 1e-6 if dtype == np.float32 else 1e-14
        assert np.allclose(got["boxes"], given["boxes"] * [x, y, x, y], rtol=rtol)
        if n:
            masks = torch_resize(given["masks"].astype(np.float32), scale, "nearest")
            assert np.array_equal(got["masks"], masks)
        else:
            assert got["masks"].shape == (0, h, w)


def test_nearest_masks_are_torchs_to_the_pixel():
    """Sides whose ratio is rounded in float32 too."""
    for old in (1, 2, 3, 7, 24, 49, 161):
        ramp = np.arange(old, dtype=np.float32)
        for new in range(old, old * 60 if old < 8 else 1400, 7):
            expected = torch.nn.functional.interpolate(torch.from_numpy(ramp)[None, None], size=new)
            masks = ramp[None, :, None].astype(np.int64)
            target = {"boxes": np.array([[0, 0, 1, 1]]), "masks": masks}
            got = resize_target(target, (old, 1), (new, 1), np.float32)
            assert np.array_equal(got["masks"][0, :, 0], expected[0, 0].numpy()), (old, new)


def test_there_and_back():
    """Boxes return to the pixels they came from, and masks are pasted there."""
    rng = np.random.default_rng(0)
    transform = Transform(100, 160)
    boxes = np.array([[3.0, 4.0, 20.0, 31.0], [0.0, 0.0, 49.0, 37.0]])
    image = np.zeros((3, 37, 49))
    _, sizes, resized = transform([image], [{"boxes": boxes}])
    masks = rng.random((2, 1, 28, 28))
    detection = {"boxes": resized[0]["boxes"], "masks": masks, "scores": np.ones(2)}
    (result,) = transform.postprocess([detection], sizes, [(37, 49)])
    assert np.abs(result["boxes"] - boxes).max() <= 1e-5
    assert np.array_equal(result["masks"], ops.paste_masks(masks, result["boxes"], (37, 49)))
    assert result["scores"] is detection["scores"]
    none = {"boxes": np.zeros((0, 4)), "masks": np.zeros((0, 1, 28, 28))}
    (result,) = transform.postprocess([none], sizes, [(37, 49)])
    assert result["boxes"].shape == (0, 4)
    assert result["masks"].shape == (0, 1, 37, 49)


def test_a_thin_image_keeps_a_pixel():
    """Where torchvision's size would be 0."""
    batch, sizes, _ = Transform(10, 32)([np.ones((3, 1, 128), np.float32)])
    assert sizes == [(1, 32)]
    assert batch.shape == (1, 3, 32, 32)


def test_wrong_input():
    """What came and what was expected."""
    image = np.zeros((3, 9, 8), np.float32)
    transform = Transform()
    for images, error, text in (
        ([], ValueError, "at least one image"),
        ([image, image[0]], ValueError, r"image 1 must have shape \(3, H, W\)"),
        ([image[:1]], ValueError, r"got \(1, 9, 8\)"),
        ([image, image.astype(np.float64)], TypeError, "float64 for image 1"),
        ([image.astype(np.uint8)], TypeError, "uint8 for image 0"),
    ):
        with pytest.raises(error, match=text):
            transform(images)
    with pytest.raises(ValueError, match="min_size must be at least 1"):
        Transform(0)
    with pytest.raises(ValueError, match="std positive"):
        Transform(std=(1, 0, 1))
    with pytest.raises(ValueError, match="got 1, 0 and 1"):
        transform.postprocess([{}], [], [(1, 1)])
