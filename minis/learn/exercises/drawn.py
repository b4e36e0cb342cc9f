"""The arguments that a learner's function is tried on: fewer kinds than an operation's spec has."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from ..specs.draw import arrays, dtypes
from ..specs.spec import Call

SMALL = st.integers(1, 3)


@st.composite
def sizes(draw: st.DrawFn) -> Call:
    """Draw a window that fits its axis at least once."""
    kernel, dilation = draw(st.integers(1, 5)), draw(SMALL)
    stride, padding = draw(st.integers(1, 4)), draw(st.integers(0, 3))
    reach = dilation * (kernel - 1) + 1
    size = max(1, reach - 2 * padding) + draw(st.integers(0, 9))
    return Call((size, kernel), {"stride": stride, "padding": padding, "dilation": dilation})


@st.composite
def pictures_and_filters(draw: st.DrawFn) -> Call:
    """Draw one channel (H, W), and a filter that fits."""
    dtype, kernel = draw(dtypes()), (draw(SMALL), draw(SMALL))
    x = draw(arrays((kernel[0] + draw(SMALL) - 1, kernel[1] + draw(SMALL) - 1), dtype))
    return Call((x, draw(arrays(kernel, dtype))))


@st.composite
def convolutions(draw: st.DrawFn) -> Call:
    """Draw a 2-D convolution with one stride and one padding for both axes."""
    x, kernel, stride, padding = draw(_maps())
    o, dtype = draw(SMALL), x.dtype.name
    w = draw(arrays((o, x.shape[1], *kernel), dtype))
    b = draw(st.none() | arrays((o,), dtype))
    return Call((x, w, b), {"stride": stride, "padding": padding})


@st.composite
def unfoldings(draw: st.DrawFn) -> Call:
    """Draw a map and its windows' geometry."""
    x, kernel, stride, padding = draw(_maps())
    return Call((x, kernel), {"stride": stride, "padding": padding})


@st.composite
def foldings(draw: st.DrawFn) -> Call:
    """Draw columns, and the shape of what they are added up to."""
    x, kernel, stride, padding = draw(_maps())
    places = [(s + 2 * padding - k) // stride + 1 for s, k in zip(x.shape[2:], kernel, strict=True)]
    column = x.shape[1] * kernel[0] * kernel[1]
    columns = draw(arrays((len(x), column, places[0] * places[1]), x.dtype.name))
    return Call((columns, x.shape, kernel), {"stride": stride, "padding": padding})


@st.composite
def _maps(draw: st.DrawFn) -> tuple[Any, tuple[int, int], int, int]:
    """Draw maps (N, C, H, W), a kernel that fits, a stride, and a padding."""
    kernel = draw(SMALL), draw(SMALL)
    stride, padding = draw(SMALL), draw(st.integers(0, 2))
    least = [max(1, k - 2 * padding) for k in kernel]
    size = (least[0] + draw(st.integers(0, 4)), least[1] + draw(st.integers(0, 4)))
    shape = (draw(st.sampled_from([1, 2, 0])), draw(st.integers(1, 2)), *size)
    return draw(arrays(shape, draw(dtypes()))), kernel, stride, padding


@st.composite
def transposed_convolutions(draw: st.DrawFn) -> Call:
    """Draw a 2-D transposed convolution whose output is not empty."""
    dtype, kernel, stride = draw(dtypes()), (draw(SMALL), draw(SMALL)), draw(SMALL)
    size = draw(SMALL), draw(SMALL)
    full = [(s - 1) * stride + k for s, k in zip(size, kernel, strict=True)]
    padding = draw(st.integers(0, min(2, (min(full) - 1) // 2)))
    n, c, o = draw(st.sampled_from([1, 2, 0])), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    x = draw(arrays((n, c, *size), dtype))
    w = draw(arrays((c, o, *kernel), dtype))
    b = draw(st.none() | arrays((o,), dtype))
    return Call((x, w, b), {"stride": stride, "padding": padding})


@st.composite
def poolings(draw: st.DrawFn) -> Call:
    """Draw a 2-D pooling with square windows; many numbers are equal."""
    size = draw(SMALL)
    padding = draw(st.integers(0, size // 2))
    least = max(1, size - 2 * padding)
    plane = least + draw(st.integers(0, 4)), least + draw(st.integers(0, 4))
    shape = (draw(st.sampled_from([1, 2, 0])), draw(st.integers(1, 2)), *plane)
    x = draw(arrays(shape, draw(dtypes()), low=-3, high=1))
    return Call((x, size), {"stride": draw(st.none() | SMALL), "padding": padding})


@st.composite
def labelled_logits(draw: st.DrawFn) -> Call:
    """Draw logits (N, K, H, W) and a target, some of it void."""
    n, k = draw(st.sampled_from([1, 2, 0])), draw(st.integers(1, 4))
    plane = draw(SMALL), draw(SMALL)
    logits = draw(arrays((n, k, *plane), draw(dtypes())))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    ignore = draw(st.sampled_from([-100, 255]))
    target = rng.integers(0, k, (n, *plane))
    target[rng.random(target.shape) < draw(st.sampled_from([0, 0.3]))] = ignore
    return Call((logits, target), {"ignore_index": ignore})


@st.composite
def normalisations(draw: st.DrawFn) -> Call:
    """Draw a 2-D batch normalisation in training, of at least two numbers a channel."""
    dtype, c = draw(dtypes()), draw(SMALL)
    x = draw(arrays((draw(st.integers(1, 3)), c, draw(st.integers(2, 4)), draw(SMALL)), dtype))
    gamma, beta = draw(arrays((c,), dtype)), draw(arrays((c,), dtype))
    running = np.zeros(c, dtype), np.ones(c, dtype)
    return Call((x, gamma, beta, *running), {"training": True})


@st.composite
def points(draw: st.DrawFn) -> Call:
    """Draw a map and a point, often on a cell, at the border, or outside."""
    f = draw(arrays((draw(st.integers(1, 4)), draw(st.integers(1, 4))), "float64"))
    at = []
    for size in f.shape:
        special = [0.0, -1.0, -0.5, size - 1.0, size - 0.5, float(size), size + 0.25, -1.25]
        at.append(draw(st.sampled_from(special) | st.integers(-8, 4 * size + 8).map(_quarter)))
    return Call((f, *at))


def _quarter(i: int) -> float:
    return i / 4


@st.composite
def regions(draw: st.DrawFn) -> Call:
    """Draw maps, boxes within them or a little outside, and a fixed number of points a bin."""
    dtype = draw(dtypes())
    n, c = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    h, v = draw(st.integers(2, 6)), draw(st.integers(2, 6))
    scale = draw(st.sampled_from([1.0, 0.5, 0.25]))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    count = draw(st.integers(0, 3))
    corners = rng.uniform(-1, 1, (count, 2)) / scale
    sides = rng.uniform(0.2, 1, (count, 2)) * (v, h) / scale
    image = rng.integers(0, n, count)
    boxes = np.concatenate([image[:, None], corners, corners + sides], axis=1).astype(dtype)
    options = {
        "spatial_scale": scale,
        "sampling_ratio": draw(st.integers(1, 3)),
        "aligned": draw(st.booleans()),
    }
    return Call((draw(arrays((n, c, h, v), dtype)), boxes, (draw(SMALL), draw(SMALL))), options)


@st.composite
def flat_arrays(draw: st.DrawFn) -> Call:
    """Draw a contiguous array of one axis, of a length that blocks of 4 rarely divide."""
    x = draw(arrays((draw(st.integers(0, 11)),), draw(dtypes())))
    return Call((np.ascontiguousarray(x),))


@st.composite
def pictures_for_kernels(draw: st.DrawFn) -> Call:
    """Draw a float32 picture of at least 3 × 3, and a filter of 3 × 3."""
    x = draw(arrays((draw(st.integers(3, 9)), draw(st.integers(3, 9))), "float32"))
    w = draw(arrays((3, 3), "float32"))
    return Call((np.ascontiguousarray(x), np.ascontiguousarray(w)))


def factors() -> st.SearchStrategy[Call]:
    """Draw a factor of upsampling."""
    return st.integers(1, 9).map(_of_one)


def _of_one(factor: int) -> Call:
    return Call((factor,))


@st.composite
def masks(draw: st.DrawFn) -> Call:
    """Draw a mask, some of it void, and the number of classes."""
    classes = draw(st.integers(1, 4))
    return Call((_mask(draw, classes, (draw(SMALL), draw(SMALL))), classes))


@st.composite
def pairs_of_masks(draw: st.DrawFn) -> Call:
    """Draw a prediction and a truth of which not every class occurs, and some is void."""
    classes = draw(st.integers(1, 4))
    plane = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    truth = _mask(draw, classes, plane)
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    prediction = np.where(rng.random(plane) < 0.5, truth % 255, rng.integers(0, classes, plane))
    return Call((prediction, truth, classes))


def _mask(draw: st.DrawFn, classes: int, plane: tuple[int, int]) -> Any:
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    mask = rng.integers(0, classes, plane)
    mask[rng.random(plane) < draw(st.sampled_from([0, 0.25]))] = 255
    return mask


class Named:
    """A function of an array that shows its formula where it is printed."""

    def __init__(self, formula: str) -> None:
        self.formula = formula

    def __call__(self, x: Any) -> float:
        return float(eval(self.formula, {"x": x, "np": np}))  # one of FORMULAS

    def __repr__(self) -> str:
        return f"lambda x: {self.formula}"


FORMULAS = (
    "(x * x).sum()",
    "np.sin(x).sum()",
    "np.exp(x / 4).sum() * x.sum()",
    "(np.arange(x.size).reshape(x.shape) * x**2).sum()",
)


@st.composite
def functions_at_points(draw: st.DrawFn) -> Call:
    """Draw a smooth function of an array, and where its gradient is wanted."""
    shape = tuple(draw(st.lists(SMALL, min_size=1, max_size=3)))
    formula = draw(st.sampled_from(FORMULAS))
    return Call((Named(formula), draw(arrays(shape, "float64", low=-2, high=2))))


@st.composite
def unpoolings(draw: st.DrawFn) -> Call:
    """Draw values and the indices of a pooling, whose windows may overlap."""
    from ...ops import max_pool

    call = draw(poolings())
    y, indices = max_pool.reference(*call.args, **call.options)
    values = draw(arrays(y.shape, y.dtype.name))
    return Call((values, indices, call.args[0].shape[2:]))


@st.composite
def soft_masks(draw: st.DrawFn) -> Call:
    """Draw probabilities and a truth of zeros and ones, now and then both empty."""
    dtype = draw(dtypes())
    shape = (draw(st.integers(1, 2)), draw(st.integers(1, 3)), draw(SMALL), draw(SMALL))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    p = rng.random(shape).astype(dtype)
    g = rng.integers(0, 2, shape).astype(dtype)
    if draw(st.booleans()):
        p[0, 0], g[0, 0] = 0, 0
    return Call((p, g))


@st.composite
def stacks(draw: st.DrawFn) -> Call:
    """Draw a list of layers."""
    layer = st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(1, 3))
    return Call((draw(st.lists(layer, min_size=0, max_size=5)),))
