"""Receptive fields against gradients: which pixels change an output, tried one output at a time."""

from fractions import Fraction

import numpy as np
import pytest

import minis
from minis import nn
from minis.backend import array_namespace
from minis.learn import plan
from minis.learn.planned_array import Planned
from minis.learn.receptive_field import UNKNOWN, hull, of_input, sizes, steps
from minis.models import UNet


def positive(model):
    """Make all weights and biases positive, so that nothing cancels and no ReLU cuts."""
    for parameter in model.parameters():
        parameter.data[...] = 0.1 + np.abs(parameter.data)
    return model


def spans_by_gradient(model, shape, outputs):
    """Find, along each axis, how many pixels reach each of those outputs: from first to last."""
    x, found = np.ones(shape, np.float32), []
    for place in outputs:
        y = model(x)
        dy = np.zeros_like(y)
        dy[(0, 0, *place)] = 1
        where = np.nonzero(model.backward(dy)[0, 0])
        found.append([int(np.ptp(w)) + 1 if w.size else 0 for w in where])
    return np.array(found)


class Skip(nn.Module):
    """A map, added to or beside itself through other layers, cropped to fit."""

    def __init__(self, inner, add):
        super().__init__()
        self.inner, self.add = inner, add

    def forward(self, x):
        y = self.inner(x)
        cut = [(a - b) // 2 for a, b in zip(x.shape[2:], y.shape[2:], strict=True)]
        part = x[(..., *(slice(c, c + s) for c, s in zip(cut, y.shape[2:], strict=True)))]
        self.remember(x.shape, cut)
        return y + part if self.add else array_namespace(x).concatenate([part, y], axis=1)

    def backward(self, dy):
        shape, cut = self.recall()
        size = dy.shape[2:]
        dx = array_namespace(dy).zeros(shape, dy.dtype)
        dpart, dinner = (dy, dy) if self.add else (dy[:, : shape[1]], dy[:, shape[1] :])
        dx[(..., *(slice(c, c + s) for c, s in zip(cut, size, strict=True)))] = dpart
        return dx + self.inner.backward(dinner)


def layers(*made):
    return positive(nn.Sequential(*made))


RNG = np.random.default_rng(0)


def conv(kernel, **options):
    return nn.Conv2d(1, 1, kernel, rng=RNG, **options)


def up(kernel, **options):
    return nn.ConvTranspose2d(1, 1, kernel, rng=RNG, **options)


NETWORKS = {
    "conv": (conv(3), conv((1, 5), stride=(1, 2)), conv(3, dilation=2)),
    "pool": (conv(3), nn.AvgPool(3, stride=2, padding=1), conv(3, padding=1)),
    "up": (conv(2, stride=2), conv(3), up(2, stride=2), conv(3), conv(3)),
    "overlap": (conv(4, stride=4), up((3, 5), stride=(2, 3), padding=1), conv(3)),
    "gaps": (conv(2), up(1, stride=3), conv(2)),
    "dilated up": (up(3, stride=2, dilation=2, padding=2), conv(2)),
    "nearest": (conv(2, stride=2), nn.Upsample(3), conv(4)),
    "linear": (conv(2, stride=2), nn.Upsample((2, 3), mode="linear"), conv(2)),
    "add": (Skip(layers(conv(3), conv(3)), add=True), nn.AvgPool(2), conv(2)),
    "beside": (
        Skip(layers(nn.AvgPool(2), conv(3), up(2, stride=2)), add=False),
        nn.Conv2d(2, 1, 3, rng=RNG),
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_against_gradients(name):
    """The largest and the smallest field among a dozen outputs in the middle of the map."""
    network, shape = layers(*NETWORKS[name]), (1, 1, 60, 60)
    planned = plan(network, shape)
    middle = [s // 2 for s in planned.output_shape[2:]]
    outputs = [(middle[0] + i, middle[1] + i) for i in range(-6, 7)]
    with minis.use("numpy"):
        found = spans_by_gradient(network, shape, outputs)
    seen = [column[column > 0] for column in found.T]  # a gap's output depends on nothing
    assert planned.field == tuple(c.max() for c in seen)
    assert planned.smallest_field == tuple(c.min() for c in seen)


def test_unet_against_gradients():
    """Every phase of the upsampling; means in place of maxima, so that all of a window counts."""
    model = positive(UNet(width=1, levels=4, padded=False, batch_norm=False))
    model.pool = nn.AvgPool(2)
    planned = plan(model, (1, 1, 140, 140))
    assert planned.output_shape == (1, 1 + 1, 52, 52)
    with minis.use("numpy"):
        found = spans_by_gradient(model, (1, 1, 140, 140), [(20 + i, 27 - i) for i in range(8)])
    assert planned.field == (found.max(),) * 2
    assert planned.smallest_field == (found.min(),) * 2
    assert found.min() < found.max()


def test_published_unet():
    """140 pixels at the deepest level; what is above it adds no more than its steps allow."""
    planned = plan(UNet(width=1, padded=False), (1, 1, 572, 572))
    rows = {row.name: row for row in planned.rows}
    assert (rows["down.4.5"].field, rows["down.4.5"].step) == ((140, 140), (16.0, 16.0))
    assert (planned.smallest_field, planned.field) == ((188, 188), (204, 204))


def test_each_row_has_its_field_and_step():
    """Anisotropic, and in three dimensions."""
    network = nn.Sequential(
        nn.Conv3d(1, 1, (1, 3, 3), rng=RNG), nn.MaxPool((1, 2, 2)), nn.Conv3d(1, 1, 3, rng=RNG)
    )
    rows = plan(network, (1, 1, 9, 20, 20)).rows
    assert [row.field for row in rows] == [(1, 3, 3), (1, 4, 4), (3, 8, 8)]
    assert [row.step for row in rows] == [(1, 1, 1), (1, 2, 2), (1, 2, 2)]


class Unpooled(nn.Module):
    """As SegNet: maxima are put back where they came from."""

    def __init__(self):
        super().__init__()
        self.first, self.deep = conv(3), conv(3, padding=1)
        self.pool, self.unpool = nn.MaxPool(2, return_indices=True), nn.MaxUnpool()

    def forward(self, x):
        x = self.first(x)
        y, indices = self.pool(x)
        return self.unpool(self.deep(y), indices, x.shape[2:])


def test_unpooling():
    """A window's value goes anywhere in it: 3 windows of 4 pixels, 2 apart. No row is unknown."""
    rows = plan(Unpooled().eval(), (1, 1, 18, 18)).rows
    assert [row.field[0] for row in rows] == [3, 4, 8, 8]
    assert rows[-1].step == (1.0, 1.0)


def test_corners_aligned():
    """Steps of 2/3 pixel: every third cell reads one, the others two."""
    network = nn.Upsample(2, mode="linear", align_corners=True)
    planned = plan(network, (1, 1, 2, 3))
    assert (planned.field, planned.smallest_field) == ((2, 2), (1, 1))
    assert planned.rows[0].step == (1 / 3, 2 / 5)


def test_what_padding_holds_depends_on_nothing():
    """And what is written into zeros, at its place."""
    x = Planned((1, 1, 8), field=of_input(1))
    y = np.zeros_like(x)
    assert y.field is None
    inner = y[..., 2:6]
    inner[...] = x[..., 1:5]
    assert y.field[0].first == -1  # cell 0 of y would be cell −1 of x
    assert sizes(y.field) == (1,)
    assert sizes((y + x).field) == (2,)


def test_what_does_not_fit_is_unknown():
    """Steps that differ, axes that were exchanged, sums over the map; it doesn't come back."""
    x = Planned((1, 1, 8, 8), field=of_input(2))
    for y in (
        x[..., ::2] + x[..., :4],
        x.transpose(0, 1, 3, 2),
        x.mean(axis=(2, 3), keepdims=True),
        x[..., ::-1],
        x[..., [0, 1]],
    ):
        assert y.field == UNKNOWN
        assert (x + y[..., :1, :1]).field == UNKNOWN
    assert steps(x[..., ::2].field) == (Fraction(1), Fraction(2))
    assert hull(None, None) is None
    network = nn.Sequential(nn.Linear(8, 8, rng=RNG), nn.ReLU())
    planned = plan(network, (1, 1, 8, 8))
    assert planned.field is None
    assert planned.rows[1].field is None
