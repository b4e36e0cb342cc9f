"""`minis.learn.check`: what a learner is told."""

import os
import signal
import sys

import numpy as np
import pytest

from minis import ops
from minis.learn import check
from minis.learn.checking.codec import from_json, to_json
from minis.learn.checking.grids import first_difference, lines
from minis.learn.checking.patterns import pattern
from minis.learn.checking.picture import draw
from minis.learn.checking.trial import Trial
from minis.learn.specs.spec import Call


def text_of(function, operation):
    verdict = check(function, operation)
    assert not verdict.passed
    return verdict, str(verdict)


def test_a_right_function_is_told_what_held():
    def relu(x):
        return np.where(x < 0, x.dtype.type(0), x)

    verdict = check(relu)
    assert verdict.passed
    text = str(verdict)
    assert "relu is a right relu" in text
    assert "300    the same results as the NumPy text" in text
    assert "slope is 0" in text  # what only this operation promises
    assert "minis, the NumPy text" in text
    assert verdict.speed[0].name == "yours"
    assert verdict.speed[0].milliseconds > 0
    assert "minis, the NumPy text" in verdict._repr_html_()


def test_wrong_values_are_shown_at_their_smallest_with_their_cause():
    def conv(x, w, b=None, **options):
        return ops.conv.reference(x, np.flip(w, axis=tuple(range(2, w.ndim))).copy(), b, **options)

    verdict, text = text_of(conv, "conv")
    failure = verdict.failure
    assert failure.kind == "values"
    assert failure.cause_name == "flips_the_kernel"
    assert "cross-correlation" in text
    assert all(a.size <= 2 for a in failure.arguments.values())
    assert failure.call == "conv(x, w, None, stride=1, padding=0, dilation=1, groups=1)"
    assert not np.array_equal(failure.got, failure.expected)


def test_on_which_calls_it_fails():
    def ignores_groups(x, w, b=None, *, groups=1, **options):
        y = ops.conv.reference(x, w, b, groups=groups, **options)
        return 2 * y if groups > 1 else y

    assert "when groups is not 1" in text_of(ignores_groups, "conv")[1]


@pytest.mark.parametrize(
    ("function", "kind", "words"),
    [
        (lambda x: None, "nothing", "is a `return` missing?"),
        (lambda x: np.maximum(x, 0)[None], "shape", "expected (2, 3"),
        (lambda x: np.maximum(x, 0).astype("float64"), "dtype", "is float64; expected float32"),
        (lambda x: (np.maximum(x, 0), 1), "count", "it returned 2 results; relu returns 1 result"),
        (lambda x: "seven", "type", "is of type str; expected an array of float"),
        (
            lambda x: np.maximum(x, 0, out=x),
            "changed an input",
            "it wrote to its argument",
        ),
        (lambda x: x if (x >= 0).all() else np.maximum(x, 0), "shares memory", "return a copy"),
        (lambda x: 1 / 0, "exception", "ZeroDivisionError: division by zero in line"),
    ],
    ids=lambda p: p if isinstance(p, str) and " " not in p else "",
)
def test_what_is_wrong_in_form_is_explained(function, kind, words):
    verdict, text = text_of(function, "relu")
    assert verdict.failure.kind == kind
    assert words.split("(")[0] in " ".join(text.split())


def test_an_endless_loop_ends():
    def relu(x):
        while True:
            pass

    verdict, text = text_of(relu, "relu")
    assert verdict.failure.kind == "endless"
    assert "is there a loop that never ends?" in " ".join(text.split())


@pytest.mark.skipif(sys.platform != "linux", reason="functions run in this process elsewhere")
def test_a_crash_does_no_harm():
    def relu(x):
        os.kill(os.getpid(), signal.SIGSEGV)

    verdict, _ = text_of(relu, "relu")
    assert verdict.failure.kind == "lost"
    assert "died of signal 11" in verdict.failure.text


def test_an_unknown_operation_is_an_error_that_lists_the_known():
    with pytest.raises(ValueError, match="check: there is no operation 'convolve' to compare with"):
        check(lambda x: x, "convolve")


def test_a_broken_promise_is_told():
    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    verdict, text = text_of(sigmoid, "sigmoid")
    assert verdict.failure.kind == "promise"
    assert verdict.failure.cause_name == "overflows"
    assert "sigmoid of ±10⁴" in text


def test_a_pattern_needs_right_and_wrong_calls():
    assert pattern([Trial(Call(()), "values")]) is None
    assert pattern([Trial(Call(()))]) is None


def test_a_verdict_survives_its_journey():
    verdict = check(lambda x: x * np.nan, "relu")
    again = from_json(to_json(verdict))
    np.testing.assert_array_equal(again.failure.got, verdict.failure.got)
    assert again.failure.got.dtype == verdict.failure.got.dtype
    assert str(again) == str(verdict)


def test_the_first_difference_of_deep_arrays():
    a = np.zeros((2, 3, 4, 4))
    b = a.copy()
    b[1, 2, 0, 3] = 1
    assert first_difference(a, b) == (1, 2)
    assert first_difference(a, a) == (0, 0)
    assert lines(np.zeros((20, 2)))[-1] == "…"


def test_the_picture_is_drawn(tmp_path):
    verdict = check(lambda x: -np.maximum(x, 0), "relu")
    draw(verdict.failure, tmp_path / "wrong.png")
    assert (tmp_path / "wrong.png").read_bytes().startswith(b"\x89PNG")
    nothing = check(lambda x: None, "relu").failure
    with pytest.raises(ValueError, match="there are no values to draw"):
        draw(nothing, tmp_path / "none.png")
