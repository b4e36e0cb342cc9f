"""The calls that a function is examined on, and the smallest on which it fails."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis.errors import NoSuchExample

from ..specs.spec import Call
from .target import Target
from .trial import Trial, attempt

QUIET: dict[str, Any] = {
    "database": None,
    "deadline": None,
    "derandomize": True,
    "suppress_health_check": list(HealthCheck),
}


def trials(
    function: Callable[..., Any], target: Target, *, most: int, seconds: float
) -> list[Trial]:
    """Call a function on drawn arguments.

    Parameters
    ----------
    function : callable
        The one under examination.
    target : Target
        What it claims to be.
    most : int
        How many calls to draw.
    seconds : float
        After which no more are made. One that never comes back ends it, too.

    Returns
    -------
    list of Trial
    """
    made: list[Trial] = []
    end = time.monotonic() + seconds

    @settings(max_examples=most, phases=[Phase.generate], **QUIET)
    @given(call=target.calls)
    def run(call: Call) -> None:
        if time.monotonic() > end or (made and made[-1].kind == "endless"):
            return
        made.append(attempt(function, target, call))

    run()
    return made


def smallest(
    function: Callable[..., Any], target: Target, failed: Trial, *, seconds: float
) -> Trial:
    """Return a failure of the same kind on the simplest arguments that can be found in time.

    Hypothesis shrinks the arguments' shapes and options; then arrays are made of zeros as far as
    that leaves the failure.
    """
    if failed.kind == "endless":
        return failed
    end = time.monotonic() + seconds
    best = failed

    def fails(call: Call) -> bool:
        nonlocal best
        if time.monotonic() > end:
            return False
        found = attempt(function, target, call)
        same = found.kind == failed.kind
        if same and size(found.call) <= size(best.call):
            best = found
        return same

    try:
        call = find(
            target.calls,
            fails,
            settings=settings(max_examples=300, phases=[Phase.generate, Phase.shrink], **QUIET),
        )
        found = attempt(function, target, call)
        best = found if found.kind == failed.kind else best
    except NoSuchExample:
        pass
    return _emptied(function, target, best, end)


def for_each(target: Target, examples: int, test: Callable[[Call], None]) -> None:
    """Run a test on drawn calls of the forward operation; what it raises comes through."""

    @settings(max_examples=examples, phases=[Phase.generate], **QUIET)
    @given(call=target.spec.calls)
    def run(call: Call) -> None:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            test(call)

    run()


def size(call: Call) -> int:
    """Count the numbers in a call's arrays."""
    return sum(a.size for a in (*call.args, *call.options.values()) if isinstance(a, np.ndarray))


def _emptied(function: Callable[..., Any], target: Target, failed: Trial, end: float) -> Trial:
    """Set numbers of a call's arrays to zero, one after the other, while it goes on failing."""
    best = failed
    if failed.kind != "values":
        return best
    for place, array in enumerate(failed.call.args):
        if not isinstance(array, np.ndarray) or array.dtype.kind != "f" or array.size > 200:
            continue
        for at in np.ndindex(*array.shape):
            current = best.call.args[place]
            if time.monotonic() > end or current[at] == 0:
                continue
            simpler = current.copy()
            simpler[at] = 0
            args = (*best.call.args[:place], simpler, *best.call.args[place + 1 :])
            found = attempt(function, target, Call(args, best.call.options))
            if found.kind == "values" and found.result == best.result:
                best = found
    return best
