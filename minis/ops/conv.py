"""Convolution, as the field uses the word: cross-correlation with a bank of filters.

    y[n, o, ω] = b[o] + Σ_c Σ_κ w[o, c, κ] · x̂[n, c, ω·stride + κ·dilation]

x̂ is x surrounded by `padding` zeros; ω runs over the positions of the output and κ over those of
the kernel, its taps, along one to three axes (with groups, c runs over o's group only). Every
window of x̂, unfolded into a column, turns the sum into one matrix product ("im2col"; Chellapilla
et al. 2006): Y = W · columns.

So the gradients are those of a matrix product, dW = dY · columnsᵀ and dcolumns = Wᵀ · dY, which is
then folded back onto x. Windows overlap: a pixel of x stands in several columns, and their
gradients add. (Folding goes tap by tap, so that dcolumns never stands in memory whole.)
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ..backend import accelerated, array_namespace
from .checks import check_float, check_shape, check_spatial, per_axis, shape_text
from .windows import Axes, crop, output_blocks, output_size, pad, window_view


@accelerated
def conv(
    x: Any,
    w: Any,
    b: Any = None,
    *,
    stride: int | Axes = 1,
    padding: int | Axes = 0,
    dilation: int | Axes = 1,
    groups: int = 1,
) -> Any:
    """Convolve `x` with the filters `w`.

    Parameters
    ----------
    x : (N, C, *S) float array
        Input, with one to three spatial axes.
    w : (O, C/groups, *k) float array
        Filters.
    b : (O,) float array, optional
        Bias.
    stride, padding, dilation : int or tuple of int
        Step between windows; zeros added on both sides; step between a window's taps. One int
        for all spatial axes, or one per axis.
    groups : int
        Number of groups that channels are split into, convolved separately; C is "depthwise".

    Returns
    -------
    (N, O, *o) float array
        o = ⌊(S + 2·padding − dilation·(k − 1) − 1) / stride⌋ + 1.

    Raises
    ------
    TypeError
        If an array is neither float32 nor float64, or dtypes differ.
    ValueError
        If shapes don't fit, or a window is larger than the padded input.

    See Also
    --------
    conv_transpose : the adjoint map, from y's shape to x's.

    Notes
    -----
    Layout, defaults and result are those of `torch.nn.functional.conv2d` and its 1-D and 3-D
    siblings.

    Examples
    --------
    >>> x = np.arange(5.0).reshape(1, 1, 5)
    >>> conv(x, np.array([[[1.0, 0.0, -1.0]]]), padding=1)
    array([[[-1., -2., -2., -2.,  3.]]])
    """
    g = conv_geometry("conv", x, w, stride, padding, dilation, groups)
    check_float("conv", optional=("b",), x=x, w=w, b=b)
    check_shape("conv", (w.shape[0],), b=b)
    xp = array_namespace(x)
    n, o = len(x), len(w)
    w_matrix = w.reshape(groups, o // groups, g.column)
    y = xp.empty((n, o, *g.out), x.dtype)
    for block, columns in column_blocks(x, g):
        # (G, O/G, C/G·∏k) · (N, G, C/G·∏k, L) -> (N, G, O/G, L), L positions in the block
        y[block] = (w_matrix @ columns).reshape(y[block].shape)
    if b is not None:
        y += b.reshape(o, *(1 for _ in g.out))
    return y


@accelerated
def conv_backward(
    dy: Any,
    x: Any,
    w: Any,
    *,
    stride: int | Axes = 1,
    padding: int | Axes = 0,
    dilation: int | Axes = 1,
    groups: int = 1,
) -> tuple[Any, Any, Any]:
    """Gradients of `conv`.

    Parameters
    ----------
    dy : (N, O, *o) float array
        Gradient of the loss with respect to the output.
    x, w, stride, padding, dilation, groups
        As given to `conv`.

    Returns
    -------
    dx : (N, C, *S) array
        `conv_transpose(dy, w)` with the same options. Where the stride doesn't divide evenly, the
        last cells of x, which no window read, get 0.
    dw : (O, C/groups, *k) array
    db : (O,) array
        Whether or not there was a bias.

    Raises
    ------
    TypeError, ValueError
        As `conv`, and if `dy` does not have the output's shape.

    Examples
    --------
    >>> x, w = np.arange(4.0).reshape(1, 1, 4), np.array([[[1.0, 2.0]]])
    >>> dx, dw, db = conv_backward(np.array([[[1.0, 0.0, 10.0]]]), x, w)
    >>> dx, dw, db
    (array([[[ 1.,  2., 10., 20.]]]), array([[[20., 31.]]]), array([11.]))
    """
    g = conv_geometry("conv_backward", x, w, stride, padding, dilation, groups)
    check_float("conv_backward", dy=dy, x=x, w=w)
    check_shape("conv_backward", (len(x), len(w), *g.out), dy=dy)
    dx = fold_windows(dy, w, g)
    dw = weight_gradient(dy, x, g).reshape(w.shape)
    db = dy.sum(axis=(0, *range(2, dy.ndim)))
    return dx, dw, db


class Geometry(NamedTuple):
    """The sizes of one convolution, every option spelt out per spatial axis."""

    channels: int  # C
    size: Axes  # S
    kernel: Axes  # k
    out: Axes  # o
    stride: Axes
    padding: Axes
    dilation: Axes
    groups: int

    @property
    def column(self) -> int:
        """Length of a column, C/G·∏k: the taps that one group's filter has."""
        return self.channels // self.groups * math.prod(self.kernel)


def column_blocks(x: Any, g: Geometry) -> Iterator[tuple[Any, Any]]:
    """Unfold the windows of `x`, a block of output positions at a time ("im2col").

    Yields
    ------
    block : tuple
        Index of the block's L positions in an (N, O, *o) array.
    columns : (N, G, C/G·∏k, L) array
        Their windows, one in each column.
    """
    padded = pad(x, g.padding, g.padding)
    windows = window_view(padded, g.kernel, g.stride, g.dilation)  # (N, C, *k, *o)
    for block in output_blocks(len(x) * g.groups * g.column, g.out):
        positions = math.prod(cut.stop - cut.start for cut in block)
        columns = windows[(..., *block)].reshape(len(x), g.groups, g.column, positions)
        yield (..., *block), columns


def weight_gradient(dy: Any, x: Any, g: Geometry) -> Any:
    """Sum over all windows of dy times the window: (G, O/G, C/G·∏k)."""
    xp = array_namespace(x)
    n, o = dy.shape[:2]
    dw = xp.zeros((g.groups, o // g.groups, g.column), x.dtype)
    for block, columns in column_blocks(x, g):
        dy_block = dy[block].reshape(n, g.groups, o // g.groups, columns.shape[-1])
        # (N, G, O/G, L) · (N, G, L, C/G·∏k) -> (N, G, O/G, C/G·∏k), summed over N
        dw += (dy_block @ columns.swapaxes(2, 3)).sum(axis=0)
    return dw


def fold_windows(dy: Any, w: Any, g: Geometry) -> Any:
    """Spread dy over the windows that it was computed from, adding where they overlap ("col2im").

    Returns
    -------
    (N, C, *S) array
        The adjoint of the map x -> y, applied to dy.
    """
    xp = array_namespace(dy)
    n, o = dy.shape[:2]
    padded = tuple(s + 2 * p for s, p in zip(g.size, g.padding, strict=True))
    dx = xp.zeros((n, g.channels, *padded), dy.dtype)
    windows = window_view(dx, g.kernel, g.stride, g.dilation)  # (N, C, *k, *o), all within dx
    # (G, O/G, C/G, *k) -> (G, C/G, O/G, *k)
    w_taps = w.reshape(g.groups, o // g.groups, -1, *g.kernel).swapaxes(1, 2)
    # with one output channel a group, the matrix product is an outer product: broadcasting
    product = xp.multiply if o == g.groups else xp.matmul
    for block in output_blocks(n * g.channels, g.out):
        positions = math.prod(cut.stop - cut.start for cut in block)
        dy_block = dy[(..., *block)].reshape(n, g.groups, o // g.groups, positions)
        for tap in np.ndindex(*g.kernel):
            # (G, C/G, O/G) · (N, G, O/G, L) -> (N, G, C/G, L)
            dwindow = product(w_taps[(..., *tap)], dy_block)
            # windows overlap, hence += ; but at one tap no two of them meet, so none is lost
            target = windows[(slice(None), slice(None), *tap, *block)]
            target += dwindow.reshape(target.shape)
    return xp.ascontiguousarray(crop(dx, g.padding, g.size))


def conv_geometry(
    operation: str, x: Any, w: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Geometry:
    """Check that `x`, `w` and the options fit together, and return the sizes."""
    check_float(operation, x=x, w=w)
    check_spatial(operation, x=x)
    axes = x.ndim - 2
    if w.ndim != x.ndim:
        raise ValueError(
            f"{operation}: w must have shape (O, C/groups, *k) with {axes} spatial axes, as x of "
            f"shape {shape_text(x.shape)} has, got {shape_text(w.shape)}"
        )
    check_groups(operation, groups, x.shape[1], w.shape[0])
    if x.shape[1] != w.shape[1] * groups:
        raise ValueError(
            f"{operation}: x has {x.shape[1]} channels but w, of shape {shape_text(w.shape)} "
            f"with groups={groups}, reads {w.shape[1] * groups}"
        )
    stride = per_axis(operation, "stride", stride, axes, low=1)
    padding = per_axis(operation, "padding", padding, axes, low=0)
    dilation = per_axis(operation, "dilation", dilation, axes, low=1)
    size, kernel = tuple(x.shape[2:]), tuple(w.shape[2:])
    if min(kernel) < 1:
        raise ValueError(f"{operation}: w has an empty kernel, its shape is {shape_text(w.shape)}")
    out = output_size(size, kernel, stride, padding, dilation)
    if min(out) < 1:
        raise ValueError(
            f"{operation}: a kernel of {kernel} with dilation {dilation} is larger than x of "
            f"spatial shape {size} with padding {padding}"
        )
    return Geometry(x.shape[1], size, kernel, out, stride, padding, dilation, groups)


def check_groups(operation: str, groups: Any, channels: int, filters: int) -> None:
    """Raise unless `groups` is a positive int that divides x's channels and w's first axis."""
    if isinstance(groups, bool) or not isinstance(groups, int | np.integer):
        raise TypeError(f"{operation}: groups must be an int, got {groups!r}")
    if groups < 1 or channels % groups or filters % groups:
        raise ValueError(
            f"{operation}: groups must be positive and divide x's {channels} channels and w's "
            f"first axis of {filters}, got {groups}"
        )
