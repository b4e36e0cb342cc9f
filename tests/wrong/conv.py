"""Mistakes in convolution and its transpose."""

import numpy as np

from minis import ops

from . import wrong


def _flipped(w):
    return np.ascontiguousarray(np.flip(w, axis=tuple(range(2, w.ndim))))


def _axes(x, value):
    return (value,) * (x.ndim - 2) if isinstance(value, int) else value


@wrong("conv")
def flips_the_kernel(x, w, b=None, **options):
    """Mathematical convolution in place of cross-correlation."""
    return ops.conv.reference(x, _flipped(w), b, **options)


@wrong("conv")
def pads_by_repeating_the_border(x, w, b=None, *, padding=0, **options):
    """Surrounds x with copies of its border in place of zeros."""
    p = _axes(x, padding)
    edge = np.pad(x, ((0, 0), (0, 0), *((a, a) for a in p)), mode="edge" if x.size else "constant")
    return ops.conv.reference(edge, w, b, padding=0, **options)


@wrong("conv")
def pads_for_the_same_size(x, w, b=None, *, padding=0, **options):
    """Pads k // 2 whatever `padding` says."""
    return ops.conv.reference(x, w, b, padding=tuple(k // 2 for k in w.shape[2:]), **options)


@wrong("conv")
def forgets_the_bias(x, w, b=None, **options):
    """Takes a bias and doesn't add it."""
    return ops.conv.reference(x, w, None, **options)


@wrong("conv")
def applies_stride_before_dilation(x, w, b=None, *, stride=1, dilation=1, **options):
    """Swaps stride and dilation."""
    return ops.conv.reference(x, w, b, stride=dilation, dilation=stride, **options)


@wrong("conv_backward")
def overwrites_where_windows_overlap(dy, x, w, *, stride=1, padding=0, dilation=1, groups=1):
    """col2im with = in place of +=."""
    from minis.ops.conv import conv_geometry
    from minis.ops.windows import crop, window_view

    _, dw, db = ops.conv_backward.reference(
        dy, x, w, stride=stride, padding=padding, dilation=dilation, groups=groups
    )
    g = conv_geometry("conv_backward", x, w, stride, padding, dilation, groups)
    dx = np.zeros(
        (*x.shape[:2], *(s + 2 * p for s, p in zip(g.size, g.padding, strict=True))), x.dtype
    )
    windows = window_view(dx, g.kernel, g.stride, g.dilation)
    n, o = dy.shape[:2]
    taps = w.reshape(groups, o // groups, -1, *g.kernel).swapaxes(1, 2)
    rows = dy.reshape(n, groups, o // groups, int(np.prod(g.out)))
    for tap in np.ndindex(*g.kernel):
        target = windows[(slice(None), slice(None), *tap, *(slice(s) for s in g.out))]
        target[...] = (taps[(..., *tap)] @ rows).reshape(target.shape)
    return crop(dx, g.padding, g.size).copy(), dw, db


@wrong("conv_backward")
def sums_the_bias_gradient_over_one_sample(dy, x, w, **options):
    """db of the first sample only."""
    dx, dw, _ = ops.conv_backward.reference(dy, x, w, **options)
    return dx, dw, dy[:1].sum(axis=(0, *range(2, dy.ndim)))


@wrong("conv_backward")
def averages_the_weight_gradient(dy, x, w, **options):
    """dw as the mean over the batch in place of the sum."""
    dx, dw, db = ops.conv_backward.reference(dy, x, w, **options)
    return dx, dw / max(1, len(x)), db


@wrong("conv_backward")
def forgets_to_flip_for_dx(dy, x, w, **options):
    """dx with the filters as they are in the forward pass."""
    _, dw, db = ops.conv_backward.reference(dy, x, w, **options)
    dx, _, _ = ops.conv_backward.reference(dy, x, _flipped(w), **options)
    return dx, dw, db


@wrong("conv_transpose")
def leaves_output_padding_zero(x, w, b=None, *, output_padding=0, **options):
    """Fills the cells that output_padding adds with zeros."""
    y = ops.conv_transpose.reference(x, w, b, output_padding=output_padding, **options)
    small = ops.conv_transpose.reference(x, w, b, **options) if _fits(x, w, options) else y
    z = np.zeros_like(y)
    z[(..., *(slice(s) for s in small.shape[2:]))] = small
    return z


def _fits(x, w, options):
    try:
        ops.conv_transpose.reference(x, w, None, **options)
    except ValueError:
        return False
    return True


@wrong("conv_transpose")
def puts_output_padding_in_front(x, w, b=None, *, output_padding=0, **options):
    """Extends the output at its near end."""
    extra = _axes(x, output_padding)
    y = ops.conv_transpose.reference(x, w, b, output_padding=output_padding, **options)
    return np.roll(y, extra, axis=tuple(range(2, y.ndim)))


@wrong("conv_transpose")
def reads_filters_as_a_convolution_does(x, w, b=None, **options):
    """Takes w as (O, C, *k) where both orders have the same shape."""
    square = w.shape[0] == w.shape[1] and options.get("groups", 1) == 1
    return ops.conv_transpose.reference(x, w.swapaxes(0, 1) if square else w, b, **options)


@wrong("conv_transpose_backward")
def swaps_the_weight_gradients_axes(dy, x, w, **options):
    """dw laid out (O, C, *k) where the shape doesn't tell."""
    dx, dw, db = ops.conv_transpose_backward.reference(dy, x, w, **options)
    return dx, dw.swapaxes(0, 1).copy() if dw.shape[0] == dw.shape[1] else dw, db
