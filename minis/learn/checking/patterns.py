"""On which calls a function fails: the option, or the shape, that all failures have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..specs.spec import Call
from .trial import Trial

# what an option is when nothing was asked for
NEUTRAL = {
    "stride": 1,
    "padding": 0,
    "dilation": 1,
    "groups": 1,
    "output_padding": 0,
    "ceil_mode": False,
    "align_corners": False,
    "aligned": False,
    "spatial_scale": 1.0,
}

Feature = Callable[[Call], bool]


def pattern(trials: Sequence[Trial], names: Sequence[str] = ()) -> str | None:
    """Say when a function fails, if one feature of its calls tells the wrong from the right.

    Parameters
    ----------
    trials : sequence of Trial
        Right and wrong ones.
    names : sequence of str
        Of the operation's parameters, in order.

    Returns
    -------
    str or None
        Such as "exactly when padding is not 0"; None if no feature explains it, or all fail.

    Examples
    --------
    >>> calls = [Call((), {"padding": p}) for p in (0, 1, (0, 2), 0)]
    >>> pattern([Trial(c, "values" if c.options["padding"] else "right") for c in calls])
    'exactly when padding is not 0'
    """
    wrong = [t.call for t in trials if not t.right]
    right = [t.call for t in trials if t.right]
    if not wrong or not right:
        return None
    covering = []
    for text, holds in _features([*wrong, *right], names):
        if all(map(holds, wrong)):
            if not any(map(holds, right)):
                return f"exactly when {text}"
            covering.append((sum(map(holds, right)), text))
    if covering and min(covering)[0] <= len(right) // 2:
        return f"only when {min(covering)[1]}"
    return None


def _features(calls: Sequence[Call], names: Sequence[str]) -> Iterator[tuple[str, Feature]]:
    """List what may be said of a call."""
    for place, name in enumerate(names):
        yield f"{name} is given", _is_given(place)
    for name in sorted({name for call in calls for name in call.options}):
        if name in NEUTRAL:
            neutral = NEUTRAL[name]
            yield f"{name} is not {neutral}", _differs(name, neutral)
            yield f"{name} differs between the axes", _uneven(name)
            yield f"{name} is a tuple", _is_tuple(name)
        values = {call.options.get(name) for call in calls if _plain(call.options.get(name))}
        for value in sorted(values, key=repr):
            if name not in NEUTRAL or value != NEUTRAL[name]:
                yield f"{name} is {value!r}", _equals(name, value)
    yield "the arrays are float32", lambda c: any(a.dtype == np.float32 for a in _arrays(c))
    yield (
        "the batch has several samples",
        lambda c: any(a.ndim > 1 and len(a) > 1 for a in _arrays(c)[:1]),
    )
    yield "the batch is empty", lambda c: any(a.ndim and not len(a) for a in _arrays(c)[:1])
    yield (
        "there are several channels",
        lambda c: any(a.ndim > 1 and a.shape[1] > 1 for a in _arrays(c)[:1]),
    )
    yield "an array isn't contiguous", lambda c: any(not a.flags.c_contiguous for a in _arrays(c))
    for axes in (1, 2, 3):
        text = (
            f"there {'is' if axes == 1 else 'are'} {axes} spatial {'axis' if axes == 1 else 'axes'}"
        )
        yield text, _has_axes(axes)
    yield "the spatial axes are not two", lambda c: not _has_axes(2)(c)


def _is_given(place: int) -> Feature:
    return lambda call: place < len(call.args) and call.args[place] is not None


def _differs(name: str, neutral: Any) -> Feature:
    def holds(call: Call) -> bool:
        value = call.options.get(name, neutral)
        values = value if isinstance(value, tuple) else (value,)
        return value is not None and any(v != neutral for v in values)

    return holds


def _uneven(name: str) -> Feature:
    def holds(call: Call) -> bool:
        value = call.options.get(name)
        return isinstance(value, tuple) and len(set(value)) > 1

    return holds


def _is_tuple(name: str) -> Feature:
    return lambda call: isinstance(call.options.get(name), tuple)


def _equals(name: str, value: Any) -> Feature:
    return lambda call: _plain(call.options.get(name)) and call.options.get(name) == value


def _has_axes(axes: int) -> Feature:
    return lambda call: bool(_arrays(call)) and _arrays(call)[0].ndim == axes + 2


def _plain(value: Any) -> bool:
    return isinstance(value, str | bool | int) or value is None


def _arrays(call: Call) -> list[Any]:
    return [a for a in call.args if isinstance(a, np.ndarray)]
