"""The exercises, in the order in which they build on each other."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis.strategies import SearchStrategy

from ...ops import relu
from ..checking.target import OwnTarget, Target
from ..mistakes import MISTAKES
from ..specs.spec import Call, Spec
from . import drawn, slips
from .exercise import Exercise
from .kernel_checks import reads_little, shares_the_work, waits
from .solutions import (
    bilinear_filter,
    bilinear_sample,
    col2im,
    correlate,
    im2col,
    mean_iou,
    numerical_gradient,
    one_hot,
    output_size,
    receptive_field,
)


def _own(
    calls: SearchStrategy[Call],
    function: Callable[..., Any],
    mistakes: Sequence[Callable[..., Any]],
    name: str = "",
    extra: tuple[Any, ...] = (),
    tolerance: float = 1e-11,
) -> Callable[[], Target]:
    """Return what makes the target of a function that `minis.ops` doesn't have."""
    name = name or function.__name__
    limits = {"float32": 2e-5, "float64": tolerance}
    spec = Spec(name, "", "", calls, extra=extra, tolerance=limits)
    return functools.partial(OwnTarget, spec, function, mistakes)


def _mistakes(operation: str) -> list[Callable[..., Any]]:
    """Return the known mistakes in an operation."""
    return [known.function for known in MISTAKES if known.operation == operation]


def _op(operation: str, calls: SearchStrategy[Call] | None = None) -> Callable[[], Target]:
    """Return what makes the target of an operation, on fewer kinds of arguments if given."""
    return functools.partial(Target, operation, calls)


_ONE_HOT = _own(drawn.masks(), one_hot.one_hot, slips.ONE_HOT)
_MEAN_IOU = _own(drawn.pairs_of_masks(), mean_iou.mean_iou, slips.MEAN_IOU)
_GRADIENT = _own(
    drawn.functions_at_points(),
    numerical_gradient.numerical_gradient,
    slips.NUMERICAL_GRADIENT,
    tolerance=1e-8,
)
_FIELD = _own(drawn.stacks(), receptive_field.receptive_field, slips.RECEPTIVE_FIELD)
_KERNELS = drawn.pictures_for_kernels()
_SIZE = _own(drawn.sizes(), output_size.output_size, slips.OUTPUT_SIZE)
_CORRELATE = _own(drawn.pictures_and_filters(), correlate.correlate, slips.CORRELATE)
_IM2COL = _own(drawn.unfoldings(), im2col.im2col, slips.IM2COL)
_COL2IM = _own(drawn.foldings(), col2im.col2im, slips.COL2IM)
_TENT = _own(drawn.factors(), bilinear_filter.bilinear_filter, slips.BILINEAR_FILTER)
_SAMPLE = _own(drawn.points(), bilinear_sample.bilinear_sample, slips.BILINEAR_SAMPLE)
_OWN_NUMBER = (shares_the_work("relu"),)
_RELU = _own(drawn.flat_arrays(), relu.reference, _mistakes("relu"), "relu", _OWN_NUMBER)
_ONE_EACH = shares_the_work("conv3x3")
_NAIVE = _own(_KERNELS, correlate.correlate, slips.CORRELATE, "conv3x3", (_ONE_EACH,))
_SHARED = _own(
    _KERNELS, correlate.correlate, slips.CORRELATE, "conv3x3", (waits, _ONE_EACH, reads_little)
)

_CONV = "minis/ops/conv.py"
_ROI = "minis/ops/roi_align.py"
_CUDA = "kernels/minis_kernels/numba_cuda"

LADDER: tuple[Exercise, ...] = (
    Exercise("one-hot", 1, "one_hot", _ONE_HOT, "minis/ops/cross_entropy.py"),
    Exercise("mean-iou", 1, "mean_iou", _MEAN_IOU, "minis/training/metrics.py"),
    Exercise("output-size", 2, "output_size", _SIZE, "minis/ops/windows.py"),
    Exercise("correlate", 2, "correlate", _CORRELATE, "minis/learn/specs/conv.py"),
    Exercise("conv-windows", 2, "conv", _op("conv", drawn.convolutions()), _CONV),
    Exercise("im2col", 2, "im2col", _IM2COL, _CONV),
    Exercise("col2im", 3, "col2im", _COL2IM, _CONV),
    Exercise(
        "conv-backward", 3, "conv_backward", _op("conv_backward", drawn.convolutions()), _CONV
    ),
    Exercise(
        "numerical-gradient", 3, "numerical_gradient", _GRADIENT, "minis/learn/specs/properties.py"
    ),
    Exercise("max-pool", 4, "max_pool", _op("max_pool", drawn.poolings()), "minis/ops/pooling.py"),
    Exercise(
        "max-pool-backward",
        4,
        "max_pool_backward",
        _op("max_pool_backward", drawn.poolings()),
        "minis/ops/pooling.py",
    ),
    Exercise(
        "max-unpool",
        4,
        "max_unpool",
        _op("max_unpool", drawn.unpoolings()),
        "minis/ops/unpooling.py",
    ),
    Exercise(
        "conv-transpose",
        5,
        "conv_transpose",
        _op("conv_transpose", drawn.transposed_convolutions()),
        "minis/ops/conv_transpose.py",
    ),
    Exercise("bilinear-filter", 5, "bilinear_filter", _TENT, "minis/models/bilinear.py"),
    Exercise(
        "cross-entropy-backward",
        6,
        "cross_entropy_backward",
        _op("cross_entropy_backward", drawn.labelled_logits()),
        "minis/ops/cross_entropy.py",
    ),
    Exercise(
        "dice-loss-backward",
        6,
        "dice_loss_backward",
        _op("dice_loss_backward", drawn.soft_masks()),
        "minis/ops/dice.py",
    ),
    Exercise("receptive-field", 7, "receptive_field", _FIELD, "minis/learn/receptive_field.py"),
    Exercise(
        "batch-norm-backward",
        8,
        "batch_norm_backward",
        _op("batch_norm_backward", drawn.normalisations()),
        "minis/ops/norm.py",
    ),
    Exercise("box-iou", 11, "box_iou", _op("box_iou"), "minis/ops/boxes.py"),
    Exercise("nms", 11, "nms", _op("nms"), "minis/ops/nms.py"),
    Exercise("bilinear-sample", 12, "bilinear_sample", _SAMPLE, _ROI),
    Exercise("roi-align", 12, "roi_align", _op("roi_align", drawn.regions()), _ROI),
    Exercise(
        "roi-align-backward",
        12,
        "roi_align_backward",
        _op("roi_align_backward", drawn.regions()),
        _ROI,
    ),
    Exercise("cuda-relu", 15, "relu", _RELU, f"{_CUDA}/activation.py", True),
    Exercise("cuda-conv", 15, "conv3x3", _NAIVE, f"{_CUDA}/conv_naive.py", True),
    Exercise("cuda-conv-shared", 15, "conv3x3", _SHARED, f"{_CUDA}/conv_tiled.py", True),
)


def find(name: str) -> Exercise:
    """Return an exercise by its name.

    Raises
    ------
    ValueError
        If there is none of that name; the text names those that there are.

    Examples
    --------
    >>> find("nms").chapter
    11
    """
    for exercise in LADDER:
        if exercise.name == name.replace("_", "-").removesuffix(".py"):
            return exercise
    names = ", ".join(exercise.name for exercise in LADDER)
    raise ValueError(f"exercise: there is none called {name!r}; there are {names}")
