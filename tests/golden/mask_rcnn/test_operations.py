"""Single operations against torchvision's values."""

import numpy as np
import pytest

import minis
from minis import ops
from minis.models.mask_rcnn.multi_scale import assign_levels
from minis.models.mask_rcnn.transform import Transform

from .configurations import draw
from .files import Golden, names_and_shapes

GOLDEN = Golden("operations")
ROI_CASES = sorted({key.split("/")[1] for key in GOLDEN.keys_under("roi_align")})


@pytest.fixture(autouse=True)
def on_backend(backend):
    """Every test runs on each backend."""
    with minis.use(backend):
        yield


@pytest.mark.parametrize("name", ROI_CASES)
def test_roi_align(name):
    """Forward and backward."""
    at = f"roi_align/{name}"
    ph, pw, scale, ratio, aligned = GOLDEN[f"{at}/options"].tolist()
    options = {
        "spatial_scale": scale,
        "sampling_ratio": int(ratio),
        "aligned": bool(aligned),
    }
    x, boxes = GOLDEN[f"{at}/x"], GOLDEN[f"{at}/boxes"]
    y = ops.roi_align(x, boxes, (int(ph), int(pw)), **options)
    GOLDEN.check(f"{at}/y", y, 1e-12)
    dx = ops.roi_align_backward(draw(20, *y.shape), boxes, x.shape, **options)
    GOLDEN.check(f"{at}/dx", dx, 1e-12)


def test_iou_and_matching():
    """With low-quality matches and without; a box that no anchor touches among them."""
    iou = ops.box_iou(GOLDEN["box_iou/a"], GOLDEN["box_iou/b"])
    GOLDEN.check("box_iou/iou", iou, 1e-12)
    GOLDEN.check("match/rpn", ops.match_anchors(iou, high=0.7, low=0.3), 0)
    match = ops.match_anchors(iou, high=0.5, low=0.5, allow_low_quality=False)
    GOLDEN.check("match/roi", match, 0)


@pytest.mark.parametrize("name", ["1", "10 10 5 5"])
def test_box_coder(name):
    """Both ways; a delta beyond the cap."""
    weights = (1.0,) * 4 if name == "1" else (10.0, 10.0, 5.0, 5.0)
    anchors = GOLDEN["coder/anchors"]
    encoded = ops.encode_boxes(GOLDEN["coder/boxes"], anchors, weights)
    GOLDEN.check(f"encode/{name}", encoded, 1e-12)
    decoded = ops.decode_boxes(GOLDEN["coder/deltas"], anchors, weights)
    GOLDEN.check(f"decode/{name}", decoded, 1e-12)


def test_clipping():
    """To (30, 45)."""
    GOLDEN.check("clip/clipped", ops.clip_boxes(GOLDEN["clip/boxes"], (30, 45)), 0)


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7])
def test_suppression(threshold):
    """Of equal scores the lower index; equal boxes, and boxes without extent."""
    boxes, scores, labels = (GOLDEN[f"nms/{key}"] for key in ("boxes", "scores", "labels"))
    GOLDEN.check(f"nms/kept {threshold}", ops.nms(boxes, scores, threshold), 0)
    kept = ops.batched_nms(boxes, scores, labels, threshold)
    GOLDEN.check(f"batched_nms/kept {threshold}", kept, 0)


def test_pasting():
    """Boxes inside, over the border and outside."""
    size = tuple(GOLDEN["paste/size"].tolist())
    pasted = ops.paste_masks(GOLDEN["paste/masks"], GOLDEN["paste/boxes"], size)
    GOLDEN.check("paste/y", pasted, 1e-12)


def test_anchors():
    """Around the origin, and all over maps that don't divide the image."""
    sides = [tuple(s) for s in GOLDEN["anchors/feature sizes"].tolist()]
    levels = ops.generate_anchors(tuple(GOLDEN["anchors/image size"].tolist()), sides)
    GOLDEN.check("anchors/anchors", np.concatenate(levels), 0)
    GOLDEN.check("anchors/around the origin", np.stack([a[:3] for a in levels]), 0)


def test_levels_of_rois():
    """Around 112, 224 and 448."""
    scales = [1 / 4, 1 / 8, 1 / 16, 1 / 32]
    GOLDEN.check("levels/levels", assign_levels(GOLDEN["levels/boxes"], scales), 0)


def test_resized_sizes():
    """Sizes after resizing, hundreds of them."""
    wrong = []
    for low, high, h, w, *expected in GOLDEN["resize/sizes"].tolist():
        got = Transform(low, high).resized((h, w))
        if list(got) != expected:
            wrong.append((low, high, h, w, got, expected))
    assert not wrong


def test_names_and_shapes():
    """44,401,393 learned parameters, as published; frozen batch norm has buffers only."""
    shapes = names_and_shapes()
    learned = {k: v for k, v in shapes.items() if ".bn" not in k and ".downsample.1" not in k}
    assert sum(int(np.prod(shape)) for shape in learned.values()) == 44_401_393
    old = names_and_shapes(old_names=True)
    assert len(old) == len(shapes)
    assert old["roi_heads.mask_head.mask_fcn1.weight"] == (256, 256, 3, 3)
    assert set(shapes) - set(old) == {k for k in shapes if "_blocks." in k} | {
        *(f"rpn.head.conv.0.0.{kind}" for kind in ("weight", "bias")),
        *(f"roi_heads.mask_head.{i}.0.{kind}" for i in range(4) for kind in ("weight", "bias")),
    }
