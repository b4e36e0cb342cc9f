"""The registry of kernels: which implementation serves which operation on which backend.

A kernel has the name and the signature of a function of `minis.ops`, or of an optimiser's step in
`minis.training`, takes arrays and returns arrays, and knows nothing of `minis`. It returns
`NotImplemented` for arguments that it does not serve: the caller then runs the NumPy text, which
also words the error where they are malformed.

A kernel's module is imported when the kernel is first asked for, never before.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

# backend -> operation -> the module that holds a function of the operation's name
KERNELS: dict[str, dict[str, str]] = {
    "numba": {
        "conv": "minis_kernels.numba_cpu.conv",
        "conv_backward": "minis_kernels.numba_cpu.conv",
        "conv_transpose": "minis_kernels.numba_cpu.conv_transpose",
        "conv_transpose_backward": "minis_kernels.numba_cpu.conv_transpose",
        "linear": "minis_kernels.numba_cpu.linear",
        "linear_backward": "minis_kernels.numba_cpu.linear",
        "relu": "minis_kernels.numba_cpu.activation",
        "relu_backward": "minis_kernels.numba_cpu.activation",
        "prelu": "minis_kernels.numba_cpu.activation",
        "prelu_backward": "minis_kernels.numba_cpu.activation",
        "elu": "minis_kernels.numba_cpu.activation",
        "elu_backward": "minis_kernels.numba_cpu.activation",
        "sigmoid": "minis_kernels.numba_cpu.activation",
        "sigmoid_backward": "minis_kernels.numba_cpu.activation",
        "batch_norm": "minis_kernels.numba_cpu.norm",
        "batch_norm_backward": "minis_kernels.numba_cpu.norm",
        "group_norm": "minis_kernels.numba_cpu.group_norm",
        "group_norm_backward": "minis_kernels.numba_cpu.group_norm",
        "softmax": "minis_kernels.numba_cpu.softmax",
        "softmax_backward": "minis_kernels.numba_cpu.softmax",
        "log_softmax": "minis_kernels.numba_cpu.softmax",
        "log_softmax_backward": "minis_kernels.numba_cpu.softmax",
        "cross_entropy": "minis_kernels.numba_cpu.cross_entropy",
        "cross_entropy_backward": "minis_kernels.numba_cpu.cross_entropy",
        "dice_loss": "minis_kernels.numba_cpu.dice",
        "dice_loss_backward": "minis_kernels.numba_cpu.dice",
        "bce_with_logits": "minis_kernels.numba_cpu.binary_loss",
        "bce_with_logits_backward": "minis_kernels.numba_cpu.binary_loss",
        "max_pool": "minis_kernels.numba_cpu.max_pool",
        "max_pool_backward": "minis_kernels.numba_cpu.max_pool",
        "avg_pool": "minis_kernels.numba_cpu.avg_pool",
        "avg_pool_backward": "minis_kernels.numba_cpu.avg_pool",
        "max_unpool": "minis_kernels.numba_cpu.unpooling",
        "max_unpool_backward": "minis_kernels.numba_cpu.unpooling",
        "interpolate": "minis_kernels.numba_cpu.interpolate",
        "interpolate_backward": "minis_kernels.numba_cpu.interpolate_backward",
        "roi_align": "minis_kernels.numba_cpu.roi_align",
        "roi_align_backward": "minis_kernels.numba_cpu.roi_align",
        "roi_pool": "minis_kernels.numba_cpu.roi_pool",
        "roi_pool_backward": "minis_kernels.numba_cpu.roi_pool",
        "box_iou": "minis_kernels.numba_cpu.nms",
        "nms": "minis_kernels.numba_cpu.nms",
        "batched_nms": "minis_kernels.numba_cpu.nms",
        "paste_masks": "minis_kernels.numba_cpu.paste",
        "sgd_step": "minis_kernels.numba_cpu.sgd",
        "rmsprop_step": "minis_kernels.numba_cpu.rmsprop",
        "adam_step": "minis_kernels.numba_cpu.adam",
    },
    "numba-cuda": {
        "conv": "minis_kernels.numba_cuda.conv",
        "conv_backward": "minis_kernels.numba_cuda.conv",
        "conv_transpose": "minis_kernels.numba_cuda.conv_transpose",
        "conv_transpose_backward": "minis_kernels.numba_cuda.conv_transpose",
        "max_pool": "minis_kernels.numba_cuda.max_pool",
        "max_pool_backward": "minis_kernels.numba_cuda.max_pool",
        "max_unpool": "minis_kernels.numba_cuda.unpooling",
        "max_unpool_backward": "minis_kernels.numba_cuda.unpooling",
        "avg_pool": "minis_kernels.numba_cuda.avg_pool",
        "avg_pool_backward": "minis_kernels.numba_cuda.avg_pool",
        "interpolate": "minis_kernels.numba_cuda.interpolate",
        "interpolate_backward": "minis_kernels.numba_cuda.interpolate",
        "roi_align": "minis_kernels.numba_cuda.roi_align",
        "roi_align_backward": "minis_kernels.numba_cuda.roi_align",
        "roi_pool": "minis_kernels.numba_cuda.roi_pool",
        "roi_pool_backward": "minis_kernels.numba_cuda.roi_pool",
        "box_iou": "minis_kernels.numba_cuda.nms",
        "nms": "minis_kernels.numba_cuda.nms",
        "batched_nms": "minis_kernels.numba_cuda.nms",
        "batch_norm": "minis_kernels.numba_cuda.norm",
        "batch_norm_backward": "minis_kernels.numba_cuda.norm",
        "cross_entropy": "minis_kernels.numba_cuda.cross_entropy",
        "cross_entropy_backward": "minis_kernels.numba_cuda.cross_entropy",
        "softmax": "minis_kernels.numba_cuda.softmax",
        "softmax_backward": "minis_kernels.numba_cuda.softmax",
        "log_softmax": "minis_kernels.numba_cuda.softmax",
        "log_softmax_backward": "minis_kernels.numba_cuda.softmax",
        "relu": "minis_kernels.numba_cuda.activation",
        "relu_backward": "minis_kernels.numba_cuda.activation",
        "prelu": "minis_kernels.numba_cuda.activation",
        "prelu_backward": "minis_kernels.numba_cuda.activation",
        "elu": "minis_kernels.numba_cuda.activation",
        "elu_backward": "minis_kernels.numba_cuda.activation",
        "sigmoid": "minis_kernels.numba_cuda.activation",
        "sigmoid_backward": "minis_kernels.numba_cuda.activation",
    },
    "cupy": {
        "conv": "minis_kernels.cupy_cuda.conv",
        "conv_backward": "minis_kernels.cupy_cuda.conv",
        "conv_transpose": "minis_kernels.cupy_cuda.conv_transpose",
        "conv_transpose_backward": "minis_kernels.cupy_cuda.conv_transpose",
        "relu": "minis_kernels.cupy_cuda.activation",
        "relu_backward": "minis_kernels.cupy_cuda.activation",
        "prelu": "minis_kernels.cupy_cuda.activation",
        "prelu_backward": "minis_kernels.cupy_cuda.activation",
        "elu": "minis_kernels.cupy_cuda.activation",
        "elu_backward": "minis_kernels.cupy_cuda.activation",
        "sigmoid": "minis_kernels.cupy_cuda.activation",
        "sigmoid_backward": "minis_kernels.cupy_cuda.activation",
        "batch_norm": "minis_kernels.cupy_cuda.norm",
        "batch_norm_backward": "minis_kernels.cupy_cuda.norm",
        "group_norm": "minis_kernels.cupy_cuda.group_norm",
        "group_norm_backward": "minis_kernels.cupy_cuda.group_norm",
        "softmax": "minis_kernels.cupy_cuda.softmax",
        "softmax_backward": "minis_kernels.cupy_cuda.softmax",
        "log_softmax": "minis_kernels.cupy_cuda.softmax",
        "log_softmax_backward": "minis_kernels.cupy_cuda.softmax",
        "cross_entropy": "minis_kernels.cupy_cuda.cross_entropy",
        "cross_entropy_backward": "minis_kernels.cupy_cuda.cross_entropy",
        "dice_loss": "minis_kernels.cupy_cuda.dice",
        "dice_loss_backward": "minis_kernels.cupy_cuda.dice",
        "bce_with_logits": "minis_kernels.cupy_cuda.binary_loss",
        "bce_with_logits_backward": "minis_kernels.cupy_cuda.binary_loss",
        "local_response_norm": "minis_kernels.cupy_cuda.local_response_norm",
        "local_response_norm_backward": "minis_kernels.cupy_cuda.local_response_norm",
        "max_pool": "minis_kernels.cupy_cuda.max_pool",
        "max_pool_backward": "minis_kernels.cupy_cuda.max_pool",
        "max_unpool": "minis_kernels.cupy_cuda.unpooling",
        "max_unpool_backward": "minis_kernels.cupy_cuda.unpooling",
        "avg_pool": "minis_kernels.cupy_cuda.avg_pool",
        "avg_pool_backward": "minis_kernels.cupy_cuda.avg_pool",
        "interpolate": "minis_kernels.cupy_cuda.interpolate",
        "interpolate_backward": "minis_kernels.cupy_cuda.interpolate",
        "roi_align": "minis_kernels.cupy_cuda.roi_align",
        "roi_align_backward": "minis_kernels.cupy_cuda.roi_align",
        "roi_pool": "minis_kernels.cupy_cuda.roi_pool",
        "roi_pool_backward": "minis_kernels.cupy_cuda.roi_pool",
        "box_iou": "minis_kernels.cupy_cuda.nms",
        "nms": "minis_kernels.cupy_cuda.nms",
        "batched_nms": "minis_kernels.cupy_cuda.nms",
        "paste_masks": "minis_kernels.cupy_cuda.paste",
        "sgd_step": "minis_kernels.cupy_cuda.sgd",
        "rmsprop_step": "minis_kernels.cupy_cuda.rmsprop",
        "adam_step": "minis_kernels.cupy_cuda.adam",
    },
}


@functools.cache
def find(backend: str, operation: str) -> Callable[..., Any] | None:
    """Return the kernel that `backend` has for `operation`, or None.

    Parameters
    ----------
    backend : {"numba", "numba-cuda", "cupy"}
        The backend.
    operation : str
        Name of a function of `minis.ops`.

    Returns
    -------
    callable or None
        The kernel, imported now if this is its first use.

    Raises
    ------
    ValueError
        If there is no such backend.

    Examples
    --------
    >>> find("numba", "no such operation") is None
    True
    """
    if backend not in KERNELS:
        raise ValueError(f"no backend {backend!r}; there are {', '.join(KERNELS)}")
    module = KERNELS[backend].get(operation)
    if module is None:
        return None
    kernel: Callable[..., Any] = getattr(importlib.import_module(module), operation)
    return kernel
