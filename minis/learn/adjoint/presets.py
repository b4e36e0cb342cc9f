"""Linear operations at a tiny size: with few numbers, all of them whole or simple fractions.

Each preset is a call that is small enough for its matrix to be read. Filters are 1 … 9, so that an
entry of the matrix says which number of the filter it is.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import ops

Array = Any
Linear = Callable[[Array], Array]


@dataclass(frozen=True)
class Preset:
    """A linear operation, all but its input filled in.

    Attributes
    ----------
    forward, backward : function
        x -> y, and dy -> dx.
    input_shape : tuple of int
        Of x.
    says : str
        What is held fixed, for the title.
    partner : str
        The preset that is worth looking at beside it; empty if there is none.
    """

    forward: Linear
    backward: Linear
    input_shape: tuple[int, ...]
    says: str
    partner: str = ""


def numbered_filter(*shape: int) -> Array:
    """Return the numbers 1, 2, 3 … in a shape.

    Examples
    --------
    >>> numbered_filter(1, 1, 2, 2)[0, 0]
    array([[1., 2.],
           [3., 4.]])
    """
    return 1.0 + np.arange(float(np.prod(shape))).reshape(shape)


def conv(side: int = 4, kernel: int = 3, **options: Any) -> Preset:
    """Convolution of a square of `side` pixels with one filter; options are `ops.conv`'s."""
    w, shape = numbered_filter(1, 1, kernel, kernel), (1, 1, side, side)
    return Preset(
        lambda x: ops.conv(x, w, **options),
        lambda dy: ops.conv_backward(dy, np.zeros(shape), w, **options)[0],
        shape,
        f"{kernel}×{kernel} filter 1 … {kernel**2}{_told(options)}",
        "conv_transpose",
    )


def conv_transpose(side: int = 2, kernel: int = 3, **options: Any) -> Preset:
    """Transposed convolution with one filter; options are `ops.conv_transpose`'s."""
    w, shape = numbered_filter(1, 1, kernel, kernel), (1, 1, side, side)
    return Preset(
        lambda x: ops.conv_transpose(x, w, **options),
        lambda dy: ops.conv_transpose_backward(dy, np.zeros(shape), w, **options)[0],
        shape,
        f"{kernel}×{kernel} filter 1 … {kernel**2}{_told(options)}",
        "conv",
    )


# where the maxima stand: each 2×2 window has its largest value in another corner
MAXIMA = np.array([[9, 1, 2, 8], [3, 4, 5, 6], [1, 2, 4, 3], [7, 5, 6, 9]], np.float64)[None, None]


def max_pool() -> Preset:
    """Max pooling with the indices held fixed: then it is a choice of pixels, which is linear."""
    y, indices = ops.max_pool(MAXIMA, 2)
    return Preset(
        lambda x: x.ravel()[indices.ravel()].reshape(y.shape),  # y, if x has the same maxima
        lambda dy: ops.max_pool_backward(dy, indices, MAXIMA.shape),
        MAXIMA.shape,
        "2×2 windows, indices held fixed",
        "max_unpool",
    )


def max_unpool() -> Preset:
    """Max unpooling at the indices of `max_pool`."""
    _, indices = ops.max_pool(MAXIMA, 2)
    return Preset(
        lambda x: ops.max_unpool(x, indices, MAXIMA.shape[2:]),
        lambda dy: ops.max_unpool_backward(dy, indices),
        indices.shape,
        "to 4×4, at the indices of max_pool",
        "max_pool",
    )


def avg_pool(side: int = 4, size: int = 2, **options: Any) -> Preset:
    """Average pooling; options are `ops.avg_pool`'s."""
    shape = (1, 1, side, side)
    return Preset(
        lambda x: ops.avg_pool(x, size, **options),
        lambda dy: ops.avg_pool_backward(dy, shape, size, **options),
        shape,
        f"{size}×{size} windows{_told(options)}",
        "interpolate",
    )


def interpolate(
    side: int = 2, size: int = 4, mode: str = "nearest", align_corners: bool = False
) -> Preset:
    """Interpolation of a square of `side` pixels to one of `size`."""
    shape = (1, 1, side, side)
    options: dict[str, Any] = {"mode": mode, "align_corners": align_corners}
    return Preset(
        lambda x: ops.interpolate(x, size, **options),
        lambda dy: ops.interpolate_backward(dy, shape, **options),
        shape,
        f"to {size}×{size}, {mode}{', align_corners' if align_corners else ''}",
        "avg_pool",
    )


def roi_align(
    side: int = 4,
    box: tuple[float, float, float, float] = (0.5, 0.5, 3.5, 3.5),
    bins: int = 2,
    sampling_ratio: int = 1,
    aligned: bool = False,
) -> Preset:
    """RoIAlign of one box (x1, y1, x2, y2); its partner is its own backward."""
    boxes, shape = np.array([[0.0, *box]]), (1, 1, side, side)
    options: dict[str, Any] = {"sampling_ratio": sampling_ratio, "aligned": aligned}
    return Preset(
        lambda x: ops.roi_align(x, boxes, bins, **options),
        lambda dy: ops.roi_align_backward(dy, boxes, shape, **options),
        shape,
        f"box {', '.join(f'{v:g}' for v in box)}, {bins}×{bins} bins{_told(options)}",
    )


PRESETS: dict[str, Callable[..., Preset]] = {
    f.__name__: f
    for f in (conv, conv_transpose, max_pool, max_unpool, avg_pool, interpolate, roi_align)
}


def preset(name: str, **options: Any) -> Preset:
    """Return a preset with some of its options set otherwise.

    Raises
    ------
    ValueError
        If there is none of that name, or it has no such option.

    Examples
    --------
    >>> preset("conv", stride=1, padding=1).says
    '3×3 filter 1 … 9, stride=1, padding=1'
    """
    if name not in PRESETS:
        raise ValueError(
            f"adjoint_lab: no preset {name!r}; there are {', '.join(PRESETS)}; any other linear "
            "operation is given as a function, with backward= and input_shape="
        )
    known = _options(name)
    unknown = [option for option in options if option not in known]
    if unknown:
        raise ValueError(
            f"adjoint_lab: {name} has no option {unknown[0]!r}; it has {', '.join(known) or 'none'}"
        )
    return PRESETS[name](**options)


def _options(name: str) -> list[str]:
    """Return a preset's own options, and where it hands others on, those of the operation."""
    parameters = inspect.signature(PRESETS[name]).parameters.values()
    found = [p.name for p in parameters if p.kind != p.VAR_KEYWORD]
    if len(found) < len(parameters):
        operation = inspect.signature(getattr(ops, name)).parameters.values()
        found += [p.name for p in operation if p.kind == p.KEYWORD_ONLY and p.name != "groups"]
    return found


def _told(options: dict[str, Any]) -> str:
    return "".join(f", {name}={value}" for name, value in options.items())
