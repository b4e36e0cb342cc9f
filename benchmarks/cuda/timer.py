"""Time calls by CUDA events: what the GPU itself saw pass between two points of its stream.

    record ── call ── call ── … ── call ── record        seconds of a call = difference ÷ calls

An event is exact to about half a microsecond, so that short calls are timed several at once. They
are queued one after the other: a call takes what its kernels take, or what the processor takes to
queue them, whichever is more. The processor's part is told too.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from .library import Library

BETWEEN = 5e-3  # seconds between two events, at least
MOST_CALLS = 1000  # between two events
TURN = 0.1  # seconds: a turn ends after the measurement that exceeds it
MOST = 30  # measurements in a turn
WAKE = 0.03  # seconds of calls that don't count: after a pause, clocks are low


class Timed(NamedTuple):
    """Seconds of a call: on the GPU, and of the processor until the call was queued."""

    gpu: float
    host: float


def take_turn(run: Callable[[], Any], library: Library) -> dict[str, list[float]]:
    """Measure until the turn is over, after a while that doesn't count.

    Returns
    -------
    dict
        "seconds" of a call by measurement, and those of the "host" to queue it.
    """
    found, awake = timed(run, 1, library), 0.0
    while awake + found.gpu < WAKE and found.gpu < TURN:
        awake += max(found)
        found = timed(run, 1, library)
    calls = min(MOST_CALLS, max(1, math.ceil(BETWEEN / found.gpu))) if found.gpu else MOST_CALLS
    measured = [found] if found.gpu >= TURN else []
    while sum(one.gpu for one in measured) * calls < TURN and len(measured) < MOST:
        measured.append(timed(run, calls, library))
    return {"seconds": [one.gpu for one in measured], "host": [one.host for one in measured]}


def timed(run: Callable[[], Any], calls: int, library: Library) -> Timed:
    """Time so many calls between two events."""
    start, stop = library.event(), library.event()
    library.synchronize()
    result = None
    started = time.perf_counter()
    start.record()
    for _ in range(calls):
        result = run()
    stop.record()
    queued = time.perf_counter() - started
    stop.synchronize()
    del result  # memory goes back to the library's pool, in no time of the GPU's
    return Timed(library.seconds(start, stop) / calls, queued / calls)
