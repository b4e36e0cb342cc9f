"""What data sets hold: nothing, single pixels, masks and boxes of any dtype, other channels."""

import numpy as np
import pytest

import minis
from minis.models.mask_rcnn.mask_rcnn import MaskRCNN

from .scenes import scene


@pytest.fixture(autouse=True)
def on_backend(backend):
    """Every test runs on each backend."""
    with minis.use(backend):
        yield


def one_object(box, size, label=1):
    """A target of one filled box."""
    x1, y1, x2, y2 = box
    mask = np.zeros((1, *size), np.uint8)
    mask[0, y1:y2, x1:x2] = 1
    return {"boxes": np.array([box], np.float32), "labels": np.array([label]), "masks": mask}


def step(images, targets, **options):
    """The losses as floats, and the gradients, of a new network."""
    model = MaskRCNN.mini(num_classes=3, **options)
    losses = model(images, targets)
    dx = model.backward()
    gradients = {name: p.grad for name, p in model.named_parameters()}
    assert all(loss.dtype == images[0].dtype for loss in losses.values())
    assert all(np.isfinite(g).all() for g in (dx, *gradients.values()))
    return {name: float(loss) for name, loss in losses.items()}, gradients


@pytest.mark.parametrize(
    "box", [(0, 0, 1, 1), (89, 59, 90, 60), (40, 30, 41, 31), (0, 20, 90, 21), (30, 0, 31, 60)]
)
def test_objects_of_one_pixel(box):
    """In a corner, in the middle, and lines of one pixel."""
    image = np.random.default_rng(0).random((3, 60, 90), np.float32)
    losses, gradients = step([image], [one_object(box, (60, 90))])
    assert all(np.isfinite(loss) and loss > 0 for loss in losses.values()), losses
    assert gradients["roi_heads.mask_predictor.mask_fcn_logits.weight"][1].any()


@pytest.mark.parametrize("dtype", [bool, np.int64, np.float32])
def test_dtypes_of_masks(dtype):
    """They hold 0 and 1, in whatever dtype."""
    image, target = scene(np.random.default_rng(1))
    expected, _ = step([image], [target])
    got, _ = step([image], [{**target, "masks": target["masks"].astype(dtype)}])
    assert got == expected


def test_float64_boxes_and_small_labels():
    """They follow the images; nothing becomes float64 by the way."""
    image, target = scene(np.random.default_rng(2))
    expected, _ = step([image], [target])
    changed = {
        **target,
        "boxes": target["boxes"].astype(np.float64),
        "labels": target["labels"].astype(np.uint8),
    }
    got, gradients = step([image], [changed])
    assert got == expected
    assert {g.dtype for g in gradients.values()} == {np.dtype(np.float32)}


def test_nothing_given_is_written_to():
    """Images and targets, in training and evaluation."""
    image, target = scene(np.random.default_rng(3))
    copies = image.copy(), {name: array.copy() for name, array in target.items()}
    step([image], [target])
    MaskRCNN.mini(num_classes=3).eval()([image])
    assert np.array_equal(image, copies[0])
    assert all(np.array_equal(target[name], copies[1][name]) for name in target)


def test_no_positives():
    """No proposal is drawn that holds an object: no box or mask is learned, classes are."""
    image, target = scene(np.random.default_rng(4))
    model = MaskRCNN.mini(num_classes=3)
    none = np.zeros(0, np.int64)
    model.roi_heads.sampler = lambda labels, *_: (none, np.flatnonzero(labels == 0)[:9])
    model.rpn.sampler = lambda labels, *_: (none, np.flatnonzero(labels == 0)[::7])  # every level
    losses = model([image], [target])
    model.backward()
    for name in ("loss_rpn_box_reg", "loss_box_reg", "loss_mask"):
        assert float(losses[name]) == 0
    for name in ("loss_objectness", "loss_classifier"):
        assert float(losses[name]) > 0
    for name, parameter in model.named_parameters():
        still = "mask_" in name or "bbox_pred" in name
        assert parameter.grad.any() != still, name


def test_images_without_objects():
    """Beside one with some: the gradients are those of its losses' share."""
    image, target = scene(np.random.default_rng(5))
    empty = {name: array[:0] for name, array in target.items()}
    losses, gradients = step([image, image], [empty, empty])
    for name in ("loss_rpn_box_reg", "loss_box_reg", "loss_mask"):
        assert losses[name] == 0
    assert losses["loss_objectness"] > 0 < losses["loss_classifier"]
    assert not any(g.any() for name, g in gradients.items() if "mask_" in name)
    losses, _ = step([image, image], [empty, target])
    assert all(loss > 0 for loss in losses.values())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_detections(dtype):
    """Empty arrays with the images' sizes and dtype."""
    model = MaskRCNN.mini(num_classes=3).astype(dtype).eval()
    model.roi_heads.selection["score_threshold"] = 1.0
    sizes = [(60, 90), (41, 33), (1, 7)]
    for found, size in zip(model([np.ones((3, *s), dtype) for s in sizes]), sizes, strict=True):
        assert {name: array.shape for name, array in found.items()} == {
            "boxes": (0, 4),
            "labels": (0,),
            "scores": (0,),
            "masks": (0, 1, *size),
        }
        assert found["boxes"].dtype == found["scores"].dtype == found["masks"].dtype == dtype


def test_images_of_different_sizes():
    """Boxes and masks are resized with their own image, and still fit each other."""
    rng = np.random.default_rng(6)
    images, targets = zip(*(scene(rng, size, 2) for size in [(96, 120), (150, 90)]), strict=True)
    model = MaskRCNN.mini(num_classes=3)
    model.transform.min_size, model.transform.max_size = 128, 256
    seen = []
    forward = model.rpn.forward

    def keep(features, sizes, padded, resized):
        seen.append((sizes, padded, resized))
        return forward(features, sizes, padded, resized)

    model.rpn.forward = keep
    model(images, targets)
    ((sizes, padded, resized),) = seen
    assert sizes == [(128, 160), (213, 128)]
    assert padded == (224, 160)
    for image, target, size, new in zip(images, targets, sizes, resized, strict=True):
        scale = np.array(size) / image.shape[1:]
        assert np.allclose(new["boxes"], target["boxes"] * scale[[1, 0, 1, 0]], rtol=1e-6)
        assert new["masks"].shape[1:] == size
        for mask, box in zip(new["masks"], new["boxes"], strict=True):
            rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
            around = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
            assert np.abs(box - around).max() <= 1.5


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_other_channels_than_rgb(channels):
    """Training and evaluation; a wrong number is named."""
    image, target = scene(np.random.default_rng(7))
    image = np.resize(image, (channels, *image.shape[1:]))
    losses, _ = step([image], [target], in_channels=channels)
    assert all(np.isfinite(loss) for loss in losses.values())
    model = MaskRCNN.mini(channels, 3).eval()
    (found,) = model([image])
    assert found["masks"].shape[2:] == image.shape[1:]
    with pytest.raises(ValueError, match=rf"image 0 must have shape \({channels}, H, W\)"):
        model([image[:0]])


def test_published_network_for_other_channels():
    """Its first convolution, and how images are normalised."""
    model = MaskRCNN.paper(in_channels=2, num_classes=5)
    assert model.backbone.body.conv1.weight.data.shape == (64, 2, 7, 7)
    assert model.transform.mean == (0.5, 0.5)
    assert MaskRCNN.paper(num_classes=5).transform.mean == (0.485, 0.456, 0.406)


def test_objects_that_overlap_and_repeat():
    """The same object twice, and one inside another."""
    size = (60, 90)
    image = np.random.default_rng(8).random((3, *size), np.float32)
    parts = [one_object(box, size) for box in [(5, 5, 60, 50), (5, 5, 60, 50), (20, 20, 30, 30)]]
    target = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
    losses, _ = step([image], [target])
    assert all(np.isfinite(loss) and loss > 0 for loss in losses.values())
