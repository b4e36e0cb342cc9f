"""The gradients of a convolution, the first rung: nothing but sums, each in one fixed order.

dx  One thread computes one number of dx. It asks which windows read x there, and adds what each of
    them passes back ("gather"). Were it the other way round, one thread for each number of dy that
    adds to all of x that its window read ("scatter"), threads would meet at the same address and
    have to take turns (atomic additions), in an order that changes from run to run.
dw  One block computes one number of dw, a sum over all pixels of all samples.
db  One block computes one number of db, likewise.

How a block adds up: thread t of T takes the numbers t, t + T, t + 2T … and adds them on its own;
then the T sums are folded in half, in shared memory, until one is left.

    sums    a b c d e f g h                  All threads wait between two foldings: the next
            └───────┴──────── a+e …          one reads what others have just written.
            └───┴──── a+e+c+g …
"""

from __future__ import annotations

from typing import Any

from numba import cuda

from ..geometry import Geometry
from .arrays import empty, with_three_axes
from .conv_places import Places, of_adjoint, of_convolution, pixel, reads
from .launch import THREADS, blocks_for, device, kernel
from .signatures import Real1, Real3, Real5


@kernel
def adjoint_kernel(x: Real5, w: Real5, b: Real1, y: Real5, places: Places, groups: int) -> None:
    """Compute every T-th number of y, the adjoint of a convolution applied to x."""
    channels = y.shape[1]
    all_outputs, inputs, taps_d, taps_h, taps_w = w.shape  # of the convolution
    outputs = all_outputs // groups
    for i in range(cuda.grid(1), y.size, cuda.gridsize(1)):
        # the i-th number of y is y[n, c, at_d, at_h, at_w]
        plane, at_d, at_h, at_w = pixel(i, places.result)
        n, c = plane // channels, plane % channels
        first = c // inputs * outputs  # channel of x that c's group begins with
        total = b[c]
        for tap in range(taps_d * taps_h * taps_w):
            d, h, v, found = reads(at_d, at_h, at_w, tap, places)
            if not found:
                continue  # no window reads this pixel by this tap
            tap_d, tap_h, tap_w = tap // taps_w // taps_h, tap // taps_w % taps_h, tap % taps_w
            for o in range(first, first + outputs):
                total += w[o, c % inputs, tap_d, tap_h, tap_w] * x[n, o, d, h, v]
        y[n, c, at_d, at_h, at_w] = total


@device
def add_up(sums: Any, thread: int) -> None:
    """Leave the sum of a block's THREADS numbers in the first of them."""
    half = THREADS // 2
    while half > 0:
        cuda.syncthreads()
        if thread < half:
            sums[thread] += sums[thread + half]
        half //= 2


@kernel
def weights_kernel(dy: Real5, x: Real5, dw: Real3, places: Places, groups: int) -> None:
    """Sum dy times what one weight reads, over all pixels; dw is (O, C/groups, taps)."""
    sums = cuda.shared.array(THREADS, dy.dtype)
    thread = cuda.threadIdx.x
    outputs, inputs, taps = dw.shape
    plane = dy.shape[2] * dy.shape[3] * dy.shape[4]
    for i in range(cuda.blockIdx.x, dw.size, cuda.gridDim.x):
        tap, c, o = i % taps, i // taps % inputs, i // taps // inputs
        channel = o // (outputs // groups) * inputs + c
        total = dy.dtype.type(0)
        for p in range(thread, len(dy) * plane, cuda.blockDim.x):
            n, at_d, at_h, at_w = pixel(p, places.result)
            d, h, v, found = reads(at_d, at_h, at_w, tap, places)
            value = x.dtype.type(0)
            if found:
                value = x[n, channel, d, h, v]
            total += dy[n, o, at_d, at_h, at_w] * value
        sums[thread] = total
        add_up(sums, thread)
        if thread == 0:
            dw[o, c, tap] = sums[0]
        cuda.syncthreads()  # the next weight's sums overwrite these


@kernel
def bias_kernel(dy: Real3, db: Real1) -> None:
    """Sum dy (N, O, pixels) over samples and pixels."""
    sums = cuda.shared.array(THREADS, dy.dtype)
    thread = cuda.threadIdx.x
    samples, _, pixels = dy.shape
    for o in range(cuda.blockIdx.x, db.size, cuda.gridDim.x):
        total = dy.dtype.type(0)
        for p in range(thread, samples * pixels, cuda.blockDim.x):
            total += dy[p // pixels, o, p % pixels]
        sums[thread] = total
        add_up(sums, thread)
        if thread == 0:
            db[o] = sums[0]
        cuda.syncthreads()  # the next channel's sums overwrite these


def adjoint(x: Any, w: Any, b: Any, g: Geometry, groups: int) -> Any:
    """Apply the adjoint of a convolution to x (N, O, *out), and add b (C,): (N, C, *size)."""
    y = empty((len(x), w.shape[1] * groups, *g.size), x)
    arrays = (with_three_axes(x), with_three_axes(w), b, y)
    adjoint_kernel[blocks_for(y.size), THREADS](*arrays, of_adjoint(g), groups)
    return y


def weight_gradient(dy: Any, x: Any, g: Geometry, groups: int) -> Any:
    """Return the gradient of a convolution's filters: (O, C/groups, taps)."""
    taps = g.kernel[0] * g.kernel[1] * g.kernel[2]
    dw = empty((dy.shape[1], x.shape[1] // groups, taps), x)
    arrays = (with_three_axes(dy), with_three_axes(x), dw)
    weights_kernel[blocks_for(dw.size, 1), THREADS](*arrays, of_convolution(g), groups)
    return dw


def bias_gradient(dy: Any) -> Any:
    """Return the sum of dy over samples and pixels: (O,)."""
    dy = with_three_axes(dy)
    db = empty((dy.shape[1],), dy)
    bias_kernel[blocks_for(db.size, 1), THREADS](dy.reshape(*dy.shape[:2], -1), db)
    return db
