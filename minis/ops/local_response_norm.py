"""Local response normalisation: each value is divided by the energy of its neighbouring channels.

    y[c] = x[c] / s[c]^beta        s[c] = k + alpha/size · Σ x[c']²

Krizhevsky et al. 2012, section 3.3: AlexNet's, superseded by batch norm.
"""

from __future__ import annotations

from typing import Any

from ..backend import accelerated, array_namespace
from .checks import check_float, check_int, check_number, check_same_shape, shape_text


@accelerated
def local_response_norm(
    x: Any, size: int = 5, *, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Any:
    """Divide each value by a power of the mean square over `size` neighbouring channels.

        y[c] = x[c] / s[c]^beta        s[c] = k + alpha/size · Σ x[c']²

    over the channels c' = c − ⌊size/2⌋ … c + ⌊(size − 1)/2⌋ that exist.

    Parameters
    ----------
    x : (N, C, *S) float array
        Input.
    size : int
        Number of channels in the neighbourhood.
    alpha, beta, k : float
        As in the formula; the defaults are PyTorch's and Caffe's.

    Returns
    -------
    (N, C, *S) array of the dtype of `x`

    Raises
    ------
    TypeError
        If `x` is not floating, or `alpha`, `beta` or `k` is no number.
    ValueError
        If `size` is below 1, or `x` has fewer than two axes.

    Notes
    -----
    Krizhevsky et al. 2012, section 3.3 (there with alpha not divided by size, and k = 2). Results
    are those of `torch.nn.functional.local_response_norm`.

    Examples
    --------
    >>> local_response_norm(np.array([[[3.0], [4.0]]]), 3, alpha=3.0, beta=0.5, k=0.0)
    array([[[0.6],
            [0.8]]])
    """
    alpha, beta, k = _check_lrn("local_response_norm", x, size, alpha, beta, k)
    return x * _lrn_scale(x, size, alpha, k) ** -beta


@accelerated
def local_response_norm_backward(
    dy: Any, x: Any, size: int = 5, *, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Any:
    """Gradient of `local_response_norm`.

        dx[c] = dy[c] · s[c]^−beta − 2·alpha·beta/size · x[c] · Σ dy[c'] · x[c'] · s[c']^(−beta−1)

    summed over the channels c' whose neighbourhood contains c.

    Parameters
    ----------
    dy : (N, C, *S) float array
        Gradient of the loss with respect to the output.
    x, size, alpha, beta, k
        As given to `local_response_norm`.

    Returns
    -------
    (N, C, *S) array of the dtype of `x`

    Raises
    ------
    TypeError, ValueError
        As `local_response_norm`, and if `dy` and `x` differ in shape.

    Examples
    --------
    >>> x = np.array([[[3.0], [4.0]]])
    >>> local_response_norm_backward(x, x, 3, alpha=0.0)
    array([[[3.],
            [4.]]])
    """
    name = "local_response_norm_backward"
    alpha, beta, k = _check_lrn(name, x, size, alpha, beta, k)
    check_float(name, dy=dy, x=x)
    check_same_shape(name, x=x, dy=dy)
    s = _lrn_scale(x, size, alpha, k)
    # c' reaches back ⌊size/2⌋ channels to c, so c finds it that far ahead: before and after swap
    reached = _sum_over_channels(dy * x * s ** (-beta - 1), (size - 1) // 2, size // 2)
    return dy * s**-beta - (2 * alpha * beta / size) * x * reached


def _lrn_scale(x: Any, size: int, alpha: float, k: float) -> Any:
    return k + alpha / size * _sum_over_channels(x * x, size // 2, (size - 1) // 2)


def _sum_over_channels(a: Any, before: int, after: int) -> Any:
    """Sum a[:, c − before … c + after] for each channel c."""
    total = array_namespace(a).zeros_like(a)
    channels = a.shape[1]
    for offset in range(-before, after + 1):
        to = slice(max(0, -offset), max(0, min(channels, channels - offset)))
        source = slice(max(0, offset), max(0, min(channels, channels + offset)))
        total[:, to] += a[:, source]
    return total


def _check_lrn(
    operation: str, x: Any, size: int, alpha: float, beta: float, k: float
) -> tuple[float, float, float]:
    check_float(operation, x=x)
    if x.ndim < 2:
        raise ValueError(f"{operation}: x must have shape (N, C, ...), got {shape_text(x.shape)}")
    check_int(operation, "size", size, low=1)
    return (
        check_number(operation, "alpha", alpha),
        check_number(operation, "beta", beta),
        check_number(operation, "k", k),
    )
