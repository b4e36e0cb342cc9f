"""What an operation costs: its arithmetic, and the memory traffic that it can't do without.

FLOPs are those of the operation's formula, whatever an implementation does to need fewer (as
Winograd's convolution does) or more. Each addition, subtraction, multiplication, division,
comparison of floats, and each exp, log or power counts as one, so that a multiply-add is two.
Absolute values, copying, sorting, indexing and random numbers count as nothing. A sum begins with
the bias, which therefore costs nothing, and with padding it is as long as without. What is done
only once per channel, sample or box is left out beside what is done for every value.

Traffic is each array argument read once and each array of the result written once.

Shapes alone are needed, so the arrays need not exist: `Shaped` stands for one. Where boxes decide
how much there is to do, they must be arrays.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from .. import ops
from .region_flops import REGION_FLOPS


class Cost(NamedTuple):
    """FLOPs of a call, and bytes of its least traffic; costs add up."""

    flops: int
    bytes: int

    def __add__(self, other: Any) -> Cost:
        return Cost(self.flops + other.flops, self.bytes + other.bytes)


NOTHING = Cost(0, 0)
FLOAT32 = np.dtype(np.float32)


@dataclass(frozen=True)
class Shaped:
    """Stands for an array that need not exist.

    Examples
    --------
    >>> Shaped((2, 3)).nbytes
    24
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any] = FLOAT32

    @property
    def size(self) -> int:
        """The number of values."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """The memory that the values would take."""
        return self.size * self.dtype.itemsize


def cost(
    operation: str, args: tuple[Any, ...], options: Mapping[str, Any] | None = None, *, result: Any
) -> Cost:
    """Count the FLOPs of a call, and the bytes of its least traffic.

    Parameters
    ----------
    operation : str
        A function of `minis.ops`.
    args, options
        Its arguments; arrays, or `Shaped` in their place.
    result
        What it returned.

    Returns
    -------
    Cost

    Raises
    ------
    ValueError
        If there is no such operation.
    TypeError
        If the arguments are not the operation's, or boxes whose values matter are not an array.

    Examples
    --------
    >>> x, w, y = Shaped((1, 3, 8, 8)), Shaped((5, 3, 3, 3)), Shaped((1, 5, 6, 6))
    >>> cost("conv", (x, w), result=y)  # 2·27 for each of 180 sums; 192 + 135 + 180 float32
    Cost(flops=9720, bytes=2028)
    """
    if operation not in FLOPS:
        raise ValueError(f"cost: no operation {operation!r} in minis.ops")
    options = options or {}
    call = _signature(operation).bind(*args, **options)
    call.apply_defaults()
    first = result[0] if isinstance(result, tuple | list) and result else result
    flops = FLOPS[operation](SimpleNamespace(**call.arguments, result=first, results=result))
    return Cost(int(flops), traffic(args, options, result))


def traffic(args: tuple[Any, ...], options: Mapping[str, Any], result: Any) -> int:
    """Add up the bytes of a call's arrays: those it was given and those it returned."""
    return sum(a.nbytes for a in _arrays([*args, *options.values(), result]))


@functools.cache
def _signature(operation: str) -> inspect.Signature:
    return inspect.signature(getattr(ops, operation))


def _arrays(values: Any) -> Iterator[Any]:
    for value in values:
        if hasattr(value, "nbytes"):
            yield value
        elif isinstance(value, tuple | list):
            yield from _arrays(value)


def _axes(option: Any, count: int) -> tuple[int, ...]:
    return tuple(option) if isinstance(option, tuple | list) else (option,) * count


def _window(a: Any, axes: int) -> int:
    return math.prod(_axes(a.size, axes))


# What each value of the first argument costs, or in a backward each value of the first gradient.
_PER_VALUE = {
    "relu": "compare",
    "relu_backward": "compare",
    "prelu": "compare multiply",
    "prelu_backward": "compare multiply multiply add",
    "elu": "compare exp multiply",
    "elu_backward": "compare add multiply",
    "sigmoid": "exp add divide",
    "sigmoid_backward": "subtract multiply multiply",
    "softmax": "compare subtract exp add divide",
    "softmax_backward": "multiply add subtract multiply",
    "log_softmax_backward": "add exp multiply subtract",
    "dropout_backward": "multiply",
    "focal_loss": "exp add divide subtract subtract power multiply multiply add"
    " compare multiply subtract exp add log",  # the second line is the cross-entropy's
    "focal_loss_backward": "exp add divide subtract subtract power multiply"
    " compare multiply subtract exp add log"
    " subtract multiply multiply subtract multiply multiply",
    "smooth_l1": "subtract compare multiply multiply add",
    "smooth_l1_backward": "subtract divide compare compare multiply",
    "max_unpool": "",
    "max_unpool_backward": "",
    "clip_boxes": "compare compare",
    "match_anchors": "compare compare compare",  # the best of a column, of a row; is it the best?
    "sample_balanced": "",
}


def _per_value(words: str, backward: bool) -> Callable[[Any], int]:
    """Count the words for each value."""

    def flops(a: Any) -> int:
        of = a.result if backward else next(iter(vars(a).values()))
        return len(words.split()) * int(of.size)

    return flops


def _interpolate(a: Any) -> int:
    if a.mode == "nearest":
        return 0
    shape, flops = list(a.x.shape), 0
    for axis, size in enumerate(_axes(a.size, len(shape) - 2), start=2):
        shape[axis] = size
        flops += 3 * math.prod(shape)  # (1 − t) · left + t · right
    return flops


def _interpolate_backward(a: Any) -> int:
    if a.mode == "nearest":
        return int(a.dy.size)
    shape, flops = list(a.dy.shape), 0
    for axis in range(2, len(shape)):
        flops += 4 * math.prod(shape)  # each value, times 1 − t and t, is added to two others
        shape[axis] = a.input_shape[axis]
    return flops


FLOPS: dict[str, Callable[[Any], int]] = {
    **{name: _per_value(words, "_backward" in name) for name, words in _PER_VALUE.items()},
    **REGION_FLOPS,
    # ∏k·C/G multiply-adds for each value of y
    "conv": lambda a: 2 * a.result.size * (a.w.size // a.w.shape[0]),
    # the same for dx and for dw; db adds up dy
    "conv_backward": lambda a: a.dy.size * (4 * (a.w.size // a.w.shape[0]) + 1),
    # each value of x is spread over ∏k·O/G values of y
    "conv_transpose": lambda a: 2 * a.x.size * (a.w.size // a.w.shape[0]),
    "conv_transpose_backward": lambda a: 4 * a.x.size * (a.w.size // a.w.shape[0]) + a.dy.size,
    "linear": lambda a: 2 * a.x.size * a.w.shape[0],
    "linear_backward": lambda a: 4 * a.x.size * a.w.shape[0] + a.dy.size,
    # training: add | subtract square add; both: multiply add, with γ/σ and β − μγ/σ per channel
    "batch_norm": lambda a: (6 if a.training else 2) * a.x.size,
    # dβ: add; x̂: subtract multiply; dγ: multiply add; dx: multiply, and training −a − x̂·b
    "batch_norm_backward": lambda a: (9 if a.training else 6) * a.x.size,
    # as batch norm in training; dx: multiply, −a − x̂·b, with γ/σ, a and b per sample and channel
    "group_norm": lambda a: 6 * a.x.size,
    "group_norm_backward": lambda a: 9 * a.x.size,
    # square, `size` − 1 additions, multiply, add, power, multiply
    "local_response_norm": lambda a: (a.size + 4) * a.x.size,
    # s and the sum over its readers have `size` − 1 additions each
    "local_response_norm_backward": lambda a: (2 * a.size + 9) * a.x.size,
    "log_softmax": lambda a: 5 * a.x.size + a.x.size // max(1, a.x.shape[a.axis]),
    # the draw is compared, and the mask scaled, once per channel or per value
    "dropout": lambda a: a.x.size + 2 * a.results[1].size,
    # log-softmax and exp; for each target log, times its weight, and both are added up
    "cross_entropy": lambda a: 6 * a.logits.size + 4 * a.target.size,
    # (p − 1 or 0) · scale; the scale is dloss · weight / sum of weights
    "cross_entropy_backward": lambda a: 2 * a.probabilities.size + 3 * a.target.size,
    # p·g, p², g², their sums; or p·g, p + g and their sums
    "dice_loss": lambda a: (6 if a.squared else 4) * a.probabilities.size,
    # the sums again; then α·g − β·p, or α·g − β, with α and β per class
    "dice_loss_backward": lambda a: (9 if a.squared else 6) * a.probabilities.size,
    # max(x, 0) − x·t + log(1 + exp(−|x|)), weighted, summed
    "bce_with_logits": lambda a: (7 + (a.weight is not None)) * a.logits.size,
    # sigmoid − t, weighted, scaled
    "bce_with_logits_backward": lambda a: (5 + (a.weight is not None)) * a.logits.size,
    "max_pool": lambda a: a.result.size * (_window(a, len(a.x.shape) - 2) - 1),
    "max_pool_backward": lambda a: a.dy.size,
    # ∏k − 1 additions and a division
    "avg_pool": lambda a: a.result.size * _window(a, len(a.x.shape) - 2),
    "avg_pool_backward": lambda a: a.dy.size * (_window(a, len(a.dy.shape) - 2) + 1),
    "interpolate": _interpolate,
    "interpolate_backward": _interpolate_backward,
}
