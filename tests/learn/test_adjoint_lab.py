"""The adjoint lab: matrices against ones that are written down here, and mistakes that it names."""

import numpy as np
import pytest

from minis import ops
from minis.learn.adjoint.command import beside, parse_options, relation
from minis.learn.adjoint.matrices import adjoint_lab
from minis.learn.adjoint.presets import MAXIMA, PRESETS, numbered_filter


def conv_matrix(side, w, stride=1, padding=0, dilation=1):
    """A convolution's matrix, entry by entry from its definition."""
    k = len(w)
    out = (side + 2 * padding - dilation * (k - 1) - 1) // stride + 1
    matrix = np.zeros((out * out, side * side))
    for i, j, a, b in np.ndindex(out, out, k, k):
        row, column = (v * stride + t * dilation - padding for v, t in ((i, a), (j, b)))
        if 0 <= row < side and 0 <= column < side:
            matrix[i * out + j, row * side + column] += w[a, b]
    return matrix


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"padding": 1},
        {"side": 5, "stride": 2},
        {"side": 5, "dilation": 2},
        {"side": 6, "kernel": 2, "stride": 3, "padding": 1},
    ],
)
def test_convolution_and_its_transpose(options):
    """conv is the matrix of its definition; conv_transpose, and conv's backward, its transpose."""
    lab = adjoint_lab("conv", **options)
    geometry = {k: v for k, v in options.items() if k not in ("side", "kernel")}
    w = numbered_filter(options.get("kernel", 3), options.get("kernel", 3))
    expected = conv_matrix(options.get("side", 4), w, **geometry)
    np.testing.assert_array_equal(lab.matrix, expected)
    np.testing.assert_array_equal(lab.backward, expected.T)
    assert lab.holds
    other = beside(lab, options)
    assert other.name == "conv_transpose"
    assert other.holds
    rows, columns = expected.shape
    if other.matrix.shape == (columns, rows):  # else a last row of x is read by no window
        np.testing.assert_array_equal(other.matrix, expected.T)
        assert "each is the other's backward" in relation(lab, other)


def test_pooling_and_unpooling():
    """With fixed indices they are each other's transpose, and pooling gives its own maxima."""
    pool, unpool = adjoint_lab("max_pool"), adjoint_lab("max_unpool")
    np.testing.assert_array_equal(pool.matrix, unpool.matrix.T)
    np.testing.assert_array_equal(pool.backward, unpool.matrix)
    assert pool.matrix.sum(axis=1).tolist() == [1, 1, 1, 1]
    maxima, _ = ops.max_pool(MAXIMA, 2)
    np.testing.assert_array_equal(pool.matrix @ MAXIMA.ravel(), maxima.ravel())
    assert "each is the other's backward" in relation(pool, beside(pool, {}))


def test_average_pooling_and_nearest_interpolation():
    """One is the other's transpose, but for the mean."""
    pool = adjoint_lab("avg_pool")
    other = beside(pool, {})
    assert (other.name, other.output_shape) == ("interpolate", (1, 1, 4, 4))
    np.testing.assert_array_equal(other.matrix, 4 * pool.matrix.T)
    assert relation(pool, other).endswith("transposed, times 4.")


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset(name):
    """The backward is the transpose; figure and text have it all, in 80 columns."""
    lab = adjoint_lab(name)
    assert lab.holds
    assert lab.matrix.shape == lab.backward.shape[::-1]
    assert np.any(lab.matrix)
    assert lab.left == pytest.approx(lab.right)
    from rich.console import Console

    console = Console(width=80, no_color=True)
    with console.capture() as captured:
        console.print(lab.text(80))
    text = captured.get()
    assert "The backward's matrix is Aᵀ" in " ".join(text.split())
    assert "needs" not in text
    assert max(map(len, text.splitlines())) <= 80
    assert len(lab.figure().axes) == 2
    other = beside(lab, {})
    if other is not None:
        assert len(lab.figure(other).axes) == 4


def test_linear_interpolation_and_roi_align():
    """Rows of weights that add up to 1, with a common denominator of 16."""
    for lab in (adjoint_lab("interpolate", mode="linear"), adjoint_lab("roi_align")):
        np.testing.assert_allclose(lab.matrix.sum(axis=1), 1)
        assert np.array_equal(16 * lab.matrix, np.round(16 * lab.matrix))
        assert "times 16" in str(lab)


def test_a_wrong_backward_is_shown():
    """Mirrored filters: the entries, their place in words, and red frames."""
    w, x = numbered_filter(1, 1, 3, 3), np.zeros((1, 1, 4, 4))
    lab = adjoint_lab(
        lambda x: ops.conv(x, w),
        backward=lambda dy: ops.conv_backward(dy, x, w[..., ::-1])[0],
        input_shape=x.shape,
    )
    assert not lab.holds
    expected = {
        (j, i)
        for j, i in np.ndindex(16, 4)
        if conv_matrix(4, w[0, 0])[i, j] != conv_matrix(4, w[0, 0, :, ::-1])[i, j]
    }
    assert set(lab.wrong) == expected
    text = " ".join(str(lab).split())
    assert "not Aᵀ: 24 of 64 entries" in text
    assert "how much of dy(0,0) goes to dx(0,0): it is 3, in Aᵀ 1." in text
    assert text.count("*") == 24 + 1
    frames = [p.get_xy() for p in lab.figure().axes[1].patches if p.get_edgecolor()[0] == 1]
    assert {(y + 0.5, x + 0.5) for x, y in frames} == expected


def test_an_operation_of_ones_own():
    """Its name; a matrix without small denominators is written in decimals."""

    def third(x):
        return np.array([x.sum() * np.pi])

    lab = adjoint_lab(third, backward=lambda dy: np.full(2, np.pi) * dy, input_shape=(2,))
    assert lab.holds
    assert lab.name == "third"
    assert "3.14" in str(lab)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        (("convolve",), {}, ValueError, "no preset 'convolve'; there are conv, conv_transpose"),
        (("conv",), {"strid": 2}, ValueError, "conv has no option 'strid'; it has side, kernel, s"),
        (("max_pool",), {"size": 3}, ValueError, "max_pool has no option 'size'; it has none"),
        (("conv",), {"input_shape": (3,)}, TypeError, "'conv' has a backward and an input's shape"),
        ((abs,), {}, TypeError, "a function needs backward= and input_shape="),
        ((abs,), {"backward": abs, "input_shape": (2,)}, ValueError, "abs isn't linear"),
        (("conv",), {"side": 20}, ValueError, "has 400 numbers; a matrix to look at has 1 … 256"),
        (
            (lambda x: x + 1,),
            {"backward": abs, "input_shape": (2,)},
            ValueError,
            "of x = 0 it makes [1. 1.]",
        ),
        (
            (lambda x: 2 * x,),
            {"backward": lambda dy: dy[:1], "input_shape": (2,)},
            ValueError,
            "returned an array of shape (1,); the input's shape is (2,)",
        ),
    ],
)
def test_mistakes_are_named(arguments, options, error, message):
    """What came, and what was expected."""
    with pytest.raises(error) as caught:
        adjoint_lab(*arguments, **options)
    assert message in str(caught.value)


def test_options_of_the_command():
    """Numbers, tuples and words; anything else is refused."""
    assert parse_options(["stride=2", "mode=linear"]) == {"stride": 2, "mode": "linear"}
    for text in ("stride", "=2", "stride="):
        with pytest.raises(ValueError, match="NAME=VALUE"):
            parse_options([text])
