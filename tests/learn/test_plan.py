"""Plans of networks against real runs: shapes, FLOPs, memory, errors; and nothing is changed."""

import copy
import json
import os
import time

import numpy as np
import pytest
from rich.console import Console

import minis
from minis import nn
from minis.backend import unavailable
from minis.learn import plan, profile
from minis.learn.profile_command import _peak_memory
from minis.learn.undrawn import Undrawn
from minis.models import DETECTORS, MODELS, MaskRCNN, UNet, build

SHAPES = {2: (2, 1, 72, 80), 3: (1, 1, 16, 24, 32)}
NETWORKS = {
    **{
        name: lambda name=name: build(name, in_channels=1, num_classes=3)
        for name in MODELS
        if name not in DETECTORS
    },
    "unpadded": lambda: UNet(width=4, levels=2, padded=False, batch_norm=False, dropout=0.5),
    "other layers": lambda: nn.Sequential(
        nn.Conv2d(1, 6, 3, groups=1, rng=np.random.default_rng(0)),
        nn.LocalResponseNorm(),
        nn.PReLU(6),
        nn.AvgPool(2, padding=1),
        nn.ELU(),
        nn.Dropout(0.5, per_channel=True, rng=np.random.default_rng(0)),
        nn.Upsample(3, mode="linear"),
        nn.Sigmoid(),
        nn.Linear(120, 4, rng=np.random.default_rng(0)),
        nn.Softmax(),
    ),
}


def shape_for(model):
    return SHAPES[getattr(model, "axes", 2)]


def values(shape):
    return np.random.default_rng(0).standard_normal(shape, dtype=np.float32)


@pytest.mark.parametrize("name", NETWORKS)
def test_rows_and_flops_are_those_of_a_real_run(name):
    """Each layer's shapes and FLOPs, and all of training's."""
    model = NETWORKS[name]()
    x = values(shape_for(model))
    planned = plan(model, x.shape)
    with profile() as inference:
        y = model.eval()(x)
    with profile() as training:
        model.train()(x)
        model.backward(y)
    assert planned.output_shape == y.shape
    shapes, flops = {}, {}
    for row in planned.rows:
        shapes.setdefault(row.name, [])
        if row.shape not in shapes[row.name]:
            shapes[row.name].append(row.shape)
        flops[row.name] = flops.get(row.name, 0) + row.flops
    assert shapes == {row.name: row.shapes for row in inference.rows}
    assert flops == {row.name: row.forward.cost.flops for row in inference.rows}
    total = training.total
    assert planned.training.flops == total.forward.cost.flops + total.backward.cost.flops
    parameters = sum(p.data.size for p in model.parameters())
    assert planned.parameters == sum(row.parameters for row in planned.rows) == parameters
    assert planned.weight_bytes == sum(a.nbytes for a in model.state_dict().values())


@pytest.mark.parametrize("name", NETWORKS)
def test_memory_is_about_that_of_a_real_run(name):
    """Within 25 %: what operations take for themselves isn't counted."""
    if unavailable("numba"):
        pytest.skip("numba is not installed, and the NumPy text takes more for itself")
    model = NETWORKS[name]()
    x = values(shape_for(model))
    planned = plan(model, x.shape)
    dy = values(planned.output_shape)

    def train():
        y = model(x)
        assert y.shape == dy.shape
        model.backward(dy)

    with minis.use("numba"):
        train()  # compiles
        taken = x.nbytes + _peak_memory(train)
        assert planned.training.activations == pytest.approx(taken, rel=0.25)
        model.eval()(x)
        taken = x.nbytes + _peak_memory(lambda: model(x))
        assert planned.inference.activations == pytest.approx(taken, rel=0.25)


def test_memory_by_hand():
    """Inference: a layer's input and output. Training: what is remembered, and gradients."""
    network = nn.Sequential(nn.ReLU(), nn.Sigmoid(), nn.ReLU())
    planned = plan(network, (1, 1, 10, 10))
    # x, held by its caller; then input and output of the second layer
    assert planned.inference.activations == 3 * 400
    # x and what three layers remember; dy, and the input and output of a backward
    assert planned.training.activations == (4 + 3) * 400


def test_memory_in_all():
    """Weights, buffers, gradients, an optimiser's memory."""
    planned = plan(UNet.mini(), (1, 1, 32, 32))
    weights, gradients = 4 * (121_042 + 704), 4 * 121_042
    assert (planned.parameters, planned.buffers) == (121_042, 704)
    assert planned.memory() == planned.inference.activations + weights
    for name, values_kept in (("SGD", 0), ("SGD with momentum", 1), ("Adam", 2)):
        kept = weights + (1 + values_kept) * gradients
        assert planned.memory(name) == planned.training.activations + kept
    with pytest.raises(ValueError, match="no optimiser 'Lion'; there are SGD, SGD with momentum"):
        planned.memory("Lion")


def state(model):
    """Everything that a run could change."""
    found = copy.deepcopy(model.state_dict())
    found |= {f"{n} gradient": p.grad.copy() for n, p in model.named_parameters()}
    for name, part in model.modules():
        found[f"{name} mode"] = np.array(part.training)
        found[f"{name} remembered"] = np.array([id(v) for v in part._remembered])
        if isinstance(part, nn.Dropout):
            found[f"{name} rng"] = np.array(str(part.rng.bit_generator.state))
    return found


@pytest.mark.parametrize("name", NETWORKS)
def test_the_network_is_left_as_it_was(name):
    """Weights, gradients, running statistics, modes, generators, and what it remembers."""
    model = NETWORKS[name]()
    x = values(shape_for(model))
    model.backward(model(x))
    model(x)
    next(part for n, part in model.modules() if n).training = False
    before, identities = state(model), [id(a) for a in model.state_dict().values()]
    plan(model, x.shape)
    after = state(model)
    assert before.keys() == after.keys()
    for key, value in before.items():
        np.testing.assert_array_equal(value, after[key], err_msg=key)
    assert identities == [id(a) for a in model.state_dict().values()]


@pytest.mark.parametrize("shape", [(1, 1, 99, 99), (1, 2, 188, 188), (1, 1, 188), (1, 1, 188, 200)])
def test_a_size_that_does_not_fit(shape):
    """The network's own error, with the nearest sizes."""
    model = UNet(width=1, padded=False)
    with pytest.raises(ValueError, match="UNet: ") as real:
        model(np.zeros(shape, np.float32))
    with pytest.raises(ValueError, match="UNet: ") as planned:
        plan(model, shape)
    assert str(planned.value) == str(real.value)
    if shape[-1] == 99:
        assert "nearest: 188" in str(planned.value)


def test_a_size_to_infer_on_but_not_to_train_on():
    """Batch norm has a single value per channel at the deepest level."""
    planned = plan(UNet.mini(), (1, 1, 5, 5))
    assert planned.inference.activations > 0
    assert planned.training is None
    assert "batch_norm: training needs more than one value per channel" in planned.untrainable
    assert "(1, 64, 1, 1)" in planned.untrainable
    with pytest.raises(ValueError, match="not to be trained on this size: batch_norm"):
        planned.memory("SGD")
    assert planned.to_dict()["training"] is None
    assert "–" in str(planned)


def test_a_detector_cannot_be_planned():
    """What it computes isn't in the shape of its input; it is said what to do instead."""
    with pytest.raises(ValueError, match="MaskRCNN can't be planned: how many boxes") as told:
        plan(MaskRCNN.mini(), (1, 3, 64, 64))
    assert "`minis profile mask-rcnn` runs it" in str(told.value)


def test_large_networks_take_no_time_and_no_memory():
    """The published U-Net on a picture of a gigapixel: terabytes, planned in a moment."""
    started = time.perf_counter()

    def work():
        model = UNet.paper(rng=Undrawn())
        side = 188 + 16 * 1920
        planned = plan(model, (1, 1, side, side))
        assert planned.parameters == 31_030_658
        assert planned.output_shape == (1, 2, side - 184, side - 184)
        assert planned.training.activations > 2e12

    assert _peak_memory(work) < 20e6
    assert time.perf_counter() - started < 2


def test_undrawn_weights_make_the_same_plan():
    """As those that are drawn; and dropout's generator, which comes from the same one."""
    drawn, undrawn = (UNet(width=2, dropout=0.5, rng=rng) for rng in (None, Undrawn()))
    assert plan(drawn, (1, 1, 32, 32)) == plan(undrawn, (1, 1, 32, 32))


def test_float64():
    """Twice the memory."""
    single, double = (plan(UNet.mini().astype(t), (1, 1, 32, 32)) for t in ("float32", "float64"))
    assert double.dtype == "float64"
    assert double.memory() == 2 * single.memory()


class Direct(nn.Module):
    """Calls operations itself, and a layer twice."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3, padding=1, rng=np.random.default_rng(0))

    def forward(self, x):
        return minis.ops.relu(self.conv(minis.ops.relu(self.conv(x))))


def test_operations_outside_of_layers_have_rows():
    """As in a profile; each call has its own, and a layer's parameters count once."""
    planned = plan(Direct(), (1, 1, 8, 8))
    assert [(row.name, row.kind, row.parameters, row.field) for row in planned.rows] == [
        ("conv", "Conv2d", 10, (3, 3)),
        ("relu", "operation", 0, (3, 3)),
        ("conv", "Conv2d", 0, (5, 5)),
        ("relu", "operation", 0, (5, 5)),
    ]
    assert [row.shape for row in planned.rows] == [(1, 1, 8, 8)] * 4
    assert planned.untrainable == "Direct has no backward"


@pytest.mark.parametrize("width", [80, 100, 200])
def test_nothing_is_cut_in_the_table(width):
    """Every name, shape and number stands there whole."""
    planned = plan(UNet.paper(rng=Undrawn()), (12, 1, 572, 572))
    planned.rows[3].name = "backbone.body.layer4.2.downsample.0"
    console = Console(width=width, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    console.print(planned.table(width))
    console.print(planned.summary())
    text = console.export_text()
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    for row in planned.rows:
        assert row.kind in text
        assert row.name in text or width < 100
        assert "×".join(map(str, row.shape)) in text
        assert not row.parameters or f"{row.parameters:,}" in text
    assert "9,438,208" in text
    for total in (planned.memory(), planned.memory("Adam"), planned.training.activations):
        assert f"{total / 1e6:,.1f}" in text


def test_everything_as_numbers():
    """For JSON; and as text."""
    planned = plan(UNet.mini(), (1, 1, 32, 32))
    whole = json.loads(json.dumps(planned.to_dict()))
    assert whole["rows"][0]["shape"] == [1, 8, 32, 32]
    assert whole["rows"][0]["field"] == [3, 3]
    assert whole["optimisers"]["Adam"] == 8 * planned.parameters
    assert whole["memory"]["Adam"] == planned.memory("Adam")
    assert "merge.2.3" in str(planned)
