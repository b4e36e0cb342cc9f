"""The losses of `minis train`: PyTorch's numbers, and what happens to void and wrong labels."""

import numpy as np
import pytest
import torch

from minis.data import IGNORE, Sample, Samples
from minis.training import (
    LOSSES,
    class_weights,
    make_loss,
    softmax_cross_entropy,
    softmax_dice,
)


def draw(shape=(2, 3, 4, 5), void=True):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, shape[1], (shape[0], *shape[2:]))
    if void:
        labels[rng.random(labels.shape) < 0.3] = IGNORE
    return 2 * rng.standard_normal(shape), labels


def test_cross_entropy_is_pytorchs():
    """With void pixels: loss and gradient."""
    logits, labels = draw()
    loss, dlogits = softmax_cross_entropy(logits, labels)
    x = torch.from_numpy(logits).requires_grad_(True)
    expected = torch.nn.functional.cross_entropy(x, torch.from_numpy(labels), ignore_index=IGNORE)
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-12)
    assert np.abs(dlogits - x.grad.numpy()).max() < 1e-12


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (1, 2, 3, 4, 2)])
def test_dice_is_its_formula(shape):
    """2 Σpg / (Σp² + Σg²) of each class over all voxels that count, differentiated by PyTorch."""
    logits, labels = draw(shape)
    loss, dlogits = softmax_dice(logits, labels)
    x = torch.from_numpy(logits).requires_grad_(True)
    kept = torch.from_numpy(labels != IGNORE)
    p = torch.softmax(x, dim=1).movedim(1, -1)[kept]  # (voxels, K)
    g = torch.nn.functional.one_hot(torch.from_numpy(labels)[kept], shape[1]).double()
    dice = 2 * (p * g).sum(0) / ((p**2).sum(0) + (g**2).sum(0))
    expected = 1 - dice.mean()
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-12)
    assert np.abs(dlogits - x.grad.numpy()).max() < 1e-12


@pytest.mark.parametrize("name", LOSSES)
def test_a_batch_of_void_teaches_nothing(name):
    """The loss is 0 and so is every gradient, in place of NaN."""
    logits, labels = draw()
    loss, dlogits = LOSSES[name](logits.astype(np.float32), np.full_like(labels, IGNORE))
    assert loss == 0
    assert dlogits.dtype == np.float32
    assert dlogits.shape == logits.shape
    assert not dlogits.any()


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("label", [-1, 3, 254])
def test_labels_that_are_no_classes(name, label):
    """The error names what came and what was expected, before anything is indexed with it."""
    logits, labels = draw(void=False)
    labels[1, 2, 3] = label
    with pytest.raises(ValueError, match=rf"cross_entropy: target .*{label}"):
        LOSSES[name](logits, labels)


def test_class_weights_balance_the_loss():
    """√(median / frequency), void not counted; PyTorch's weighted mean."""
    labels = np.array([[0] * 90 + [1] * 9 + [2] * 1 + [IGNORE] * 20])
    image = np.zeros((1, 1, 120), np.float32)
    dataset = Samples([Sample(image, labels)], ("a", "b", "c", "never"))
    weights = class_weights(dataset)
    assert weights == pytest.approx([0.1**0.5, 1.0, 3.0, 1.0])
    rng = np.random.default_rng(0)
    logits, labels = rng.standard_normal((1, 4, *labels.shape)), labels[None]
    loss, dlogits = make_loss("balanced-cross-entropy", dataset)(logits, labels)
    x = torch.from_numpy(logits).requires_grad_(True)
    expected = torch.nn.functional.cross_entropy(
        x, torch.from_numpy(labels), weight=torch.from_numpy(weights), ignore_index=IGNORE
    )
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-12)
    assert np.abs(dlogits - x.grad.numpy()).max() < 1e-12
    with pytest.raises(ValueError, match="no loss 'hinge'"):
        make_loss("hinge", dataset)
