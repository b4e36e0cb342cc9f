"""Time and memory of a function beside the library's versions, on one call."""

from __future__ import annotations

import statistics
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

from ...backend import unavailable, use
from ..specs.spec import Call
from .target import Target
from .trial import TookTooLong, time_limit
from .typical import typical
from .verdict import Speed

LIMIT = 1.5  # seconds for one implementation


def compare_speed(function: Callable[..., Any], target: Target) -> tuple[tuple[Speed, ...], str]:
    """Measure a function, and the library's versions.

    Returns
    -------
    speed : tuple of Speed
        The function's first. What takes too long is left out.
    where : str
        What was measured.
    """
    call = typical(target)
    measured = []
    for name, backend, side in [("yours", "numpy", function), *target.sides()]:
        if unavailable(backend):
            continue
        with use(backend):
            found = _measure(name, side, call)
        if found:
            measured.append(found)
    shapes = " and ".join(str(a.shape) for a in call.args if isinstance(a, np.ndarray))
    return tuple(measured), f"arrays of shape {shapes}" if shapes else ""


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
