"""Spec of local response normalisation."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from .draw import arrays, dtypes
from .spec import Call, Spec


@st.composite
def local_response_norm_calls(draw: st.DrawFn) -> Call:
    """Draw maps of one to six channels, and a neighbourhood that may exceed them."""
    n, c = draw(st.sampled_from([1, 2, 0])), draw(st.integers(1, 6))
    size = tuple(draw(st.integers(1, 3)) for _ in range(draw(st.integers(0, 3))))
    options = {
        "alpha": draw(st.sampled_from([1.0, 0.5, 1e-4])),
        "beta": draw(st.sampled_from([0.75, 0.5, 2.0])),
        "k": draw(st.sampled_from([1.0, 2.0])),
    }
    x = draw(arrays((n, c, *size), draw(dtypes())))
    return Call((x, draw(st.integers(1, 7))), options)


def local_response_norm_loops(x: Any, size: int, *, alpha: float, beta: float, k: float) -> Any:
    """Walk over the `size` channels around each one; an even neighbourhood reaches further back."""
    y = np.zeros(x.shape)
    for n, c, *at in np.ndindex(x.shape):
        energy = 0.0
        for step in range(size):
            neighbour = c - size // 2 + step
            if 0 <= neighbour < x.shape[1]:
                energy += float(x[(n, neighbour, *at)]) ** 2
        y[(n, c, *at)] = float(x[(n, c, *at)]) / (k + alpha * energy / size) ** beta
    return y


def local_response_norm_torch(x: Any, size: int, **options: Any) -> Any:
    """Apply PyTorch's, which asks for a spatial axis."""
    from torch.nn import functional

    y = functional.local_response_norm(x.reshape(*x.shape, 1), size, **options)
    return y.reshape(x.shape)


def _backward(call: Call, outputs: Any, dy: Any) -> Call:
    return Call((dy, *call.args), call.options)


SPECS = (
    Spec(
        name="local_response_norm",
        family="normalisation",
        source="Krizhevsky et al. 2012, section 3.3; as `torch.nn.functional.local_response_norm`",
        axes="0-D to 3-D",
        calls=local_response_norm_calls(),
        loops=local_response_norm_loops,
        torch=local_response_norm_torch,
        backward=_backward,
        gradients=(0,),
    ),
)
