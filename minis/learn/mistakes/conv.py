"""Mistakes in convolution and its transpose."""

from __future__ import annotations

from typing import Any

import numpy as np

from minis import ops

from . import mistake


def _flipped(w: Any) -> Any:
    return np.ascontiguousarray(np.flip(w, axis=tuple(range(2, w.ndim))))


def _axes(x: Any, value: Any) -> Any:
    return (value,) * (x.ndim - 2) if isinstance(value, int) else value


@mistake("conv")
def flips_the_kernel(x: Any, w: Any, b: Any = None, **options: Any) -> Any:
    """Mathematical convolution in place of cross-correlation."""
    return ops.conv.reference(x, _flipped(w), b, **options)


@mistake("conv")
def pads_by_repeating_the_border(
    x: Any, w: Any, b: Any = None, *, padding: Any = 0, **options: Any
) -> Any:
    """Surrounds x with copies of its border in place of zeros."""
    p = _axes(x, padding)
    edge = np.pad(x, ((0, 0), (0, 0), *((a, a) for a in p)), mode="edge" if x.size else "constant")
    return ops.conv.reference(edge, w, b, padding=0, **options)


@mistake("conv")
def pads_for_the_same_size(
    x: Any, w: Any, b: Any = None, *, padding: Any = 0, **options: Any
) -> Any:
    """Pads k // 2 whatever `padding` says."""
    return ops.conv.reference(x, w, b, padding=tuple(k // 2 for k in w.shape[2:]), **options)


@mistake("conv")
def forgets_the_bias(x: Any, w: Any, b: Any = None, **options: Any) -> Any:
    """Takes a bias and doesn't add it."""
    return ops.conv.reference(x, w, None, **options)


@mistake("conv")
def reads_the_first_group(x: Any, w: Any, b: Any = None, *, groups: Any = 1, **options: Any) -> Any:
    """Every filter reads the first group's channels, whatever its group."""
    return ops.conv.reference(x[:, : w.shape[1]], w, b, **options)


@mistake("conv")
def pads_in_front_only(x: Any, w: Any, b: Any = None, *, padding: Any = 0, **options: Any) -> Any:
    """Pads the near end of each axis and not the far one."""
    front = np.pad(x, ((0, 0), (0, 0), *((p, 0) for p in _axes(x, padding))))
    return ops.conv.reference(front, w, b, padding=0, **options)


@mistake("conv")
def applies_stride_before_dilation(
    x: Any, w: Any, b: Any = None, *, stride: Any = 1, dilation: Any = 1, **options: Any
) -> Any:
    """Swaps stride and dilation."""
    return ops.conv.reference(x, w, b, stride=dilation, dilation=stride, **options)


@mistake("conv_backward")
def overwrites_where_windows_overlap(
    dy: Any,
    x: Any,
    w: Any,
    *,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: Any = 1,
) -> Any:
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


@mistake("conv_backward")
def keeps_the_last_window(
    dy: Any,
    x: Any,
    w: Any,
    *,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: Any = 1,
) -> Any:
    """dx[window] = in place of +=, window after window: the last one stays."""
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    dx, dw, db = ops.conv_backward.reference(dy, x, w, **options)
    s, p, d = (_axes(x, v) for v in (stride, padding, dilation))
    for at in np.ndindex(*dy.shape[2:]):
        alone, reached = np.zeros_like(dy), list[Any]()
        alone[(..., *at)] = dy[(..., *at)]
        of_one, _, _ = ops.conv_backward.reference(alone, x, w, **options)
        for a, i in enumerate(at):
            cells = i * s[a] + np.arange(w.shape[a + 2]) * d[a] - p[a]
            reached.append(cells[(cells >= 0) & (cells < x.shape[a + 2])])
        window = (..., *np.ix_(*reached))
        dx[window] = of_one[window]
    return dx, dw, db


@mistake("conv_backward")
def sums_the_bias_gradient_over_one_sample(dy: Any, x: Any, w: Any, **options: Any) -> Any:
    """db of the first sample only."""
    dx, dw, _ = ops.conv_backward.reference(dy, x, w, **options)
    return dx, dw, dy[:1].sum(axis=(0, *range(2, dy.ndim)))


@mistake("conv_backward")
def averages_the_weight_gradient(dy: Any, x: Any, w: Any, **options: Any) -> Any:
    """dw as the mean over the batch in place of the sum."""
    dx, dw, db = ops.conv_backward.reference(dy, x, w, **options)
    return dx, dw / max(1, len(x)), db


@mistake("conv_backward")
def forgets_to_flip_for_dx(dy: Any, x: Any, w: Any, **options: Any) -> Any:
    """dx with the filters as they are in the forward pass."""
    _, dw, db = ops.conv_backward.reference(dy, x, w, **options)
    dx, _, _ = ops.conv_backward.reference(dy, x, _flipped(w), **options)
    return dx, dw, db


@mistake("conv_transpose")
def leaves_output_padding_zero(
    x: Any, w: Any, b: Any = None, *, output_padding: Any = 0, **options: Any
) -> Any:
    """Fills the cells that output_padding adds with zeros."""
    y = ops.conv_transpose.reference(x, w, b, output_padding=output_padding, **options)
    small = ops.conv_transpose.reference(x, w, b, **options) if _fits(x, w, options) else y
    z = np.zeros_like(y)
    z[(..., *(slice(s) for s in small.shape[2:]))] = small
    return z


def _fits(x: Any, w: Any, options: Any) -> Any:
    try:
        ops.conv_transpose.reference(x, w, None, **options)
    except ValueError:
        return False
    return True


@mistake("conv_transpose")
def ignores_output_padding(
    x: Any, w: Any, b: Any = None, *, output_padding: Any = 0, **options: Any
) -> Any:
    """Makes the output as small as without output_padding."""
    return ops.conv_transpose.reference(x, w, b, **options)


@mistake("conv_transpose")
def puts_output_padding_in_front(
    x: Any, w: Any, b: Any = None, *, output_padding: Any = 0, **options: Any
) -> Any:
    """Extends the output at its near end."""
    extra = _axes(x, output_padding)
    y = ops.conv_transpose.reference(x, w, b, output_padding=output_padding, **options)
    return np.roll(y, extra, axis=tuple(range(2, y.ndim)))


@mistake("conv_transpose")
def reads_filters_as_a_convolution_does(x: Any, w: Any, b: Any = None, **options: Any) -> Any:
    """Takes w as (O, C, *k) where both orders have the same shape."""
    square = w.shape[0] == w.shape[1] and options.get("groups", 1) == 1
    return ops.conv_transpose.reference(x, w.swapaxes(0, 1) if square else w, b, **options)


@mistake("conv_transpose_backward")
def swaps_the_weight_gradients_axes(dy: Any, x: Any, w: Any, **options: Any) -> Any:
    """dw laid out (O, C, *k) where the shape doesn't tell."""
    dx, dw, db = ops.conv_transpose_backward.reference(dy, x, w, **options)
    return dx, dw.swapaxes(0, 1).copy() if dw.shape[0] == dw.shape[1] else dw, db
