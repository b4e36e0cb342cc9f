"""Convolution, the first rung: one thread computes one number of the result.

    y[n, o, ω] = b[o] + Σ_c Σ_κ w[o, c, κ] · x̂[n, c, ω·stride + κ·dilation − padding]

x̂ is x, and zero outside of it. Of the numbers of y, laid out in one row, thread t of T takes those
at t, t + T, t + 2T … :

    y       (n, o, d, h, 0) (n, o, d, h, 1) (n, o, d, h, 2) …
    thread         t              t+1             t+2

Threads share nothing and wait for nobody. For each product a thread reads two numbers from the
GPU's memory, or from its caches: that, not arithmetic, is what it waits for. `conv_tiled` reads
each number once for 16 products.
"""

from __future__ import annotations

from typing import Any

from numba import cuda

from ..geometry import Geometry
from .arrays import empty, with_three_axes
from .conv_sizes import conv_sizes, with_bias
from .launch import THREADS, blocks_for, kernel
from .signatures import Real1, Real5


@kernel
def convolve_kernel(x: Real5, w: Real5, b: Real1, y: Real5, g: Geometry, groups: int) -> None:
    """Compute every T-th number of y."""
    _, outputs, depth, height, width = y.shape
    _, inputs, taps_d, taps_h, taps_w = w.shape  # inputs: channels of one group
    for i in range(cuda.grid(1), y.size, cuda.gridsize(1)):
        # the i-th number of y is y[n, o, out_d, out_h, out_w]
        out_w, line = i % width, i // width
        out_h, plane = line % height, line // height
        out_d, volume = plane % depth, plane // depth
        o, n = volume % outputs, volume // outputs
        first = o // (outputs // groups) * inputs  # channel of x that o's group begins with
        total = b[o]
        for c in range(inputs):
            for tap_d in range(taps_d):
                d = out_d * g.stride[0] + tap_d * g.dilation[0] - g.padding[0]
                for tap_h in range(taps_h):
                    h = out_h * g.stride[1] + tap_h * g.dilation[1] - g.padding[1]
                    for tap_w in range(taps_w):
                        v = out_w * g.stride[2] + tap_w * g.dilation[2] - g.padding[2]
                        value = x.dtype.type(0)
                        if 0 <= d < x.shape[2] and 0 <= h < x.shape[3] and 0 <= v < x.shape[4]:
                            value = x[n, first + c, d, h, v]
                        total += w[o, c, tap_d, tap_h, tap_w] * value
        y[n, o, out_d, out_h, out_w] = total


def convolve(x: Any, w: Any, b: Any, g: Geometry, groups: int) -> Any:
    """Convolve x with w (O, C/groups, *k), and add b (O,): (N, O, D, H, W)."""
    y = empty((len(x), len(w), *g.out), x)
    arrays = (with_three_axes(x), with_three_axes(w), b, y)
    convolve_kernel[blocks_for(y.size), THREADS](*arrays, g, groups)
    return y


def conv(
    x: Any,
    w: Any,
    b: Any = None,
    *,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """Convolve: `minis.ops.conv`."""
    g = conv_sizes(x, w, stride, padding, dilation, groups)
    return NotImplemented if g is None else with_bias(convolve, x, w, b, len(w), g, groups)
