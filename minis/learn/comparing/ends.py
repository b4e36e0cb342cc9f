"""Where two networks part though no layer does: at their ends, and in the statistics they keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...nn import Module
from .divergence import BACKWARD_SLACK, gradient_likely
from .norm import momentum_of
from .patterns import recognise
from .report import Comparison, Divergence
from .step import difference, flat
from .weights import Weights

BEFORE = "the gradients of all layers agree: what is done before the first of them differs"
AFTER = "all layers agree: what is done after the last of them differs"
OTHER_FORM = "all layers agree, but the results have other shapes"


def of_the_result(
    found: Comparison, ours: Sequence[Any], theirs: Sequence[Any], failed: str
) -> Divergence | None:
    """Compare the results of networks whose layers agree.

    Parameters
    ----------
    found : Comparison
    ours, theirs : sequence of arrays
        The results.
    failed : str
        Why theirs went no further, forward or backward; empty if it did.
    """
    both = found.matched
    if failed:
        name = both[-1].ours.name if both and both[-1].ours else "the input"
        backward = found.our_output == found.their_output
        what = "their backward fails" if backward else "their network fails after it"
        return Divergence("result" if backward else name, what, float("inf"))
    after = found.rows[found.rows.index(both[-1]) + 1 :] if both else found.rows
    more = [f"{row.theirs.name} ({row.theirs.kind})" for row in after if row.theirs]
    likely = [f"theirs goes on with {', '.join(more)}"] if more else []
    if found.our_output != found.their_output:
        return Divergence("result", "the network's result", float("inf"), likely, OTHER_FORM)
    apart = max((difference(a, b) for a, b in zip(ours, theirs, strict=True)), default=0.0)
    if apart > found.tolerance:
        told = recognise(ours[0], theirs[0], found.tolerance)
        likely = likely or ([told] if told else [])
        return Divergence("result", "the network's result", apart, likely, AFTER)
    return None


def of_the_input(dx: Any, leaves: Sequence[Any], tolerance: float) -> Divergence | None:
    """Compare the gradients of what both networks were given: our arrays, and their tensors."""
    slack = BACKWARD_SLACK * tolerance
    for ours, leaf in zip(flat(dx), leaves, strict=False):
        theirs = np.zeros_like(ours) if leaf.grad is None else leaf.grad.numpy()
        apart = difference(ours, theirs)
        if apart > slack:
            likely = gradient_likely(ours, theirs, slack)
            return Divergence("input", "gradient of the network's input", apart, likely, BEFORE)
    return None


def of_the_statistics(
    ours: Module, theirs: Any, weights: Weights, before: Mapping[str, Any], tolerance: float
) -> Divergence | None:
    """Compare what a step of training made of the buffers, which were `before`."""
    after, tensors = ours.state_dict(), theirs.state_dict()
    layers = dict(ours.modules())
    for name, other in weights.pairs:
        got = tensors[other].detach().numpy()
        apart = difference(after[name], got)
        if apart > tolerance:
            layer = layers.get(name.rpartition(".")[0])
            momentum = float(getattr(layer, "momentum", 0.1))
            likely = [momentum_of(before[name], after[name], got, momentum, 10 * tolerance)]
            return Divergence(name, "running statistics", apart, likely)
    return None
