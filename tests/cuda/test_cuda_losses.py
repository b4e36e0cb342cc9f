"""CUDA C++ kernels of softmax and the losses, where the specs' small shapes don't reach."""

import numpy as np
import pytest

from minis import ops
from minis_kernels.cupy_cuda import losses
from minis_kernels.cupy_cuda.softmax import scores

from . import serving

pytestmark = pytest.mark.usefixtures("emulated_cuda")

DTYPES = ["float32", "float64"]
SHAPES = [
    (1, 1),
    (70, 3),
    (2, 1, 33),
    (2, 8, 9, 7),
    (2, 9, 9, 7),
    (3, 32, 5, 8),
    (2, 5, 7, 8, 9),
    (37, 33),  # a warp has a pixel
    (2, 100, 5),  # more classes than a thread holds, far apart
]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def check(name, *args, **options):
    return serving.check("cupy", name, *args, **options)


def served(name, *args, **options):
    return serving.served("cupy", name, *args, **options)


def declined(name, *args, **options):
    return serving.declined("cupy", name, *args, **options)


def normal(rng, *shape, dtype="float32"):
    return rng.standard_normal(shape).astype(dtype)


def test_the_shapes_go_every_way():
    """Few scores and more in registers, and many, by a thread and by a warp."""
    found = [scores(shape, 1) for shape in SHAPES]
    assert {(s.most, s.lanes) for s in found} == {(8, 1), (32, 1), (0, 1), (0, 32)}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_softmax(shape, dtype, rng):
    """Every axis, and its gradient."""
    x, dy = 5 * normal(rng, *shape, dtype=dtype), normal(rng, *shape, dtype=dtype)
    for axis in range(len(shape)):
        for name in ("softmax", "log_softmax"):
            (y,) = check(name, x, axis)
            check(f"{name}_backward", dy, y, axis - len(shape))


@pytest.mark.parametrize("classes", [4, 40])
@pytest.mark.parametrize("dtype", DTYPES)
def test_scores_without_bounds(dtype, classes, rng):
    """Huge, infinite and NaN scores give what the NumPy text gives."""
    x = 1e4 * normal(rng, 10, classes, dtype=dtype)
    x[0, 1] = -np.inf
    x[1, 2] = np.nan
    x[2, 0] = np.nan
    x[3, 3] = np.inf
    x[4] = -np.inf
    target = rng.integers(0, classes, 10)
    for name, args in (("softmax", (x,)), ("log_softmax", (x,)), ("cross_entropy", (x, target))):
        with np.errstate(invalid="ignore"):
            expected = getattr(ops, name).reference(*args)
        for g, e in zip(
            served(name, *args),
            expected if isinstance(expected, tuple) else [expected],
            strict=True,
        ):
            np.testing.assert_allclose(g, e, rtol=1e-5, atol=np.finfo(dtype).tiny)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_cross_entropy(shape, dtype, reduction, rng):
    """Labels, some void, with weights or without, and their gradient."""
    x = 5 * normal(rng, *shape, dtype=dtype)
    target = rng.integers(0, shape[1], (shape[0], *shape[2:]))
    of_class = rng.random(shape[1]).astype(dtype)
    of_pixel = rng.random(target.shape).astype(dtype)
    of_pixel[of_pixel < 0.1] = 0
    void = np.where(rng.random(target.shape) < 0.2, 255, target)
    void.flat[0] = target.flat[0]  # one that counts
    both = {"class_weight": of_class, "pixel_weight": of_pixel}
    for labels, options in (
        (target, {}),
        (target, {"ignore_index": 0, "class_weight": of_class}),
        (void, {"ignore_index": 255, "pixel_weight": of_pixel}),
        (void.astype("int32"), {"ignore_index": 255, **both}),
        (void.astype("uint8"), {"ignore_index": 255}),
    ):
        if options.get("ignore_index") == 0 and not target.any():
            continue  # the mean of nothing
        options["reduction"] = reduction
        with np.errstate(invalid="ignore"):
            loss, p = check("cross_entropy", x, labels, **options, tolerance=3)
            assert loss.shape == ()
            check("cross_entropy_backward", -1.5, p, labels, **options, tolerance=3)


@pytest.mark.parametrize("classes", [3, 40])
def test_no_pixel_counts(classes, rng):
    """The mean is NaN, the sum 0, the gradient 0."""
    x, target = normal(rng, 5, classes), np.full(5, -100)
    for reduction, expected in (("mean", np.nan), ("sum", 0.0)):
        loss, p = served("cross_entropy", x, target, reduction=reduction)
        np.testing.assert_equal(float(loss), expected)
        (dx,) = served("cross_entropy_backward", 1.0, p, target, reduction=reduction)
        assert not dx.any()


@pytest.mark.parametrize("classes", [3, 40])
def test_void_pixels_stay_out(classes, rng):
    """Whatever their logits are: neither loss nor gradient."""
    x = normal(rng, 60, classes)
    target = rng.integers(0, classes, 60)
    target[10:30] = 255
    loss, p = served("cross_entropy", x, target, ignore_index=255)
    x[10:30] = np.nan
    spoilt, q = served("cross_entropy", x, target, ignore_index=255)
    assert spoilt == loss
    (dx,) = served("cross_entropy_backward", 1.0, q, target, ignore_index=255)
    assert np.array_equal(dx, *served("cross_entropy_backward", 1.0, p, target, ignore_index=255))
    assert not dx[10:30].any()


@pytest.mark.parametrize("bad", [3, -1, 1 << 40])
def test_a_label_that_is_no_class(bad, rng):
    """Wherever it is, the NumPy text words the error."""
    x, target = normal(rng, 2, 3, 200), rng.integers(0, 3, (2, 200))
    for at in (0, 399):
        wrong = target.copy()
        wrong.flat[at] = bad
        assert declined("cross_entropy", x, wrong)
        assert declined("cross_entropy_backward", 1.0, x, wrong)
        assert not declined("cross_entropy", x, wrong, ignore_index=bad)


@pytest.mark.parametrize("squared", [True, False])
@pytest.mark.parametrize("over_batch", [True, False])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(2, 1, 33), (3, 5, 8, 8), (2, 2, 70, 63), (40, 9, 2, 1, 3)])
def test_dice(shape, dtype, over_batch, squared, rng):
    """Every form of it, with empty regions among the others."""
    p = rng.random(shape).astype(dtype)
    g = (rng.random(shape) < 0.3).astype(dtype)
    p[0, 0] = g[0, 0] = 0
    for smooth in (0.0, 1.0):
        options = {"squared": squared, "over_batch": over_batch, "smooth": smooth}
        (loss,) = check("dice_loss", p, g, **options)
        assert loss.shape == ()
        check("dice_loss_backward", np.float64(-2.0), p, g, **options)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (1,), (4097,), (2, 3, 40, 50)])
def test_bce(shape, dtype, reduction, rng):
    """Hard and soft truths, with weights and without."""
    x, t, weight = (
        np.array(a, dtype) for a in (5 * normal(rng, *shape), rng.random(shape), rng.random(shape))
    )
    for truth in (t, np.asarray(np.round(t))):
        for options in ({}, {"weight": weight}):
            options["reduction"] = reduction
            (loss,) = check("bce_with_logits", x, truth, **options)
            assert loss.shape == ()
            (dx,) = check("bce_with_logits_backward", np.array(3.0), x, truth, **options)
            assert dx.shape == shape


@pytest.mark.parametrize("dtype", DTYPES)
def test_bce_without_bounds(dtype):
    """No logit overflows; NaN stays."""
    x = np.array([1e30, -1e30, 0.0, 700.0, -700.0], dtype)
    t = np.array([1, 0, 0.5, 1, 0], dtype)
    check("bce_with_logits", x, t)
    check("bce_with_logits_backward", 1.0, x, t)
    x[1] = np.nan
    assert np.isnan(*served("bce_with_logits", x, t))
    assert np.isnan(*served("bce_with_logits_backward", 1.0, x, t)).sum() == 1


def test_the_gradient_from_above_may_be_any_number(rng):
    """One that lies where the arrays are is read there, whatever its dtype."""
    x, t = normal(rng, 4, 3, 5), rng.random((4, 3, 5)).astype("f")
    target = rng.integers(0, 3, (4, 5))
    for name, args in (
        ("cross_entropy_backward", (x, target)),
        ("dice_loss_backward", (x, t)),
        ("bce_with_logits_backward", (x, t)),
    ):
        (expected,) = served(name, 2.0, *args)
        for dloss in (2, np.float32(2), np.array(2.0), np.array(2, "int32")):
            np.testing.assert_array_equal(*served(name, dloss, *args), expected)
        for bad in ("2", None, np.array([2.0]), np.array("2"), np.array([2.0, 2.0])):
            assert declined(name, bad, *args)


def test_no_thread_sums_many_numbers(monkeypatch):
    """However many there are."""
    monkeypatch.delenv("MINIS_CUDA_EMULATION")
    for count in (1, 10**6, 10**9):
        for numbers in (1, 4):
            threads = 256 * losses.blocks_to_sum(count, numbers)
            assert -(-count // threads) * numbers <= 64


def test_other_memory_layouts(rng):
    """Arrays that don't lie in one piece give the same as copies that do."""
    x, dy = normal(rng, 8, 9, 4, 3).transpose(3, 2, 1, 0), normal(rng, 3, 8, 9, 8)[:, ::2]
    target = rng.integers(0, 4, (3, 8, 9)).transpose(0, 2, 1)
    of_class, of_pixel = rng.random(8)[::-2].astype("f"), rng.random((3, 9, 8)).astype("f")[::-1]
    options = {"class_weight": of_class, "pixel_weight": of_pixel}
    for name in ("softmax", "log_softmax"):
        (y,) = check(name, x)
        check(f"{name}_backward", dy, np.asfortranarray(y))
    _, p = check("cross_entropy", x, target, **options)
    check("cross_entropy_backward", 1.0, np.asfortranarray(p), target, **options)
    check("dice_loss", p, dy**2)
    check("dice_loss_backward", 1.0, np.asfortranarray(p), dy**2)
    check("bce_with_logits", x, dy**2, weight=dy**2)
    check("bce_with_logits_backward", 1.0, x, dy**2, weight=dy**2)


def test_what_is_declined(rng):
    """What the NumPy text must word an error for."""
    x, target = normal(rng, 2, 3, 4), rng.integers(0, 3, (2, 4))
    for axis in (3, -4, True, 1.0, None):
        assert declined("softmax", x, axis)
    assert declined("softmax", x[:0])
    assert declined("softmax_backward", x, x[:1])
    assert declined("cross_entropy", x, target.astype(float))
    assert declined("cross_entropy", x, target.astype("uint64"))
    assert declined("cross_entropy", x, target[:1])
    assert declined("cross_entropy", x, target.tolist())
    assert declined("cross_entropy", x, target, reduction="none")
    assert declined("cross_entropy", x, target, ignore_index=1 << 63)
    assert declined("cross_entropy", x, target, class_weight=x[0, 0])
    assert declined("cross_entropy", x, target, pixel_weight=x[:, 0].astype(float))
    assert declined("cross_entropy", x, target, pixel_weight=x[:1, 0])
    assert declined("dice_loss", x, x[:1])
    assert declined("dice_loss", x[0], x[0])
    assert declined("dice_loss", x, x, smooth=-1.0)
    assert declined("bce_with_logits", x, x[:1])
    assert declined("bce_with_logits", x, x, weight=x[:1])
    assert declined("bce_with_logits", x, x, reduction="none")
