"""Kernels of the optimisers' steps: the NumPy text's results, bit for bit, and in place."""

import numpy as np
import pytest

import minis
import minis_kernels
from minis.nn.module import Parameter
from minis.training import SGD, Adam, AdamW, RMSprop, adam, rmsprop, sgd

parameters = pytest.importorskip(
    "minis_kernels.numba_cpu.parameters", reason="Numba is not installed"
)

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
SHAPES = [(), (1,), (3, 5), (4096,), (17, 31, 3, 3), (8195,)]


@pytest.fixture
def all_sizes(monkeypatch):
    """Let the kernels serve small parameters too."""
    monkeypatch.setattr(parameters, "SMALL", 0)


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


def run(backend, kind, options, dtype, shapes=SHAPES):
    """Take some steps by random gradients; return parameters and the optimiser's memory."""
    rng = np.random.default_rng(0)
    ours = [Parameter(rng.standard_normal(shape).astype(dtype)) for shape in shapes]
    data = [p.data for p in ours]
    optimiser = kind(ours, lr=0.01, **options)
    with minis.use(backend):
        for step in range(4):
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
def test_both_backends_give_the_same_bits(kind, options, dtype, all_sizes, calls):
    """Parameters and all that is remembered, in place."""
    expected = run("numpy", kind, options, dtype)
    got = run("numba", kind, options, dtype)
    for ours, theirs in zip(got, expected, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            assert a.dtype == dtype
            assert np.array_equal(a, b)
    assert calls == [None] * 4 * len(SHAPES), "the kernel took every step"


def test_small_parameters_are_left_to_numpy(calls):
    """There the kernel is no faster."""
    run("numba", SGD, {}, "float32", [(4095,), (4096,)])
    assert calls == [NotImplemented, None] * 4


def test_nan_spreads(all_sizes):
    """A gradient's NaN or infinity ends up in the parameter on both backends."""
    grad = np.array([np.nan, np.inf, -np.inf, 1.0] * 5, "float32")
    results = []
    for step in (rmsprop.rmsprop_step.reference, minis_kernels.find("numba", "rmsprop_step")):
        data, square, mean = (np.ones(20, "float32") for _ in range(3))
        with np.errstate(invalid="ignore"):
            step(data, grad, square, mean, lr=0.1)
        results.append((data, square, mean))
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.isnan(results[1][0]).sum() == 15


def test_what_is_declined(all_sizes):
    """What would not be changed in place, and what is malformed; nothing is touched."""
    x, other = np.ones((4, 6), "float32"), np.ones((4, 6), "float32")
    locked = x.copy()
    locked.flags.writeable = False
    steps = {
        module.__name__.rpartition(".")[2]: minis_kernels.find(
            "numba", f"{module.__name__.rpartition('.')[2]}_step"
        )
        for module in (sgd, rmsprop, adam)
    }
    for data in (x.T, x[:, ::2], locked, x.astype(int), x[:0], [1.0]):
        grad = np.ones(np.shape(data), "float32")
        assert steps["sgd"](data, grad, lr=0.1) is NotImplemented
    assert steps["sgd"](x, other[:2], lr=0.1) is NotImplemented
    assert steps["sgd"](x, other, lr="0.1") is NotImplemented
    assert steps["sgd"](x, other, lr=0.1, momentum=0.9) is NotImplemented, "no velocity"
    assert steps["rmsprop"](x, other, other[:2], lr=0.1) is NotImplemented
    assert steps["rmsprop"](x, other, None, lr=0.1) is NotImplemented
    assert steps["rmsprop"](x, other, x, lr=0.1, momentum=0.9) is NotImplemented
    assert steps["adam"](x, other, None, x, step=1, lr=0.1) is NotImplemented
    assert steps["adam"](x, other, x, x, step=0, lr=0.1) is NotImplemented
    assert steps["adam"](x, other, x, x, step=1, lr=0.1, betas=(1.0, 0.9)) is NotImplemented
    assert (x == 1).all()
    assert (other == 1).all()
