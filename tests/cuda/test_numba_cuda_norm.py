"""Normalisation, losses and activations of `numba_cuda`, in the simulator."""

from typing import Any

import numpy as np
import pytest

from minis_kernels.numba_cuda import norm

from .serving import check, declined, served

BACKEND = "numba-cuda"
simulated = pytest.mark.parametrize("imitated_backend", [BACKEND], indirect=True)
dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])
training = pytest.mark.parametrize("training", [True, False])


def random(*shape: int, dtype: str = "float64") -> Any:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(dtype)


def statistics(channels: int, dtype: str = "float64") -> list[Any]:
    """Scale, shift, running mean and running variance."""
    rng = np.random.default_rng(channels)
    return [rng.uniform(0.5, 2, channels).astype(dtype) for _ in range(4)]


@simulated
@dtypes
@training
@pytest.mark.parametrize("shape", [(2, 3, 5, 7), (1, 1, 2), (5, 2), (2, 2, 3, 1, 3), (3, 1, 1)])
def test_batch_norm(shape: Any, training: bool, dtype: str, imitated_backend: str) -> None:
    x, dy = random(*shape, dtype=dtype), random(*shape[::-1], dtype=dtype).T
    gamma, *others = statistics(shape[1], dtype)
    options = {"training": training, "momentum": 0.3, "eps": 0.01}
    _, mean, inv_std, *_ = check(BACKEND, "batch_norm", x, gamma, *others, **options)
    check(BACKEND, "batch_norm_backward", dy, x, gamma, mean, inv_std, training=training)


@simulated
def test_variance_survives_a_large_mean(imitated_backend: str) -> None:
    """In float32, Σx² − (Σx)²/m of these numbers has no digit that is right."""
    x = random(2, 1, 50, dtype="float32") + np.float32(1e4)
    one, zero = np.ones(1, "float32"), np.zeros(1, "float32")
    *_, inv_std, _, _ = served(BACKEND, "batch_norm", x, one, zero, zero, one, training=True)
    np.testing.assert_allclose(inv_std, 1 / np.sqrt(x.astype(float).var() + 1e-5), rtol=1e-6)


@simulated
def test_sums_don_t_depend_on_the_order_of_threads(imitated_backend: str) -> None:
    """The same bits each time."""
    x = random(3, 2, 31, dtype="float32") * np.float32(1e3)
    results = [
        served(BACKEND, "batch_norm", x, *statistics(2, "float32"), training=True) for _ in range(3)
    ]
    for again in results[1:]:
        for a, b in zip(results[0], again, strict=True):
            np.testing.assert_array_equal(a, b)


@simulated
@training
def test_batch_norm_of_nan(training: bool, imitated_backend: str) -> None:
    x, dy, (gamma, *others) = random(2, 3, 4), random(2, 3, 4), statistics(3)
    x[1, 1, 2] = np.nan
    y, mean, inv_std, *_ = check(BACKEND, "batch_norm", x, gamma, *others, training=training)
    assert np.isnan(y).sum() == (8 if training else 1)
    check(BACKEND, "batch_norm_backward", dy, x, gamma, mean, inv_std, training=training)


@simulated
def test_batch_norm_declines_what_is_malformed(imitated_backend: str) -> None:
    x, given = random(2, 3, 4), statistics(3)
    assert declined(BACKEND, "batch_norm", x[:1, :, :1], *given, training=True)
    for bad in (x[:0], x[:, :2], x.astype("float32"), x[0, 0], x.astype(int)):
        assert declined(BACKEND, "batch_norm", bad, *given, training=False)
        assert declined(BACKEND, "batch_norm_backward", x, bad, *given[:3], training=True)
    for options in ({"momentum": 1.5}, {"momentum": "0"}, {"eps": -1.0}):
        assert declined(BACKEND, "batch_norm", x, *given, training=True, **options)


def labelled(classes: int, *shape: int, dtype: str = "float64") -> tuple[Any, Any]:
    """Logits, and labels one in four of which is 255."""
    rng = np.random.default_rng(classes)
    target = rng.integers(0, classes, shape)
    target[rng.random(shape) < 0.25] = 255
    return random(shape[0], classes, *shape[1:], dtype=dtype), target


@simulated
@dtypes
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("weighted", ["", "class", "pixel", "class pixel"])
def test_cross_entropy(weighted: str, reduction: str, dtype: str, imitated_backend: str) -> None:
    logits, target = labelled(3, 2, 5, 3, dtype=dtype)
    rng = np.random.default_rng(9)
    options: dict[str, Any] = {"ignore_index": 255, "reduction": reduction}
    if "class" in weighted:
        options["class_weight"] = rng.random(3).astype(dtype)
    if "pixel" in weighted:
        options["pixel_weight"] = np.asfortranarray(rng.random(target.shape).astype(dtype))
    p = check(BACKEND, "cross_entropy", logits, target, **options)[1]
    for dloss in (0.5, np.asarray(-2.0, dtype), np.nan):
        check(BACKEND, "cross_entropy_backward", dloss, p, target, **options)


@simulated
@pytest.mark.parametrize("shape", [(4,), (2, 3, 2, 2), (1, 1)])
@pytest.mark.parametrize("kind", ["uint8", "int32", "int64"])
def test_cross_entropy_of_any_number_of_axes(kind: str, shape: Any, imitated_backend: str) -> None:
    """One class, and nothing that counts, too."""
    for classes in (1, 4):
        logits, target = labelled(classes, *shape)
        target = np.asfortranarray(target.astype(kind))[..., ::-1]
        logits = np.asfortranarray(logits)
        for labels in (target, np.full_like(target, 255)):
            p = check(BACKEND, "cross_entropy", logits, labels, ignore_index=255)[1]
            check(BACKEND, "cross_entropy_backward", 1.0, p, labels, ignore_index=255)


@simulated
def test_cross_entropy_of_large_scores_and_of_nan(imitated_backend: str) -> None:
    """A loss between two large scores keeps its digits; an ignored NaN stays out."""
    logits = np.array([[[1e5, np.nan, 3], [1e5, 1, -1e30]]], "float32")
    target = np.array([[1, 255, 0]])
    loss, p = check(BACKEND, "cross_entropy", logits, target, ignore_index=255, tolerance=0.01)
    np.testing.assert_allclose(loss, np.log(2) / 2, rtol=1e-6)
    dx = check(BACKEND, "cross_entropy_backward", 1.0, p, target, ignore_index=255)[0]
    assert not dx[:, :, 1].any()
    target[0, 1] = 0
    assert np.isnan(check(BACKEND, "cross_entropy", logits, target)[0])


@simulated
def test_a_weight_of_nan_is_no_index(imitated_backend: str) -> None:
    """An ignored pixel then weighs NaN, as in the text, but its label names no class."""
    logits, target = labelled(3, 2, 9)
    options = {"ignore_index": 255, "class_weight": np.array([np.nan, 1, 2])}
    p = check(BACKEND, "cross_entropy", logits, target, **options)[1]
    check(BACKEND, "cross_entropy_backward", 1.0, p, target, **options)


@simulated
def test_cross_entropy_declines_what_is_malformed(imitated_backend: str) -> None:
    logits, target = random(2, 3, 4), np.zeros((2, 4), int)
    weights = {"class_weight": np.ones(2)}, {"pixel_weight": np.ones((2, 3))}
    mixed = {"class_weight": np.ones(3, "float32")}
    for options in ({"reduction": "none"}, {"ignore_index": 1.0}, *weights, mixed):
        assert declined(BACKEND, "cross_entropy", logits, target, **options)
        assert declined(BACKEND, "cross_entropy_backward", 1.0, logits, target, **options)
    for wrong in (3, -1, 255):
        bad = target.copy()
        bad[1, 3] = wrong
        assert declined(BACKEND, "cross_entropy", logits, bad)
        assert declined(BACKEND, "cross_entropy_backward", 1.0, logits, bad)
        assert not declined(BACKEND, "cross_entropy", logits, bad, ignore_index=wrong)
    for bad in (target[:1], target.astype(float), target.astype("uint64"), target[:0]):
        assert declined(BACKEND, "cross_entropy", logits, bad)
    assert declined(BACKEND, "cross_entropy", logits[:0], target[:0])
    assert declined(BACKEND, "cross_entropy_backward", "1", logits, target)


@simulated
@dtypes
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax(name: str, axis: int, dtype: str, imitated_backend: str) -> None:
    x = random(5, 2, 3, 3, dtype=dtype).T * 400  # where an exponential would overflow
    x[0, 0, 0, 0] = np.nan
    y = check(BACKEND, name, x, axis)[0]
    check(BACKEND, f"{name}_backward", random(*x.shape, dtype=dtype), y, axis)
    assert declined(BACKEND, name, x, 4)
    assert declined(BACKEND, name, x, True)
    assert declined(BACKEND, f"{name}_backward", x[:2], y, axis)


@simulated
@dtypes
@pytest.mark.parametrize("name", ["relu", "elu", "sigmoid", "prelu"])
@pytest.mark.parametrize("shape", [(3, 2), (2, 3, 5), (1, 1, 1, 1)])
def test_activations(shape: Any, name: str, dtype: str, imitated_backend: str) -> None:
    """Of NaN, of 0, and of numbers whose exponential would overflow."""
    x, dy = random(*shape, dtype=dtype) * 9, random(*shape[::-1], dtype=dtype).T
    x.flat[:3] = (np.nan, 0, -2e4)[: x.size]
    if name != "prelu":
        options: tuple[Any, ...] = (0.5,) if name == "elu" else ()
        y = check(BACKEND, name, x, *options)[0]
        check(BACKEND, f"{name}_backward", dy, y, *options)
        assert declined(BACKEND, f"{name}_backward", dy[:0], y)
        return
    for slopes in (random(shape[1], dtype=dtype), np.array([0.25], dtype)):
        check(BACKEND, "prelu", x, slopes)
        check(BACKEND, "prelu_backward", dy, x, slopes)
    assert declined(BACKEND, "prelu", x, np.ones(shape[1] + 1, dtype))
    assert declined(BACKEND, "prelu", x, slopes[:, None])


def test_the_tree_takes_a_power_of_two() -> None:
    assert norm.THREADS & (norm.THREADS - 1) == 0


@pytest.mark.gpu
@pytest.mark.parametrize("gpu_backend", [BACKEND], indirect=True)
@dtypes
def test_on_the_gpu(dtype: str, gpu_backend: str) -> None:
    """With more numbers than the grid has threads."""
    x, dy, (gamma, *others) = random(3, 19, 95, 97, dtype=dtype), None, statistics(19, dtype)
    dy = x[::-1, :, ::-1]
    _, mean, inv_std, *_ = check(
        BACKEND, "batch_norm", x, gamma, *others, training=True, tolerance=10
    )
    check(BACKEND, "batch_norm_backward", dy, x, gamma, mean, inv_std, training=True, tolerance=10)
    logits, target = labelled(19, 3, 95, 97, dtype=dtype)
    p = check(BACKEND, "cross_entropy", logits, target, ignore_index=255, tolerance=10)[1]
    check(BACKEND, "cross_entropy_backward", 1.0, p, target, ignore_index=255)
    for name in ("softmax", "log_softmax"):
        y = check(BACKEND, name, x, tolerance=10)[0]
        check(BACKEND, f"{name}_backward", dy, y, tolerance=10)
    check(BACKEND, "prelu_backward", dy, x, gamma, tolerance=10)
