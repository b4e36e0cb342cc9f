"""Which step and which weight of one network is which of the other."""

import numpy as np
import pytest
import torch

from minis import nn
from minis.learn.comparing.matching import match
from minis.learn.comparing.ours import OurSteps
from minis.learn.comparing.step import Step, flat, shaped
from minis.learn.comparing.theirs import kind_of, their_steps
from minis.learn.comparing.weights import match_weights


def steps(*texts):
    """Make steps from "name kind side"."""
    made = []
    for text in texts:
        name, kind, side = text.split()
        y = np.zeros((1, 1, int(side)))
        made.append(Step(name, kind, y, y))
    return made


def names(pairs):
    """Write pairs as "ours=theirs"."""
    return " ".join(f"{o.name if o else '-'}={t.name if t else '-'}" for o, t in pairs)


def test_by_name():
    """Though the order of the calls is another, and a layer is called twice."""
    ours = steps("a conv 4", "b conv 4", "a conv 4", "c relu 4")
    theirs = steps("b conv 4", "a conv 4", "a conv 4", "c relu 4")
    pairs = match(ours, theirs)
    assert names(pairs) == "a=a b=b a=a c=c"
    assert pairs[0][1] is theirs[1]
    assert pairs[2][1] is theirs[2]


def test_by_order_with_something_missing():
    """The relu that theirs lacks is the one between the convolutions, by the shapes."""
    ours = steps("1 conv 8", "2 relu 8", "3 conv 4", "4 relu 4", "5 conv 4")
    theirs = steps("x conv 8", "y conv 4", "z relu 4", "w conv 4")
    assert names(match(ours, theirs)) == "1=x 2=- 3=y 4=z 5=w"
    assert names(match(theirs, ours)) == "x=1 -=2 y=3 z=4 w=5"


def test_values_decide_between_equals():
    """Of two layers of one kind and shape, the one that computes the same."""
    ours = steps("a relu 4", "b relu 4")
    (theirs,) = steps("x relu 4")
    ours[1].y = theirs.y = np.full((1, 1, 4), 3.0)
    assert names(match(ours, [theirs])) == "a=- b=x"


def test_a_module_of_unknown_make():
    """It stands for any operation whose result has its shape."""
    ours = steps("a conv 8", "b relu 8", "c conv 4")
    theirs = steps("x custom 8", "y relu 8", "z custom 2")
    assert names(match(ours, theirs)) == "a=x b=y -=z c=-"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("conv2d", "conv"), ("conv_transpose3d", "conv_transpose"), ("_max_pool1d", "max_pool"),
        ("max_pool2d_with_indices", "max_pool"), ("relu_", "relu"), ("upsample", "interpolate"),
        ("batch_norm", "batch_norm"), ("linear", "linear"), ("leaky_relu", "relu"),
        ("adaptive_avg_pool2d", None), ("conv_tbc", None), ("__add__", None), ("", None),
    ],
)  # fmt: skip
def test_names_of_pytorch(name, kind):
    """Ours for theirs."""
    assert kind_of(name) == kind


class Functional(torch.nn.Module):
    """Parameters of its own, functions of PyTorch, and each way of writing a ReLU."""

    def __init__(self):
        super().__init__()
        self.drop = torch.nn.Dropout(0.5)
        self.last = torch.nn.Parameter(torch.randn(2, 3, 1, 1))
        self.first = torch.nn.Parameter(torch.randn(3, 1, 3, 3))

    def forward(self, x):
        x = torch.relu(torch.nn.functional.conv2d(x, self.first, padding=1))
        x = torch.nn.functional.dropout(self.drop(x), 0.5)
        x = torch.nn.functional.conv2d(x, self.last)
        x = x.relu_().clamp_min(0)
        return torch.nn.functional.max_pool2d(torch.nn.functional.relu(x, True), 2)


def test_functions_are_seen():
    """Whoever calls them, with the gradients of each call; dropout drops nothing."""
    module = Functional()
    x = torch.randn(1, 1, 4, 4, requires_grad=True)
    with their_steps(module) as found:
        y = module(x)
    y.backward(torch.ones_like(y))
    assert [s.kind for s in found] == ["conv", "relu", "conv", "relu", "relu", "relu", "max_pool"]
    np.testing.assert_array_equal(found[1].y, found[2].x)
    assert (found[3].x < 0).any()  # as it was before it was written to
    np.testing.assert_array_equal(found[0].dx, x.grad.numpy())
    np.testing.assert_array_equal(found[2].dx, found[1].dy)
    np.testing.assert_array_equal(found[0].weights["weight"], module.first.detach().numpy())
    with their_steps(module) as again:
        module(x)
    np.testing.assert_array_equal(again[-1].y, found[-1].y)


def test_each_call_has_its_own_gradient():
    """Where two functions read one tensor, what goes back through each, not the sum."""
    module = torch.nn.Sequential(torch.nn.Identity())
    module.forward = lambda x: torch.relu(x) + 2 * torch.sigmoid(x)
    x = torch.randn(1, 1, 5, requires_grad=True)
    with their_steps(module) as found:
        module(x).sum().backward()
    relu, sigmoid = (step.dx for step in found)
    np.testing.assert_array_equal(relu, (x > 0).detach().double().numpy())
    np.testing.assert_allclose(relu + sigmoid, x.grad.numpy(), rtol=1e-6)
    assert np.abs(sigmoid).min() > 0


def test_our_steps():
    """Layers and bare operations, forward and backward, several calls of one layer."""
    conv = nn.Conv2d(1, 1, 3, padding=1, rng=np.random.default_rng(0))
    model = nn.Sequential(conv, nn.ReLU(), conv)
    watcher = OurSteps(model)
    x, dy = np.random.default_rng(1).standard_normal((2, 1, 1, 4, 4)).astype(np.float32)
    with watcher.looking_on():
        y = model(x)
        dx = model.backward(dy)
    assert [s.kind for s in watcher.steps] == ["conv", "relu", "conv"]
    first, _, last = watcher.steps
    np.testing.assert_array_equal(last.y, y)
    np.testing.assert_array_equal(last.dy, dy)
    np.testing.assert_array_equal(first.dx, dx)
    np.testing.assert_array_equal(first.x, x)


def test_weights_in_the_order_of_their_use():
    """Not in that of their names; a mean is no bias though they have one shape."""
    rng = np.random.default_rng(0)
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1, rng=rng),
        nn.BatchNorm(2),
        nn.Conv2d(2, 2, 1, bias=False, rng=rng),
        nn.Conv2d(2, 2, 1, bias=False, rng=rng),
    )

    class Norm(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.bias = torch.nn.Parameter(torch.zeros(2))
            self.weight = torch.nn.Parameter(torch.ones(2))
            self.register_buffer("running_var", torch.ones(2))
            self.register_buffer("running_mean", torch.zeros(2))

        def forward(self, x):
            statistics = self.running_mean, self.running_var
            return torch.nn.functional.batch_norm(x, *statistics, self.weight, self.bias, True)

    class Theirs(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.c = torch.nn.Conv2d(2, 2, 1, bias=False)
            self.n = Norm()
            self.b = torch.nn.Conv2d(2, 2, 1, bias=False)
            self.a = torch.nn.Conv2d(1, 2, 3, padding=1)

        def forward(self, x):
            return self.c(self.b(self.n(self.a(x))))

    theirs, watcher = Theirs(), OurSteps(model)
    with watcher.looking_on():
        model(np.zeros((1, 1, 4, 4), np.float32))
    with their_steps(theirs) as found:
        theirs(torch.zeros(1, 1, 4, 4))
    weights = match_weights(model, theirs, watcher.steps, found)
    assert dict(weights.by_order) == {
        "0.weight": "a.weight", "0.bias": "a.bias", "1.weight": "n.weight", "1.bias": "n.bias",
        "1.running_mean": "n.running_mean", "1.running_var": "n.running_var",
        "2.weight": "b.weight", "3.weight": "c.weight",
    }  # fmt: skip
    assert not weights.by_name


def test_weights_of_layers_that_belong_together():
    """A bias that theirs lacks doesn't take the next layer's, though shapes are alike."""
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 1, rng=rng), nn.BatchNorm(2))
    theirs = torch.nn.Sequential(
        torch.nn.Sequential(torch.nn.Conv2d(1, 2, 1, bias=False), torch.nn.BatchNorm2d(2))
    )
    watcher = OurSteps(model)
    with watcher.looking_on():
        model(np.zeros((1, 1, 4, 4), np.float32))
    with their_steps(theirs) as found:
        theirs(torch.zeros(1, 1, 4, 4))
    weights = match_weights(model, theirs, watcher.steps, found)
    assert weights.only_ours == ["0.bias (2,)"]
    assert dict(weights.by_order)["1.bias"] == "0.1.bias"
    assert not weights.only_theirs


def test_nested_results():
    """Flattened, and put together again."""
    form = [1, (2, {"a": 3})]
    assert list(flat(form)) == [1, 2, 3]
    assert shaped([4, 5, 6], form) == [4, (5, {"a": 6})]
