"""Checkpoints: what they hold, and which runs they refuse to continue."""

import numpy as np
import pytest

from minis.training import (
    SGD,
    Batches,
    CheckpointError,
    TrainingState,
    fit,
    load_checkpoint,
    read_metadata,
    save_checkpoint,
    save_weights,
)
from minis.training.tensor_file import read_record, read_tensors, write_tensors

from .small_network import Net, noise, run, same_run, samples


def state_of(arguments):
    names = ("model", "optimiser", "rng", "batches")
    return TrainingState(**{name: arguments[name] for name in names})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.safetensors"


@pytest.fixture
def trained(path):
    """A run of seven steps, and its checkpoint."""
    arguments = run(steps=7)
    state = state_of(arguments)
    state.history = fit(**arguments)
    state.metadata = {"model": "Net"}
    save_checkpoint(path, state)
    return arguments, state


def test_everything_comes_back(trained, path):
    arguments, state = trained
    other = run(seed=9)
    back = state_of(other)
    load_checkpoint(path, back)
    assert same_run(arguments, other)
    assert back.history == state.history
    assert back.step == 7
    assert back.metadata == {"model": "Net"}


def test_the_record_says_where_the_run_stands(trained, path):
    record = read_record(path)
    assert (record["step"], record["epoch"]) == (7, 3)
    assert record["best_score"] == trained[1].history.best_score
    assert read_metadata(path) == {"model": "Net"}


@pytest.mark.parametrize("fraction", [0, 0.01, 0.3, 0.9, 0.999])
def test_cut_off(trained, path, fraction):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * fraction)])
    other = run(seed=9)
    untouched = run(seed=9)
    with pytest.raises(CheckpointError, match=r"a\.safetensors"):
        load_checkpoint(path, state_of(other))
    assert same_run(other, untouched)


def test_weights_are_no_checkpoint(path):
    save_weights(Net(np.random.default_rng(0)), path)
    with pytest.raises(CheckpointError, match=r"no training checkpoint.*it holds weights"):
        load_checkpoint(path, state_of(run()))
    write_tensors(path, {}, {})
    with pytest.raises(CheckpointError, match="arrays of another program"):
        load_checkpoint(path, state_of(run()))


def test_a_later_format_is_refused(trained, path):
    arrays, record = read_tensors(path)
    write_tensors(path, arrays, record | {"format": 2})
    with pytest.raises(CheckpointError, match="format 2, this version reads 1"):
        load_checkpoint(path, state_of(run()))


def other_optimiser(arguments, **options):
    settings = {"lr": 0.05, "momentum": 0.9} | options
    arguments["optimiser"] = SGD(arguments["model"].named_parameters(), **settings)


def other_data(arguments):
    arguments["batches"] = Batches(samples(5), 3, noise)


def other_dtype(arguments):
    arguments["model"].astype(np.float64)


def other_generator(arguments):
    arguments["model"].drop.rng = arguments["rng"]


def other_model(arguments):
    arguments["model"].extra = arguments["model"].head


def no_position(arguments):
    arguments["batches"] = lambda rng: None


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda a: other_optimiser(a, momentum=0.5), "momentum was 0.9, is 0.5"),
        (lambda a: other_optimiser(a, lr=0.1), "the learning rate was 0.05, is 0.1"),
        (other_data, "a data set of 7 samples, this one has 5"),
        (other_dtype, "encoder.0.weight was float32, is float64"),
        (other_generator, "modules share generators otherwise"),
        (other_model, "missing extra.weight"),
        (no_position, "position in the data was saved, but these have none"),
    ],
)
def test_another_run_is_refused(trained, path, change, text):
    arguments = run()
    change(arguments)
    with pytest.raises(ValueError, match=r"a\.safetensors can't be resumed") as caught:
        load_checkpoint(path, state_of(arguments))
    assert text in str(caught.value)


def test_batches_without_a_position_serve_too(path):
    def draw(rng):
        x = rng.random((2, 6)).astype(np.float32)
        return x, np.zeros((2, 1, 3))

    first, second = run(seed=1), run(seed=2)
    first["batches"] = second["batches"] = draw
    fit(**first | {"steps": 3}, directory=path.parent)
    load_checkpoint(path.parent / "last.safetensors", state_of(second))
    assert draw(first["rng"])[0].tolist() == draw(second["rng"])[0].tolist()
    with pytest.raises(ValueError, match="no position in the data was saved"):
        load_checkpoint(path.parent / "last.safetensors", state_of(run()))
