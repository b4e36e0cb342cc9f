"""Spec of the fully connected layer."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from .draw import arrays, dtypes
from .spec import Call, Spec


@st.composite
def linear_calls(draw: st.DrawFn) -> Call:
    """Draw zero to three axes of samples, weights, and a bias or none."""
    dtype = draw(dtypes())
    samples = tuple(draw(st.sampled_from([2, 1, 3, 0])) for _ in range(draw(st.integers(0, 3))))
    i, o = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    x, w = draw(arrays((*samples, i), dtype)), draw(arrays((o, i), dtype))
    return Call((x, w, draw(st.none() | arrays((o,), dtype))))


def linear_loops(x: Any, w: Any, b: Any = None) -> Any:
    """Sum the products, one by one."""
    y = np.zeros((*x.shape[:-1], len(w)))
    for *at, o in np.ndindex(y.shape):
        y[(*at, o)] = 0.0 if b is None else float(b[o])
        for i in range(x.shape[-1]):
            y[(*at, o)] += float(w[o, i]) * float(x[(*at, i)])
    return y


def linear_torch(x: Any, w: Any, b: Any = None) -> Any:
    """Apply PyTorch's linear."""
    from torch.nn import functional

    return functional.linear(x, w, b)


def _backward(call: Call, outputs: Any, dy: Any) -> Call:
    x, w, _ = call.args
    return Call((dy, x, w))


SPECS = (
    Spec(
        name="linear",
        family="fully connected",
        source="as `torch.nn.functional.linear`",
        axes="any",
        calls=linear_calls(),
        loops=linear_loops,
        torch=linear_torch,
        backward=_backward,
        gradients=(0, 1, 2),
        linear_in=(0, 1, 2),
    ),
)
