"""Transposed convolution: the adjoint of a convolution, which maps its output's shape back.

    y[n, o, ω·stride + κ·dilation − padding] += w[c, o, κ] · x[n, c, ω]        over all c, ω, κ

Written as a matrix, a convolution is y = C·x; the transposed convolution with the same filters is
x -> Cᵀ·x (Dumoulin & Visin 2016, chapter 4). Every value of x stamps the filter, scaled by it,
onto the output, and where stamps overlap they add. Its backward is then the convolution itself.
"""

from __future__ import annotations

from typing import Any

from ..backend import accelerated, array_namespace
from .checks import check_float, check_shape, check_spatial, per_axis, shape_text
from .conv import Geometry, check_groups, conv, fold_windows, weight_gradient
from .windows import Axes


@accelerated
def conv_transpose(
    x: Any,
    w: Any,
    b: Any = None,
    *,
    stride: int | Axes = 1,
    padding: int | Axes = 0,
    output_padding: int | Axes = 0,
    dilation: int | Axes = 1,
    groups: int = 1,
) -> Any:
    """Apply the adjoint of a convolution ("deconvolution", "up-convolution").

    Parameters
    ----------
    x : (N, C, *S) float array
        Input, with one to three spatial axes.
    w : (C, O/groups, *k) float array
        Filters, laid out as those of the convolution from y to x.
    b : (O,) float array, optional
        Bias.
    stride, padding, dilation : int or tuple of int
        Those of the convolution from y to x: the stride enlarges, the padding crops.
    output_padding : int or tuple of int
        A convolution of stride s gives the same size for s different input sizes; this many cells
        more at the far end choose among them. They are computed like all others, not zeros.
    groups : int
        Number of groups that channels are split into, treated separately.

    Returns
    -------
    (N, O, *o) float array
        o = (S − 1)·stride − 2·padding + dilation·(k − 1) + output_padding + 1.

    Raises
    ------
    TypeError
        If an array is not floating, or dtypes differ.
    ValueError
        If shapes don't fit, the output would be empty, or `output_padding` is not smaller than
        the stride or the dilation.

    See Also
    --------
    conv : the map that this one transposes.

    Notes
    -----
    Layout, defaults and result are those of `torch.nn.functional.conv_transpose2d` and its
    siblings.

    Examples
    --------
    >>> x = np.array([[[1.0, 10.0]]])
    >>> conv_transpose(x, np.array([[[1.0, 2.0, 3.0]]]), stride=2)
    array([[[ 1.,  2., 13., 20., 30.]]])
    """
    g = _geometry("conv_transpose", x, w, stride, padding, output_padding, dilation, groups)
    check_float("conv_transpose", optional=("b",), x=x, w=w, b=b)
    check_shape("conv_transpose", (g.channels,), b=b)
    y = fold_windows(x, w, g)
    if b is not None:
        y += b.reshape(g.channels, *(1 for _ in g.size))
    return y


@accelerated
def conv_transpose_backward(
    dy: Any,
    x: Any,
    w: Any,
    *,
    stride: int | Axes = 1,
    padding: int | Axes = 0,
    output_padding: int | Axes = 0,
    dilation: int | Axes = 1,
    groups: int = 1,
) -> tuple[Any, Any, Any]:
    """Gradients of `conv_transpose`.

    Parameters
    ----------
    dy : (N, O, *o) float array
        Gradient of the loss with respect to the output.
    x, w, stride, padding, output_padding, dilation, groups
        As given to `conv_transpose`.

    Returns
    -------
    dx : (N, C, *S) array
        `conv(dy, w)` with the same options, cut to S.
    dw : (C, O/groups, *k) array
    db : (O,) array

    Raises
    ------
    TypeError, ValueError
        As `conv_transpose`, and if `dy` does not have the output's shape.

    Examples
    --------
    >>> x, w = np.array([[[1.0, 10.0]]]), np.array([[[1.0, 2.0, 3.0]]])
    >>> dx, dw, db = conv_transpose_backward(np.arange(5.0).reshape(1, 1, 5), x, w, stride=2)
    >>> dx, dw, db
    (array([[[ 8., 20.]]]), array([[[20., 31., 42.]]]), array([10.]))
    """
    name = "conv_transpose_backward"
    g = _geometry(name, x, w, stride, padding, output_padding, dilation, groups)
    check_float(name, dy=dy, x=x, w=w)
    check_shape(name, (len(x), g.channels, *g.size), dy=dy)
    # with output_padding ≥ stride (a larger dilation allows it), conv finds windows beyond S
    dx = conv(dy, w, stride=g.stride, padding=g.padding, dilation=g.dilation, groups=groups)
    dx = dx[(..., *(slice(s) for s in g.out))]
    dw = weight_gradient(x, dy, g).reshape(w.shape)  # the roles of x and dy are swapped
    db = dy.sum(axis=(0, *range(2, dy.ndim)))
    return array_namespace(dx).ascontiguousarray(dx), dw, db


def _geometry(
    operation: str,
    x: Any,
    w: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    dilation: Any,
    groups: int,
) -> Geometry:
    """Check the arguments, and return the sizes of the convolution from y to x."""
    check_float(operation, x=x, w=w)
    check_spatial(operation, x=x)
    axes = x.ndim - 2
    if w.ndim != x.ndim:
        raise ValueError(
            f"{operation}: w must have shape (C, O/groups, *k) with {axes} spatial axes, as x of "
            f"shape {shape_text(x.shape)} has, got {shape_text(w.shape)}"
        )
    check_groups(operation, groups, x.shape[1], w.shape[0])
    if x.shape[1] != w.shape[0]:
        raise ValueError(
            f"{operation}: x has {x.shape[1]} channels but w, of shape {shape_text(w.shape)}, "
            f"reads {w.shape[0]}"
        )
    stride = per_axis(operation, "stride", stride, axes, low=1)
    padding = per_axis(operation, "padding", padding, axes, low=0)
    dilation = per_axis(operation, "dilation", dilation, axes, low=1)
    extra = per_axis(operation, "output_padding", output_padding, axes, low=0)
    if any(e >= max(s, d) for e, s, d in zip(extra, stride, dilation, strict=True)):
        raise ValueError(
            f"{operation}: output_padding must be smaller than the stride or the dilation, got "
            f"{extra} with stride {stride} and dilation {dilation}"
        )
    size, kernel = tuple(x.shape[2:]), tuple(w.shape[2:])
    if min(kernel) < 1:
        raise ValueError(f"{operation}: w has an empty kernel, its shape is {shape_text(w.shape)}")
    out = tuple(
        (i - 1) * s - 2 * p + d * (k - 1) + e + 1
        for i, s, p, d, k, e in zip(size, stride, padding, dilation, kernel, extra, strict=True)
    )
    if min(out) < 1 or min(size) < 1:
        raise ValueError(
            f"{operation}: x of spatial shape {size} with kernel {kernel}, stride {stride} and "
            f"padding {padding} would give an output of {out}"
        )
    return Geometry(w.shape[1] * groups, out, kernel, size, stride, padding, dilation, groups)
