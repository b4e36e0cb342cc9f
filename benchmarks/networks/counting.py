"""Count the floating-point operations of a network's convolutions while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..cases.work import conv_flops, conv_transpose_flops


class Counter:
    """Adds up the operations of every convolution and linear layer called while it is counting.

    Forward costs one product with the filters, backward two: dx and dw.

    Attributes
    ----------
    flops : float
        The sum so far.

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

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Let `minis.ops` report its convolutions here."""
        from minis import ops

        originals = {name: getattr(ops, name) for name in _COSTS}
        for name, cost in _COSTS.items():
            setattr(ops, name, self._reporting(originals[name], cost))
        try:
            yield
        finally:
            for name, original in originals.items():
                setattr(ops, name, original)

    def _reporting(self, operation: Any, cost: Callable[..., float]) -> Any:
        def report(*args: Any, **options: Any) -> Any:
            result = operation(*args, **options)
            self.flops += cost(result, *args)
            return result

        return report


def _conv(y: Any, x: Any, w: Any, *rest: Any) -> float:
    return conv_flops(y.shape, w.shape)


def _conv_backward(gradients: Any, dy: Any, x: Any, w: Any, *rest: Any) -> float:
    return 2 * conv_flops(dy.shape, w.shape)


def _conv_transpose(y: Any, x: Any, w: Any, *rest: Any) -> float:
    return conv_transpose_flops(x.shape, w.shape)


def _conv_transpose_backward(gradients: Any, dy: Any, x: Any, w: Any, *rest: Any) -> float:
    return 2 * conv_transpose_flops(x.shape, w.shape)


def _linear(y: Any, x: Any, w: Any, *rest: Any) -> float:
    return 2.0 * x.size * len(w)


def _linear_backward(gradients: Any, dy: Any, x: Any, w: Any, *rest: Any) -> float:
    return 4.0 * x.size * len(w)


_COSTS: dict[str, Callable[..., float]] = {
    "conv": _conv,
    "conv_backward": _conv_backward,
    "conv_transpose": _conv_transpose,
    "conv_transpose_backward": _conv_transpose_backward,
    "linear": _linear,
    "linear_backward": _linear_backward,
}
