"""Count what a task has to do, while the reference runs it: see `minis.learn.costs`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minis.backend import serve
from minis.learn.costs import FLOPS, NOTHING, Cost, Shaped, cost, traffic
from minis.observer import Observer, unobserved


class Counter(Observer):
    """Adds up the costs of the operations that are called while it looks on.

    The reference is in float64; its bytes are counted as in float32, which is what is timed.

    Attributes
    ----------
    costs : dict of str to Cost
        By operation, so far.

    Examples
    --------
    >>> from minis import ops
    >>> counter = Counter()
    >>> with counter.looking_on():
    ...     y = ops.conv(np.ones((1, 1, 4)), np.ones((1, 1, 2)))
    >>> counter.costs
    {'conv': Cost(flops=12, bytes=36)}
    """

    def __init__(self) -> None:
        self.costs: dict[str, Cost] = {}

    def operation(
        self, reference: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        """Run an operation, and count it; one within another is part of that."""
        with unobserved():
            result, _ = serve(reference, args, options)
        name = reference.__name__
        if name not in FLOPS:  # an optimiser's step, which is no operation of `minis.ops`
            return result
        moved = traffic(_in_float32(args), _in_float32(options), _in_float32(result))
        found = cost(name, args, options, result=result)._replace(bytes=moved)
        self.costs[name] = self.costs.get(name, NOTHING) + found
        return result


def _in_float32(value: Any) -> Any:
    """Put the shape of a float32 array where a float64 one stands."""
    if isinstance(value, dict):
        return {key: _in_float32(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return tuple(_in_float32(item) for item in value)
    return Shaped(value.shape) if getattr(value, "dtype", None) == np.float64 else value
