"""Count the floating-point operations of a network's convolutions while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from minis.backend import serve
from minis.learn.costs import cost
from minis.observer import observer

COUNTED = {
    f"{name}{end}" for name in ("conv", "conv_transpose", "linear") for end in ("", "_backward")
}


class Counter:
    """Adds up the operations of every convolution and linear layer called while it is counting.

    Attributes
    ----------
    flops : float
        The sum so far; see `minis.learn.costs`.

    Examples
    --------
    >>> from minis import ops
    >>> counter = Counter()
    >>> with counter.counting():
    ...     y = ops.conv(np.ones((1, 1, 4)), np.ones((1, 1, 2)))
    >>> counter.flops
    12.0
    """

    def __init__(self) -> None:
        self.flops = 0.0
        self._within_operation = False

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Look on while operations run."""
        token = observer.set(self)
        try:
            yield
        finally:
            observer.reset(token)

    def operation(
        self, reference: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        """Run an operation, and count it; one within another is part of that."""
        if self._within_operation:
            return serve(reference, args, options)[0]
        self._within_operation = True
        try:
            result, _ = serve(reference, args, options)
        finally:
            self._within_operation = False
        if reference.__name__ in COUNTED:
            self.flops += cost(reference.__name__, args, options, result=result).flops
        return result

    def layer(
        self,
        method: Callable[..., Any],
        module: Any,
        inputs: tuple[Any, ...],
        options: dict[str, Any],
    ) -> Any:
        """Run a module's `forward` or `backward`."""
        return method(module, *inputs, **options)
