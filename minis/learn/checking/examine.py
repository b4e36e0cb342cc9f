"""Examine a function: draw calls, compare; where it fails, find the smallest case and its cause."""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import minis

from ..specs.properties import backward_is_the_derivative
from ..specs.spec import Call
from .broken_promise import EXAMPLES as EXAMPLES_OF_PROMISES
from .broken_promise import cause_of_broken_promise, promise
from .cases import for_each, smallest, trials
from .causes import cause
from .grids import first_wrong_plane
from .patterns import pattern
from .speed import compare_speed
from .target import Target
from .trial import Trial, arrays_of, attempt
from .typical import typical
from .verdict import Failure, Held, Planes, Verdict

EXAMPLES = 300


def examine(
    function: Callable[..., Any],
    operation: str | Target,
    *,
    examples: int = EXAMPLES,
    seconds: float = 4.0,
) -> Verdict:
    """Examine a function in this process.

    Parameters
    ----------
    function : callable
        With the signature of the operation.
    operation : str or Target
        One of `minis.ops`, by its name, or something else to compare with.
    examples : int
        Calls to draw.
    seconds : float
        For the calls, and again for finding the smallest failure.

    Returns
    -------
    Verdict
    """
    begin = time.monotonic()
    name = getattr(function, "__name__", "the function")
    target = operation if isinstance(operation, Target) else Target(operation)
    with minis.use("numpy"):
        made = trials(function, target, most=examples, seconds=seconds)
        wrong = [t for t in made if not t.right]
        if wrong:
            failure = _failure(function, target, made, wrong, seconds)
            return Verdict(name, target.name, (), failure, seconds=time.monotonic() - begin)
        kept, broken = _promises(function, target)
        if broken:
            return Verdict(name, target.name, (), broken, seconds=time.monotonic() - begin)
    speed, where = compare_speed(function, target)
    held = (*_held(made, target), *kept)
    return Verdict(name, target.name, held, None, speed, where, time.monotonic() - begin)


def _failure(
    function: Callable[..., Any],
    target: Target,
    made: Sequence[Trial],
    wrong: Sequence[Trial],
    seconds: float,
) -> Failure:
    kinds = [t.kind for t in wrong]
    commonest = max(dict.fromkeys(kinds), key=kinds.count)
    first = next(t for t in wrong if t.kind == commonest)
    shown = smallest(function, target, first, seconds=seconds)
    found = cause(made, target)
    names = list(inspect.signature(target.reference).parameters)
    return Failure(
        shown.kind,
        shown.text,
        described(shown.call, target),
        {names[i]: a for i, a in enumerate(shown.call.args) if isinstance(a, np.ndarray)}
        | {k: v for k, v in shown.call.options.items() if isinstance(v, np.ndarray)},
        shown.got,
        shown.expected,
        found.sentence if found else "",
        found.name if found else "",
        found.share if found else 0.0,
        pattern(made, names) or "",
        len(wrong),
        len(made),
        _larger(function, target) if shown.kind == "values" else None,
    )


def _larger(function: Callable[..., Any], target: Target) -> Planes | None:
    """Return what the function makes of a call of the usual size, if that has wrong values."""
    trial = attempt(function, target, typical(target))
    if trial.kind != "values" or trial.expected.ndim < 2:
        return None
    return first_wrong_plane(described(trial.call, target), trial.got, trial.expected)


def described(call: Call, target: Target) -> str:
    """Write a call as Python, its arrays by the names of the parameters.

    Examples
    --------
    >>> described(Call((np.zeros((1, 1, 2, 2)), 2), {"padding": 1}), Target("max_pool"))
    'max_pool(x, 2, padding=1)'
    """
    names = list(inspect.signature(target.reference).parameters)
    given_args = [
        names[i] if isinstance(a, np.ndarray | np.random.Generator) else repr(a)
        for i, a in enumerate(call.args)
    ]
    given_args += [
        f"{k}={k if isinstance(v, np.ndarray) else repr(v)}" for k, v in call.options.items()
    ]
    return f"{target.name}({', '.join(given_args)})"


def _held(made: Sequence[Trial], target: Target) -> list[Held]:
    """Count the calls of each kind that came out right."""
    layouts = [t for t in made if any(not a.flags.c_contiguous for _, a in arrays_of(t.call))]
    empty = [t for t in made if any(a.size == 0 for _, a in arrays_of(t.call))]
    single = [t for t in made if any(a.dtype == np.float32 for _, a in arrays_of(t.call))]
    counted = (
        Held(f"the same results as {target.oracle}", len(made)),
        Held("in float32 as well", len(single)),
        Held("arguments left alone, results in memory of their own", len(made)),
        Held("arrays laid out otherwise in memory", len(layouts)),
        Held("empty arrays", len(empty)),
    )
    return [held for held in counted if held.calls]


def _promises(function: Callable[..., Any], target: Target) -> tuple[list[Held], Failure | None]:
    """Check the derivative, and what only this operation promises."""
    functions = target.functions(function)
    checks: list[tuple[str, Callable[[Call], None]]] = []
    if target.backward:
        checks.append(
            (
                "the derivative of the forward: the adjoint identity, or finite differences",
                lambda call: backward_is_the_derivative(target.spec, functions, call),
            )
        )
    for extra in target.spec.extra:
        checks.append((promise(extra), functools.partial(extra, functions)))
    held: list[Held] = []
    for text, test in checks:
        try:
            for_each(target, EXAMPLES_OF_PROMISES, test)
        except Exception as error:
            return held, cause_of_broken_promise(function, target, text, error)
        held.append(Held(text, EXAMPLES_OF_PROMISES))
    return held, None
