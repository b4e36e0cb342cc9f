"""Specs of max and average pooling."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .draw import LAYOUTS, arrays, dtypes, generators, lay_out, spread
from .properties import assert_close
from .spec import Call, Function, Spec

BATCHES = st.sampled_from([1, 2, 2, 1, 2, 0])  # an empty one now and then


@st.composite
def levels(draw: st.DrawFn, shape: tuple[int, ...], dtype: str) -> Any:
    """Draw multiples of a quarter: many tie, and no two differ by a hair.

    A maximum has a kink where two values meet. Finite differences step 1e-5 to either side, and
    mustn't step over one; ties they survive, because the properties move those apart.
    """
    values = draw(generators()).integers(-5, 3, shape) / 4
    return lay_out(np.asarray(values, dtype), draw(st.sampled_from(LAYOUTS)))


@st.composite
def windows(draw: st.DrawFn, *, dilated: bool) -> tuple[tuple[int, ...], Any, dict[str, Any]]:
    """Draw an input's spatial shape, a window's size, and options that PyTorch allows with them."""
    axes = draw(st.sampled_from([1, 2, 3]))
    kernel = [draw(st.integers(1, 3)) for _ in range(axes)]
    stride = [draw(st.integers(1, 3)) for _ in range(axes)]
    dilation = [draw(st.integers(1, 2)) if dilated else 1 for _ in range(axes)]
    extent = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    padding = [draw(st.integers(0, k // 2)) for k in kernel]  # PyTorch forbids more
    smallest = [  # with d cells or more, every window has one that isn't padding
        max(d, e - 2 * p) for d, e, p in zip(dilation, extent, padding, strict=True)
    ]
    if axes == 3 and not dilated:  # PyTorch's avg_pool3d, alone, wants x no smaller than the window
        smallest = kernel
    shape = tuple(i + draw(st.integers(0, 4 - axes)) for i in smallest)

    def short(values: list[int]) -> Any:
        same = len(set(values)) == 1
        return values[0] if same and draw(st.booleans()) else tuple(values)

    options = {"padding": short(padding), "ceil_mode": draw(st.booleans())}
    if draw(st.booleans()):
        options["stride"] = short(stride)
    if dilated:
        options["dilation"] = short(dilation)
    return shape, short(kernel), options


@st.composite
def max_pool_calls(draw: st.DrawFn) -> Call:
    """Draw a max pooling with many ties, often of negative values only."""
    shape, size, options = draw(windows(dilated=True))
    n, c = draw(BATCHES), draw(st.integers(1, 2))
    return Call((draw(levels((n, c, *shape), draw(dtypes()))), size), options)


@st.composite
def avg_pool_calls(draw: st.DrawFn) -> Call:
    """Draw an average pooling."""
    shape, size, options = draw(windows(dilated=False))
    n, c = draw(BATCHES), draw(st.integers(1, 2))
    options["count_include_pad"] = draw(st.booleans())
    return Call((draw(arrays((n, c, *shape), draw(dtypes()))), size), options)


def window_cells(i: int, k: int, s: int, p: int, d: int, *, ceil_mode: bool) -> list[list[int]]:
    """List each window's cells along an axis of `i` cells; those below 0 or from i on are padding.

    Examples
    --------
    >>> [window_cells(4, 2, 3, 0, 1, ceil_mode=c) for c in (False, True)]
    [[[0, 1]], [[0, 1], [3, 4]]]
    """
    extent = d * (k - 1) + 1
    starts = list(range(-p, i + p - extent + 1, s))
    following = starts[-1] + s
    if ceil_mode and starts[-1] + extent < i + p and following < i:
        starts.append(following)  # cells were left over, and a window can start in front of the end
    return [[start + tap * d for tap in range(k)] for start in starts]


def max_pool_loops(
    x: Any,
    size: Any,
    *,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Any:
    """Look through every window cell by cell; the first of equals stays, NaN beats all."""
    axes, shape = x.ndim - 2, x.shape[2:]
    stride = size if stride is None else stride
    each = (shape, *(spread(v, axes) for v in (size, stride, padding, dilation)))
    cells = [window_cells(*values, ceil_mode=ceil_mode) for values in zip(*each, strict=True)]
    y = np.zeros((*x.shape[:2], *map(len, cells)), x.dtype)
    indices = np.zeros(y.shape, np.int64)
    for at in np.ndindex(*y.shape):
        best, where = None, -1
        window = [cells[a][at[2 + a]] for a in range(axes)]
        for place in itertools.product(*window):
            if all(0 <= place[a] < shape[a] for a in range(axes)):
                value = float(x[(*at[:2], *place)])
                if best is None or value > best or math.isnan(value):
                    best, where = value, 0
                    for a in range(axes):
                        where = where * shape[a] + place[a]
        y[at], indices[at] = best, where
    return y, indices


def avg_pool_loops(
    x: Any,
    size: Any,
    *,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """Sum every window cell by cell, and count as it goes."""
    axes, shape = x.ndim - 2, x.shape[2:]
    stride, padding = size if stride is None else stride, spread(padding, axes)
    each = (shape, spread(size, axes), spread(stride, axes), padding)
    cells = [window_cells(*values, d=1, ceil_mode=ceil_mode) for values in zip(*each, strict=True)]
    y = np.zeros((*x.shape[:2], *map(len, cells)), x.dtype)
    for at in np.ndindex(*y.shape):
        total, count = 0.0, 0
        window = [cells[a][at[2 + a]] for a in range(axes)]
        for place in itertools.product(*window):
            inside = all(0 <= place[a] < shape[a] for a in range(axes))
            if inside:
                total += float(x[(*at[:2], *place)])
            if inside or count_include_pad:  # what lies beyond the padding is never counted
                count += all(place[a] < shape[a] + padding[a] for a in range(axes))
        y[at] = total / count
    return y


def max_pool_torch(x: Any, size: Any, **options: Any) -> Any:
    """Pool with PyTorch."""
    from torch.nn import functional

    return getattr(functional, f"max_pool{x.ndim - 2}d")(x, size, return_indices=True, **options)


def avg_pool_torch(x: Any, size: Any, *, stride: Any = None, **options: Any) -> Any:
    """Pool with PyTorch."""
    from torch.nn import functional

    pool = getattr(functional, f"avg_pool{x.ndim - 2}d")
    return pool(x, size, stride=size if stride is None else stride, **options)


def transposes_the_choice(functions: dict[str, Function], call: Call) -> None:
    """With its indices held fixed, max pooling is a choice of cells; backward is the transpose."""
    x, rng = call.args[0].astype(np.float64), np.random.default_rng(11)
    _, indices = functions["max_pool"](x, *call.args[1:], **call.options)
    dy, v = rng.standard_normal(indices.shape), rng.standard_normal(x.shape)
    n, c = x.shape[:2]
    flat = (n, c, math.prod(indices.shape[2:]))
    chosen = np.take_along_axis(
        v.reshape(n, c, math.prod(x.shape[2:])), indices.reshape(flat), axis=2
    )
    dx = functions["max_pool_backward"](dy, indices, x.shape)
    assert_close(
        (dx * v).sum(),
        (dy.reshape(flat) * chosen).sum(),
        1e-10,
        "⟨max_pool_backward(dy), v⟩ against ⟨dy, v at the indices⟩",
    )


def keeps_nan_and_infinity(functions: dict[str, Function], call: Call) -> None:
    """NaN beats every number; where all is −inf, the index still names a cell of the window."""
    x, rng = call.args[0].copy(), np.random.default_rng(13)
    x[rng.random(x.shape) < 0.5] = -math.inf
    x[rng.random(x.shape) < 0.1] = math.nan
    got = functions["max_pool"](x, *call.args[1:], **call.options)
    expected = max_pool_loops(x, *call.args[1:], **call.options)
    for g, e, what in zip(got, expected, ("values", "indices"), strict=True):
        assert_close(g, e, 0, f"max_pool, {what} with NaN and −inf in x")


SPECS = (
    Spec(
        name="max_pool",
        family="pooling",
        source="as `torch.nn.functional.max_pool2d`",
        axes="1-D, 2-D, 3-D",
        calls=max_pool_calls(),
        loops=max_pool_loops,
        torch=max_pool_torch,
        backward=lambda call, outputs, dy: Call((dy, outputs[1], call.args[0].shape)),
        gradients=(0,),
        extra=(transposes_the_choice, keeps_nan_and_infinity),
    ),
    Spec(
        name="avg_pool",
        family="pooling",
        source="as `torch.nn.functional.avg_pool2d`",
        axes="1-D, 2-D, 3-D",
        calls=avg_pool_calls(),
        loops=avg_pool_loops,
        torch=avg_pool_torch,
        backward=lambda call, y, dy: Call((dy, call.args[0].shape, call.args[1]), call.options),
        gradients=(0,),
        linear_in=(0,),
    ),
)
