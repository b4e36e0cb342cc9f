"""Count the floating-point operations of a network's convolutions while it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minis.backend import serve
from minis.learn.costs import cost
from minis.observer import Observer, unobserved

COUNTED = {
    f"{name}{end}" for name in ("conv", "conv_transpose", "linear") for end in ("", "_backward")
}


class Counter(Observer):
    """Adds up the operations of every convolution and linear layer called while it looks on.

    Attributes
    ----------
    flops : float
        The sum so far; see `minis.learn.costs`.

    Examples
    --------
    >>> from minis import ops
    >>> counter = Counter()
    >>> with counter.looking_on():
    ...     y = ops.conv(np.ones((1, 1, 4)), np.ones((1, 1, 2)))
    >>> counter.flops
    12.0
    """

    def __init__(self) -> None:
        self.flops = 0.0

    def operation(
        self, reference: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        """Run an operation, and count it; one within another is part of that."""
        with unobserved():
            result, _ = serve(reference, args, options)
        if reference.__name__ in COUNTED:
            self.flops += cost(reference.__name__, args, options, result=result).flops
        return result
