"""The NumPy text runs unchanged on arrays of another namespace, as it must on CuPy's."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minis
from minis import ops
from minis.learn.specs import SPECS
from minis.learn.specs.properties import as_tuple, assert_close
from minis.learn.specs.spec import Call

from .. import fake_cupy


@pytest.fixture(autouse=True)
def _cupy(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", fake_cupy.module())


def there(value):
    """Put the arrays among arguments on the imagined GPU."""
    return fake_cupy.ndarray(value.copy()) if isinstance(value, np.ndarray) else value


def moved(call):
    return Call(tuple(there(a) for a in call.args), {k: there(v) for k, v in call.options.items()})


def same(got, expected, name):
    """Assert that results are equal, and lie where the arguments lay."""
    for i, (g, e) in enumerate(zip(as_tuple(got), as_tuple(expected), strict=True)):
        if isinstance(e, list):
            continue  # anchors are made from sizes alone, on the CPU
        assert isinstance(g, fake_cupy.ndarray | np.generic | float), (
            f"{name}, result {i}: {type(g)}"
        )
        values = g.get() if isinstance(g, fake_cupy.ndarray) else g
        assert_close(values, e, 1e-6, f"{name}, result {i}, on the other namespace")


@pytest.mark.parametrize("name", SPECS)
def test_runs_on_another_namespace(name):
    """Forward and backward never mix in a NumPy array, nor convert without saying so."""
    spec = SPECS[name]

    @settings(max_examples=15, deadline=None, derandomize=True)
    @given(call=spec.calls, seed=st.integers(0, 99))
    def run(call, seed):
        with minis.use("numpy"), np.errstate(all="ignore"):
            expected = call.on(getattr(ops, name))
            got = moved(call).on(getattr(ops, name))
            same(got, expected, name)
            if spec.backward is None:
                return
            y = np.asarray(as_tuple(expected)[0])
            dy = np.random.default_rng(seed).standard_normal(y.shape).astype(y.dtype)
            back = spec.backward(call, expected, dy)
            gradients = back.on(getattr(ops, f"{name}_backward"))
            same(moved(back).on(getattr(ops, f"{name}_backward")), gradients, f"{name}_backward")

    run()


def test_the_stand_in_refuses_what_cupy_refuses():
    """Mixing, indexing by and converting to NumPy arrays are errors."""
    a = fake_cupy.ndarray(np.arange(3.0))
    with pytest.raises(TypeError):
        a + np.ones(3)
    with pytest.raises(TypeError):
        np.ones(3) + a
    with pytest.raises(TypeError):
        a[np.array([0])]
    with pytest.raises(TypeError):
        np.asarray(a)
    with pytest.raises(TypeError):
        np.exp(a)
    assert float((a * 2)[1]) == 2.0
