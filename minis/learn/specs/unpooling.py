"""Spec of max unpooling."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .draw import LAYOUTS, arrays, dtypes, generators, lay_out, spread
from .pooling import BATCHES
from .spec import Call, Spec


@st.composite
def max_unpool_calls(draw: st.DrawFn) -> Call:
    """Draw values and, for each plane, as many different places."""
    axes, rng = draw(st.sampled_from([1, 2, 3])), draw(generators())
    pooled = tuple(draw(st.integers(1, 3)) for _ in range(axes))
    size = tuple(p + draw(st.integers(0, 3)) for p in pooled)
    shape = (draw(BATCHES), draw(st.integers(1, 2)), *pooled)
    planes, plane, count = math.prod(shape[:2]), math.prod(size), math.prod(pooled)
    places = rng.permuted(np.tile(np.arange(plane), (planes, 1)), axis=1)[:, :count]
    indices = places.reshape(shape).astype(draw(st.sampled_from(["int64", "int32"])))
    x = draw(arrays(shape, draw(dtypes())))
    short = size[0] if len(set(size)) == 1 and draw(st.booleans()) else size
    return Call((x, lay_out(indices, draw(st.sampled_from(LAYOUTS))), short))


def max_unpool_loops(x: Any, indices: Any, output_size: Any) -> Any:
    """Place one value after the other."""
    size = spread(output_size, x.ndim - 2)
    y = np.zeros((*x.shape[:2], *size), x.dtype)
    for at in np.ndindex(*x.shape):
        y[(*at[:2], *np.unravel_index(int(indices[at]), size))] = x[at]
    return y


def max_unpool_torch(x: Any, indices: Any, output_size: Any) -> Any:
    """Unpool with PyTorch's operators: its functions ask for a window that explains the size."""
    import torch

    indices, size = indices.long(), spread(output_size, x.ndim - 2)
    if x.ndim == 3:
        y = torch.ops.aten.max_unpool2d(x[:, :, None], indices[:, :, None], (1, *size))
        return y[:, :, 0]
    if x.ndim == 4:
        return torch.ops.aten.max_unpool2d(x, indices, size)
    return torch.ops.aten.max_unpool3d(x, indices, size, (1, 1, 1), (0, 0, 0))


SPECS = (
    Spec(
        name="max_unpool",
        family="pooling",
        source="Zeiler et al. 2011; as `torch.nn.functional.max_unpool2d`",
        axes="1-D, 2-D, 3-D",
        calls=max_unpool_calls(),
        loops=max_unpool_loops,
        torch=max_unpool_torch,
        backward=lambda call, y, dy: Call((dy, call.args[1])),
        gradients=(0,),
        linear_in=(0,),
    ),
)
