"""Max unpooling: every pooled value goes back to the place it came from.

    y[n, c, indices[n, c, i]] = x[n, c, i]        zero elsewhere

Max pooling forgets all but its maxima; with the indices it saved, unpooling puts values back
where they stood (Zeiler et al. 2011; the decoder of SegNet, Badrinarayanan et al. 2017). The map
x -> y is linear, a 0/1 matrix with a single 1 in each column. Its backward is therefore the
transpose, and applied to dy that is a gather.
"""

from __future__ import annotations

import math
from typing import Any

from ..backend import accelerated, array_namespace
from .checks import (
    check_float,
    check_indices,
    check_integer,
    check_ndim,
    check_same_shape,
    check_shape,
    check_spatial,
    per_axis,
)
from .windows import Axes


@accelerated
def max_unpool(x: Any, indices: Any, output_size: int | Axes) -> Any:
    """Place each value of `x` at its index in a plane of zeros.

    Parameters
    ----------
    x : (N, C, *pooled) float array
        The values to place.
    indices : (N, C, *pooled) integer array
        For each value, its flat index into one output plane, as `max_pool` returns it.
    output_size : int or tuple of int
        Spatial shape of the result.

    Returns
    -------
    (N, C, *output_size) array of the dtype of `x`
        Where two values of a plane share an index, the last in row-major order stays.

    Raises
    ------
    TypeError
        If `x` is not floating or `indices` are not integers.
    ValueError
        If `x` and `indices` differ in shape, or an index lies outside the plane.

    See Also
    --------
    max_pool : where the indices come from.

    Examples
    --------
    >>> max_unpool(np.array([[[5.0, 9.0]]]), np.array([[[1, 2]]]), (4,))
    array([[[0., 5., 9., 0.]]])
    """
    check_float("max_unpool", x=x)
    check_integer("max_unpool", indices=indices)
    check_spatial("max_unpool", x=x)
    check_same_shape("max_unpool", x=x, indices=indices)
    size = per_axis("max_unpool", "output_size", output_size, x.ndim - 2, low=1)
    check_indices("max_unpool", indices, math.prod(size))
    xp = array_namespace(x)
    n, c, *pooled = x.shape
    y = xp.zeros((n, c, math.prod(size)), x.dtype)  # (N, C, plane)
    flat = (n, c, math.prod(pooled))
    xp.put_along_axis(y, indices.reshape(flat), x.reshape(flat), axis=2)
    return y.reshape(n, c, *size)


@accelerated
def max_unpool_backward(dy: Any, indices: Any) -> Any:
    """Gradient of `max_unpool`: read dy where the values were placed.

    Parameters
    ----------
    dy : (N, C, *S) float array
        Gradient of the loss with respect to the output.
    indices : (N, C, *pooled) integer array
        As given to `max_unpool`.

    Returns
    -------
    (N, C, *pooled) array of the dtype of `dy`
        Values that shared an index all receive its gradient, as in PyTorch.

    Raises
    ------
    TypeError
        If `dy` is not floating or `indices` are not integers.
    ValueError
        If batch or channels differ, or an index lies outside the plane.

    Examples
    --------
    >>> max_unpool_backward(np.array([[[1.0, 2.0, 3.0, 4.0]]]), np.array([[[1, 2]]]))
    array([[[2., 3.]]])
    """
    check_float("max_unpool_backward", dy=dy)
    check_integer("max_unpool_backward", indices=indices)
    check_spatial("max_unpool_backward", dy=dy)
    check_ndim(
        "max_unpool_backward", dy.ndim, f"(N, C, *pooled) of {dy.ndim} axes as dy", indices=indices
    )
    check_shape("max_unpool_backward", (*dy.shape[:2], *indices.shape[2:]), indices=indices)
    check_indices("max_unpool_backward", indices, math.prod(dy.shape[2:]))
    xp = array_namespace(dy)
    n, c, *pooled = indices.shape
    dx = xp.take_along_axis(
        dy.reshape(n, c, math.prod(dy.shape[2:])),
        indices.reshape(n, c, math.prod(pooled)),
        axis=2,
    )
    return dx.reshape(indices.shape)
