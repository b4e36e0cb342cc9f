"""The networks compute what networks.json holds: PyTorch's results, without PyTorch."""

import json
from pathlib import Path

import numpy as np
import pytest

import minis
from minis.models import MODELS
from minis.models.fcn import FCN
from minis.models.segnet import SegNet
from minis.models.tiramisu import Tiramisu
from minis.models.unet import UNet
from minis.models.vnet import VNet

from ..models.scaled_error import scaled_error
from .configurations import CONFIGURATIONS, draw_weights, golden_values, is_drawn, uniform

CLASSES = {"fcn": FCN, "segnet": SegNet, "tiramisu": Tiramisu, "unet": UNet, "vnet": VNet}
EXPECTED = json.loads(Path(__file__).with_name("networks.json").read_text(encoding="utf-8"))


def compute(golden):
    """Do what make.py does, with minis's network."""
    model = CLASSES[golden.model](**golden.options).astype(np.float64)
    learned = {name for name, _ in model.named_parameters()}
    state = model.state_dict()
    shapes = {k: v.shape for k, v in state.items() if is_drawn(k, k in learned)}
    rng = np.random.default_rng(0)
    for name, value in draw_weights(rng, shapes).items():
        state[name][...] = value
    x = uniform(rng, golden.shape)
    evaluated = model.eval()(x)
    output = model.train()(x)
    dx = model.backward(uniform(rng, output.shape))
    gradients = {name: p.grad for name, p in model.named_parameters()}
    return golden_values(evaluated, output, dx, gradients)


def assert_close(got, expected, bound):
    """Compare two networks' entries, name by name."""
    assert got.keys() == expected.keys()
    for name, value in expected.items():
        if isinstance(value, dict):
            assert_close(got[name], value, bound)
        else:
            assert scaled_error(np.array(got[name]), np.array(value)) <= bound, name


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_network_computes_its_golden_values(name, backend):
    """Output in evaluation and in training, and every gradient."""
    with minis.use(backend):
        got = compute(CONFIGURATIONS[name])
    assert_close(got, EXPECTED[name], 1e-8)


def test_every_network_has_golden_values():
    """None can be added without them, and none of the file's is left over."""
    with_files = {path.parent.name for path in Path(__file__).parent.glob("*/paper.npz")}
    elsewhere = {folder.replace("_", "-") for folder in with_files}
    here = {golden.model for golden in CONFIGURATIONS.values()}
    assert here | elsewhere == set(MODELS)
    assert all(CLASSES[name] is MODELS[name] for name in here)
    assert EXPECTED.keys() == CONFIGURATIONS.keys()


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_golden_values_say_something(name):
    """Outputs and gradients are neither zero nor beyond what a tolerance can tell apart."""
    *results, gradients = EXPECTED[name].values()
    assert all(0.1 < norm < 1e5 for norm, *_ in results)
    moving = [name for name, (norm, *_) in gradients.items() if norm > 1e-3]
    still = set(gradients) - set(moving)  # batch norm takes away what a bias before it adds
    assert all(name.endswith("bias") for name in still)
    assert max(norm for norm, *_ in gradients.values()) < 1e6


def test_file_is_what_the_script_writes():
    """The references compute the same again."""
    pytest.importorskip("torch", reason="the golden values are PyTorch's")
    from .make import compute_all

    values = compute_all()
    assert values.keys() == EXPECTED.keys()
    for name in values:
        assert_close(values[name], EXPECTED[name], 1e-10)
