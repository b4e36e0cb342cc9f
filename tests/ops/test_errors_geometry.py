"""Bad input to convolution, pooling and interpolation is named."""

import numpy as np
import pytest

from .bad_input import NAMES, assert_named, cases

X = np.ones((2, 4, 6, 6))
X32 = X.astype("float32")
INTEGERS = X.astype("int64")
LINE = np.ones((2, 4, 6))
PLANE = np.ones((6, 6))
W = np.ones((3, 4, 3, 3))  # of conv
V = np.ones((4, 3, 3, 3))  # of conv_transpose
B = np.ones(3)
DY = np.ones((2, 4, 3, 3))
INDICES = np.zeros((2, 4, 3, 3), "int64")

INTS = "must be an int or a tuple of ints, got"
SPATIAL = "must have shape (N, C, *spatial) with one to three spatial axes, got"
PER_AXIS = "must be one int or 2, one per spatial axis, got"


def low(name, least, got):
    """Say what is wrong with a number that is too small."""
    return f"{name} must be at least {least} along every axis, got {got}"


def integers(name):
    """Say what is wrong with INTEGERS."""
    return f"{name} must be float32 or float64, got int64"


def mixed(name, first):
    """Say what is wrong with a float32 array after one of float64."""
    return f"{name} is float32 but {first} is float64; they must agree"


def unlisted(name):
    """Say what is wrong with a list."""
    return f"{name} must be an array, got list"


# operation -> arguments, options and what follows the operation's name in the error's text
OF_WRONG_TYPE = {
    "conv": [
        ((X.tolist(), W), {}, unlisted("x")),
        ((X, W.tolist()), {}, unlisted("w")),
        ((X, W, B.tolist()), {}, unlisted("b")),
        ((INTEGERS, W), {}, integers("x")),
        ((X, W.astype("float32")), {}, mixed("w", "x")),
        ((X, W, B.astype("float32")), {}, mixed("b", "x")),
        ((X, W), {"stride": True}, f"stride {INTS} True"),
        ((X, W), {"padding": "same"}, f"padding {INTS} 'same'"),
        ((X, W), {"dilation": 1.5}, f"dilation {INTS} 1.5"),
        ((X, W), {"groups": True}, "groups must be an int, got True"),
        ((X, W), {"groups": "2"}, "groups must be an int, got '2'"),
    ],
    "conv_backward": [
        ((X[:, :3, 2:, 2:].tolist(), X, W), {}, unlisted("dy")),
        ((X32[:, :3, 2:, 2:], X, W), {}, "x is float64 but dy is float32; they must agree"),
    ],
    "conv_transpose": [
        ((X.tolist(), V), {}, unlisted("x")),
        ((INTEGERS, V), {}, integers("x")),
        ((X, V.astype("float32")), {}, mixed("w", "x")),
        ((X, V), {"output_padding": "1"}, f"output_padding {INTS} '1'"),
        ((X, V), {"groups": 1.0}, "groups must be an int, got 1.0"),
    ],
    "max_pool": [
        ((X.tolist(), 2), {}, unlisted("x")),
        ((INTEGERS, 2), {}, integers("x")),
        ((X, True), {}, f"size {INTS} True"),
        ((X, 2), {"stride": "2"}, f"stride {INTS} '2'"),
    ],
    "max_pool_backward": [
        ((DY.tolist(), INDICES, X.shape), {}, unlisted("dy")),
        ((DY, INDICES.tolist(), X.shape), {}, unlisted("indices")),
        ((DY, DY, X.shape), {}, "indices must be of an integer dtype, got float64"),
        ((DY, INDICES, 6), {}, "input_shape must be a tuple of ints, got 6"),
    ],
    "avg_pool": [
        ((INTEGERS, 2), {}, integers("x")),
        ((X, None), {}, f"size {INTS} None"),
        ((X, 2), {"padding": False}, f"padding {INTS} False"),
    ],
    "avg_pool_backward": [
        ((DY.astype(int), X.shape, 2), {}, integers("dy")),
        (
            (DY, (2, 4, 6.0, 6), 2),
            {},
            "input_shape must be a tuple of ints, got (2, 4, 6.0, 6)",
        ),
    ],
    "max_unpool": [
        ((INTEGERS, INDICES, 6), {}, integers("x")),
        ((DY, INDICES.tolist(), 6), {}, unlisted("indices")),
        ((DY, DY, 6), {}, "indices must be of an integer dtype, got float64"),
        ((DY, INDICES, "6"), {}, f"output_size {INTS} '6'"),
    ],
    "max_unpool_backward": [
        ((X.tolist(), INDICES), {}, unlisted("dy")),
        ((X, DY), {}, "indices must be of an integer dtype, got float64"),
    ],
    "interpolate": [
        ((X.tolist(), 3), {}, unlisted("x")),
        ((INTEGERS, 3), {}, integers("x")),
        ((X, 2.0), {}, f"size {INTS} 2.0"),
        ((X, True), {}, f"size {INTS} True"),
    ],
    "interpolate_backward": [
        ((INTEGERS, X.shape), {"mode": "linear"}, integers("dy")),
        ((DY, "2466"), {"mode": "linear"}, "input_shape must be a tuple of ints, got '2466'"),
    ],
}

OF_WRONG_VALUE = {
    "conv": [
        ((PLANE, W), {}, f"x {SPATIAL} (6, 6)"),
        (
            (LINE, W),
            {},
            "w must have shape (O, C/groups, *k) with 1 spatial axes, as x of shape (2, 4, 6) has, "
            "got (3, 4, 3, 3)",
        ),
        (
            (X, W[:, :3]),
            {},
            "x has 4 channels but w, of shape (3, 3, 3, 3) with groups=1, reads 3",
        ),
        (
            (X, W),
            {"groups": 2},
            "groups must be positive and divide x's 4 channels and w's first axis of 3, got 2",
        ),
        ((X, W), {"groups": 0}, "groups must be positive and divide x's 4 channels"),
        ((X, W, np.ones(4)), {}, "b must have shape (3,), got (4,)"),
        ((X, W[..., :0]), {}, "w has an empty kernel, its shape is (3, 4, 3, 0)"),
        (
            (X[..., :2], W),
            {"dilation": 2, "padding": (0, 1)},
            "a kernel of (3, 3) with dilation (2, 2) is larger than x of spatial shape (6, 2) "
            "with padding (0, 1)",
        ),
        ((X, W), {"padding": (0, -1)}, low("padding", 0, "(0, -1)")),
        ((X, W), {"stride": 0}, low("stride", 1, 0)),
        ((X, W), {"dilation": 0}, low("dilation", 1, 0)),
        ((X, W), {"stride": (1, 1, 1)}, f"stride {PER_AXIS} (1, 1, 1)"),
    ],
    "conv_backward": [((X[:, :3], X, W), {}, "dy must have shape (2, 3, 4, 4), got (2, 3, 6, 6)")],
    "conv_transpose": [
        ((PLANE, V), {}, f"x {SPATIAL} (6, 6)"),
        ((LINE, V), {}, "w must have shape (C, O/groups, *k) with 1 spatial axes, as x of shape"),
        ((X, W), {}, "x has 4 channels but w, of shape (3, 4, 3, 3), reads 3"),
        ((X, V), {"groups": 3}, "groups must be positive and divide x's 4 channels"),
        ((X, V, np.ones(2)), {}, "b must have shape (3,), got (2,)"),
        (
            (X, V),
            {"output_padding": 2, "stride": 2},
            "output_padding must be smaller than the stride or the dilation, got (2, 2) with "
            "stride (2, 2) and dilation (1, 1)",
        ),
        ((X, V), {"padding": 4}, "x of spatial shape (6, 6) with kernel (3, 3), stride (1, 1) and"),
        ((X, V), {"padding": -1}, low("padding", 0, -1)),
        ((X, V), {"stride": 0}, low("stride", 1, 0)),
    ],
    "conv_transpose_backward": [
        ((X, X, V), {}, "dy must have shape (2, 3, 8, 8), got (2, 4, 6, 6)")
    ],
    "max_pool": [
        ((PLANE, 2), {}, f"x {SPATIAL} (6, 6)"),
        ((X, 0), {}, low("size", 1, 0)),
        ((X, 2), {"stride": (1, 0)}, low("stride", 1, "(1, 0)")),
        ((X, 2), {"padding": -1}, low("padding", 0, -1)),
        ((X, 2), {"dilation": 0}, low("dilation", 1, 0)),
        ((X, (2, 2, 2)), {}, f"size {PER_AXIS} (2, 2, 2)"),
        ((X, 2), {"padding": 2}, "padding must be at most half of the window, got (2, 2) for a"),
        (
            (X, 4),
            {"dilation": 2},
            "a window that spans (7, 7) is larger than x of spatial shape (6, 6) with padding",
        ),
        (
            (X[..., :1], (1, 2)),
            {"dilation": 2, "padding": (0, 1)},
            "a window of (1, 2) with dilation (2, 2) lies wholly in the padding (0, 1) of x",
        ),
    ],
    "max_pool_backward": [
        ((DY, INDICES + 36, X.shape), {}, "indices must lie in 0 … 35, got 36 … 36"),
        ((DY, INDICES - 1, X.shape), {}, "indices must lie in 0 … 35, got -1 … -1"),
        ((DY, INDICES[:1], X.shape), {}, "indices has shape (1, 4, 3, 3) but dy has (2, 4, 3, 3)"),
        ((DY, INDICES, (2, 3, 6, 6)), {}, "dy must have shape (2, 3, 3, 3), got (2, 4, 3, 3)"),
        ((DY, INDICES, LINE.shape), {}, "input_shape must have 4 entries, none negative, got (2,"),
        ((PLANE, INDICES[0, 0], X.shape), {}, f"dy {SPATIAL} (6, 6)"),
    ],
    "avg_pool": [
        ((PLANE, 2), {}, f"x {SPATIAL} (6, 6)"),
        ((X, 9), {}, "a window that spans (9, 9) is larger than x of spatial shape (6, 6) with"),
        ((X, 2), {"padding": 2}, "padding must be at most half of the window, got (2, 2) for a"),
        ((X, 2), {"stride": 0}, low("stride", 1, 0)),
    ],
    "avg_pool_backward": [
        ((DY, (2, 4, 8, 8), 2), {}, "dy must have shape (2, 4, 4, 4), got (2, 4, 3, 3)"),
        ((DY, (2, 3, 6, 6), 2), {}, "dy must have shape (2, 3, 3, 3), got (2, 4, 3, 3)"),
        ((DY, (2, 4, -6, 6), 2), {}, "input_shape must have 4 entries, none negative, got (2, 4,"),
    ],
    "max_unpool": [
        ((DY, INDICES + 36, 6), {}, "indices must lie in 0 … 35, got 36 … 36"),
        ((DY, INDICES[:, :3], 6), {}, "indices has shape (2, 3, 3, 3) but x has (2, 4, 3, 3)"),
        ((DY, INDICES, (6, 6, 6)), {}, f"output_size {PER_AXIS} (6, 6, 6)"),
        ((DY, INDICES, 0), {}, low("output_size", 1, 0)),
    ],
    "max_unpool_backward": [
        ((X, INDICES + 36), {}, "indices must lie in 0 … 35, got 36 … 36"),
        ((X, INDICES[:, :3]), {}, "indices must have shape (2, 4, 3, 3), got (2, 3, 3, 3)"),
        ((LINE, INDICES), {}, "indices must have shape (N, C, *pooled) of 3 axes as dy, got (2,"),
    ],
    "interpolate": [
        ((PLANE, 3), {}, f"x {SPATIAL} (6, 6)"),
        ((X, 3), {"mode": "cubic"}, "mode must be 'nearest' or 'linear', got 'cubic'"),
        ((X, (3, 0)), {}, low("size", 1, "(3, 0)")),
        ((X, (3,)), {}, f"size {PER_AXIS} (3,)"),
        ((X[:, :, :0], 3), {}, "x has an empty spatial axis, its shape is (2, 4, 0, 6)"),
    ],
    "interpolate_backward": [
        ((DY, X.shape), {"mode": "cubic"}, "mode must be 'nearest' or 'linear', got 'cubic'"),
        ((DY, (2, 3, 6, 6)), {"mode": "linear"}, "dy must have shape (2, 3, 3, 3), got (2, 4, 3,"),
        ((DY, LINE.shape), {"mode": "linear"}, "input_shape must have 4 entries, none negative"),
        ((DY[:, :, :0], X.shape), {"mode": "linear"}, "dy has an empty spatial axis, its shape"),
    ],
}


@pytest.mark.parametrize(NAMES, cases(OF_WRONG_TYPE, OF_WRONG_VALUE))
def test_bad_input_is_named(exception, operation, args, options, text, backend) -> None:
    """The text names the operation and the argument, what came and what was expected."""
    assert_named(backend, exception, operation, args, options, text)
