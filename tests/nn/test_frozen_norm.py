"""Frozen batch norm is PyTorch's in evaluation, whatever the mode, and learns nothing."""

import numpy as np
import pytest
import torch

import minis
from minis import nn


@pytest.mark.parametrize("eps", [1e-5, 0.0])
def test_equals_batch_norm_in_evaluation(eps, backend):
    """Output and gradient in training mode; the statistics stay."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 4, 9, 8))
    oracle = torch.nn.BatchNorm2d(4, eps=eps).double().eval()
    layer = nn.FrozenBatchNorm(4, eps=eps).astype(np.float64)
    state = {name: rng.uniform(0.5, 2, 4) for name in layer.state_dict()}
    layer.load_state_dict(state)
    oracle.load_state_dict({k: torch.from_numpy(v) for k, v in state.items()}, strict=False)
    tx = torch.from_numpy(x).requires_grad_(True)
    expected = oracle(tx)
    dy = rng.standard_normal(x.shape)
    expected.backward(torch.from_numpy(dy))
    with minis.use(backend):
        y = layer(x)
        dx = layer.backward(dy)
    np.testing.assert_allclose(y, expected.detach().numpy(), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(dx, tx.grad.numpy(), rtol=1e-12, atol=1e-12)
    assert all(np.array_equal(layer.state_dict()[k], v) for k, v in state.items())


def test_loads_what_batch_norm_saved():
    """Under the same names, its counter passed over; none of it is a parameter."""
    state = torch.nn.BatchNorm2d(4).state_dict()
    layer = nn.FrozenBatchNorm(4).load_state_dict(state)
    assert not list(layer.parameters())
    assert set(layer.state_dict()) == {"weight", "bias", "running_mean", "running_var"}


def test_backward_belongs_to_one_forward():
    """Once for each call; none in evaluation."""
    layer = nn.FrozenBatchNorm(1)
    x = np.ones((1, 1, 2), np.float32)
    layer(x)
    layer.backward(x)
    with pytest.raises(RuntimeError, match=r"FrozenBatchNorm.backward: nothing is remembered"):
        layer.backward(x)


def test_groups_that_do_not_divide():
    """Group norm says so when it is made."""
    with pytest.raises(ValueError, match="divide the channels, got 3 groups of 4"):
        nn.GroupNorm(3, 4)
