"""Which step of one network is which of the other: by name, else by the order of the calls."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from .step import CUSTOM, Step

Pairs = list[tuple[Step | None, Step | None]]


def match(ours: Sequence[Step], theirs: Sequence[Step]) -> Pairs:
    """Pair the steps of two networks.

    Parameters
    ----------
    ours, theirs : sequence of Step
        In the order of the calls.

    Returns
    -------
    list of (Step or None, Step or None)
        In the order of our calls; a step of theirs without counterpart stands after the one that
        was called before it. Both are aligned in order, so that as many as possible of the same
        kind meet: best those of the same name, else with results of the same shape and values.
        What is left then, and has the same name and kind, belongs together in any order.

    Examples
    --------
    >>> x = np.zeros(1)
    >>> ours = [Step("a", "conv", x, x), Step("b", "relu", x, x), Step("c", "conv", x, x)]
    >>> theirs = [Step("first", "conv", x, x), Step("c", "conv", x, x)]
    >>> [(o and o.name, t and t.name) for o, t in match(ours, theirs)]
    [('a', 'first'), ('b', None), ('c', 'c')]
    """
    found = {id(one): other for one, other in _aligned(ours, theirs)}
    taken = {id(step) for step in found.values()}
    left = [step for step in ours if id(step) not in found]
    right = [step for step in theirs if id(step) not in taken]
    by_name = dict(zip(_keys(right), right, strict=True))
    found |= {
        id(step): by_name[key]
        for key, step in zip(_keys(left), left, strict=True)
        if key in by_name
    }
    partner_of = {id(other): step for step in ours if (other := found.get(id(step)))}
    pairs: Pairs = [(step, found.get(id(step))) for step in ours]
    after: Step | None = None  # ours that theirs without counterpart follow
    for step in theirs:
        if id(step) in partner_of:
            after = partner_of[id(step)]
        else:
            at = next((i + 1 for i, (o, _) in enumerate(pairs) if after and o is after), 0)
            while at < len(pairs) and pairs[at][0] is None:
                at += 1
            pairs.insert(at, (None, step))
    return pairs


def _keys(steps: Sequence[Step]) -> list[tuple[str, str, int]]:
    seen: Counter[tuple[str, str]] = Counter()
    keys = []
    for step in steps:
        keys.append((step.name, step.kind, seen[step.name, step.kind]))
        seen[step.name, step.kind] += 1
    return keys


def _aligned(ours: Sequence[Step], theirs: Sequence[Step]) -> list[tuple[Step, Step]]:
    """Align two sequences for the largest sum of likenesses (Needleman & Wunsch 1970)."""
    rows, columns = len(ours), len(theirs)
    sums = [[float(np.abs(step.y).sum()) for step in steps] for steps in (ours, theirs)]
    keys = _keys(ours), _keys(theirs)
    likeness = [
        [
            _likeness(one, other, math.isclose(sums[0][i], sums[1][j], rel_tol=1e-6))
            + (keys[0][i] == keys[1][j])
            for j, other in enumerate(theirs)
        ]
        for i, one in enumerate(ours)
    ]
    best = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    for i in range(rows - 1, -1, -1):
        for j in range(columns - 1, -1, -1):
            both = best[i + 1][j + 1] + likeness[i][j]
            best[i][j] = max(best[i + 1][j], best[i][j + 1], both)
    pairs, i, j = [], 0, 0
    while i < rows and j < columns:
        if likeness[i][j] and best[i][j] == best[i + 1][j + 1] + likeness[i][j]:
            pairs.append((ours[i], theirs[j]))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def _likeness(one: Step, other: Step, same_sum: bool) -> float:
    """How well two steps go together; 0 if not at all."""
    if one.kind != other.kind and CUSTOM not in (one.kind, other.kind):
        return 0.0
    same_shape = one.y.shape == other.y.shape
    same = one.kind == other.kind, one.name == other.name, same_shape, same_shape and same_sum
    return sum(w for w, yes in zip((2.0, 8.0, 2.0, 1.0), same, strict=True) if yes)
