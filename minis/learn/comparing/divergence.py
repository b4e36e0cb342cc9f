"""The first step at which two networks part, forward and backward, and what that looks like."""

from __future__ import annotations

from typing import Any

import numpy as np

from .norm import norm_explained
from .patterns import recognise, recognise_weights
from .report import Comparison, Divergence, Row
from .step import difference
from .trials import explained

BACKWARD_SLACK = 10  # gradients add up more rounding than values


def first_forward(found: Comparison) -> Divergence | None:
    """Return the first layer, in the order of our calls, whose result isn't theirs."""
    skipped: list[Row] = []  # steps of one side only, since the last of both
    for row in found.rows:
        if row.ours is None or row.theirs is None:
            skipped.append(row)
            continue
        if row.forward <= found.tolerance:
            skipped = []
            continue
        note = _without_counterpart(skipped)
        ours, theirs = row.ours, row.theirs
        read = difference(ours.x, theirs.x)
        if read > found.tolerance:
            told = _missing(skipped) or _in_channels(ours.x, theirs.x, found.tolerance)
            between = (
                "what it reads differs already, though all layers before agree: look at what "
                "stands between them, such as a concatenation, an addition or a crop"
            )
            likely = [told] if told else []
            return Divergence(ours.name, f"input of {ours.kind}", read, likely, note or between)
        return Divergence(
            ours.name, f"forward of {ours.kind}", row.forward, _causes(row, found), note
        )
    return None


def _causes(row: Row, found: Comparison) -> list[str]:
    """Say why a layer gives another result from the same input; the strongest answer first."""
    ours, theirs = row.ours, row.theirs
    assert ours is not None
    assert theirs is not None
    causes = []
    for mine, other, name, _ in found.parameters:
        if name.rpartition(".")[0] == ours.name:
            told = recognise_weights(mine, other, found.tolerance)
            last = name.rpartition(".")[2]
            causes.append(f"its {last} differs: {told or 'other values'}")
    if causes:
        return causes
    causes = norm_explained(ours, theirs.y, found.tolerance)
    causes = causes or explained(ours, theirs.y, found.tolerance)
    if causes:
        return causes
    told = recognise(ours.y, theirs.y, found.tolerance)
    return [told] if told else []


def first_backward(found: Comparison) -> Divergence | None:
    """Return the first layer, from the network's end, whose gradients aren't theirs."""
    slack = BACKWARD_SLACK * found.tolerance
    every = [gradient for rows in found.weight_gradients.values() for _, gradient, _ in rows]
    largest = max((float(np.abs(gradient).max(initial=0)) for gradient in every), default=0.0)
    for row in reversed(found.rows):
        ours, theirs = row.ours, row.theirs
        if ours is None or theirs is None:
            continue
        if ours.dy is not None and theirs.dy is None:
            return Divergence(
                ours.name, f"gradient that reaches {ours.kind}", 1.0,
                ["theirs gets no gradient: detach(), .data or no_grad() on the way from here?"],
            )  # fmt: skip
        if ours.dy is None or theirs.dy is None:
            continue
        reached = difference(ours.dy, theirs.dy)
        if reached > slack:
            likely = gradient_likely(ours.dy, theirs.dy, slack)
            return Divergence(
                ours.name, f"gradient that reaches {ours.kind}", reached, likely,
                "all layers after it agree: look at what stands between, such as a skip whose "
                "gradients must add",
            )  # fmt: skip
        if ours.dx is not None and theirs.dx is not None and row.backward > slack:
            likely = gradient_likely(ours.dx, theirs.dx, slack)
            return Divergence(ours.name, f"backward of {ours.kind}, dx", row.backward, likely)
        for name, mine, other in found.weight_gradients.get(ours.name, ()):
            apart = difference(mine, other)
            # a gradient that should be 0 is rounding: it is measured against the largest of all
            if apart > slack and _far(mine, other, 0.01 * largest * slack):
                told = recognise_weights(mine, other, slack)
                what = f"gradient of {name.rpartition('.')[2]}"
                zero = "theirs gets no gradient" if not np.any(other) else None
                return Divergence(ours.name, what, apart, [t for t in [zero or told] if t])
    return None


def _far(mine: Any, other: Any, least: float) -> bool:
    """Whether two arrays differ by more than `least` somewhere; other shapes do."""
    return mine.shape != other.shape or not bool(np.all(np.abs(mine - other) <= least))


def _in_channels(ours: Any, theirs: Any, tolerance: float) -> str | None:
    """Recognise what is read; if only some channels differ, as of a concatenation, in those."""
    told = recognise(ours, theirs, tolerance)
    if told or ours.shape != theirs.shape or ours.ndim < 3:
        return told
    apart = [c for c in range(ours.shape[1]) if difference(ours[:, c], theirs[:, c]) > tolerance]
    if not apart or len(apart) == ours.shape[1] or apart[-1] - apart[0] + 1 != len(apart):
        return None
    part = (slice(None), slice(apart[0], apart[-1] + 1))
    told = recognise(ours[part], theirs[part], tolerance) or "none of the known mistakes"
    return f"{told}, in channels {apart[0]} … {apart[-1]} of {ours.shape[1]}"


def _missing(rows: list[Row]) -> str | None:
    """Say that a layer is missing, if that is all that one network has between two others."""
    kinds = [row.ours.kind for row in rows if row.ours is not None]
    if kinds and all(row.ours is not None for row in rows):
        return f"theirs lacks a layer: {', '.join(kinds)}"
    kinds = [row.theirs.kind for row in rows if row.theirs is not None]
    if kinds and all(row.theirs is not None for row in rows):
        return f"theirs has a layer too many: {', '.join(kinds)}"
    return None


def gradient_likely(ours: Any, theirs: Any, tolerance: float) -> list[str]:
    """Say what a gradient of theirs looks like."""
    told = "theirs is zero" if not np.any(theirs) else recognise(ours, theirs, tolerance)
    return [told] if told else []


def _without_counterpart(rows: list[Row]) -> str:
    """Name steps that one network has and the other doesn't."""
    told = []
    for side, whose in (("ours", "theirs"), ("theirs", "ours")):
        names = [
            f"{step.name} ({step.kind})" for row in rows if (step := getattr(row, side)) is not None
        ]
        if names:
            told.append(f"before it, {whose} has no counterpart of {', '.join(names)}")
    return "; ".join(told)
