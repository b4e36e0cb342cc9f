"""Activations: functions of each value alone.

    relu     max(x, 0)
    prelu    x > 0: x       else a·x                 He et al. 2015, "Delving deep into rectifiers"
    elu      x > 0: x       else alpha·(eˣ − 1)      Clevert et al. 2016
    sigmoid  1 / (1 + e⁻ˣ)

Backward takes the output y where that suffices (y > 0 says where x was), else the input x. At
x = 0, relu's slope is taken as 0 and prelu's as a, as in PyTorch.
"""

from __future__ import annotations

from typing import Any

from ..backend import accelerated, array_namespace
from .checks import check_float, check_number, check_same_shape, shape_text


@accelerated
def relu(x: Any) -> Any:
    """Replace negative values by zero.

    Parameters
    ----------
    x : float array
        Input, of any shape.

    Returns
    -------
    array of the shape and dtype of `x`
        NaN stays NaN.

    Raises
    ------
    TypeError
        If `x` is not floating.

    Examples
    --------
    >>> relu(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """
    check_float("relu", x=x)
    return array_namespace(x).maximum(x, 0)


@accelerated
def relu_backward(dy: Any, y: Any) -> Any:
    """Gradient of `relu`: dy where the output was positive.

    Parameters
    ----------
    dy : float array
        Gradient of the loss with respect to the output.
    y : array of the same shape
        The output of `relu`.

    Returns
    -------
    array of the shape and dtype of `dy`

    Raises
    ------
    TypeError, ValueError
        If an array is not floating, or shapes or dtypes differ.

    Examples
    --------
    >>> relu_backward(np.array([5.0, 6.0, 7.0]), np.array([0.0, 0.0, 2.0]))
    array([0., 0., 7.])
    """
    check_float("relu_backward", dy=dy, y=y)
    check_same_shape("relu_backward", dy=dy, y=y)
    return array_namespace(dy).where(y <= 0, 0, dy)


@accelerated
def prelu(x: Any, a: Any) -> Any:
    """Scale negative values by a learned slope.

    Parameters
    ----------
    x : (N, C, ...) float array
        Input.
    a : (C,) or (1,) float array
        Slope of each channel, or one for all.

    Returns
    -------
    (N, C, ...) array of the dtype of `x`

    Raises
    ------
    TypeError, ValueError
        If an array is not floating, dtypes differ, or `a` doesn't fit the channels.

    Examples
    --------
    >>> prelu(np.array([[-4.0, 0.0, 2.0]]), np.array([0.25]))
    array([[-1.,  0.,  2.]])
    """
    check_float("prelu", x=x, a=a)
    return array_namespace(x).where(x > 0, x, _slope("prelu", a, x) * x)


@accelerated
def prelu_backward(dy: Any, x: Any, a: Any) -> tuple[Any, Any]:
    """Gradients of `prelu`.

    Parameters
    ----------
    dy : (N, C, ...) float array
        Gradient of the loss with respect to the output.
    x, a
        As given to `prelu`.

    Returns
    -------
    dx : (N, C, ...) array
    da : array of the shape of `a`

    Raises
    ------
    TypeError, ValueError
        As `prelu`, and if `dy` and `x` differ in shape.

    Examples
    --------
    >>> x = np.array([[-4.0, 0.0, 2.0]])
    >>> prelu_backward(np.array([[1.0, 1.0, 1.0]]), x, np.array([0.25]))
    (array([[0.25, 0.25, 1.  ]]), array([-4.]))
    """
    check_float("prelu_backward", dy=dy, x=x, a=a)
    check_same_shape("prelu_backward", dy=dy, x=x)
    xp = array_namespace(dy)
    dx = xp.where(x > 0, dy, _slope("prelu_backward", a, x) * dy)
    da = xp.where(x > 0, 0, dy * x)
    if a.size == 1:
        return dx, da.sum().reshape(1)
    return dx, da.sum(axis=(0, *range(2, x.ndim)))


@accelerated
def elu(x: Any, alpha: float = 1.0) -> Any:
    """Replace negative values by alpha·(eˣ − 1), which levels off at −alpha.

    Parameters
    ----------
    x : float array
        Input, of any shape.
    alpha : float
        At least 0.

    Returns
    -------
    array of the shape and dtype of `x`

    Raises
    ------
    TypeError
        If `x` is not floating.
    ValueError
        If `alpha` is negative: then y would not tell the sign of x, which backward needs.

    Examples
    --------
    >>> elu(np.array([-1.0, 0.0, 2.0])).round(3)
    array([-0.632,  0.   ,  2.   ])
    """
    check_float("elu", x=x)
    alpha = check_number("elu", "alpha", alpha, low=0)
    xp = array_namespace(x)
    return xp.where(x > 0, x, alpha * xp.expm1(xp.minimum(x, 0)))


@accelerated
def elu_backward(dy: Any, y: Any, alpha: float = 1.0) -> Any:
    """Gradient of `elu`: its slope where x ≤ 0 is alpha·eˣ = y + alpha.

    Parameters
    ----------
    dy : float array
        Gradient of the loss with respect to the output.
    y : array of the same shape
        The output of `elu`.
    alpha : float
        As given to `elu`.

    Returns
    -------
    array of the shape and dtype of `dy`

    Raises
    ------
    TypeError, ValueError
        If an array is not floating, shapes or dtypes differ, or `alpha` is negative.

    Examples
    --------
    >>> elu_backward(np.array([4.0, 4.0]), np.array([-0.5, 2.0]))
    array([2., 4.])
    """
    check_float("elu_backward", dy=dy, y=y)
    check_same_shape("elu_backward", dy=dy, y=y)
    alpha = check_number("elu_backward", "alpha", alpha, low=0)
    return dy * array_namespace(dy).where(y > 0, 1, y + alpha)


@accelerated
def sigmoid(x: Any) -> Any:
    """Squash each value into 0 … 1.

    Parameters
    ----------
    x : float array
        Input, of any shape.

    Returns
    -------
    array of the shape and dtype of `x`

    Raises
    ------
    TypeError
        If `x` is not floating.

    Notes
    -----
    Computed with e^−|x|, which can't overflow.

    Examples
    --------
    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    check_float("sigmoid", x=x)
    xp = array_namespace(x)
    e = xp.exp(-xp.abs(x))
    return xp.where(x < 0, e, 1) / (1 + e)


@accelerated
def sigmoid_backward(dy: Any, y: Any) -> Any:
    """Gradient of `sigmoid`, whose slope is y·(1 − y).

    Parameters
    ----------
    dy : float array
        Gradient of the loss with respect to the output.
    y : array of the same shape
        The output of `sigmoid`.

    Returns
    -------
    array of the shape and dtype of `dy`

    Raises
    ------
    TypeError, ValueError
        If an array is not floating, or shapes or dtypes differ.

    Examples
    --------
    >>> sigmoid_backward(np.array([8.0]), np.array([0.5]))
    array([2.])
    """
    check_float("sigmoid_backward", dy=dy, y=y)
    check_same_shape("sigmoid_backward", dy=dy, y=y)
    return dy * y * (1 - y)


def _slope(operation: str, a: Any, x: Any) -> Any:
    """Shape PReLU's slopes so that they broadcast over x (N, C, ...)."""
    if x.ndim < 2:
        raise ValueError(f"{operation}: x must have shape (N, C, ...), got {shape_text(x.shape)}")
    if a.ndim != 1 or a.shape[0] not in (1, x.shape[1]):
        raise ValueError(
            f"{operation}: a must have shape (1,) or ({x.shape[1]},), one slope for each channel "
            f"of x of shape {shape_text(x.shape)}, got {shape_text(a.shape)}"
        )
    return a.reshape(-1, *(1 for _ in x.shape[2:]))
