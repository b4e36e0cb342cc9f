"""Kernels of softmax and the losses, where the specs' small shapes don't reach."""

import numpy as np
import pytest

from minis import ops

from .serving import check, check_threads, declined, normal, served

pytest.importorskip("numba", reason="Numba is not installed")

DTYPES = ["float32", "float64"]
SHAPES = [
    (1, 1),
    (7, 3),
    (2, 1, 33),
    (2, 3, 65, 63),
    (1, 2, 181, 183),  # a block of pixels, and some more
    (3, 21, 70, 90),
    (2, 5, 7, 8, 9),
    (1, 1500, 5, 13),  # more classes than fit into a block
]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_softmax(shape, dtype, rng):
    """Every axis that is served, and its gradient."""
    x, dy = 5 * normal(rng, *shape, dtype=dtype), normal(rng, *shape, dtype=dtype)
    for axis in range(len(shape)):
        if shape[axis + 1 :] and np.prod(shape[axis + 1 :]) >= 16:
            for name in ("softmax", "log_softmax"):
                (y,) = check(name, x, axis)
                check(f"{name}_backward", dy, y, axis - len(shape))


@pytest.mark.parametrize("dtype", DTYPES)
def test_scores_without_bounds(dtype, rng):
    """Huge, infinite and NaN scores give what the NumPy text gives."""
    x = 1e4 * normal(rng, 2, 4, 100, dtype=dtype)
    x[0, 1] = -np.inf
    x[0, 2, :5] = np.nan
    x[1, 3, :5] = np.nan
    x[1, 0, 7] = np.inf
    x[1, :, 9] = -np.inf
    target = rng.integers(0, 4, (2, 100))
    for name, args in (("softmax", (x,)), ("log_softmax", (x,)), ("cross_entropy", (x, target))):
        with np.errstate(invalid="ignore"):
            expected = getattr(ops, name).reference(*args)
        for g, e in zip(
            served(name, *args),
            expected if isinstance(expected, tuple) else [expected],
            strict=True,
        ):
            np.testing.assert_allclose(g, e, rtol=1e-6, atol=np.finfo(dtype).tiny)


def weights(rng, shape, dtype):
    """Class weights and pixel weights for logits of a shape, some 0."""
    of_class = rng.random(shape[1]).astype(dtype)
    of_pixel = rng.random((shape[0], *shape[2:])).astype(dtype)
    of_pixel[of_pixel < 0.1] = 0
    return of_class, of_pixel


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_cross_entropy(shape, dtype, reduction, rng):
    """Labels, some void, with weights or without, and their gradient."""
    x = 5 * normal(rng, *shape, dtype=dtype)
    target = rng.integers(0, shape[1], (shape[0], *shape[2:]))
    of_class, of_pixel = weights(rng, shape, dtype)
    void = np.where(rng.random(target.shape) < 0.2, 255, target)
    void.flat[0] = target.flat[0] % min(shape[1], 255)  # one that counts
    for labels, options in (
        (target, {}),
        (void, {"ignore_index": 255}),
        (target, {"ignore_index": 0, "class_weight": of_class}),
        (void, {"ignore_index": 255, "pixel_weight": of_pixel}),
        (void.astype("int32"), {"ignore_index": 255, "class_weight": of_class}),
        (void, {"ignore_index": 255, "class_weight": of_class, "pixel_weight": of_pixel}),
    ):
        if shape[1] > 255 and labels is not target:
            continue  # 255 is a class
        if options.get("ignore_index") == 0 and not target.any():
            continue  # the mean of nothing
        options["reduction"] = reduction
        with np.errstate(invalid="ignore"):
            _, p = check("cross_entropy", x, labels, **options, tolerance=3)
            check("cross_entropy_backward", -1.5, p, labels, **options, tolerance=3)


def test_void_pixels_stay_out(rng):
    """Whatever their logits are: neither loss nor gradient."""
    x = normal(rng, 2, 3, 90, 91)
    target = rng.integers(0, 3, (2, 90, 91))
    target[:, 10:30] = 255
    loss, p = served("cross_entropy", x, target, ignore_index=255)
    x[:, :, 10:30] = np.nan
    spoilt, q = served("cross_entropy", x, target, ignore_index=255)
    assert spoilt == loss
    (dx,) = served("cross_entropy_backward", 1.0, q, target, ignore_index=255)
    assert np.array_equal(dx, *served("cross_entropy_backward", 1.0, p, target, ignore_index=255))
    assert not dx[:, :, 10:30].any()


@pytest.mark.parametrize("squared", [True, False])
@pytest.mark.parametrize("over_batch", [True, False])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [s for s in SHAPES if len(s) > 2])
def test_dice(shape, dtype, over_batch, squared, rng):
    """Every form of it, with empty regions among the others."""
    p = rng.random(shape).astype(dtype)
    g = (rng.random(shape) < 0.3).astype(dtype)
    p[0, 0] = g[0, 0] = 0
    for smooth in (0.0, 1.0):
        options = {"squared": squared, "over_batch": over_batch, "smooth": smooth}
        check("dice_loss", p, g, **options)
        check("dice_loss_backward", np.float64(-2.0), p, g, **options)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [*SHAPES, (1,), (4097,)])
def test_bce(shape, dtype, reduction, rng):
    """Hard and soft truths, with weights and without."""
    x, t = 5 * normal(rng, *shape, dtype=dtype), rng.random(shape).astype(dtype)
    weight = rng.random(shape).astype(dtype)
    for truth in (t, np.round(t)):
        for options in ({}, {"weight": weight}):
            check("bce_with_logits", x, truth, **options, reduction=reduction)
            check(
                "bce_with_logits_backward", np.array(3.0), x, truth, **options, reduction=reduction
            )


def test_other_memory_layouts(rng):
    """Arrays that don't lie in one piece give the same as copies that do."""
    x, dy = normal(rng, 40, 42, 4, 3).transpose(3, 2, 1, 0), normal(rng, 3, 8, 42, 40)[:, ::2]
    target = rng.integers(0, 4, (3, 40, 42)).transpose(0, 2, 1)
    of_class, of_pixel = rng.random(8)[::-2].astype("f"), rng.random((3, 42, 40)).astype("f")[::-1]
    options = {"class_weight": of_class, "pixel_weight": of_pixel}
    for name in ("softmax", "log_softmax"):
        (y,) = check(name, x)
        check(f"{name}_backward", dy, y)
    _, p = check("cross_entropy", x, target, **options)
    check("cross_entropy_backward", 1.0, p[..., ::-1], target, **options)
    check("dice_loss", p[..., ::-1], p)
    check("dice_loss_backward", 1.0, p[..., ::-1], p)
    check("bce_with_logits", x, p)
    check("bce_with_logits_backward", 1.0, x, p)


def test_any_number_of_threads(rng):
    """Sums are cut by the shapes alone."""
    x, dy = normal(rng, 3, 5, 90, 95), normal(rng, 3, 5, 90, 95)
    target = rng.integers(0, 5, (3, 90, 95))
    p, q = np.abs(x), np.abs(dy)
    check_threads("cross_entropy", x, target)
    check_threads("cross_entropy", x, target, class_weight=q[0, :, 0, 0], pixel_weight=p[:, 0])
    check_threads("cross_entropy_backward", 1.0, p, target)
    check_threads("dice_loss", p, q)
    check_threads("dice_loss_backward", 1.0, p, q)
    check_threads("bce_with_logits", x, q)


def test_what_is_declined(rng):
    """What the NumPy text must word an error for, and what it serves as fast."""
    x, target = normal(rng, 2, 3, 20), rng.integers(0, 3, (2, 20))
    assert declined("softmax", x, 3)
    assert declined("softmax", x, 1.0)
    assert declined("softmax_backward", x, x[:1])
    assert declined("log_softmax_backward", x, x.astype(float))
    assert declined("softmax", normal(rng, 300, 300), -1), "nothing to vectorise"
    bad = target.copy()
    for label in (-1, 3, 1 << 40, -(1 << 33)):
        bad[1, 19] = label
        assert declined("cross_entropy", x, bad)
        assert declined("cross_entropy_backward", 1.0, x, bad)
    assert declined("cross_entropy", x, target.astype(float))
    assert declined("cross_entropy", x, target.astype("uint64"))
    assert declined("cross_entropy", x, target[:1])
    assert declined("cross_entropy", x, target, reduction="none")
    assert declined("cross_entropy", x, target, ignore_index=1 << 63)
    assert declined("cross_entropy", x, target, class_weight=np.ones(2, "f"))
    assert declined("cross_entropy", x, target, class_weight=np.ones(3))
    assert declined("cross_entropy", x, target, pixel_weight=np.ones((2, 19), "f"))
    assert declined("cross_entropy_backward", "1", x, target)
    assert declined("dice_loss", x, x[:1])
    assert declined("dice_loss", x[0], x[0])
    assert declined("dice_loss", x, x, smooth=-1)
    assert declined("dice_loss_backward", np.ones(2), x, x)
    assert declined("bce_with_logits", x, x[:1])
    assert declined("bce_with_logits", x, x, reduction="none")
    assert declined("bce_with_logits", x, x, weight=x[:1])
    assert declined("bce_with_logits_backward", None, x, x)
