"""Softmax: scores become probabilities, each weighed against the others along one axis.

    softmax(x)ᵢ = e^xᵢ / Σⱼ e^xⱼ            log_softmax(x)ᵢ = xᵢ − log Σⱼ e^xⱼ

Raising one score lowers every other probability, so each dx depends on all dy along the axis.
"""

from __future__ import annotations

from typing import Any

from ..backend import accelerated, array_namespace
from .checks import check_axis, check_float, check_same_shape


@accelerated
def softmax(x: Any, axis: int = 1) -> Any:
    """Turn scores into probabilities that sum to 1 along `axis`.

    Parameters
    ----------
    x : float array
        Scores ("logits").
    axis : int
        The axis of the classes.

    Returns
    -------
    array of the shape and dtype of `x`

    Raises
    ------
    TypeError
        If `x` is not floating.
    ValueError
        If there is no such axis.

    Notes
    -----
    A shift of all scores cancels, so the largest is subtracted first and nothing overflows.

    Examples
    --------
    >>> softmax(np.array([[1000.0, 1000.0]]))
    array([[0.5, 0.5]])
    """
    check_float("softmax", x=x)
    check_axis("softmax", axis, x)
    xp = array_namespace(x)
    if not x.size:
        return x.copy()  # nothing is the largest of no scores
    e = xp.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


@accelerated
def softmax_backward(dy: Any, y: Any, axis: int = 1) -> Any:
    """Gradient of `softmax`: dxᵢ = yᵢ·(dyᵢ − Σⱼ dyⱼ·yⱼ).

    Parameters
    ----------
    dy : float array
        Gradient of the loss with respect to the output.
    y : array of the same shape
        The output of `softmax`.
    axis : int
        As given to `softmax`.

    Returns
    -------
    array of the shape and dtype of `dy`

    Raises
    ------
    TypeError, ValueError
        If an array is not floating, shapes or dtypes differ, or there is no such axis.

    Examples
    --------
    >>> softmax_backward(np.array([[4.0, 0.0]]), np.array([[0.5, 0.5]]))
    array([[ 1., -1.]])
    """
    check_float("softmax_backward", dy=dy, y=y)
    check_same_shape("softmax_backward", dy=dy, y=y)
    check_axis("softmax_backward", axis, y)
    return y * (dy - (dy * y).sum(axis=axis, keepdims=True))


@accelerated
def log_softmax(x: Any, axis: int = 1) -> Any:
    """Logarithm of `softmax`, without the loss of precision that taking log of it has.

    Parameters
    ----------
    x : float array
        Scores ("logits").
    axis : int
        The axis of the classes.

    Returns
    -------
    array of the shape and dtype of `x`

    Raises
    ------
    TypeError
        If `x` is not floating.
    ValueError
        If there is no such axis.

    Examples
    --------
    >>> log_softmax(np.array([[0.0, -1000.0]]))
    array([[    0., -1000.]])
    """
    check_float("log_softmax", x=x)
    check_axis("log_softmax", axis, x)
    xp = array_namespace(x)
    if not x.size:
        return x.copy()
    shifted = x - x.max(axis=axis, keepdims=True)
    return shifted - xp.log(xp.exp(shifted).sum(axis=axis, keepdims=True))


@accelerated
def log_softmax_backward(dy: Any, y: Any, axis: int = 1) -> Any:
    """Gradient of `log_softmax`: dxᵢ = dyᵢ − softmaxᵢ·Σⱼ dyⱼ, where softmax = e^y.

    Parameters
    ----------
    dy : float array
        Gradient of the loss with respect to the output.
    y : array of the same shape
        The output of `log_softmax`.
    axis : int
        As given to `log_softmax`.

    Returns
    -------
    array of the shape and dtype of `dy`

    Raises
    ------
    TypeError, ValueError
        If an array is not floating, shapes or dtypes differ, or there is no such axis.

    Examples
    --------
    >>> log_softmax_backward(np.array([[4.0, 0.0]]), np.log(np.array([[0.5, 0.5]])))
    array([[ 2., -2.]])
    """
    check_float("log_softmax_backward", dy=dy, y=y)
    check_same_shape("log_softmax_backward", dy=dy, y=y)
    check_axis("log_softmax_backward", axis, y)
    return dy - array_namespace(y).exp(y) * dy.sum(axis=axis, keepdims=True)
