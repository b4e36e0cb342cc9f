"""The fully connected layer: y = x·Wᵀ + b.

Its gradients are those of a matrix product: dx = dy·W and dW = dyᵀ·x, the sum over samples.
"""

from __future__ import annotations

import math
from typing import Any

from ..backend import accelerated
from .checks import check_float, check_ndim, check_shape, shape_text


@accelerated
def linear(x: Any, w: Any, b: Any = None) -> Any:
    """Multiply by a matrix of weights, and add a bias.

    Parameters
    ----------
    x : (..., I) float array
        Input; all axes but the last are samples.
    w : (O, I) float array
        Weights.
    b : (O,) float array, optional
        Bias.

    Returns
    -------
    (..., O) array of the dtype of `x`

    Raises
    ------
    TypeError
        If an array is not floating, or dtypes differ.
    ValueError
        If shapes don't fit.

    Examples
    --------
    >>> linear(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]]), np.array([0.5]))
    array([[11.5]])
    """
    _check("linear", x, w)
    check_float("linear", optional=("b",), x=x, w=w, b=b)
    check_shape("linear", (w.shape[0],), b=b)
    y = x @ w.T  # (..., I) · (I, O) -> (..., O)
    return y if b is None else y + b


@accelerated
def linear_backward(dy: Any, x: Any, w: Any) -> tuple[Any, Any, Any]:
    """Gradients of `linear`.

    Parameters
    ----------
    dy : (..., O) float array
        Gradient of the loss with respect to the output.
    x, w
        As given to `linear`.

    Returns
    -------
    dx : (..., I) array
    dw : (O, I) array
    db : (O,) array

    Raises
    ------
    TypeError, ValueError
        As `linear`, and if `dy` does not have the output's shape.

    Examples
    --------
    >>> x, w = np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])
    >>> linear_backward(np.array([[10.0]]), x, w)
    (array([[30., 40.]]), array([[10., 20.]]), array([10.]))
    """
    _check("linear_backward", x, w)
    check_float("linear_backward", dy=dy, x=x, w=w)
    check_shape("linear_backward", (*x.shape[:-1], w.shape[0]), dy=dy)
    samples = math.prod(x.shape[:-1])
    dy_rows, x_rows = dy.reshape(samples, w.shape[0]), x.reshape(samples, w.shape[1])
    dx = dy @ w  # (..., O) · (O, I) -> (..., I)
    dw = dy_rows.T @ x_rows  # (O, samples) · (samples, I) -> (O, I)
    return dx, dw, dy_rows.sum(axis=0)


def _check(operation: str, x: Any, w: Any) -> None:
    check_float(operation, x=x, w=w)
    check_ndim(operation, 2, "(O, I)", w=w)
    if x.ndim < 1 or x.shape[-1] != w.shape[1]:
        raise ValueError(
            f"{operation}: x of shape {shape_text(x.shape)} must have {w.shape[1]} as its last "
            f"axis, as w of shape {shape_text(w.shape)} reads"
        )
