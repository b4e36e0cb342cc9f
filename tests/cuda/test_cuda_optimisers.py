"""CUDA C++ kernels of the optimisers' steps: the NumPy text's results, in place.

Compiled for the CPU they give the same bits, as every operation is rounded by itself.
"""

import numpy as np
import pytest

import minis
import minis_kernels
from minis.nn.module import Parameter
from minis.training import SGD, Adam, AdamW, RMSprop, rmsprop

pytestmark = pytest.mark.usefixtures("emulated_cuda")

KINDS = [
    (SGD, {}),
    (SGD, {"weight_decay": 0.1}),
    (SGD, {"momentum": 0.9}),
    (SGD, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    (RMSprop, {}),
    (RMSprop, {"centered": True, "weight_decay": 0.1}),
    (RMSprop, {"momentum": 0.9, "alpha": 0.5}),
    (RMSprop, {"momentum": 0.9, "centered": True, "eps": 1e-3}),
    (Adam, {}),
    (Adam, {"weight_decay": 0.1, "betas": (0.5, 0.0)}),
    (AdamW, {}),
    (AdamW, {"weight_decay": 0.5, "eps": 0.0}),
]
SHAPES = [(), (1,), (3, 5), (7, 11, 3, 3), (2051,)]


@pytest.fixture
def calls(monkeypatch):
    """Collect what the kernels answer: None for a step made."""
    answers = []
    find = minis_kernels.find

    def watched(backend, operation):
        kernel = find(backend, operation)

        def run(*args, **options):
            answers.append(kernel(*args, **options))
            return answers[-1]

        return kernel and run

    monkeypatch.setattr(minis_kernels, "find", watched)
    return answers


def run(backend, kind, options, dtype):
    """Take some steps by random gradients; return parameters and the optimiser's memory."""
    rng = np.random.default_rng(0)
    ours = [Parameter(np.array(rng.standard_normal(shape), dtype)) for shape in SHAPES]
    data = [p.data for p in ours]
    optimiser = kind(ours, lr=0.01, **options)
    with minis.use(backend):
        for step in range(3):
            optimiser.lr = 0.01 / (1 + step)
            for p in ours:
                p.grad[...] = rng.standard_normal(p.data.shape) * 10.0 ** rng.integers(-3, 3)
            gradients = [p.grad.copy() for p in ours]
            optimiser.step()
            assert all(np.array_equal(p.grad, g) for p, g in zip(ours, gradients, strict=True))
    assert all(p.data is a for p, a in zip(ours, data, strict=True))
    return data, list(optimiser.state_dict()["memory"].values())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_both_backends_give_the_same_bits(kind, options, dtype, calls):
    """Parameters and all that is remembered, in place."""
    expected = run("numpy", kind, options, dtype)
    got = run("cupy", kind, options, dtype)
    for ours, theirs in zip(got, expected, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            assert a.dtype == dtype
            assert np.array_equal(a, b)
    assert calls == [None] * 3 * len(SHAPES), "the kernel took every step"


def test_parameters_that_begin_between_two_packs():
    """Where one of the arrays does, all are taken number by number."""
    step = minis_kernels.find("cupy", "sgd_step")
    results = []
    for offset in (0, 1, 3):
        data, velocity = np.zeros(1030, "float32"), np.arange(1030, dtype="float32")
        ours, speed = data[offset : offset + 1001], velocity[:1001]
        assert step(ours, speed.copy(), speed, lr=0.5, momentum=0.5, nesterov=True) is None
        assert not data[:offset].any()
        assert not data[offset + 1001 :].any()
        assert (velocity[1001:] == np.arange(1001, 1030)).all()
        results.append(ours)
    assert results[0].any()
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])


def test_what_is_not_used_is_left_alone():
    """A velocity without momentum."""
    for name in ("sgd_step", "rmsprop_step"):
        data, grad, velocity = np.ones(9), np.ones(9), np.full(9, 7.0)
        memory = {"velocity": velocity, "lr": 0.5}
        if name == "rmsprop_step":
            memory["square"] = np.ones(9)
        assert minis_kernels.find("cupy", name)(data, grad, **memory) is None
        assert (data < 1).all()
        assert (velocity == 7).all()


def test_nan_spreads():
    """A gradient's NaN or infinity ends up in the parameter on both backends."""
    grad = np.array([np.nan, np.inf, -np.inf, 1.0] * 5, "float32")
    results = []
    for step in (rmsprop.rmsprop_step.reference, minis_kernels.find("cupy", "rmsprop_step")):
        data, square, mean = (np.ones(20, "float32") for _ in range(3))
        with np.errstate(invalid="ignore"):
            step(data, grad, square, mean, lr=0.1)
        results.append((data, square, mean))
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.isnan(results[1][0]).sum() == 15


def test_a_variance_below_zero_counts_as_zero():
    """Rounding can take it there."""
    results = []
    for step in (rmsprop.rmsprop_step.reference, minis_kernels.find("cupy", "rmsprop_step")):
        data, grad, square, mean = np.zeros(7), np.ones(7), np.full(7, 0.5), np.ones(7)
        step(data, grad, square, mean, lr=0.1, alpha=0.9, eps=0.5)
        results.append(data)
    assert np.isfinite(results[0]).all()
    np.testing.assert_array_equal(*results)


def test_what_is_declined():
    """What would not be changed in place, and what is malformed; nothing is touched."""
    x, other = np.ones((4, 6), "float32"), np.ones((4, 6), "float32")
    locked = x.copy()
    locked.flags.writeable = False
    sgd, rms, adam = (minis_kernels.find("cupy", f"{n}_step") for n in ("sgd", "rmsprop", "adam"))
    for data in (x.T, x[:, ::2], locked, x.astype(int), x[:0], [1.0]):
        grad = np.ones(np.shape(data), "float32")
        assert sgd(data, grad, lr=0.1) is NotImplemented
    assert sgd(x, other[:2], lr=0.1) is NotImplemented
    assert sgd(x, other, lr="0.1") is NotImplemented
    assert sgd(x, other, lr=0.1, momentum=0.9) is NotImplemented, "no velocity"
    assert sgd(x, other, other[:2], lr=0.1, momentum=0.9) is NotImplemented
    assert rms(x, other, other[:2], lr=0.1) is NotImplemented
    assert rms(x, other, None, lr=0.1) is NotImplemented
    assert rms(x, other, x, lr=0.1, momentum=0.9) is NotImplemented
    assert adam(x, other, None, x, step=1, lr=0.1) is NotImplemented
    assert adam(x, other, x, x, step=0, lr=0.1) is NotImplemented
    assert adam(x, other, x, x, step=1, lr=0.1, betas=(1.0, 0.9)) is NotImplemented
    assert (x == 1).all()
    assert (other == 1).all()
