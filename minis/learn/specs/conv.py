"""Specs of convolution and its transpose."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .draw import arrays, dtypes, per_axis, spread
from .spec import Call, Spec


@st.composite
def conv_calls(draw: st.DrawFn) -> Call:
    """Draw a convolution of any geometry, from one axis to three, that fits its input."""
    axes, dtype = draw(st.sampled_from([1, 2, 3])), draw(dtypes())
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    small = st.integers(1, 3)
    kernel = tuple(draw(small) for _ in range(axes))
    stride = draw(per_axis(axes, small))
    dilation = draw(per_axis(axes, st.integers(1, 2)))
    padding = draw(per_axis(axes, st.integers(0, 2)))
    smallest = [
        max(1, d * (k - 1) + 1 - 2 * p)
        for k, d, p in zip(kernel, spread(dilation, axes), spread(padding, axes), strict=True)
    ]
    size = tuple(s + draw(st.integers(0, 4)) for s in smallest)
    n = draw(st.sampled_from([1, 2, 0]))
    c, o = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 3))
    x = draw(arrays((n, c, *size), dtype))
    w = draw(arrays((o, c // groups, *kernel), dtype))
    b = draw(st.none() | arrays((o,), dtype))
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return Call((x, w, b), options)


def conv_loops(
    x: Any, w: Any, b: Any = None, *, stride: Any, padding: Any, dilation: Any, groups: int
) -> Any:
    """Convolve with one loop per index."""
    axes = x.ndim - 2
    stride, padding, dilation = (spread(v, axes) for v in (stride, padding, dilation))
    size, kernel = x.shape[2:], w.shape[2:]
    out = tuple(
        (size[a] + 2 * padding[a] - dilation[a] * (kernel[a] - 1) - 1) // stride[a] + 1
        for a in range(axes)
    )
    y = np.zeros((len(x), len(w), *out), x.dtype)
    per_group_in, per_group_out = w.shape[1], len(w) // groups
    for n, o in itertools.product(range(len(x)), range(len(w))):
        for at in itertools.product(*map(range, out)):
            total = 0.0 if b is None else float(b[o])
            for c in range(per_group_in):
                channel = (o // per_group_out) * per_group_in + c
                for tap in itertools.product(*map(range, kernel)):
                    place = [
                        at[a] * stride[a] + tap[a] * dilation[a] - padding[a] for a in range(axes)
                    ]
                    if all(0 <= place[a] < size[a] for a in range(axes)):
                        total += float(w[(o, c, *tap)]) * float(x[(n, channel, *place)])
            y[(n, o, *at)] = total
    return y


def conv_torch(x: Any, w: Any, b: Any = None, **options: Any) -> Any:
    """Convolve with PyTorch."""
    from torch.nn import functional

    return getattr(functional, f"conv{x.ndim - 2}d")(x, w, b, **options)


@st.composite
def conv_transpose_calls(draw: st.DrawFn) -> Call:
    """Draw a transposed convolution of any geometry whose output is not empty."""
    axes, dtype = draw(st.sampled_from([1, 2, 3])), draw(dtypes())
    groups = draw(st.sampled_from([1, 1, 2]))
    small = st.integers(1, 3)
    kernel = tuple(draw(small) for _ in range(axes))
    stride = tuple(draw(small) for _ in range(axes))
    dilation = tuple(draw(st.integers(1, 2)) for _ in range(axes))
    extra = tuple(
        draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation, strict=True)
    )
    size = tuple(draw(st.integers(1, 4)) for _ in range(axes))
    full = [  # the output's size without padding
        (i - 1) * s + d * (k - 1) + e + 1
        for i, s, d, k, e in zip(size, stride, dilation, kernel, extra, strict=True)
    ]
    padding = tuple(draw(st.integers(0, min(2, (f - 1) // 2))) for f in full)
    n = draw(st.sampled_from([1, 2, 0]))
    c, o = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    x = draw(arrays((n, c, *size), dtype))
    w = draw(arrays((c, o // groups, *kernel), dtype))
    b = draw(st.none() | arrays((o,), dtype))
    options = {
        "stride": stride,
        "padding": padding,
        "output_padding": extra,
        "dilation": dilation,
        "groups": groups,
    }
    return Call((x, w, b), options)


def conv_transpose_loops(
    x: Any,
    w: Any,
    b: Any = None,
    *,
    stride: Any,
    padding: Any,
    output_padding: Any,
    dilation: Any,
    groups: int,
) -> Any:
    """Stamp the filter once for every input value, with one loop per index."""
    axes, size, kernel = x.ndim - 2, x.shape[2:], w.shape[2:]
    out = tuple(
        (size[a] - 1) * stride[a]
        - 2 * padding[a]
        + dilation[a] * (kernel[a] - 1)
        + output_padding[a]
        + 1
        for a in range(axes)
    )
    per_group_in, per_group_out = len(w) // groups, w.shape[1]
    y = np.zeros((len(x), per_group_out * groups, *out), x.dtype)
    if b is not None:
        y += b.reshape(-1, *(1 for _ in out))
    for n, c, o in itertools.product(range(len(x)), range(len(w)), range(per_group_out)):
        channel = (c // per_group_in) * per_group_out + o
        for at in itertools.product(*map(range, size)):
            for tap in itertools.product(*map(range, kernel)):
                place = [at[a] * stride[a] + tap[a] * dilation[a] - padding[a] for a in range(axes)]
                if all(0 <= place[a] < out[a] for a in range(axes)):
                    y[(n, channel, *place)] += w[(c, o, *tap)] * x[(n, c, *at)]
    return y


def conv_transpose_torch(x: Any, w: Any, b: Any = None, **options: Any) -> Any:
    """Apply PyTorch's transposed convolution."""
    from torch.nn import functional

    return getattr(functional, f"conv_transpose{x.ndim - 2}d")(x, w, b, **options)


def _backward(call: Call, outputs: Any, dy: Any) -> Call:
    x, w, _ = call.args
    return Call((dy, x, w), call.options)


SPECS = (
    Spec(
        name="conv",
        family="convolution",
        source="LeCun et al. 1998; as `torch.nn.functional.conv2d`",
        axes="1-D, 2-D, 3-D",
        calls=conv_calls(),
        loops=conv_loops,
        torch=conv_torch,
        backward=_backward,
        gradients=(0, 1, 2),
        linear_in=(0, 1, 2),
    ),
    Spec(
        name="conv_transpose",
        family="convolution",
        source="Dumoulin & Visin 2016, ch. 4; as `torch.nn.functional.conv_transpose2d`",
        axes="1-D, 2-D, 3-D",
        calls=conv_transpose_calls(),
        loops=conv_transpose_loops,
        torch=conv_transpose_torch,
        backward=_backward,
        gradients=(0, 1, 2),
        linear_in=(0, 1, 2),
    ),
)
