"""Dropout: in training, each value is zeroed with probability p (Srivastava et al. 2014).

    y = x · mask        mask is 0 with probability p, else 1 / (1 − p)

The survivors are scaled up, so that the mean stays and evaluation needs no dropout at all. In
images neighbouring values are alike; zeroing whole channels then works better (Tompson et al.
2015, "spatial dropout").
"""

from __future__ import annotations

from typing import Any

from numpy.random import Generator

from ..backend import accelerated, array_namespace
from .checks import check_float, check_number, shape_text


@accelerated
def dropout(x: Any, p: float, rng: Generator, *, per_channel: bool = False) -> tuple[Any, Any]:
    """Zero values, or whole channels, at random and scale up the others.

    Parameters
    ----------
    x : (N, C, ...) float array
        Input; of any shape unless `per_channel`.
    p : float
        Probability of being zeroed, 0 … 1.
    rng : numpy.random.Generator
        Draws the mask.
    per_channel : bool
        Whether to draw one number for each sample and channel.

    Returns
    -------
    y : array of the shape and dtype of `x`
    mask : array that multiplies `x`
        0 or 1/(1 − p); of shape (N, C, 1, ...) if `per_channel`, else of the shape of `x`.

    Raises
    ------
    TypeError
        If `x` is not floating, or `rng` is no Generator.
    ValueError
        If `p` is not in 0 … 1, or `per_channel` is asked of an array without channels.

    Examples
    --------
    >>> y, mask = dropout(np.ones((1, 6)), 0.5, np.random.default_rng(1))
    >>> y
    array([[0., 2., 2., 2., 0., 0.]])
    """
    check_float("dropout", x=x)
    check_number("dropout", "p", p, low=0, high=1)
    if not isinstance(rng, Generator):
        raise TypeError(
            f"dropout: rng must be a numpy.random.Generator, got {type(rng).__name__}; make one "
            "with numpy.random.default_rng(seed)"
        )
    shape = x.shape
    if per_channel:
        if x.ndim < 2:
            raise ValueError(
                f"dropout: per_channel needs x of shape (N, C, ...), got {shape_text(x.shape)}"
            )
        shape = (*x.shape[:2], *(1 for _ in x.shape[2:]))
    kept = rng.random(shape, dtype="float32") >= p
    scale = 1 / (1 - p) if p < 1 else 0.0
    mask = array_namespace(x).asarray(kept).astype(x.dtype) * x.dtype.type(scale)
    return x * mask, mask


@accelerated
def dropout_backward(dy: Any, mask: Any) -> Any:
    """Gradient of `dropout`: the same mask.

    Parameters
    ----------
    dy : float array
        Gradient of the loss with respect to the output.
    mask : float array
        As `dropout` returned it.

    Returns
    -------
    array of the shape and dtype of `dy`

    Raises
    ------
    TypeError
        If an array is not floating, or dtypes differ.
    ValueError
        If `mask` doesn't fit `dy`.

    Examples
    --------
    >>> dropout_backward(np.array([3.0, 4.0]), np.array([0.0, 2.0]))
    array([0., 8.])
    """
    check_float("dropout_backward", dy=dy, mask=mask)
    per_channel = (*dy.shape[:2], *(1 for _ in dy.shape[2:]))
    if mask.shape not in (dy.shape, per_channel):
        raise ValueError(
            f"dropout_backward: mask must have shape {shape_text(dy.shape)} or "
            f"{shape_text(per_channel)}, got {shape_text(mask.shape)}"
        )
    return dy * mask
