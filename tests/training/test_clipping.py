"""Clipping against torch."""

import numpy as np
import pytest

from minis.nn.module import Parameter
from minis.training import clip_gradient_norm, clip_gradient_value, gradient_norm

torch = pytest.importorskip("torch", reason="PyTorch is the oracle")


def parameters(seed, dtype=np.float64):
    rng = np.random.default_rng(seed)
    ours = [Parameter(np.zeros(shape, dtype)) for shape in ((2, 3), (4,), (0,))]
    for p in ours:
        p.grad[...] = rng.standard_normal(p.data.shape)
    theirs = [torch.nn.Parameter(torch.tensor(p.data)) for p in ours]
    for p, q in zip(ours, theirs, strict=True):
        q.grad = torch.tensor(p.grad.copy())
    return ours, theirs


@pytest.mark.parametrize("max_norm", [0.1, 1.0, 100.0])
def test_norm_equals_torch(max_norm):
    ours, theirs = parameters(0)
    arrays = [p.grad for p in ours]
    norm = clip_gradient_norm(ours, max_norm)
    assert norm == pytest.approx(float(torch.nn.utils.clip_grad_norm_(theirs, max_norm)))
    assert all(p.grad is a for p, a in zip(ours, arrays, strict=True))
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.grad, q.grad.numpy(), rtol=1e-12)


def test_value_equals_torch():
    ours, theirs = parameters(1)
    clip_gradient_value(ours, 0.5)
    torch.nn.utils.clip_grad_value_(theirs, 0.5)
    for p, q in zip(ours, theirs, strict=True):
        assert (p.grad == q.grad.numpy()).all()


def test_a_shared_parameter_counts_once():
    (p, *_), _ = parameters(2)
    before = p.grad.copy()
    assert gradient_norm([p, p]) == pytest.approx(np.linalg.norm(before))
    clip_gradient_norm([p, p], 0.1)
    np.testing.assert_allclose(np.linalg.norm(p.grad), 0.1, rtol=1e-5)


def test_large_float32_gradients_do_not_overflow():
    p = Parameter(np.zeros(2, np.float32))
    p.grad[...] = 3e30, 4e30
    assert clip_gradient_norm([p], 1.0) == pytest.approx(5e30)
    np.testing.assert_allclose(p.grad, [0.6, 0.8], rtol=1e-5)
    assert p.grad.dtype == np.float32


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_non_finite_gradients_are_left_alone(bad):
    p = Parameter(np.zeros(2))
    p.grad[...] = 1, bad
    assert not np.isfinite(clip_gradient_norm([p], 0.1))
    np.testing.assert_array_equal(p.grad, [1, bad])


def test_the_generator_of_parameters_may_be_used_up():
    p = Parameter(np.zeros(2))
    p.grad[...] = 3, 4
    clip_gradient_norm(iter([p]), 1.0)
    np.testing.assert_allclose(p.grad, [0.6, 0.8], rtol=1e-5)


@pytest.mark.parametrize("clip", [clip_gradient_norm, clip_gradient_value])
@pytest.mark.parametrize("limit", [0, -1, float("nan")])
def test_says_what_is_wrong(clip, limit):
    with pytest.raises(ValueError, match=f"{clip.__name__}: max_.* must be greater than 0"):
        clip([], limit)
