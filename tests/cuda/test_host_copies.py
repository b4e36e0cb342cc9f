"""What is copied between the CPU and the GPU in a step of training: all of it is accounted for.

The stand-in for CuPy writes down every copy, and every wait for the size of a result, with the
function that asked for it. Each test says what it expects, and why.
"""

import numpy as np
import pytest

import minis
import minis_kernels
from minis import nn, ops
from minis.models import MaskRCNN, build
from minis.training import Adam
from minis.training.checkpoint import TrainingState
from minis.training.losses import softmax_cross_entropy, softmax_dice
from minis.training.step import sum_of_losses, training_step

from .. import fake_cupy
from ..fake_cupy.array import lifted
from ..fake_cupy.transfers import TO_CPU, TO_GPU, WAITS

SIZES = {"unet": (32, 32), "fcn": (64, 64), "segnet": (32, 32), "tiramisu": (32, 32)}
IMAGES = {name: (3, *size) for name, size in SIZES.items()} | {"vnet": (1, 16, 16, 16)}
POOLS = {"unet": 3, "fcn": 5, "segnet": 3, "tiramisu": 3, "vnet": 0}  # how often they pool
UNPOOLS = {"segnet": 3}


def run(name, device, loss=softmax_cross_entropy):
    """Train a mini for two steps, the second alone being accounted for."""
    rng = np.random.default_rng(0)
    image = IMAGES[name]
    model = build(name=name, in_channels=image[0], num_classes=3, rng=rng).to(device)

    def batches(rng):
        x = rng.standard_normal((2, *image), dtype=np.float32)
        return x, rng.integers(0, 3, (2, *image[1:]))

    state = TrainingState(model.train(), Adam(model.named_parameters(), 1e-3), rng, batches)
    for _ in range(2):
        fake_cupy.transfers.clear()
        training_step(state, loss, None, 1.0)
    return state


def masks_of(model):
    """How many masks its dropout draws in a step."""
    return sum(isinstance(module, nn.Dropout) for _, module in model.modules())


@pytest.fixture
def silent_kernels(monkeypatch):
    """A kernel that copies nothing for each operation that has one on the CPU."""

    def find(backend, name):
        known = name in minis_kernels.KERNELS["numba"] and hasattr(ops, name)
        return lifted(getattr(ops, name).reference) if known else None

    monkeypatch.setattr(minis_kernels, "find", find)
    with minis.use("cupy"):
        yield


@pytest.mark.parametrize("name", IMAGES)
def test_a_step_of_the_numpy_text(name, imagined_gpu):
    """Batch and masks go there; loss, norm and the answers of checks come back."""
    there, seen = run(name, "cuda"), imagined_gpu
    pools, unpools = POOLS[name], UNPOOLS.get(name, 0)
    to_gpu = seen.by_asker(TO_GPU)
    assert to_gpu.pop("device._moved") == 2  # images and labels
    assert to_gpu.pop("dropout.dropout", 0) == masks_of(there.model)  # NumPy draws them
    assert to_gpu.pop("pooling._flat_index", 0) == 5 * pools  # where each of 2 × 2 taps lies
    assert not to_gpu
    to_cpu = seen.by_asker(TO_CPU)
    assert to_cpu.pop("losses.softmax_cross_entropy") == 1
    assert to_cpu.pop("clipping.gradient_norm") == 1
    assert to_cpu.pop("cross_entropy._check") == 2  # are the labels classes? forward and backward
    assert to_cpu.pop("checks.check_indices", 0) == pools + 2 * unpools  # are indices in the plane?
    assert not to_cpu
    assert sum(seen.by_asker(WAITS).values()) == pools  # max_pool_backward counts how often
    assert all(t.nbytes <= 16 for t in seen if t.kind == TO_CPU)  # numbers, no maps
    here = run(name, "cpu")
    assert here.history.loss == there.history.loss
    for a, b in zip(here.model.parameters(), there.model.parameters(), strict=True):
        np.testing.assert_array_equal(a.data, b.data.get())


@pytest.mark.parametrize("name", IMAGES)
def test_a_step_of_kernels_that_copy_nothing(name, imagined_gpu, silent_kernels):
    """Then two numbers come back: the loss, and the norm of the gradients."""
    state, seen = run(name, "cuda"), imagined_gpu
    assert seen.by_asker(TO_CPU) == {
        "losses.softmax_cross_entropy": 1,
        "clipping.gradient_norm": 1,
    }
    assert not seen.by_asker(WAITS)
    masks = masks_of(state.model)
    drawn = {"dropout.dropout": masks} if masks else {}
    assert seen.by_asker(TO_GPU) == {"device._moved": 2, **drawn}


def test_dice_asks_whether_any_voxel_counts(imagined_gpu, silent_kernels):
    """A number more."""
    run("vnet", "cuda", loss=softmax_dice)
    assert imagined_gpu.by_asker(TO_CPU) == {"losses.softmax_dice": 2, "clipping.gradient_norm": 1}


def mask_batch(rng):
    """Two images of two objects each."""
    masks = np.zeros((2, 64, 80), np.uint8)
    masks[0, 5:40, 6:40] = masks[1, 20:60, 45:78] = 1
    boxes = np.array([[6, 5, 40, 40], [45, 20, 78, 60]], np.float32)
    target = {"boxes": boxes, "labels": np.array([1, 2]), "masks": masks}
    images = [rng.random((3, 64, 80), dtype=np.float32) for _ in range(2)]
    return (images, [target, target]), None


def test_a_step_of_mask_rcnn(imagined_gpu, silent_kernels):
    """Which anchors and proposals are trained on is drawn on the CPU; the rest are answers."""
    rng = np.random.default_rng(0)
    model = MaskRCNN.mini(3, 3, min_size=64, rng=rng).to("cuda").train()
    state = TrainingState(model, Adam(model.trainable(), 1e-3), rng, mask_batch)
    for _ in range(2):
        imagined_gpu.clear()
        training_step(state, sum_of_losses, None, 10.0)
    images = 2
    assert imagined_gpu.by_asker(TO_CPU) == {
        "targets._check_boxes": images,
        "targets._check_labels": images,
        "targets._check_masks": images,
        "anchors.sample_balanced": 2 * images,  # the labels of anchors, and those of proposals
        "boxes.encode_boxes": 2 * (images + 1),  # have the boxes an extent?
        "step.sum_of_losses": 1,
        "clipping.gradient_norm": 1,
    }
    assert imagined_gpu.by_asker(TO_GPU) == {
        "device._moved": 4 * images,  # image, boxes, labels, masks
        "transform.<genexpr>": 2,  # mean and standard deviation of the colours
        "targets.resize_boxes": images,  # two factors
        "targets.<genexpr>": 2 * images,  # rows and columns of the resized masks
        "anchors.<listcomp>": 5,  # the anchors of each level
        "anchors.sample_balanced": 4 * images,  # what was drawn: objects and background, twice
        "boxes.encode_boxes": images + 1,  # four weights
        "boxes.decode_boxes": images,
        "boxes.clip_boxes": images,  # the image's size
    }
    waits = imagined_gpu.by_asker(WAITS)
    assert waits.pop("checks.check_boxes") == 4 * images + 4  # is every box finite?
    assert waits == {
        "proposals.candidates": images,
        "roi_sampling.sample_rois": images,
        "roi_sampling.objects": images,
        "multi_scale.forward": 8,  # which boxes each of four levels gets, twice
        "box_loss.forward": 1,
    }
    large = [t for t in imagined_gpu if t.kind == TO_CPU and t.nbytes > 16]
    assert {t.where for t in large} == {"anchors.sample_balanced"}


def test_mask_rcnn_finds_objects_without_the_cpu(imagined_gpu, silent_kernels):
    """Boxes, scores and masks stay on the GPU until they are asked for."""
    import cupy

    model = MaskRCNN.mini(3, 3, min_size=64, rng=np.random.default_rng(0)).to("cuda").eval()
    (found,) = model([cupy.asarray(np.ones((3, 64, 80), np.float32))])
    assert not imagined_gpu.by_asker(TO_CPU)
    assert all(isinstance(value, cupy.ndarray) for value in found.values())


def test_a_copy_that_nobody_asked_for_is_seen(imagined_gpu):
    """The account is complete: a layer that reads a number shows up."""

    class Reading(nn.Module):
        def forward(self, x):
            return x * float(x.max())

    import cupy

    Reading()(cupy.asarray(np.ones(3)))
    assert imagined_gpu.by_asker(TO_CPU) == {"test_host_copies.forward": 1}
