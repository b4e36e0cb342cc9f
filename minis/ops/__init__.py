"""The operations: pure functions on arrays, forward and backward, in NumPy.

Arrays are channels-first, (N, C, *spatial), with one to three spatial axes; layouts, defaults and
results are PyTorch's (torchvision's for boxes and RoIs). float32 in gives float32 out, float64
gives float64. A backward function has no hidden state: its signature names every array it needs.
"""

from .activation import (
    elu,
    elu_backward,
    prelu,
    prelu_backward,
    relu,
    relu_backward,
    sigmoid,
    sigmoid_backward,
)
from .anchors import generate_anchors, match_anchors, sample_balanced
from .binary_loss import (
    bce_with_logits,
    bce_with_logits_backward,
    focal_loss,
    focal_loss_backward,
)
from .boxes import box_iou, clip_boxes, decode_boxes, encode_boxes
from .conv import conv, conv_backward
from .conv_transpose import conv_transpose, conv_transpose_backward
from .cross_entropy import cross_entropy, cross_entropy_backward
from .dice import dice_loss, dice_loss_backward
from .dropout import dropout, dropout_backward
from .group_norm import group_norm, group_norm_backward
from .interpolate import interpolate, interpolate_backward
from .linear import linear, linear_backward
from .local_response_norm import local_response_norm, local_response_norm_backward
from .nms import batched_nms, nms
from .norm import batch_norm, batch_norm_backward
from .paste import paste_masks
from .pooling import avg_pool, avg_pool_backward, max_pool, max_pool_backward
from .roi_align import roi_align, roi_align_backward
from .roi_pool import roi_pool, roi_pool_backward
from .smooth_l1 import smooth_l1, smooth_l1_backward
from .softmax import log_softmax, log_softmax_backward, softmax, softmax_backward
from .unpooling import max_unpool, max_unpool_backward

__all__ = [
    "avg_pool",
    "avg_pool_backward",
    "batch_norm",
    "batch_norm_backward",
    "batched_nms",
    "bce_with_logits",
    "bce_with_logits_backward",
    "box_iou",
    "clip_boxes",
    "conv",
    "conv_backward",
    "conv_transpose",
    "conv_transpose_backward",
    "cross_entropy",
    "cross_entropy_backward",
    "decode_boxes",
    "dice_loss",
    "dice_loss_backward",
    "dropout",
    "dropout_backward",
    "elu",
    "elu_backward",
    "encode_boxes",
    "focal_loss",
    "focal_loss_backward",
    "generate_anchors",
    "group_norm",
    "group_norm_backward",
    "interpolate",
    "interpolate_backward",
    "linear",
    "linear_backward",
    "local_response_norm",
    "local_response_norm_backward",
    "log_softmax",
    "log_softmax_backward",
    "match_anchors",
    "max_pool",
    "max_pool_backward",
    "max_unpool",
    "max_unpool_backward",
    "nms",
    "paste_masks",
    "prelu",
    "prelu_backward",
    "relu",
    "relu_backward",
    "roi_align",
    "roi_align_backward",
    "roi_pool",
    "roi_pool_backward",
    "sample_balanced",
    "sigmoid",
    "sigmoid_backward",
    "smooth_l1",
    "smooth_l1_backward",
    "softmax",
    "softmax_backward",
]
