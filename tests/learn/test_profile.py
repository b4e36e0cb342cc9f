"""Profiles: what is attributed to which layer or operation, and what it cost."""

import numpy as np
import pytest

import minis
from minis import nn, ops
from minis.backend import serve
from minis.learn import profile, profiler
from minis.learn.costs import Cost, cost
from minis.models import UNet
from minis.observer import observer

RNG = np.random.default_rng(0)


def values(*shape):
    return RNG.standard_normal(shape, dtype=np.float32)


class Clock:
    """A clock that tests advance."""

    now = 0.0

    def perf_counter(self):
        return self.now


CLOCK = Clock()


class Sleeper(nn.Module):
    """A layer of no operation that takes a second forward, two backward, on the clock above."""

    def forward(self, x):
        CLOCK.now += 1
        return x

    def backward(self, dy):
        CLOCK.now += 2
        return dy


class Network(nn.Module):
    """One layer called twice, an operation between, and time between them."""

    def __init__(self):
        super().__init__()
        self.first, self.deeper = Sleeper(), [nn.Sequential(nn.ReLU(), Sleeper())]

    def forward(self, x):
        x = self.first(self.first(x))
        CLOCK.now += 3
        return self.deeper[0](ops.sigmoid(x))

    def backward(self, dy):
        dy = self.deeper[0].backward(dy)
        dy = ops.sigmoid_backward(dy, dy)
        return self.first.backward(self.first.backward(dy))


def find(report, name):
    """Return the only row of that name."""
    (row,) = (row for row in report.rows if row.name == name)
    return row


@pytest.fixture
def network_report(monkeypatch):
    """A profile by that clock, on which operations take ten seconds and counting a hundred."""

    def slow_cost(*call):
        CLOCK.now += 100
        return Cost(1, 1)

    def slow_serve(*call):
        CLOCK.now += 10
        return serve(*call)

    monkeypatch.setattr(profiler, "time", CLOCK)
    monkeypatch.setattr(profiler, "_cost", slow_cost)
    monkeypatch.setattr(profiler, "serve", slow_serve)
    network, x = Network(), values(2, 3)
    with profile() as report:
        network(x)
        network.backward(x)
    return report


def test_rows_come_in_order_with_names_and_calls(network_report):
    """Dotted as in the state dict; an operation that the network calls itself has its own row."""
    found = [(row.name, row.kind, row.forward.calls) for row in network_report.rows]
    assert found == [
        ("first", "Sleeper", 2),
        ("sigmoid", "operation", 1),
        ("deeper.0.0", "ReLU", 1),
        ("deeper.0.1", "Sleeper", 1),
    ]
    assert [row.backward.calls for row in network_report.rows] == [2, 1, 1, 1]


def test_time_goes_to_the_layer_that_spent_it(network_report):
    """A second for each call forward, two backward; three between the layers, ten in operations."""
    found = [(row.forward.seconds, row.backward.seconds) for row in network_report.rows]
    assert found == [(2, 4), (10, 10), (10, 10), (1, 2)]
    between = network_report.between
    assert (between.forward.seconds, between.backward.seconds) == (3, 0)
    assert network_report.total.seconds == 52


def test_grouped_by_operation(network_report):
    """The time outside operations is all that is left."""
    rows, rest = network_report.grouped("operation")
    assert [(row.name, row.forward.calls, row.backward.calls) for row in rows] == [
        ("sigmoid", 1, 1),
        ("relu", 1, 1),
    ]
    assert (rest.forward.seconds, rest.backward.seconds) == (6, 6)


def test_sorted_by_time(network_report):
    """The longest first, forward and backward together."""
    rows, _ = network_report.grouped(sort="time")
    assert [row.name for row in rows] == ["sigmoid", "deeper.0.0", "first", "deeper.0.1"]
    for wrong in ({"by": "kernel"}, {"sort": "size"}):
        with pytest.raises(ValueError, match=r"must be [a-z]+ or [a-z]+, got"):
            network_report.table(**wrong)


def test_costs_and_shapes_of_a_layer():
    """Those of its operations; a layer called with two shapes shows both."""
    with minis.use("numpy"):
        layer = nn.Conv2d(3, 4, 3, rng=np.random.default_rng(0))
        with profile() as report:
            for side in (6, 9):
                layer(values(1, 3, side, side))
            for side in (9, 6):
                layer.backward(values(1, 4, side - 2, side - 2))
    (row,) = report.rows
    assert (row.name, row.kind) == ("Conv2d", "Conv2d")
    assert row.shapes == [(1, 4, 4, 4), (1, 4, 7, 7)]
    assert row.forward.cost.flops == 2 * 27 * 4 * (16 + 49)
    assert row.backward.cost.flops == (4 * 27 + 1) * 4 * (16 + 49)
    assert row.forward.served == row.backward.served == ["numpy text"]
    assert (row.forward.calls, row.backward.calls) == (2, 2)


def test_operations_outside_of_layers_are_listed():
    """Under their own names; one within another counts as part of it."""
    x, w = values(1, 2, 4, 4), values(2, 3, 2, 2)
    with minis.use("numpy"), profile() as report:
        y = ops.conv_transpose(x, w)
        gradients = ops.conv_transpose_backward(y, x, w)  # calls conv
        ops.relu(x=x)
    assert [row.name for row in report.rows] == ["conv_transpose", "relu"]
    row = report.rows[0]
    assert row.forward.cost == cost("conv_transpose", (x, w), result=y)
    assert row.backward.cost == cost("conv_transpose_backward", (y, x, w), result=gradients)
    assert row.shapes == [y.shape]
    assert report.rows[1].shapes == [x.shape]


def test_a_whole_network():
    """Every layer has its row, with its name in the state dict, and forward and backward."""
    model = UNet.mini(rng=np.random.default_rng(0))
    x, dy = values(1, 1, 32, 40), values(1, 2, 32, 40)
    with profile() as report:
        model(x)
        model.backward(dy)
    leaves = [name for name, part in model.modules() if next(part.children(), None) is None]
    assert sorted(row.name for row in report.rows) == sorted(leaves)
    assert report.rows[0].name == "down.0.0"
    assert report.rows[-1].name == "head"
    assert find(report, "pool").forward.calls == find(report, "pool").backward.calls == 3
    assert all(row.forward.seconds > 0 and row.backward.seconds > 0 for row in report.rows)
    assert report.between.seconds > 0


def test_gradients_and_results_are_untouched():
    """Profiling changes nothing but the time."""
    x, dy = values(1, 1, 20, 20), values(1, 2, 20, 20)
    results = []
    for profiled in (False, True):
        model = UNet.mini(rng=np.random.default_rng(0))
        if profiled:
            with profile():
                y, dx = model(x), model.backward(dy)
        else:
            y, dx = model(x), model.backward(dy)
        results.append([y, dx, *(p.grad for p in model.parameters())])
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)


def test_two_networks_are_told_apart():
    """By their classes, and by a number where these are the same."""
    models = [nn.Sequential(nn.ReLU()), nn.Sequential(nn.ReLU()), nn.Sigmoid()]
    with profile() as report:
        for model in models:
            model(values(2, 3))
    names = [row.name for row in report.rows]
    assert names == ["Sequential.0", "Sequential 2.0", "Sigmoid"]


def test_a_layer_that_no_attribute_holds_is_named_after_its_class():
    """As one in a dict."""

    class Holder(nn.Module):
        def __init__(self):
            super().__init__()
            self.known, self.hidden = nn.ReLU(), {"a": nn.ELU()}

        def forward(self, x):
            return self.hidden["a"](self.known(x))

    with profile() as report:
        Holder()(values(2))
    assert [row.name for row in report.rows] == ["known", "ELU"]


def test_an_inherited_forward_counts_once():
    """Where an overriding method calls the one it overrides."""

    class Louder(nn.ReLU):
        def forward(self, x):
            return 2 * super().forward(x)

    with profile() as report:
        Louder()(values(2))
    (row,) = report.rows
    assert (row.kind, row.forward.calls) == ("Louder", 1)
    assert Louder.forward.__name__ == "forward"


def test_an_error_leaves_everything_in_order():
    """The rows so far are there, and the next call is at the right place."""
    model = nn.Sequential(nn.ReLU(), nn.Conv2d(2, 2, 3, rng=np.random.default_rng(0)))
    with profile() as report:
        with pytest.raises(ValueError, match="larger than x"):
            model(values(1, 2, 2, 2))
        model(values(1, 2, 4, 4))
        with pytest.raises(TypeError):
            ops.relu([1.0])
        ops.relu(values(2))
    assert [(r.name, r.forward.calls) for r in report.rows] == [("0", 2), ("1", 1), ("relu", 1)]
    with pytest.raises(TypeError), profile():
        ops.relu([1.0])
    assert observer.get() is None
