"""The likely cause of wrong values, recognised by what a function does.

First its results are compared with those of every known mistake in the same operation (see
`minis.learn.mistakes`): who makes the same mistake gives the same numbers, on every call. Then with
simple changes of the right ones: turned, scaled, moved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from .target import Target
from .trial import Trial, arrays_of, attempt, close, tolerance

AFTER = 0.99  # worth of agreeing up to a first wrong result, and not in those after it
ENOUGH = 24  # calls to compare on
LEAST = 0.5  # of the wrong calls must be explained


class Cause(NamedTuple):
    """A likely cause.

    Attributes
    ----------
    name : str
        Of the mistake: a function in `minis.learn.mistakes`, or a change such as "scaled".
    sentence : str
        What is done wrong.
    share : float
        Of the calls on which the function is wrong: how many this explains, 0 … 1.
    """

    name: str
    sentence: str
    share: float


def cause(trials: Sequence[Trial], target: Target) -> Cause | None:
    """Name the mistake that gives the same wrong results, or None if none is known.

    Parameters
    ----------
    trials : sequence of Trial
        Calls of the function under examination, wrong ones among them.
    target : Target
        The operation.
    """
    seen = [t for t in trials if t.outputs or t.kind == "exception"]
    # empty arrays last: who is at a loss with them may make another mistake as well
    wrong = sorted((t for t in seen if not t.right), key=_is_empty)[:ENOUGH]
    right = [t for t in seen if t.right][:ENOUGH]
    if not wrong:
        return None
    scored: list[tuple[float, Cause]] = []
    for known in target.mistakes:
        share = _agreement(known.function, wrong, target)
        # where the function is right, its cause must be right, too
        harm = 1 - _agreement(known.function, right, target) if right and share >= LEAST else 0.0
        scored.append((share - harm, Cause(known.function.__name__, known.sentence, share)))
    scored += [(share, Cause(name, text, share)) for name, text, share in _changes(wrong, target)]
    best = max(scored, key=lambda pair: pair[0], default=None)
    return best[1] if best and best[0] >= LEAST else None


def _is_empty(trial: Trial) -> bool:
    return any(not a.size for _, a in arrays_of(trial.call))


def _agreement(mistake: Callable[..., Any], trials: Sequence[Trial], target: Target) -> float:
    """Return the share of calls on which a mistake gives the same results as the function."""
    agreeing = 0.0
    for trial in trials:
        again = attempt(mistake, target, trial.call)
        if _same(trial, again, target, len(trial.outputs)):
            agreeing += 1
        elif trial.kind == "values" and _same(trial, again, target, trial.result + 1):
            agreeing += AFTER  # such as indices of a maximum that is wrong itself
    return agreeing / len(trials)


def _same(trial: Trial, other: Trial, target: Target, count: int) -> bool:
    """Whether two functions gave the same first results, or raised the same exception."""
    if other.right and not trial.right:
        return False
    if trial.kind == other.kind == "exception":
        return trial.text.split(":")[0] == other.text.split(":")[0]
    if not trial.outputs or len(other.outputs) != len(trial.outputs):
        return False
    limit = tolerance(target, trial.call)
    for a, b in list(zip(trial.outputs, other.outputs, strict=True))[:count]:
        a, b = np.asarray(a), np.asarray(b)
        if a.shape != b.shape or a.dtype.kind != b.dtype.kind or not close(a, b, limit):
            return False
    return True


Change = Callable[[Any, Any, Trial], Any]  # (expected, got, trial) -> what the change gives


def _changes(wrong: Sequence[Trial], target: Target) -> Iterator[tuple[str, str, float]]:
    """Compare with simple changes of the right results."""
    pairs = [_first_wrong(trial, target) for trial in wrong]
    if any(pair is None for pair in pairs):
        return
    for name, sentence, change in CHANGES:
        hits = 0
        for trial, pair in zip(wrong, pairs, strict=True):
            assert pair is not None
            got, expected = pair
            with np.errstate(all="ignore"):
                changed = change(expected, got, trial)
            hits += changed is not None and close(got, changed, tolerance(target, trial.call))
        yield name, sentence, hits / len(wrong)
    ratios = [_ratio(*pair) for pair in pairs if pair is not None]
    known = [r for r in ratios if r is not None]
    if len(known) == len(pairs) and max(known) - min(known) <= 1e-3 * abs(known[0]):
        yield "scaled", f"Every number is {known[0]:.4g} times what it should be.", 1.0


def _first_wrong(trial: Trial, target: Target) -> tuple[Any, Any] | None:
    """Return the wrong result and what it should be, where they have one shape and are floats."""
    if trial.got is None or trial.expected is None or trial.got.dtype.kind != "f":
        return None
    return (trial.got, trial.expected) if trial.kind in ("values", "dtype") else None


def _ratio(got: Any, expected: Any) -> float | None:
    """Return the factor between two arrays, or None if there is none."""
    usable = np.abs(expected) > 1e-6
    if not usable.any() or not np.isfinite(got).all():
        return None
    ratios = got[usable] / expected[usable]
    rest = np.abs(got[~usable]).max(initial=0)  # where 0 is right
    even = rest <= 1e-3 and np.ptp(ratios) <= 1e-3 * np.abs(ratios).max()
    return float(ratios.flat[0]) if even else None


def _swapped(expected: Any, got: Any, trial: Trial) -> Any:
    """The last two axes exchanged, where they have one length."""
    if expected.ndim < 2 or expected.shape[-1] != expected.shape[-2]:
        return None
    return expected.swapaxes(-1, -2)


def _flipped(expected: Any, got: Any, trial: Trial) -> Any:
    """Both ways round along the spatial axes."""
    if not expected.ndim:
        return None
    return np.flip(expected, tuple(range(min(2, expected.ndim - 1), expected.ndim)))


def _bare(expected: Any, got: Any, trial: Trial) -> Any:
    """Each channel off by a number of its own."""
    if expected.ndim < 3 or not expected.size:
        return None
    axes = (0, *range(2, expected.ndim))
    off = (got - expected).mean(axis=axes, keepdims=True)
    return expected + off


def _one_sample(expected: Any, got: Any, trial: Trial) -> Any:
    """Only the first sample is right."""
    if expected.ndim < 2 or len(expected) < 2 or not np.array_equal(got[:1], expected[:1]):
        return None
    return got if not np.isclose(got[1:], expected[1:]).any() else None


CHANGES: tuple[tuple[str, str, Change], ...] = (
    ("transposed", "Rows and columns are exchanged.", _swapped),
    (
        "flipped",
        "It is the right result turned round: is the kernel, or the index, flipped?",
        _flipped,
    ),
    ("negative", "Every number has the wrong sign.", lambda expected, got, trial: -expected),
    ("zero", "Every number is zero.", lambda expected, got, trial: np.zeros_like(expected)),
    (
        "batch summed",
        "Every sample gets the sum over all samples.",
        lambda expected, got, trial: (
            np.broadcast_to(expected.sum(axis=0, keepdims=True), expected.shape)
            if expected.ndim
            else None
        ),
    ),
    ("offset", "Each channel is off by one number: is the bias missing, or added twice?", _bare),
    ("first sample", "Only the first sample is right.", _one_sample),
)
