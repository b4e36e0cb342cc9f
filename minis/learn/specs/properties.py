"""What is checked of every operation, whatever it computes.

Each property takes a spec, the functions under examination by name (`{"conv": …, "conv_backward":
…}`) and one call's arguments, and raises AssertionError with its reason. Upstream gradients are
random: all-ones would hide errors (batch norm's dx vanishes under them).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .spec import Call, Function, Spec

Functions = dict[str, Function]
Property = Callable[[Spec, Functions, Call], None]

STEP = 1e-5  # of finite differences, in float64
SLACK = 1e-6  # of a directional derivative by finite differences, scaled


def as_tuple(result: Any) -> tuple[Any, ...]:
    """Make one result, or several, a tuple."""
    return result if isinstance(result, tuple) else (result,)


def assert_close(got: Any, expected: Any, tolerance: float, what: str) -> None:
    """Raise AssertionError unless the arrays agree in shape, and in value up to a scaled error.

    The error is scaled by the largest finite magnitude expected, or 1 if that is smaller. NaN and
    infinities must stand in the same places. Integers and booleans must agree exactly.
    """
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.shape == expected.shape, f"{what}: shape {got.shape}, expected {expected.shape}"
    if expected.dtype.kind in "biu":
        assert np.array_equal(got, expected), f"{what}: got\n{got}\nexpected\n{expected}"
        return
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(
        np.where(finite, 0, got), np.where(finite, 0, expected), f"{what}: non-finite values"
    )
    scale = max(1.0, float(np.abs(expected[finite]).max(initial=0)))
    error = float(np.abs(got[finite] - expected[finite]).max(initial=0)) / scale
    assert error <= tolerance, (
        f"{what}: scaled error {error:.2e} exceeds {tolerance:.0e}; "
        f"got\n{got}\nexpected\n{expected}"
    )


def forward_equals_loops(spec: Spec, functions: Functions, call: Call) -> None:
    """The result is that of plain Python loops over single numbers."""
    if spec.loops is None:
        return
    got = as_tuple(call.on(functions[spec.name]))
    expected = as_tuple(call.on(spec.loops))
    assert len(got) == len(expected), f"{spec.name}: {len(got)} results, not {len(expected)}"
    for i, (g, e) in enumerate(zip(got, expected, strict=True)):
        assert_close(g, e, _tolerance(spec, call), f"{spec.name}, result {i}, against loops")


def equals_torch(spec: Spec, functions: Functions, call: Call) -> None:
    """Forward and backward are PyTorch's."""
    if spec.torch is None:
        return
    import torch

    tensors = [torch.from_numpy(a.copy()) if isinstance(a, np.ndarray) else a for a in call.args]
    for i in spec.gradients:
        if tensors[i] is not None:
            tensors[i].requires_grad_(True)
    y = as_tuple(Call(tuple(tensors), call.options).on(spec.torch))
    outputs = call.on(functions[spec.name])
    got = as_tuple(outputs)
    for i, expected in enumerate(y):
        if expected is not None:
            what = f"{spec.name}, result {i}, against PyTorch"
            assert_close(got[i], expected.detach().numpy(), _tolerance(spec, call), what)
    if spec.backward is None or got[0].size == 0:
        return
    dy = _upstream(got[0])
    gradients = _gradients(spec, functions, call, outputs, dy)
    wanted = [i for i in spec.gradients if tensors[i] is not None]
    expected = torch.autograd.grad(
        y[0], [tensors[i] for i in wanted], torch.from_numpy(np.asarray(dy)), allow_unused=True
    )
    for i, e in zip(wanted, expected, strict=True):
        e = np.zeros_like(call.args[i]) if e is None else e.numpy()
        what = f"{spec.name}_backward, gradient of argument {i}, against PyTorch"
        assert_close(gradients[i], e, _tolerance(spec, call), what)


def backward_is_the_derivative(spec: Spec, functions: Functions, call: Call) -> None:
    """⟨dy, change of y⟩ = ⟨gradient, change of x⟩: the adjoint identity, or finite differences."""
    if spec.backward is None:
        return
    rng = np.random.default_rng(7)
    forward = functions[spec.name]
    call = _nudged_to_float64(spec, call)
    outputs = call.on(forward)
    y = np.asarray(as_tuple(outputs)[0])
    if not np.isfinite(y).all():
        return  # such as the mean of nothing: it has no slope
    dy = _upstream(y)
    gradients = _gradients(spec, functions, call, outputs, dy)
    for i in spec.gradients:
        if call.args[i] is None:
            continue
        step = rng.standard_normal(call.args[i].shape)

        def moved(by: Any, i: int = i) -> Any:
            args = (*call.args[:i], by, *call.args[i + 1 :])
            return np.asarray(as_tuple(Call(args, call.options).on(forward))[0])

        if i in spec.linear_in:
            change = moved(step) - moved(np.zeros_like(step))
            kind, slack = "the adjoint identity", 1e-9
        else:
            h = STEP
            change = (moved(call.args[i] + h * step) - moved(call.args[i] - h * step)) / (2 * h)
            kind, slack = "finite differences", SLACK
        left, right = float((dy * change).sum()), float((gradients[i] * step).sum())
        scale = max(1.0, float(np.abs(dy * change).sum()), float(np.abs(gradients[i] * step).sum()))
        assert abs(left - right) <= slack * scale, (
            f"{spec.name}_backward, gradient of argument {i}: {kind} gives {left:.12g}, "
            f"the gradient gives {right:.12g}"
        )


def behaves(spec: Spec, functions: Functions, call: Call) -> None:
    """Dtype is kept, inputs are left alone, and results are arrays of their own."""
    outputs = _call_and_watch(spec.name, functions[spec.name], call)
    if spec.backward is None:
        return
    dy = _upstream(np.asarray(as_tuple(outputs)[0]))
    back = spec.backward(call, outputs, dy)
    _call_and_watch(f"{spec.name}_backward", functions[f"{spec.name}_backward"], back)
    gradients = _gradients(spec, functions, call, outputs, dy)
    for i in spec.gradients:
        if call.args[i] is not None:
            assert gradients[i].shape == call.args[i].shape, (
                f"{spec.name}_backward: the gradient of argument {i} has shape "
                f"{gradients[i].shape}, the argument {call.args[i].shape}"
            )


def satisfies_its_own(spec: Spec, functions: Functions, call: Call) -> None:
    """Whatever only this operation promises."""
    for check in spec.extra:
        check(functions, call)


PROPERTIES: tuple[Property, ...] = (
    forward_equals_loops,
    equals_torch,
    backward_is_the_derivative,
    behaves,
    satisfies_its_own,
)


def examine(spec: Spec, functions: Functions, call: Call) -> None:
    """Check every property on one call; the first that fails raises AssertionError."""
    for prop in PROPERTIES:
        prop(spec, functions, call)


def _call_and_watch(name: str, function: Function, call: Call) -> Any:
    """Call `function`, and assert what holds of any operation."""
    given = [a for a in (*call.args, *call.options.values()) if isinstance(a, np.ndarray)]
    before = [a.copy() for a in given]
    outputs = call.on(function)
    floats = [a for a in given if a.dtype.kind == "f"]
    for a, b in zip(given, before, strict=True):
        assert np.array_equal(a, b, equal_nan=a.dtype.kind == "f"), f"{name} wrote to its input"
    for result in as_tuple(outputs):
        for array in result if isinstance(result, list) else [result]:
            assert isinstance(array, np.ndarray | np.generic), f"{name} returned {type(array)}"
            if floats and array.dtype.kind == "f":
                assert array.dtype == floats[0].dtype, (
                    f"{name} returned {array.dtype} for {floats[0].dtype}"
                )
            for a in given:
                if isinstance(array, np.ndarray):
                    assert not np.shares_memory(array, a), f"{name} returned memory of its input"
    return outputs


def _gradients(
    spec: Spec, functions: Functions, call: Call, outputs: Any, dy: Any
) -> dict[int, Any]:
    """Call the backward, and return its results by the argument that they are gradients of."""
    assert spec.backward is not None
    back = spec.backward(call, outputs, dy)
    results = as_tuple(back.on(functions[f"{spec.name}_backward"]))
    assert len(results) == len(spec.gradients), (
        f"{spec.name}_backward returned {len(results)} results, expected {len(spec.gradients)}"
    )
    return dict(zip(spec.gradients, results, strict=True))


def _upstream(y: Any) -> Any:
    """Draw the gradient of a loss with respect to `y`, in its dtype."""
    return np.random.default_rng(3).standard_normal(np.shape(y)).astype(y.dtype)


def _nudged_to_float64(spec: Spec, call: Call) -> Call:
    """Convert floats to float64, and move what is differentiated off integers, where kinks are."""
    rng = np.random.default_rng(5)
    args = []
    for i, a in enumerate(call.args):
        if isinstance(a, np.ndarray) and a.dtype.kind == "f":
            a = a.astype(np.float64)
            if i in spec.gradients and i not in spec.linear_in:
                # each another nudge: no two values stay closer than the step of finite differences
                nudges = rng.permutation(a.size).reshape(a.shape) / max(1, a.size)
                a = a + 0.05 + 0.2 * nudges
        args.append(a)
    options = {
        k: v.astype(np.float64) if isinstance(v, np.ndarray) and v.dtype.kind == "f" else v
        for k, v in call.options.items()
    }
    return Call(tuple(args), options)


def _tolerance(spec: Spec, call: Call) -> float:
    dtypes = [a.dtype.name for a in call.args if isinstance(a, np.ndarray) and a.dtype.kind == "f"]
    return spec.tolerance[dtypes[0] if dtypes else "float64"]
