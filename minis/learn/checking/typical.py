"""Calls of the usual size, to measure speed on: maps of 8 channels and 32 × 32 cells, 64 boxes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ... import ops
from ..specs.properties import as_tuple
from ..specs.spec import Call
from .cases import for_each, size
from .target import OwnTarget, Target


def typical(target: Target) -> Call:
    """Return a call of the usual size; of an operation that has none here, the largest drawn.

    Parameters
    ----------
    target : Target
        What is to be called.

    Examples
    --------
    >>> typical(Target("max_pool")).args[0].shape
    (1, 8, 32, 32)
    """
    spec = target.spec
    known = spec.name in FORWARD and not isinstance(target, OwnTarget)
    forward = FORWARD[spec.name]() if known else _largest(target)
    if not target.backward:
        return forward
    outputs = forward.on(getattr(ops, spec.name).reference)
    y = np.asarray(as_tuple(outputs)[0])
    dy = np.random.default_rng(0).standard_normal(y.shape).astype(y.dtype)
    assert spec.backward is not None
    return spec.backward(forward, outputs, dy)


def _normal(*shape: int) -> Any:
    return np.random.default_rng(len(shape)).standard_normal(shape).astype(np.float32)


def _map(side: int = 32) -> Any:
    return _normal(1, 8, side, side)


def _boxes(count: int = 64) -> Any:
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 24, (count, 2))
    return np.concatenate([corners, corners + rng.uniform(2, 8, (count, 2))], 1).astype(np.float32)


def _regions(count: int = 16) -> Any:
    return np.concatenate([np.zeros((count, 1), np.float32), _boxes(count)], axis=1)


def _shares(*shape: int) -> Any:
    return np.random.default_rng(1).random(shape).astype(np.float32)


def _labels(*shape: int) -> Any:
    return np.random.default_rng(1).integers(0, 8, shape)


def _per_channel() -> Any:
    return np.ones(8, np.float32)


def _unpooling() -> Call:
    y, indices = ops.max_pool.reference(_map(), 2)
    return Call((y, indices, (32, 32)))


FORWARD: dict[str, Callable[[], Call]] = {
    "conv": lambda: Call((_map(), _normal(8, 8, 3, 3), None), {"padding": 1}),
    "conv_transpose": lambda: Call((_map(16), _normal(8, 8, 2, 2), None), {"stride": 2}),
    "max_pool": lambda: Call((_map(), 2)),
    "avg_pool": lambda: Call((_map(), 2)),
    "max_unpool": _unpooling,
    "interpolate": lambda: Call((_map(16), (32, 32)), {"mode": "linear", "align_corners": False}),
    "batch_norm": lambda: Call(
        (_map(), _per_channel(), _per_channel(), 0 * _per_channel(), _per_channel()),
        {"training": True},
    ),
    "group_norm": lambda: Call((_map(), _per_channel(), _per_channel(), 4)),
    "local_response_norm": lambda: Call((_map(), 5)),
    "relu": lambda: Call((_map(),)),
    "prelu": lambda: Call((_map(), _per_channel())),
    "elu": lambda: Call((_map(), 1.0)),
    "sigmoid": lambda: Call((_map(),)),
    "softmax": lambda: Call((_map(), 1)),
    "log_softmax": lambda: Call((_map(), 1)),
    "linear": lambda: Call((_normal(32, 64), _normal(64, 64), _normal(64))),
    "dropout": lambda: Call((_map(), 0.5, np.random.default_rng(0))),
    "cross_entropy": lambda: Call((_map(), _labels(1, 32, 32))),
    "dice_loss": lambda: Call((_shares(1, 8, 32, 32), np.round(_shares(1, 8, 32, 32)))),
    "bce_with_logits": lambda: Call((_map(), np.round(_shares(1, 8, 32, 32)))),
    "focal_loss": lambda: Call((_map(), np.round(_shares(1, 8, 32, 32)))),
    "smooth_l1": lambda: Call((_map(), _shares(1, 8, 32, 32))),
    "roi_align": lambda: Call((_map(), _regions(), (7, 7)), {"sampling_ratio": 2}),
    "roi_pool": lambda: Call((_map(), _regions(), (7, 7))),
    "box_iou": lambda: Call((_boxes(), _boxes())),
    "encode_boxes": lambda: Call((_boxes(), _boxes()[::-1])),
    "decode_boxes": lambda: Call((_normal(64, 4), _boxes())),
    "clip_boxes": lambda: Call((_boxes(), (20, 20))),
    "nms": lambda: Call((_boxes(), _shares(64), 0.5)),
    "batched_nms": lambda: Call((_boxes(), _shares(64), _labels(64), 0.5)),
    "paste_masks": lambda: Call((_shares(4, 1, 28, 28), _boxes(4), (32, 32))),
}


def _largest(target: Target) -> Call:
    """Return the largest of some drawn calls of the forward."""
    calls: list[Call] = []
    for_each(target, 20, calls.append)
    return max(calls, key=size)
