"""Resizing by nearest-neighbour or (bi-, tri-)linear interpolation.

Output position j along an axis reads the input at

    align_corners=False:  (j + ½)·S/o − ½, at least 0     cells are boxes, their edges coincide
    align_corners=True:   j·(S − 1)/(o − 1)               cells are points, the outer ones coincide
    nearest:              ⌊j·S/o⌋

(0 where o = 1). Linear interpolation mixes the two neighbours of that position,

    y = (1 − t)·x[i] + t·x[i + 1]

It is separable: axes are resized one after the other, each by a matrix with at most two entries per
row. Backward multiplies by its transpose.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backend import accelerated, array_namespace
from .checks import (
    check_choice,
    check_float,
    check_input_shape,
    check_shape,
    check_spatial,
    per_axis,
)
from .windows import Axes

MODES = ("nearest", "linear")


@accelerated
def interpolate(
    x: Any, size: int | Axes, *, mode: str = "nearest", align_corners: bool = False
) -> Any:
    """Resize the spatial axes of `x`.

    Parameters
    ----------
    x : (N, C, *S) float array
        Input, with one to three spatial axes.
    size : int or tuple of int
        Spatial shape of the result.
    mode : {"nearest", "linear"}
        "linear" is bilinear on two axes and trilinear on three.
    align_corners : bool
        Whether the centres of the outermost cells coincide, rather than their outer edges. Only
        "linear" reads it.

    Returns
    -------
    (N, C, *size) array of the dtype of `x`

    Raises
    ------
    TypeError
        If `x` is not floating.
    ValueError
        If `size` has an entry below 1, `x` has an empty spatial axis, or the mode is unknown.

    Notes
    -----
    Results are those of `torch.nn.functional.interpolate` without its antialias option. "nearest"
    is computed in integers: where PyTorch's float32 product rounds below an integer, it differs.

    Examples
    --------
    >>> x = np.array([[[0.0, 1.0]]])
    >>> interpolate(x, 4, mode="linear")
    array([[[0.  , 0.25, 0.75, 1.  ]]])
    >>> interpolate(x, 4, mode="linear", align_corners=True).round(2)
    array([[[0.  , 0.33, 0.67, 1.  ]]])
    """
    check_float("interpolate", x=x)
    check_choice("interpolate", "mode", mode, MODES)
    _check_not_empty("interpolate", x=x)
    size = per_axis("interpolate", "size", size, x.ndim - 2, low=1)
    xp = array_namespace(x)
    y = x
    for axis, out in enumerate(size, start=2):
        i, j, t = source_positions(x.shape[axis], out, mode, align_corners)
        first = xp.take(y, xp.asarray(i), axis)
        if mode == "nearest":
            y = first
            continue
        t = xp.asarray(t.reshape(out, *(1 for _ in x.shape[axis + 1 :])), x.dtype)
        y = (1 - t) * first + t * xp.take(y, xp.asarray(j), axis)
    return y


@accelerated
def interpolate_backward(
    dy: Any, input_shape: tuple[int, ...], *, mode: str = "nearest", align_corners: bool = False
) -> Any:
    """Gradient of `interpolate`: the transposed matrix along each axis.

    Parameters
    ----------
    dy : (N, C, *size) float array
        Gradient of the loss with respect to the output.
    input_shape : tuple of int
        (N, C, *S), the shape of `interpolate`'s input.
    mode, align_corners
        As given to `interpolate`.

    Returns
    -------
    (N, C, *S) array of the dtype of `dy`
        A non-finite value of dy spreads along its axes: the product with a zero of the matrix is
        NaN.

    Raises
    ------
    TypeError
        If `dy` is not floating.
    ValueError
        If the shapes don't fit, or the mode is unknown.

    Examples
    --------
    >>> interpolate_backward(np.ones((1, 1, 4)), (1, 1, 2), mode="linear")
    array([[[2., 2.]]])
    """
    check_float("interpolate_backward", dy=dy)
    check_choice("interpolate_backward", "mode", mode, MODES)
    _check_not_empty("interpolate_backward", dy=dy)
    check_input_shape("interpolate_backward", input_shape, dy.ndim)
    check_shape("interpolate_backward", (*input_shape[:2], *dy.shape[2:]), dy=dy)
    per_axis("interpolate_backward", "input_shape", tuple(input_shape[2:]), dy.ndim - 2, low=1)
    xp = array_namespace(dy)
    dx = dy
    for axis in range(2, dy.ndim):
        matrix = _interpolation_matrix(input_shape[axis], dy.shape[axis], mode, align_corners)
        # (…, o, …) · (o, S) -> (…, S, …): the axis goes last for the product, then back
        dx = xp.moveaxis(xp.moveaxis(dx, axis, -1) @ xp.asarray(matrix, dy.dtype), -1, axis)
    return xp.ascontiguousarray(dx)


def source_positions(size: int, out: int, mode: str, align_corners: bool) -> tuple[Any, Any, Any]:
    """For each output position, its two input positions and the weight of the second.

    Examples
    --------
    >>> source_positions(2, 4, "linear", False)
    (array([0, 0, 0, 1]), array([1, 1, 1, 1]), array([0.  , 0.25, 0.75, 0.25]))
    """
    j = np.arange(out)
    if mode == "nearest":
        near = j * size // out
        return near, near, np.zeros(out)
    if align_corners:
        source = j * ((size - 1) / (out - 1) if out > 1 else 0.0)
    else:
        source = np.maximum((j + 0.5) * (size / out) - 0.5, 0.0)
    first = np.minimum(source.astype(np.int64), size - 1)
    second = np.minimum(first + 1, size - 1)
    return first, second, source - first


def _interpolation_matrix(size: int, out: int, mode: str, align_corners: bool) -> Any:
    """Write the resizing of one axis as a matrix (out, size)."""
    i, j, t = source_positions(size, out, mode, align_corners)
    matrix = np.zeros((out, size))
    rows = np.arange(out)
    matrix[rows, i] += 1 - t
    matrix[rows, j] += t
    return matrix


def _check_not_empty(operation: str, **arrays: Any) -> None:
    check_spatial(operation, **arrays)
    for name, a in arrays.items():
        if 0 in a.shape[2:]:
            raise ValueError(
                f"{operation}: {name} has an empty spatial axis, its shape is {a.shape}"
            )
