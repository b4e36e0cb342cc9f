"""One call of a function under examination: what it did, and what is wrong with that."""

from __future__ import annotations

import signal
import sysconfig
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import minis

from ..specs.properties import as_tuple
from ..specs.spec import Call
from .target import Target

# whose lines are not the learner's
LIBRARIES = (
    *(str(Path(module.__file__ or "").parent) for module in (minis, np)),
    sysconfig.get_paths()["stdlib"],
)
SECONDS = 3.0  # that one call on tiny arrays may take


class TookTooLong(Exception):
    """A call did not come back in time."""


@dataclass(frozen=True)
class Trial:
    """A call, and what came of it.

    Attributes
    ----------
    call : Call
        The arguments.
    kind : str
        "right", or what is wrong: "exception", "endless", "nothing", "count", "type", "shape",
        "dtype", "values", "changed an input", "shares memory".
    text : str
        The same in a sentence or two.
    result : int
        Which of several results is meant, counted from 0.
    got, expected : array or None
        That result, and what it should be, where they can be compared.
    outputs : tuple
        All results of the function, if it gave any.
    """

    call: Call
    kind: str = "right"
    text: str = ""
    result: int = 0
    got: Any = None
    expected: Any = None
    outputs: tuple[Any, ...] = field(default=(), repr=False)

    @property
    def right(self) -> bool:
        """Whether nothing is wrong."""
        return self.kind == "right"


def attempt(function: Callable[..., Any], target: Target, call: Call) -> Trial:
    """Call a function, and compare what it gives with the NumPy text's results.

    Parameters
    ----------
    function : callable
        The one under examination.
    target : Target
        What it claims to be.
    call : Call
        The arguments; where the function writes to them, that is undone.
    """
    try:
        with np.errstate(all="ignore"):
            right = call.on(target.reference)
            expected = leaves(right)
    except (TypeError, ValueError):
        return Trial(call)  # no call of the operation: nothing can be wrong
    before = [a.copy() for _, a in arrays_of(call)]
    try:
        with time_limit(SECONDS), np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            answer = call.on(function)
    except TookTooLong:
        text = f"it had not come back after {SECONDS:.0f} s on arrays as small as these"
        return Trial(call, "endless", f"{text}: is there a loop that never ends?")
    except Exception as error:
        return Trial(call, "exception", _told(error))
    if isinstance(answer, list) and not isinstance(right, list):
        return Trial(call, "type", f"it returned a list; expected {_wanted(expected)}")
    got = [g.copy() if isinstance(g, np.ndarray) else g for g in leaves(answer)]
    changed = _changed(call, before)
    verdict = _compared(call, got, expected, target)
    if not verdict.right:
        return verdict
    if changed is not None:
        name, after, original = changed
        text = f"it wrote to its argument {name}: work on a copy of it"
        return Trial(call, "changed an input", text, 0, after, original, verdict.outputs)
    for name, array in arrays_of(call):
        if any(isinstance(g, np.ndarray) and np.shares_memory(g, array) for g in leaves(answer)):
            text = f"what it returned lies in the memory of its argument {name}: return a copy"
            return Trial(call, "shares memory", text, outputs=verdict.outputs)
    return verdict


def _changed(call: Call, before: list[Any]) -> tuple[str, Any, Any] | None:
    """Find an argument that was written to: its name, what it became, what it was; undo all."""
    found = None
    for (name, array), original in zip(arrays_of(call), before, strict=True):
        if not np.array_equal(array, original, equal_nan=array.dtype.kind == "f"):
            found = found or (name, array.copy(), original)
            array[...] = original
    return found


def _compared(call: Call, got: list[Any], expected: list[Any], target: Target) -> Trial:
    """Compare results, one after the other; the first thing that is wrong counts."""
    if len(got) == 1 and got[0] is None:
        return Trial(call, "nothing", "it returned None: is a `return` missing?")
    if len(got) != len(expected):
        text = f"it returned {_results(len(got))}; {target.name} returns {_results(len(expected))}"
        return Trial(call, "count", text)
    outputs = tuple(got)
    for i, (g, e) in enumerate(zip(got, expected, strict=True)):
        which = f"result {i + 1}" if len(got) > 1 else "the result"
        wrong = _form(g, e, which, {a.dtype for _, a in arrays_of(call)})
        if wrong:
            return Trial(call, *wrong, i, outputs=outputs)
        g, e = np.asarray(g), np.asarray(e)
        if not close(g, e, tolerance(target, call)):
            return Trial(call, "values", f"{which} has wrong values", i, g, e, outputs)
    return Trial(call, outputs=outputs)


def close(got: Any, expected: Any, limit: float) -> bool:
    """Whether arrays agree up to a scaled error; NaN and infinities must stand in one place."""
    if expected.dtype.kind in "biu":
        return bool(np.array_equal(got, expected))
    finite = np.isfinite(expected)
    if not np.array_equal(np.where(finite, 0, got), np.where(finite, 0, expected), equal_nan=True):
        return False
    scale = max(1.0, float(np.abs(expected[finite]).max(initial=0)))
    return float(np.abs(got[finite] - expected[finite]).max(initial=0)) <= limit * scale


def tolerance(target: Target, call: Call) -> float:
    """Return the largest scaled error that the spec allows for the dtype of a call."""
    dtypes = [a.dtype.name for _, a in arrays_of(call) if a.dtype.kind == "f"]
    return target.spec.tolerance[dtypes[0] if dtypes else "float64"]


def leaves(result: Any) -> list[Any]:
    """List the arrays of a result, which may be one, or several nested at will.

    Examples
    --------
    >>> leaves((1, [2, 3]))
    [1, 2, 3]
    """
    if isinstance(result, tuple | list):
        return [leaf for part in result for leaf in leaves(part)]
    return list(as_tuple(result))


def arrays_of(call: Call) -> list[tuple[str, Any]]:
    """List the array arguments of a call, each with a name to speak of it by."""
    places = [(f"number {i + 1}", a) for i, a in enumerate(call.args)]
    everything = [*places, *call.options.items()]
    return [(name, a) for name, a in everything if isinstance(a, np.ndarray)]


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `TookTooLong` where a block takes longer; only in a main thread that has signals."""

    def ring(*_: Any) -> None:
        raise TookTooLong

    try:
        before = signal.signal(signal.SIGALRM, ring)
    except (AttributeError, ValueError):  # Windows, or not the main thread
        yield
        return
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _form(got: Any, expected: Any, which: str, given: set[Any]) -> tuple[str, str] | None:
    """Say what is wrong with a result before one looks at its values."""
    if not isinstance(got, np.ndarray | np.generic | float | int):
        kind = type(got).__name__
        return "type", f"{which} is of type {kind}; expected {_described(expected)}"
    got, expected = np.asarray(got), np.asarray(expected)
    if got.shape != expected.shape:
        hint = ""
        if got.ndim != expected.ndim:
            hint = f": {got.ndim} axes, expected {expected.ndim}"
        elif sorted(got.shape) == sorted(expected.shape):
            hint = ": the same lengths in another order"
        return "shape", f"{which} has shape {got.shape}; expected {expected.shape}{hint}"
    if got.dtype != expected.dtype:
        why = ", as the input's is" if expected.dtype in given else ""
        return "dtype", f"{which} is {got.dtype}; expected {expected.dtype}{why}"
    return None


def _wanted(expected: list[Any]) -> str:
    return _described(expected[0]) if len(expected) == 1 else f"a tuple of {len(expected)} results"


def _described(expected: Any) -> str:
    expected = np.asarray(expected)
    return f"an array of {expected.dtype} of shape {expected.shape}"


def _results(count: int) -> str:
    return "1 result" if count == 1 else f"{count} results"


def _told(error: Exception) -> str:
    """Say where in the function's own text an error arose, and which."""
    frames = traceback.extract_tb(error.__traceback__)
    mine = [f for f in frames if not f.filename.startswith(LIBRARIES)]
    mine = [f for f in mine if "site-packages" not in f.filename]
    where = f" in line {mine[-1].lineno}: {mine[-1].line}" if mine and mine[-1].line else ""
    return f"it raised {type(error).__name__}: {error}{where}"
