"""Bad input to the operations on regions, boxes, anchors and masks is named."""

import numpy as np
import pytest

from .bad_input import NAMES, assert_named, cases

X = np.ones((2, 4, 6, 6))
ROIS = np.array([[0.0, 1, 1, 3, 3]])
DY = np.ones((1, 4, 2, 2))
ARGMAX = np.zeros((1, 4, 2, 2), "int64")
BOXES = np.array([[0.0, 0, 2, 2], [1, 1, 3, 3]])
SCORES = np.ones(2)
LABELS = np.zeros(2, "int64")
IOU = np.ones((2, 3))
MASKS = np.ones((2, 1, 4, 4))
RNG = np.random.default_rng(0)
FEATURES = [(2, 2)]

INTS = "must be an int or a tuple of ints, got"
FOUR = "must have shape (R, 4), rows (x1, y1, x2, y2), got"
FIVE = "must have shape (R, 5), rows (n, x1, y1, x2, y2), got"


def with_(array, column, value):
    """Copy `array`, and set this column of its last row."""
    copied = array.copy()
    copied[-1, column] = value
    return copied


def single(array):
    """Turn `array` to float32."""
    return array.astype("float32")


def mixed(name, first):
    """Say what is wrong with a float32 array after one of float64."""
    return f"{name} is float32 but {first} is float64; they must agree"


def no_map(value):
    """Say what is wrong with a box's index."""
    return f"column 0 of boxes must index one of the 2 maps of x, got {value} in row 0"


OF_BOTH_ROI_OPERATIONS = {
    TypeError: [
        ((X.tolist(), ROIS, 2), {}, "x must be an array, got list"),
        ((X, ROIS.tolist(), 2), {}, "boxes must be an array, got list"),
        ((X.astype(int), ROIS, 2), {}, "x must be float32 or float64, got int64"),
        ((X, ROIS.astype(int), 2), {}, "boxes must be float32 or float64, got int64"),
        ((X, single(ROIS), 2), {}, mixed("boxes", "x")),
        ((X, ROIS, True), {}, f"output_size {INTS} True"),
        ((X, ROIS, 2), {"spatial_scale": "1"}, "spatial_scale must be a number, got '1'"),
    ],
    ValueError: [
        ((X[0], ROIS, 2), {}, "x must have shape (N, C, H, W), got (4, 6, 6)"),
        ((X[..., :0], ROIS, 2), {}, "x has an empty spatial axis, its shape is (2, 4, 6, 0)"),
        ((X, BOXES, 2), {}, f"boxes {FIVE} (2, 4)"),
        ((X, ROIS[0], 2), {}, f"boxes {FIVE} (5,)"),
        ((X, with_(ROIS, 0, 2), 2), {}, no_map(2.0)),
        ((X, with_(ROIS, 0, -1), 2), {}, no_map(-1.0)),
        ((X, with_(ROIS, 0, 0.5), 2), {}, no_map(0.5)),
        ((X, with_(ROIS, 2, np.nan), 2), {}, "boxes must be finite, got row 0: [ 0.  1. nan"),
        ((X, with_(ROIS, 3, np.inf), 2), {}, "boxes must be finite, got row 0: [ 0.  1.  1. inf"),
        ((X, ROIS, 0), {}, "output_size must be at least 1 along every axis, got 0"),
        ((X, ROIS, 2), {"spatial_scale": -1}, "spatial_scale must be at least 0, got -1"),
        ((X, ROIS, 2), {"spatial_scale": np.inf}, "spatial_scale must be finite, got inf"),
    ],
}

# operation -> arguments, options and what follows the operation's name in the error's text
OF_WRONG_TYPE = {
    "roi_align": [
        *OF_BOTH_ROI_OPERATIONS[TypeError],
        ((X, ROIS, 2), {"sampling_ratio": 1.5}, "sampling_ratio must be an int, got 1.5"),
        ((X, ROIS, 2), {"sampling_ratio": True}, "sampling_ratio must be an int, got True"),
    ],
    "roi_pool": OF_BOTH_ROI_OPERATIONS[TypeError],
    "roi_align_backward": [
        ((DY, single(ROIS), X.shape), {}, mixed("boxes", "dy")),
        ((DY, ROIS, None), {}, "input_shape must be a tuple of ints, got None"),
        ((DY, ROIS, X.shape), {"sampling_ratio": "2"}, "sampling_ratio must be an int, got '2'"),
    ],
    "roi_pool_backward": [
        ((DY, ROIS, DY, X.shape), {}, "argmax must be of an integer dtype, got float64"),
        ((DY, ROIS, ARGMAX.tolist(), X.shape), {}, "argmax must be an array, got list"),
        ((DY, single(ROIS), ARGMAX, X.shape), {}, mixed("boxes", "dy")),
    ],
    "box_iou": [
        ((BOXES.tolist(), BOXES), {}, "a must be an array, got list"),
        ((BOXES, BOXES.astype(int)), {}, "b must be float32 or float64, got int64"),
        ((BOXES, single(BOXES)), {}, mixed("b", "a")),
    ],
    "encode_boxes": [
        ((BOXES, single(BOXES)), {}, mixed("anchors", "boxes")),
        ((BOXES, BOXES, (1, 1, 1)), {}, "weights must be a tuple of 4 numbers, got (1, 1, 1)"),
        ((BOXES, BOXES, 2.0), {}, "weights must be a tuple of 4 numbers, got 2.0"),
        ((BOXES, BOXES, "abcd"), {}, "each of weights must be a number, got 'a'"),
    ],
    "decode_boxes": [
        ((BOXES.tolist(), BOXES), {}, "deltas must be an array, got list"),
        ((single(BOXES), BOXES), {}, "anchors is float64 but deltas is float32; they must agree"),
        ((BOXES, BOXES, None), {}, "weights must be a tuple of 4 numbers, got None"),
    ],
    "clip_boxes": [
        ((BOXES.astype(int), (2, 2)), {}, "boxes must be float32 or float64, got int64"),
        ((BOXES, (2.5, 2)), {}, f"size {INTS} (2.5, 2)"),
    ],
    "nms": [
        ((BOXES.tolist(), SCORES, 0.5), {}, "boxes must be an array, got list"),
        ((BOXES, LABELS, 0.5), {}, "scores must be float32 or float64, got int64"),
        ((BOXES, SCORES, True), {}, "iou_threshold must be a number, got True"),
        ((BOXES, SCORES, "0.5"), {}, "iou_threshold must be a number, got '0.5'"),
    ],
    "batched_nms": [
        ((BOXES, SCORES, SCORES, 0.5), {}, "labels must be of an integer dtype, got float64"),
        ((BOXES, SCORES, [0, 1], 0.5), {}, "labels must be an array, got list"),
    ],
    "generate_anchors": [
        ((64.0, FEATURES), {}, f"image_size {INTS} 64.0"),
        ((64, 2), {}, "feature_sizes must be a sequence, one entry a level, got 2"),
        ((64, FEATURES), {"sizes": 32}, "sizes must be a sequence, one entry a level, got 32"),
        ((64, FEATURES), {"sizes": (32,)}, "each of sizes must be a sequence of numbers, got 32"),
        ((64, FEATURES), {"sizes": [(None,)]}, "each number of each of sizes must be a number"),
        ((64, FEATURES), {"sizes": [(8,)], "ratios": 1.0}, "ratios must be a sequence of numbers"),
    ],
    "match_anchors": [
        ((IOU.tolist(),), {}, "iou must be an array, got list"),
        ((IOU.astype(int),), {}, "iou must be float32 or float64, got int64"),
        ((IOU,), {"high": True}, "high must be a number, got True"),
    ],
    "sample_balanced": [
        ((SCORES, 2, 0.5, RNG), {}, "labels must be of an integer dtype, got float64"),
        (([0, 1], 2, 0.5, RNG), {}, "labels must be an array, got list"),
        ((LABELS, 2.5, 0.5, RNG), {}, "count must be an int, got 2.5"),
        ((LABELS, 2, "a", RNG), {}, "positive_fraction must be a number, got 'a'"),
        ((LABELS, 2, 0.5, 7), {}, "rng must be a numpy.random.Generator, got 7"),
    ],
    "paste_masks": [
        ((MASKS > 0, BOXES, 6), {}, "masks must be float32 or float64, got bool"),
        ((MASKS, BOXES.tolist(), 6), {}, "boxes must be an array, got list"),
        ((MASKS, BOXES, 6.0), {}, f"size {INTS} 6.0"),
    ],
}

OF_WRONG_VALUE = {
    "roi_align": OF_BOTH_ROI_OPERATIONS[ValueError],
    "roi_pool": OF_BOTH_ROI_OPERATIONS[ValueError],
    "roi_align_backward": [
        ((DY[0], ROIS, X.shape), {}, "dy must have shape (R, C, PH, PW), got (4, 2, 2)"),
        ((DY[:, 1:], ROIS, X.shape), {}, "dy must have shape (1, 4, 2, 2), got (1, 3, 2, 2)"),
        ((X, ROIS, X.shape), {}, "dy must have shape (1, 4, 6, 6), got (2, 4, 6, 6)"),
        ((DY, ROIS, (2, 4, 6)), {}, "input_shape must have 4 entries, none negative, got (2, 4, 6"),
        ((DY, with_(ROIS, 0, 2), X.shape), {}, no_map(2.0)),
    ],
    "roi_pool_backward": [
        ((DY, ROIS, ARGMAX + 36, X.shape), {}, "argmax must lie in -1 … 35, got 36 … 36"),
        ((DY, ROIS, ARGMAX - 2, X.shape), {}, "argmax must lie in -1 … 35, got -2 … -2"),
        ((DY, ROIS, ARGMAX[:, 1:], X.shape), {}, "argmax must have shape (1, 4, 2, 2), got (1, 3"),
        ((DY[:, 1:], ROIS, ARGMAX, X.shape), {}, "dy must have shape (1, 4, 2, 2), got (1, 3, 2"),
        ((DY, with_(ROIS, 0, 2), ARGMAX, X.shape), {}, no_map(2.0)),
        ((DY, ROIS, ARGMAX, (2, 4, 6)), {}, "input_shape must have 4 entries, none negative"),
    ],
    "box_iou": [
        ((BOXES[0], BOXES), {}, f"a {FOUR} (4,)"),
        ((BOXES, ROIS), {}, f"b {FOUR} (1, 5)"),
        ((BOXES, with_(BOXES, 1, np.nan)), {}, "b must be finite, got row 1: [ 1. nan"),
    ],
    "encode_boxes": [
        ((BOXES, BOXES[:1]), {}, "anchors has shape (1, 4) but boxes has (2, 4); they must agree"),
        (
            (with_(BOXES, 2, 1.0), BOXES),
            {},
            "boxes must have positive width and height, got row 1: [1. 1. 1. 3.]",
        ),
        ((BOXES, with_(BOXES, 3, 0.0)), {}, "anchors must have positive width and height, got row"),
        ((BOXES, BOXES, (0, 1, 1, 1)), {}, "weights must be positive and finite, got (0, 1, 1, 1)"),
    ],
    "decode_boxes": [
        (
            (BOXES, BOXES[:1]),
            {},
            "deltas must have shape (1, 4) or (1, K, 4), as anchors of shape (1, 4) need, got (2,",
        ),
        ((BOXES, with_(BOXES, 0, np.inf)), {}, "anchors must be finite, got row 1: [inf"),
        ((BOXES, BOXES, (1, 1, 1, np.nan)), {}, "each of weights must be at least 0, got nan"),
    ],
    "clip_boxes": [
        ((BOXES[:, :3], (2, 2)), {}, "boxes must have shape (..., 4), got (2, 3)"),
        ((BOXES, (-1, 2)), {}, "size must be at least 0 along every axis, got (-1, 2)"),
    ],
    "nms": [
        ((ROIS, SCORES, 0.5), {}, f"boxes {FOUR} (1, 5)"),
        ((BOXES, SCORES[:1], 0.5), {}, "scores must have shape (2,), got (1,)"),
        ((BOXES, SCORES * np.nan, 0.5), {}, "scores must not be NaN"),
        ((with_(BOXES, 1, np.nan), SCORES, 0.5), {}, "boxes must be finite, got row 1: [ 1. nan"),
        ((BOXES, SCORES, -0.1), {}, "iou_threshold must be at least 0, got -0.1"),
    ],
    "batched_nms": [
        ((BOXES, SCORES, LABELS[:1], 0.5), {}, "labels must have shape (2,), got (1,)")
    ],
    "generate_anchors": [
        ((64, FEATURES), {}, "sizes must name each of the 1 levels, got 5"),
        ((64, FEATURES), {"sizes": [(0,)]}, "sizes and ratios must be positive, got 0"),
        ((64, [(2, 0)]), {"sizes": [(8,)]}, "feature_sizes must be at least 1 along every axis"),
    ],
    "match_anchors": [
        ((IOU[0],), {}, "iou must have shape (M, A), got (3,)"),
        ((IOU,), {"high": 0.2}, "high must be at least 0.3, got 0.2"),
        ((IOU,), {"low": -1}, "low must be at least 0, got -1"),
    ],
    "sample_balanced": [
        ((LABELS[None], 2, 0.5, RNG), {}, "labels must have shape (A,), got (1, 2)"),
        ((LABELS, -1, 0.5, RNG), {}, "count must be at least 0, got -1"),
        ((LABELS, 2, 1.5, RNG), {}, "positive_fraction must be in 0 … 1, got 1.5"),
    ],
    "paste_masks": [
        ((MASKS[:1], BOXES, 6), {}, "masks must have shape (2, 1, K, K), K ≥ 1, as boxes of shape"),
        ((MASKS[..., :3], BOXES, 6), {}, "masks must have shape (2, 1, K, K), K ≥ 1, as boxes of"),
        ((MASKS, with_(BOXES, 0, np.inf), 6), {}, "boxes must be finite, got row 1: [inf"),
        ((MASKS, BOXES, 0), {}, "size must be at least 1 along every axis, got 0"),
    ],
}


@pytest.mark.parametrize(NAMES, cases(OF_WRONG_TYPE, OF_WRONG_VALUE))
def test_bad_input_is_named(exception, operation, args, options, text, backend) -> None:
    """The text names the operation and the argument, what came and what was expected."""
    assert_named(backend, exception, operation, args, options, text)
