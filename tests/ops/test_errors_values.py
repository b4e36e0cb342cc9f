"""Bad input to normalisation, activations, linear layers, dropout and losses is named."""

import numpy as np
import pytest

import minis
from minis import ops

from .bad_input import NAMES, assert_named, cases

X = np.ones((2, 3, 4))
X32 = X.astype("float32")
INTEGERS = X.astype("int64")
OTHER = np.ones((2, 3, 5))
C = np.ones(3)
C32 = C.astype("float32")
W = np.ones((5, 4))
G = np.ones((2, 1))
LABELS = np.zeros((2, 4), "int64")
RNG = np.random.default_rng(0)
TRAIN, EVAL = {"training": True}, {"training": False}


def norm(x=X, gamma=C, beta=C, running_mean=C, running_var=C):
    """Return batch norm's arguments."""
    return x, gamma, beta, running_mean, running_var


def label(value):
    """Return labels of which one has this value."""
    labels = LABELS.copy()
    labels[1, 2] = value
    return labels


def integers(name):
    """Say what is wrong with INTEGERS."""
    return f"{name} must be float32 or float64, got int64"


def unequal(name, first):
    """Say what is wrong with OTHER."""
    return f"{name} has shape (2, 3, 5) but {first} has (2, 3, 4); they must agree"


def mixed(name, first):
    """Say what is wrong with a float32 array after one of float64."""
    return f"{name} is float32 but {first} is float64; they must agree"


NO_REDUCTION = {"reduction": "none"}
REDUCTION = "reduction must be 'mean' or 'sum', got 'none'"
NO_AXIS = "axis {} is out of range for x of shape (2, 3, 4)"

# operation -> arguments, options and what follows the operation's name in the error's text
OF_WRONG_TYPE = {
    "batch_norm": [
        (norm(x=[1.0]), TRAIN, "x must be an array, got list"),
        (norm(x=INTEGERS), TRAIN, integers("x")),
        (norm(gamma=C32), TRAIN, mixed("gamma", "x")),
        (norm(running_mean=C32), EVAL, mixed("running_mean", "x")),
        (norm(running_var=None), EVAL, "running_var must be an array, got NoneType"),
        (norm(), {**TRAIN, "momentum": None}, "momentum must be a number, got None"),
    ],
    "batch_norm_backward": [((X, X32, C, C, C), EVAL, mixed("x", "dy"))],
    "group_norm": [
        ((INTEGERS, C, C, 1), {}, integers("x")),
        ((X, C, C32, 1), {}, mixed("beta", "x")),
        ((X, None, C, 1), {}, "gamma must be an array, got NoneType"),
        ((X, C, C, 1.0), {}, "groups must be an int, got 1.0"),
        ((X, C, C, 1), {"eps": None}, "eps must be a number, got None"),
    ],
    "group_norm_backward": [((X, X32, C, G, G, 1), {}, mixed("x", "dy"))],
    "local_response_norm": [
        ((INTEGERS, 5), {}, integers("x")),
        ((X, 5), {"k": "2"}, "k must be a number, got '2'"),
    ],
    "relu": [
        (([1.0],), {}, "x must be an array, got list"),
        ((None,), {}, "x must be an array, got NoneType"),
        ((X.astype("float16"),), {}, "x must be float32 or float64, got float16"),
        ((X > 0,), {}, "x must be float32 or float64, got bool"),
    ],
    "prelu": [
        ((X, C32), {}, mixed("a", "x")),
        ((X, 0.25), {}, "a must be an array, got float"),
    ],
    "elu": [((INTEGERS,), {}, integers("x"))],
    "sigmoid": [((1.0,), {}, "x must be an array, got float")],
    "sigmoid_backward": [((X, X32), {}, mixed("y", "dy"))],
    "softmax": [((INTEGERS,), {}, integers("x"))],
    "log_softmax": [(([[1.0]],), {}, "x must be an array, got list")],
    "linear": [
        ((X, None), {}, "w must be an array, got NoneType"),
        ((X, W.astype("float32")), {}, mixed("w", "x")),
    ],
    "dropout": [
        ((INTEGERS, 0.5, RNG), {}, integers("x")),
        ((X, "half", RNG), {}, "p must be a number, got 'half'"),
        ((X, 0.5, None), {}, "rng must be a numpy.random.Generator, got NoneType"),
        ((X, 0.5, 42), {}, "rng must be a numpy.random.Generator, got int"),
    ],
    "cross_entropy": [
        ((INTEGERS, LABELS), {}, integers("logits")),
        ((X, LABELS * 1.0), {}, "target must be of an integer dtype, got float64"),
        ((X, [[0]]), {}, "target must be an array, got list"),
        ((X, LABELS), {"class_weight": C32}, mixed("class_weight", "logits")),
    ],
    "cross_entropy_backward": [((1.0, None, LABELS), {}, "probabilities must be an array, got")],
    "dice_loss": [((X, INTEGERS), {}, integers("target"))],
    "dice_loss_backward": [((1.0, X, X32), {}, mixed("target", "probabilities"))],
    "bce_with_logits": [((X, INTEGERS), {}, integers("target"))],
    "bce_with_logits_backward": [((1.0, None, X), {}, "logits must be an array, got NoneType")],
    "smooth_l1": [((X, X), {"beta": None}, "beta must be a number, got None")],
}

OF_WRONG_VALUE = {
    "batch_norm": [
        (norm(x=C), EVAL, "x must have shape (N, C, *S), got (3,)"),
        (norm(beta=C[:2]), EVAL, "beta must have shape (3,), got (2,)"),
        (norm(running_var=C[:1]), EVAL, "running_var must have shape (3,), got (1,)"),
        (norm(), {**EVAL, "eps": -1}, "eps must be at least 0, got -1"),
        (norm(), {**TRAIN, "momentum": 2}, "momentum must be in 0 … 1, got 2"),
        (
            norm(x=X[:1, :, :1]),
            TRAIN,
            "training needs more than one value per channel, got x of shape (1, 3, 1)",
        ),
    ],
    "batch_norm_backward": [
        ((OTHER, X, C, C, C), TRAIN, unequal("dy", "x")),
        ((X, X, C, C, C[:2]), EVAL, "inv_std must have shape (3,), got (2,)"),
    ],
    "group_norm": [
        ((C, C, C, 1), {}, "x must have shape (N, C, *S), got (3,)"),
        ((X, C[:2], C, 1), {}, "gamma must have shape (3,), got (2,)"),
        ((X, C, C, 0), {}, "groups must be at least 1, got 0"),
        ((X, C, C, 2), {}, "groups must divide the 3 channels of x, got 2"),
        ((X, C, C, 1), {"eps": -1}, "eps must be at least 0, got -1"),
    ],
    "group_norm_backward": [
        ((OTHER, X, C, G, G, 1), {}, unequal("dy", "x")),
        ((X, X, C, G, G, 3), {}, "mean must have shape (2, 3), got (2, 1)"),
        ((X, X, C, G, C, 1), {}, "inv_std must have shape (2, 1), got (3,)"),
    ],
    "local_response_norm": [
        ((C, 5), {}, "x must have shape (N, C, ...), got (3,)"),
        ((X, 0), {}, "size must be at least 1, got 0"),
    ],
    "local_response_norm_backward": [((OTHER, X, 5), {}, unequal("dy", "x"))],
    "relu_backward": [((X, OTHER), {}, unequal("y", "dy"))],
    "prelu": [
        ((C, C[:1]), {}, "x must have shape (N, C, ...), got (3,)"),
        (
            (X, C[:2]),
            {},
            "a must have shape (1,) or (3,), one slope for each channel of x of shape (2, 3, 4), "
            "got (2,)",
        ),
    ],
    "prelu_backward": [((X, OTHER, C), {}, unequal("x", "dy"))],
    "elu": [((X, -1.0), {}, "alpha must be at least 0, got -1.0")],
    "elu_backward": [((X, X, -1.0), {}, "alpha must be at least 0, got -1.0")],
    "sigmoid_backward": [((X, OTHER), {}, unequal("y", "dy"))],
    "softmax": [((X, 3), {}, NO_AXIS.format(3))],
    "softmax_backward": [((X, OTHER), {}, unequal("y", "dy"))],
    "log_softmax": [((C,), {}, "axis 1 is out of range for x of shape (3,)")],
    "log_softmax_backward": [((X, X, -4), {}, NO_AXIS.format(-4))],
    "linear": [
        ((X, C), {}, "w must have shape (O, I), got (3,)"),
        ((X, W, C), {}, "b must have shape (5,), got (3,)"),
        ((OTHER, W), {}, "x of shape (2, 3, 5) must have 4 as its last axis, as w of shape (5, 4)"),
    ],
    "linear_backward": [((X, X, W), {}, "dy must have shape (2, 3, 5), got (2, 3, 4)")],
    "dropout": [
        ((X, 1.5, RNG), {}, "p must be in 0 … 1, got 1.5"),
        ((X, np.nan, RNG), {}, "p must be in 0 … 1, got nan"),
        ((C, 0.5, RNG), {"per_channel": True}, "per_channel needs x of shape (N, C, ...), got (3,"),
    ],
    "dropout_backward": [
        ((X, OTHER), {}, "mask must have shape (2, 3, 4) or (2, 3, 1), got (2, 3, 5)")
    ],
    "cross_entropy": [
        ((C, LABELS), {}, "logits must have shape (N, K, *S) with K ≥ 1, got (3,)"),
        ((X, LABELS[:, 1:]), {}, "target must have shape (2, 4), got (2, 3)"),
        ((X, label(7)), {}, "target must be in 0 … 2 or ignore_index=-100, got 7"),
        ((X, label(-1)), {}, "target must be in 0 … 2 or ignore_index=-100, got -1"),
        (
            (X, label(3)),
            {"ignore_index": 255},
            "target must be in 0 … 2 or ignore_index=255, got 3",
        ),
        ((X, LABELS), {"class_weight": C[:2]}, "class_weight must have shape (3,), got (2,)"),
        ((X, LABELS), {"pixel_weight": C}, "pixel_weight must have shape (2, 4), got (3,)"),
        ((X, LABELS), NO_REDUCTION, REDUCTION),
    ],
    "cross_entropy_backward": [
        ((1.0, X, label(3)), {}, "target must be in 0 … 2 or ignore_index=-100, got 3"),
        ((1.0, C, LABELS), {}, "probabilities must have shape (N, K, *S) with K ≥ 1, got (3,)"),
    ],
    "dice_loss": [
        ((X, OTHER), {}, unequal("target", "probabilities")),
        ((W, W), {}, "probabilities must have shape (N, K, *S), got (5, 4)"),
        ((X, X), {"smooth": -1}, "smooth must be at least 0, got -1"),
    ],
    "bce_with_logits": [
        ((X, OTHER), {}, unequal("target", "logits")),
        ((X, X), {"weight": OTHER}, unequal("weight", "logits")),
        ((X, X), NO_REDUCTION, REDUCTION),
    ],
    "focal_loss": [
        ((X, X / 2), {}, "target must be 0 or 1, got 0.5"),
        ((X, X), {"gamma": -1}, "gamma must be at least 0, got -1"),
        ((X, X), {"alpha": 2}, "alpha must be at most 1, got 2"),
    ],
    "focal_loss_backward": [((1.0, X, X), NO_REDUCTION, REDUCTION)],
    "smooth_l1": [
        ((X, OTHER), {}, unequal("target", "x")),
        ((X, X), {"beta": -1}, "beta must be at least 0, got -1"),
    ],
    "smooth_l1_backward": [((1.0, X, X), NO_REDUCTION, REDUCTION)],
}


@pytest.mark.parametrize(NAMES, cases(OF_WRONG_TYPE, OF_WRONG_VALUE))
def test_bad_input_is_named(exception, operation, args, options, text, backend) -> None:
    """The text names the operation and the argument, what came and what was expected."""
    assert_named(backend, exception, operation, args, options, text)


def test_a_missing_generator_is_named(backend) -> None:
    """Dropout has no generator of its own to fall back on."""
    with minis.use(backend), pytest.raises(TypeError, match=r"dropout\(\) missing .*'rng'"):
        ops.dropout(X, 0.5)
