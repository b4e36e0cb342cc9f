"""The states of random generators, of every kind, through a file and back."""

import numpy as np
import pytest

from minis.nn.module import Module
from minis.training.generators import find_generators, generator_states, restore_generators
from minis.training.tensor_file import read_tensors, write_tensors

from .small_network import Net

KINDS = [np.random.PCG64, np.random.PCG64DXSM, np.random.MT19937, np.random.Philox, np.random.SFC64]


def draw(rng):
    return [*rng.random(3), *rng.integers(9, size=3, dtype=np.int32), *rng.standard_normal(2)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_state_survives_a_file(kind, tmp_path):
    rng = np.random.Generator(kind(1))
    rng.integers(5, dtype=np.int32)  # leaves half a 64-bit number waiting
    write_tensors(tmp_path / "a", {}, generator_states({"fit": rng}))
    expected = draw(rng)
    other = np.random.Generator(kind(2))
    restore_generators({"fit": other}, read_tensors(tmp_path / "a")[1])
    assert draw(other) == expected


def test_finds_the_generators_of_modules_deep_inside():
    model, outer = Module(), Module()
    outer.blocks = [Net(np.random.default_rng(0)), model]
    model.noise = np.random.default_rng(1)
    found = find_generators(outer, np.random.default_rng(2))
    assert list(found) == ["fit", "model.blocks.0.drop.rng", "model.blocks.1.noise"]
    assert found["model.blocks.1.noise"] is model.noise


def test_shared_generators_must_be_shared_again():
    a, b, c = (np.random.default_rng(i) for i in range(3))
    saved = generator_states({"fit": a, "model.rng": a})
    b.random()
    before = b.bit_generator.state
    with pytest.raises(ValueError, match=r"fit = model\.rng was saved, fit \| model\.rng is there"):
        restore_generators({"fit": b, "model.rng": c}, saved)
    assert b.bit_generator.state == before
    restore_generators({"fit": b, "model.rng": b}, saved)
    assert b.bit_generator.state == a.bit_generator.state


@pytest.mark.parametrize(
    ("generators", "text"),
    [
        ({"fit": np.random.default_rng(0)}, r"unexpected model\.rng"),
        (dict.fromkeys(["fit", "model.rng", "model.b"], np.random.default_rng(0)), r"model\.b"),
        (
            dict.fromkeys(["fit", "model.rng"], np.random.Generator(np.random.MT19937(0))),
            "fit was a PCG64, is a MT19937",
        ),
    ],
)
def test_says_what_is_wrong(generators, text):
    saved = generator_states(dict.fromkeys(["fit", "model.rng"], np.random.default_rng(0)))
    with pytest.raises(ValueError, match=text):
        restore_generators(generators, saved)
