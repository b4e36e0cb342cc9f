"""Operations on arrays that have only a shape: shapes, dtypes and errors are those of real ones."""

import inspect

import numpy as np
import pytest
from hypothesis import assume, given, settings

from minis import ops
from minis.learn.ledger import counting
from minis.learn.plan_operations import planned_result
from minis.learn.planned_array import Planned
from minis.learn.specs import SPECS

OF_NETWORKS = [
    "conv", "conv_transpose", "batch_norm", "group_norm", "local_response_norm", "relu", "prelu",
    "elu", "sigmoid", "softmax", "log_softmax", "linear", "dropout", "max_pool", "avg_pool",
    "max_unpool", "interpolate",
]  # fmt: skip
WITH_SAMPLES = {"x", "dy", "y", "indices", "mask"}


def without_values(name, call):
    """Make samples into planned arrays, and weights into a number repeated."""
    bound = inspect.signature(getattr(ops, name)).bind(*call.args, **call.options)
    for key, value in bound.arguments.items():
        if isinstance(value, np.ndarray):
            weight = np.broadcast_to(np.ones((), value.dtype), value.shape)
            samples = Planned(value.shape, value.dtype) if key in WITH_SAMPLES else weight
            bound.arguments[key] = samples
    return bound.args, bound.kwargs


def shapes(result):
    results = result if isinstance(result, tuple) else (result,)
    return [(r.shape, np.dtype(r.dtype)) for r in results]


@pytest.mark.parametrize("name", OF_NETWORKS)
def test_shapes_and_dtypes_are_those_of_the_operation(name):
    """And of its backward, on whatever arguments the specs draw."""
    spec = SPECS[name]
    forward, backward = getattr(ops, name).reference, getattr(ops, f"{name}_backward").reference

    @settings(max_examples=25, deadline=None, derandomize=True)
    @given(spec.calls)
    def check(call):
        assume(name != "linear" or call.args[0].ndim > 1)
        assume(call.args[0].ndim > 0)
        outputs = call.on(forward)
        args, options = without_values(name, call)
        assert shapes(planned_result(forward, args, options)) == shapes(outputs)
        first = outputs[0] if isinstance(outputs, tuple) else outputs
        dy = np.random.default_rng(0).standard_normal(first.shape).astype(first.dtype)
        again = spec.backward(call, outputs, dy)
        args, options = without_values(f"{name}_backward", again)
        gradients = planned_result(backward, args, options)
        assert shapes(gradients) == shapes(again.on(backward))

    check()


X = (2, 3, 8, 8)
BAD = [
    ("conv", (X, (4, 2, 3, 3)), {}),
    ("conv", (X, (4, 3, 9, 9)), {}),
    ("conv", (X, (4, 3, 3, 3)), {"stride": 0}),
    ("conv_backward", ((2, 4, 5, 6), X, (4, 3, 3, 3)), {}),
    ("conv_transpose", (X, (4, 3, 3, 3)), {}),
    ("conv_transpose", (X, (3, 4, 3, 3)), {"output_padding": 1}),
    ("conv_transpose_backward", ((2, 4, 9, 9), X, (3, 4, 3, 3)), {}),
    ("linear", ((2, 5), (3, 4)), {}),
    ("linear_backward", ((2, 5), (2, 4), (3, 4)), {}),
    ("max_pool", (X, 9), {}),
    ("max_pool", (X, 2), {"padding": 2}),
    ("avg_pool", (X, (2, 2, 2)), {}),
    ("interpolate", (X, 0), {}),
    ("prelu", (X, (4,)), {}),
    ("relu_backward", (X, (2, 3, 8, 7)), {}),
    ("batch_norm", ((1, 3, 1, 1), (3,), (3,), (3,), (3,)), {"training": True}),
    ("batch_norm", (X, (4,), (3,), (3,), (3,)), {"training": True}),
    ("group_norm", (X, (3,), (3,), 2), {}),
    ("group_norm", (X, (3,), (4,), 3), {}),
    ("relu_backward", (X, (1, 3, 8, 8)), {}),
    ("dropout", (X, 2.0, np.random.default_rng(0)), {}),
]


@pytest.mark.parametrize(("name", "args", "options"), BAD)
def test_errors_are_those_of_the_operation(name, args, options):
    """Word for word."""
    reference = getattr(ops, name).reference
    real, planned = [], []
    for parameter, value in zip(inspect.signature(reference).parameters, args, strict=False):
        is_shape = isinstance(value, tuple) and parameter != "size"
        real.append(np.ones(value) if is_shape else value)
        planned.append(Planned(value) if is_shape and parameter in WITH_SAMPLES else real[-1])
    with pytest.raises(ValueError, match=name) as expected:
        reference(*real, **options)
    with pytest.raises(ValueError, match=name) as found:
        planned_result(reference, tuple(planned), options)
    assert str(found.value) == str(expected.value)


def test_dtypes_must_agree():
    """As in a real run."""
    with pytest.raises(TypeError, match="w is float32 but x is float64; they must agree"):
        planned_result(ops.conv.reference, (Planned(X), np.ones((4, 3, 3, 3), np.float32)), {})


def real_and_planned(work):
    x = np.random.default_rng(0).standard_normal((2, 4, 6, 5), dtype=np.float32)
    return work(x), work(Planned(x.shape, x.dtype))


@pytest.mark.parametrize(
    "work",
    [
        lambda x: x + 1,
        lambda x: 2.0 * x,
        lambda x: x * np.float64(2),
        lambda x: -x / x[:, :1],
        lambda x: x > 0,
        lambda x: x[:, 1:3, ::2, -2:],
        lambda x: x[0],
        lambda x: x[:, None],
        lambda x: x[..., [1, 1, 0]],
        lambda x: x.reshape(2, 2, 2, 6, 5).sum(axis=1),
        lambda x: x.reshape(len(x), -1).mean(axis=-1, keepdims=True),
        lambda x: x.max(axis=(2, 3)),
        lambda x: (x > 0).sum(),
        lambda x: x.T.ravel(),
        lambda x: x.transpose(0, 2, 3, 1).swapaxes(1, 3).copy(),
        lambda x: np.concatenate([x, x[:, :1], x], axis=1),
        lambda x: np.concatenate([x, x], axis=-1),
        lambda x: np.repeat(x, 3, axis=1),
        lambda x: np.where(x > 0, x, 0),
        lambda x: np.zeros_like(x).astype(np.float64),
        lambda x: np.maximum(x, 0) + x.sum(axis=1, keepdims=True),
        lambda x: np.add.reduce(x, axis=1),
    ],
)
def test_shapes_and_dtypes_of_what_networks_do_themselves(work):
    """Beside operations: slicing, adding, concatenating."""
    real, planned = real_and_planned(work)
    assert shapes(planned) == shapes(real)
    assert planned.nbytes == real.nbytes


def test_memory_is_counted_while_it_lives():
    """Views share it; sums in place take none; results of operations take theirs."""
    with counting() as ledger:
        x = Planned((1, 2, 100), np.float32)
        part = x[:, 1:]
        x += part
        assert ledger.living == 800
        del x
        assert ledger.living == 800
        y = ops.relu.reference
        y = planned_result(y, (part,), {})
        assert ledger.living == 1200
        del part, y
    assert (ledger.living, ledger.peak) == (0, 1200)


def test_what_cannot_be_planned_is_named():
    """Functions that aren't known, and NumPy's own on values."""
    x = Planned((1, 2, 3))
    for work, name in (
        (lambda: np.linalg.svd(x), "plan: svd of an array that has only a shape"),
        (lambda: x @ x, "plan: matmul of arrays that have only a shape"),
        (lambda: np.zeros(x.shape).__setitem__(..., x), "through array_namespace"),
    ):
        with pytest.raises(TypeError, match=name):
            work()
    with pytest.raises(ValueError, match="all axes but 1 must agree"):
        np.concatenate([x, x[..., 1:]], axis=1)
