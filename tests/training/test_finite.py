"""NaN and infinity: the right step and layer are named, and nothing is disturbed."""

import re

import numpy as np
import pytest

from minis.nn.module import Module, Parameter
from minis.training import SGD, NonFiniteLossError, fit
from minis.training.finite import all_finite, explain_loss
from minis.training.tensor_file import read_record

from .small_network import Affine, run, same_run, samples

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def broken_from(step, break_it, **changes):
    """A run in which `break_it(arguments)` is called when step `step` draws its batch."""
    arguments = run() | changes
    draw, drawn = arguments["batches"], 0

    class Breaking:
        """The batches, with the position in them."""

        state_dict, load_state_dict = draw.state_dict, draw.load_state_dict

        def __call__(self, rng):
            nonlocal drawn
            drawn += 1
            inputs, targets = draw(rng)
            if drawn == step:
                inputs, targets = break_it(arguments, inputs, targets) or (inputs, targets)
            return inputs, targets

    return arguments | {"batches": Breaking()}, draw


def spoil(layer, value=np.nan):
    """Make a layer's output non-finite in one place, from now on."""
    forward = type(layer).forward

    def spoiled(x):
        y = np.array(forward(layer, x))
        y.flat[0] = value
        return y

    layer.forward = spoiled


def failure(arguments, **more):
    with pytest.raises(NonFiniteLossError) as caught:
        fit(**arguments, **more)
    return caught.value


@pytest.mark.parametrize(
    ("choose", "text"),
    [
        (lambda m: m.encoder[0], "'encoder.0' (Affine): 1 of 24 numbers"),
        (lambda m: m.encoder[1], "'encoder.1' (Centre)"),
        (lambda m: m.drop, "'drop' (Drop)"),
        (lambda m: m.head, "'head' (Affine): 1 of 9 numbers"),
        (lambda m: m, "Net itself"),
    ],
)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_names_the_first_layer_and_the_step(choose, text, value):
    arguments, _ = broken_from(5, lambda a, x, t: spoil(choose(a["model"]), value))
    error = failure(arguments)
    assert error.step == 5
    assert str(error).startswith("step 5: the loss is ")
    assert f"the first layer whose output isn't finite is {text}" in str(error)


def test_names_the_parameter_that_is_not_finite():
    def break_it(arguments, inputs, targets):
        arguments["model"].head.bias.data[1] = np.nan

    error = failure(broken_from(2, break_it)[0])
    assert "'head' (Affine): 3 of 9 numbers, its parameter 'bias' isn't finite itself" in str(error)


def test_names_the_size_of_what_a_layer_was_given():
    def break_it(arguments, inputs, targets):
        arguments["model"].encoder[0].weight.data[...] = 3e38

    error = failure(broken_from(1, break_it)[0])
    assert re.search(r"'encoder.0' \(Affine\): .* from inputs of at most [01]\.\d", str(error))


def test_names_the_input():
    error = failure(broken_from(3, lambda a, x, t: (np.where(x > 0, np.nan, x), t))[0])
    assert "step 3: the loss is nan; the input isn't finite" in str(error)


def test_names_the_targets():
    error = failure(broken_from(3, lambda a, x, t: (x, np.full(t.shape, np.nan)))[0])
    assert "every layer's output is finite, but the targets are not" in str(error)


def test_names_the_loss():
    arguments = run() | {"loss": lambda y, t: (np.log(-1.0), y)}
    assert "step 1: the loss is nan; every layer's output is finite: the loss function" in str(
        failure(arguments)
    )


def test_names_what_a_network_computes_between_its_layers():
    class Between(Module):
        def __init__(self):
            super().__init__()
            self.head = Affine(2, 1, np.random.default_rng(0))

        def forward(self, x):
            return self.head(np.log(x))

    text = explain_loss(Between(), np.array([[0.0, 1.0]]), None)
    assert text == "what the network passes to layer 'head' (Affine) isn't finite"


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ("head", "the first layer whose backward isn't finite is 'head' (Affine)"),
        ("drop", "the first layer whose backward isn't finite is 'drop' (Drop): the gradient of "),
    ],
)
def test_names_the_layer_whose_gradient_is_not_finite(where, text):
    arguments, untouched = run(), run()
    layer = getattr(arguments["model"], where)
    backward = type(layer).backward

    def spoiled(dy):
        dx = np.array(backward(layer, dy))
        if where == "head":
            layer.weight.grad[0, 0] = np.inf
        dx.flat[0] = np.nan
        return dx

    layer.backward = spoiled
    error = failure(arguments)
    assert "step 1: the loss is " in str(error)
    assert "but the gradient of 'encoder.0.weight'" in str(error)
    assert text in str(error)
    assert layer.backward is spoiled, "a hook that was there stays"
    assert same_run(arguments, untouched)
    assert all((p.grad == 0).all() for p in arguments["model"].parameters())


def test_names_the_loss_whose_gradient_is_not_finite():
    error = failure(run() | {"loss": lambda y, t: (1.0, np.full_like(y, np.inf))})
    assert "the gradient that the loss function returns isn't finite" in str(error)


def test_nothing_is_disturbed(tmp_path):
    """Parameters, buffers, generators, memory and files are those of the last completed step."""
    reference = run(steps=6)
    fit(**reference)
    arguments, draw = broken_from(7, lambda a, x, t: spoil(a["model"].head))
    model = arguments["model"]
    error = failure(arguments, directory=tmp_path)
    assert error.step == 7
    assert same_run(arguments | {"batches": draw}, reference)
    assert read_record(tmp_path / "last.safetensors")["step"] == 4
    assert [name for _, m in model.modules() for name in vars(m) if name == "forward"] == [
        "forward"
    ], "of all hooks, the test's own is left"
    assert not any(m._remembered for _, m in model.modules())


def test_the_run_again_draws_the_same_dropout_mask():
    """A failure that depends on the mask is found again."""

    def break_it(arguments, inputs, targets):
        model = arguments["model"]
        forward = type(model.drop).forward

        def sensitive(x):
            y = forward(model.drop, x)
            return y / 0.0 if model.drop._remembered[-1][0][0, 0] else y

        model.drop.forward = sensitive

    steps = set()
    for seed in range(8):
        arguments, _ = broken_from(1, break_it)
        arguments["model"].drop.rng = np.random.default_rng(seed)
        error = failure(arguments)
        steps.add(error.step)
        assert "'drop' (Drop)" in str(error)
    assert len(steps) > 1, "the mask decided"


def test_explaining_keeps_what_is_remembered():
    model = run()["model"]
    x = np.stack([s.image for s in samples(3)])
    model(x)
    kept = [list(m._remembered) for _, m in model.modules()]
    spoil(model.head)
    explain_loss(model, x, None)
    assert [list(m._remembered) for _, m in model.modules()] == kept
    model.backward(np.ones((3, 3), np.float32))


def test_a_module_under_two_names_is_watched_once():
    class Twice(Module):
        def __init__(self):
            super().__init__()
            self.first = self.second = Affine(2, 2, np.random.default_rng(0))

        def forward(self, x):
            return self.second(self.first(x))

    model = Twice()
    model.first.bias.data[0] = np.nan
    assert "'first' (Affine)" in explain_loss(model, np.ones((1, 2)), None)
    assert "forward" not in vars(model.first)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.array([1, 2]), True),
        (np.array([1.0, np.nan]), False),
        (np.float32("inf"), False),
        (float("nan"), False),
        (3, True),
        (None, True),
        ("nan", True),
        ([np.ones(2), (1.0, {"a": np.array(np.nan)})], False),
        (np.zeros(0), True),
        (np.array([1j * np.inf]), False),
    ],
)
def test_all_finite(value, expected):
    assert all_finite(value) is expected


def test_divergence_is_caught():
    """No trick: a learning rate that is far too high."""
    model = Affine(6, 3, np.random.default_rng(0))
    model.weight = Parameter(model.weight.data)
    arguments = run() | {"model": model, "schedule": None, "validate": None, "steps": 500}
    arguments["batches"] = lambda rng: (rng.random((4, 6)).astype(np.float32), np.ones((4, 1, 3)))
    arguments["optimiser"] = SGD(model.named_parameters(), 1e4)
    error = failure(arguments)
    assert "isn't finite" in str(error) or "loss function" in str(error)
    assert all_finite(model.state_dict())
