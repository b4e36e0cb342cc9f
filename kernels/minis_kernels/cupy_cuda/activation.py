"""Activations on the GPU, by the kernels of `sources/activation.cu`."""

from __future__ import annotations

from typing import Any

from ..arguments import number
from .arrays import contiguous, namespace, servable
from .grid import THREADS, blocks_for
from .packs import packs
from .program import Program
from .rows import channels

PROGRAM = Program("activation.cu")


def relu(x: Any) -> Any:
    """Replace negative values by zero: `minis.ops.relu`."""
    return _elementwise("relu", x)


def relu_backward(dy: Any, y: Any) -> Any:
    """Gradient of `relu`: `minis.ops.relu_backward`."""
    return _elementwise("relu_backward", dy, y)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """Replace negative values by alpha·(eˣ − 1): `minis.ops.elu`."""
    level = number(alpha, low=0)
    return NotImplemented if level is None else _elementwise("elu", x, options=(level,))


def elu_backward(dy: Any, y: Any, alpha: float = 1.0) -> Any:
    """Gradient of `elu`: `minis.ops.elu_backward`."""
    level = number(alpha, low=0)
    return (
        NotImplemented if level is None else _elementwise("elu_backward", dy, y, options=(level,))
    )


def sigmoid(x: Any) -> Any:
    """Squash each value into 0 … 1: `minis.ops.sigmoid`."""
    return _elementwise("sigmoid", x)


def sigmoid_backward(dy: Any, y: Any) -> Any:
    """Gradient of `sigmoid`: `minis.ops.sigmoid_backward`."""
    return _elementwise("sigmoid_backward", dy, y)


def prelu(x: Any, a: Any) -> Any:
    """Scale negative values by a learned slope: `minis.ops.prelu`."""
    if not _slopes_fit(x, a):
        return NotImplemented
    x, a = contiguous(x), contiguous(a)
    y = namespace(x).empty(x.shape, x.dtype)  # type: ignore[union-attr]
    rows = channels(x, y)
    if rows is None:
        return NotImplemented
    run = PROGRAM.kernel("prelu", x.dtype)
    run(rows.grid, rows.threads, x, a, a.size == 1, y, *rows.arguments)
    return y


def prelu_backward(dy: Any, x: Any, a: Any) -> Any:
    """Gradients of `prelu`: `minis.ops.prelu_backward`."""
    if not _slopes_fit(x, a) or not servable(x, dy) or dy.shape != x.shape:
        return NotImplemented
    dy, x, a = contiguous(dy), contiguous(x), contiguous(a)
    xp: Any = namespace(x)
    dx, da = xp.empty(x.shape, x.dtype), xp.empty(a.shape, a.dtype)
    rows = channels(dy, x, dx)
    if rows is None:
        return NotImplemented
    partial = xp.empty(rows.grid, "float64")
    run = PROGRAM.kernel("prelu_backward", x.dtype)
    run(rows.grid, rows.threads, dy, x, a, a.size == 1, dx, partial, *rows.arguments)
    run = PROGRAM.kernel("prelu_slopes", x.dtype)
    run(a.size, THREADS, partial, partial.size // a.size, da)
    return dx, da


def _elementwise(kernel: str, *arrays: Any, options: tuple[float, ...] = ()) -> Any:
    """Run a kernel that takes arrays of one shape, the result, the counts and the options."""
    if not servable(*arrays) or any(a.shape != arrays[0].shape for a in arrays):
        return NotImplemented
    given = [contiguous(a) for a in arrays]
    result = namespace(given[0]).empty(arrays[0].shape, given[0].dtype)  # type: ignore[union-attr]
    run = PROGRAM.kernel(kernel, result.dtype)
    many = packs(*given, result)
    blocks = blocks_for(many or result.size)
    run(blocks, THREADS, *given, result, result.size, many, *options)
    return result


def _slopes_fit(x: Any, a: Any) -> bool:
    return servable(x, a) and x.ndim >= 2 and a.ndim == 1 and a.shape[0] in (1, x.shape[1])
