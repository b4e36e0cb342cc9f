"""Time and memory of a function beside the library's versions, on one call."""

from __future__ import annotations

import statistics
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

from ... import ops
from ...backend import unavailable, use
from ..specs.properties import as_tuple
from ..specs.spec import Call
from .cases import for_each, size
from .target import Target
from .trial import TookTooLong, time_limit
from .verdict import Speed

LIMIT = 1.5  # seconds for one implementation


def compare_speed(function: Callable[..., Any], target: Target) -> tuple[tuple[Speed, ...], str]:
    """Measure a function, the NumPy text and the Numba kernel.

    Returns
    -------
    speed : tuple of Speed
        The function's first. What takes too long is left out.
    where : str
        What was measured.
    """
    call = typical(target)
    public = getattr(ops, target.name)
    sides: list[tuple[str, str, Callable[..., Any]]] = [
        ("yours", "numpy", function),
        ("minis, the NumPy text", "numpy", target.reference),
    ]
    if not unavailable("numba"):
        sides.append(("minis, the Numba kernel", "numba", public))
    measured = []
    for name, backend, side in sides:
        with use(backend):
            found = _measure(name, side, call)
        if found:
            measured.append(found)
    shapes = " and ".join(str(a.shape) for a in call.args if isinstance(a, np.ndarray))
    return tuple(measured), f"arrays of shape {shapes}"


def typical(target: Target) -> Call:
    """Return a call of the usual kind: for what has windows a map of 8 channels, 32 × 32."""
    rng = np.random.default_rng(0)

    def normal(*shape: int) -> Any:
        return rng.standard_normal(shape).astype(np.float32)

    chosen: dict[str, Callable[[], Call]] = {
        "conv": lambda: Call((normal(1, 8, 32, 32), normal(8, 8, 3, 3), None), {"padding": 1}),
        "conv_transpose": lambda: Call(
            (normal(1, 8, 16, 16), normal(8, 8, 2, 2), None), {"stride": 2}
        ),
        "max_pool": lambda: Call((normal(1, 8, 32, 32), 2)),
        "avg_pool": lambda: Call((normal(1, 8, 32, 32), 2)),
        "interpolate": lambda: Call((normal(1, 8, 16, 16), (32, 32)), {"mode": "linear"}),
        "relu": lambda: Call((normal(1, 8, 32, 32),)),
        "softmax": lambda: Call((normal(1, 8, 32, 32),)),
        "linear": lambda: Call((normal(32, 64), normal(64, 64), normal(64))),
    }
    spec = target.spec
    forward = chosen[spec.name]() if spec.name in chosen else _largest(target)
    if not target.backward:
        return forward
    outputs = forward.on(getattr(ops, spec.name).reference)
    y = np.asarray(as_tuple(outputs)[0])
    dy = rng.standard_normal(y.shape).astype(y.dtype)
    assert spec.backward is not None
    return spec.backward(forward, outputs, dy)


def _largest(target: Target) -> Call:
    """Return the largest of some drawn calls of the forward."""
    calls: list[Call] = []
    for_each(target, 20, calls.append)
    return max(calls, key=size)


def _measure(name: str, function: Callable[..., Any], call: Call) -> Speed | None:
    try:
        with time_limit(2 * LIMIT), np.errstate(all="ignore"):
            call.on(function)  # compile, and warm up
            times: list[float] = []
            end = time.perf_counter() + LIMIT / 3
            while len(times) < 3 or (time.perf_counter() < end and len(times) < 50):
                begin = time.perf_counter()
                call.on(function)
                times.append(time.perf_counter() - begin)
            tracemalloc.start()
            try:
                call.on(function)
                peak = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
    except TookTooLong:
        return None
    return Speed(name, 1000 * statistics.median(times), peak / 2**20)
