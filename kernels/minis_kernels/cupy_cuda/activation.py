"""Activations on the GPU, by the kernels of `sources/activation.cu`."""

from __future__ import annotations

from typing import Any

from .arrays import contiguous, namespace, servable
from .grid import THREADS, blocks_for
from .program import Program

PROGRAM = Program("activation.cu")


def relu(x: Any) -> Any:
    """Replace negative values by zero: `minis.ops.relu`."""
    return _elementwise("relu", x)


def relu_backward(dy: Any, y: Any) -> Any:
    """Gradient of `relu`: `minis.ops.relu_backward`."""
    return _elementwise("relu_backward", dy, y)


def _elementwise(kernel: str, *arrays: Any) -> Any:
    """Run a kernel that takes arrays of one shape, the result, and the count of numbers."""
    if not servable(*arrays) or any(a.shape != arrays[0].shape for a in arrays):
        return NotImplemented
    given = [contiguous(a) for a in arrays]
    result = namespace(given[0]).empty(given[0].shape, given[0].dtype)  # type: ignore[union-attr]
    run = PROGRAM.kernel(kernel, result.dtype)
    run(blocks_for(result.size), THREADS, *given, result, result.size)
    return result
