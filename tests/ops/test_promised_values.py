"""What docstrings promise of rare input: nothing at all, only void, NumPy's scalars."""

import warnings

import numpy as np
import pytest

import minis
from minis import ops

DTYPES = ("float32", "float64")


@pytest.fixture(autouse=True)
def _every_warning_fails():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def assert_empty(results, shapes, dtype):
    """Assert that these are arrays of these shapes and of this dtype."""
    results = results if isinstance(results, tuple) else (results,)
    assert [r.shape for r in results] == list(shapes)
    assert {r.dtype.name for r in results} == {dtype}


@pytest.fixture(params=DTYPES)
def x(request):
    """No sample of three channels of four pixels."""
    return np.zeros((0, 3, 4), request.param)


def test_an_empty_batch_gives_an_empty_result(x, backend) -> None:
    """Activations, linear layers, dropout and local response norm."""
    shape, dtype = x.shape, x.dtype.name
    a, w, b = np.ones(3, dtype), np.ones((5, 4), dtype), np.ones(5, dtype)
    with minis.use(backend):
        for name in ("relu", "sigmoid", "elu", "softmax", "log_softmax"):
            assert_empty(getattr(ops, name)(x), [shape], dtype)
            assert_empty(getattr(ops, f"{name}_backward")(x, x), [shape], dtype)
        for axis in range(3):
            assert_empty(ops.softmax(x, axis), [shape], dtype)
            assert_empty(ops.log_softmax(x, axis), [shape], dtype)
        assert_empty(ops.prelu(x, a), [shape], dtype)
        assert_empty(ops.prelu_backward(x, x, a), [shape, (3,)], dtype)
        assert_empty(ops.local_response_norm(x), [shape], dtype)
        assert_empty(ops.local_response_norm_backward(x, x), [shape], dtype)
        y = ops.linear(x, w, b)
        assert_empty(y, [(0, 3, 5)], dtype)
        dx, dw, db = ops.linear_backward(y, x, w)
        assert_empty((dx, dw, db), [shape, (5, 4), (5,)], dtype)
        assert not dw.any()
        assert not db.any()
        rng = np.random.default_rng(0)
        assert_empty(ops.dropout(x, 0.5, rng), [shape, shape], dtype)
        assert_empty(ops.dropout(x, 0.5, rng, per_channel=True), [shape, (0, 3, 1)], dtype)


@pytest.mark.parametrize("training", [True, False])
def test_an_empty_batch_teaches_batch_norm_nothing(x, training, backend) -> None:
    """The running statistics stay, and no gradient reaches gamma and beta."""
    dtype = x.dtype.name
    gamma, beta, mean, var = (np.array([i, 2, 3], dtype) for i in range(4))
    with minis.use(backend):
        y, used_mean, inv_std, *new = ops.batch_norm(x, gamma, beta, mean, var, training=training)
        assert_empty((y, used_mean, inv_std, *new), [x.shape, *[(3,)] * 4], dtype)
        np.testing.assert_array_equal(new, [mean, var])
        results = ops.batch_norm_backward(y, x, gamma, used_mean, inv_std, training=training)
        assert_empty(results, [x.shape, (3,), (3,)], dtype)
        assert not any(r.any() for r in results)


def test_an_empty_batch_teaches_group_norm_nothing(x, backend) -> None:
    """No statistics, and no gradient reaches gamma and beta."""
    dtype = x.dtype.name
    c = np.ones(3, dtype)
    with minis.use(backend):
        y, mean, inv_std = ops.group_norm(x, c, c, 3)
        assert_empty((y, mean, inv_std), [x.shape, (0, 3), (0, 3)], dtype)
        results = ops.group_norm_backward(y, x, c, mean, inv_std, 3)
        assert_empty(results, [x.shape, (3,), (3,)], dtype)
        assert not any(r.any() for r in results)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_mean_of_nothing_is_nan(x, reduction, backend) -> None:
    """And the sum of nothing 0; the gradient is empty, without a warning."""
    target = np.zeros((0, 4), "int64")
    option = {"reduction": reduction}
    with minis.use(backend):
        losses = []
        loss, p = ops.cross_entropy(x, target, **option)
        losses.append(loss)
        assert_empty(p, [x.shape], x.dtype.name)
        gradients = [ops.cross_entropy_backward(1.0, p, target, **option)]
        for name in ("bce_with_logits", "focal_loss", "smooth_l1"):
            losses.append(getattr(ops, name)(x, x, **option))
            gradients.append(getattr(ops, f"{name}_backward")(1.0, x, x, **option))
    assert_empty(tuple(losses), [()] * 4, x.dtype.name)
    assert_empty(tuple(gradients), [x.shape] * 4, x.dtype.name)
    assert np.isnan(losses).all() if reduction == "mean" else not np.any(losses)


@pytest.mark.parametrize("over_batch", [True, False])
@pytest.mark.parametrize("smooth", [0.0, 1.0])
def test_dice_of_an_empty_batch_is_nan(x, over_batch, smooth, backend) -> None:
    """Whichever way its sums run."""
    options = {"over_batch": over_batch, "smooth": smooth}
    with minis.use(backend):
        loss = ops.dice_loss(x, x, **options)
        assert_empty(loss, [()], x.dtype.name)
        assert np.isnan(loss)
        assert_empty(ops.dice_loss_backward(1.0, x, x, **options), [x.shape], x.dtype.name)


@pytest.mark.parametrize(("kind", "void"), [("int64", -100), ("uint8", 255)])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_where_all_is_void_nothing_is_learnt(kind, void, reduction, backend) -> None:
    """The mean is NaN, the sum 0, and the gradient 0."""
    logits, target = np.ones((2, 3, 4), "float32"), np.full((2, 4), void, kind)
    options = {"ignore_index": void, "reduction": reduction}
    with minis.use(backend):
        loss, p = ops.cross_entropy(logits, target, **options)
        dx = ops.cross_entropy_backward(1.0, p, target, **options)
    assert np.isnan(loss) if reduction == "mean" else loss == 0
    assert not dx.any()


def test_labels_may_be_bytes(backend) -> None:
    """Labels of uint8 can't be −100, so by default none is ignored."""
    logits = np.random.default_rng(0).standard_normal((2, 3, 4))
    target = np.array([[0, 1, 2, 0], [2, 2, 1, 0]])
    with minis.use(backend):
        expected, _ = ops.cross_entropy(logits, target)
        loss, _ = ops.cross_entropy(logits, target.astype("uint8"))
    assert loss == expected


def test_numpy_scalars_leave_float32_alone(backend) -> None:
    """A float64 scalar as an option or upstream gradient doesn't raise the precision."""
    x = np.full((2, 3, 4), 0.5, "float32")
    c, truth, labels = np.ones(3, "float32"), np.ones_like(x), np.zeros((2, 4), "int64")
    half, rng = np.float64(0.5), np.random.default_rng(0)
    with minis.use(backend):
        results = [
            *ops.batch_norm(x, c, c, c, c, training=True, momentum=half, eps=half),
            *ops.group_norm(x, c, c, 3, eps=half),
            ops.local_response_norm(x, 3, alpha=half, beta=half, k=half),
            ops.local_response_norm_backward(x, x, 3, alpha=half, beta=half, k=half),
            ops.elu(x, half),
            ops.elu_backward(x, x, half),
            *ops.dropout(x, half, rng),
            ops.cross_entropy_backward(half, x, labels),
            ops.dice_loss(x, truth, smooth=half),
            ops.dice_loss_backward(half, x, truth, smooth=half),
            ops.bce_with_logits_backward(half, x, truth),
            ops.focal_loss(x, truth, alpha=half, gamma=half),
            ops.focal_loss_backward(half, x, truth, alpha=half, gamma=half),
            ops.smooth_l1(x, truth, beta=half),
            ops.smooth_l1_backward(half, x, truth, beta=half),
        ]
    assert [r.dtype.name for r in results] == ["float32"] * len(results)


@pytest.mark.parametrize("per_channel", [False, True])
def test_a_seed_gives_one_mask_on_every_backend(per_channel, backend) -> None:
    """And in both dtypes, so that a run can be repeated elsewhere."""
    masks = []
    for dtype in DTYPES:
        x = np.ones((3, 50, 7), dtype)
        args = (x, 0.3, np.random.default_rng(5))
        with minis.use(backend):
            masks.append(ops.dropout(*args, per_channel=per_channel)[1] != 0)
    reference = ops.dropout.reference(x, 0.3, np.random.default_rng(5), per_channel=per_channel)
    for mask in masks:
        np.testing.assert_array_equal(mask, reference[1] != 0)
