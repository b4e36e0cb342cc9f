"""A run that is interrupted and resumed equals one that never stopped, bit for bit."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minis
from minis import nn
from minis.training import RMSprop, fit
from minis.training.tensor_file import read_record, read_tensors

from .small_network import Net, run, same_run, squared_error

STEPS = 24


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """The run that never stopped: its arguments, its history and its directory."""
    arguments, directory = run(steps=STEPS), tmp_path_factory.mktemp("whole")
    return arguments, fit(**arguments, directory=directory), directory


def check_equal(arguments, history, directory, uninterrupted):
    expected, expected_history, expected_directory = uninterrupted
    assert same_run(arguments, expected)
    assert history == expected_history
    for name in ("last.safetensors", "best.safetensors"):
        assert (directory / name).read_bytes() == (expected_directory / name).read_bytes()


def resumed(directory, seed=7):
    """The same run from a fresh start: other weights and generators, which are overwritten."""
    arguments = run(seed, steps=STEPS)
    return arguments, fit(**arguments, directory=directory, resume=True)


@pytest.mark.parametrize("stop", [1, 4, 5, 7, 20, 23])
def test_stopped_after_some_steps(stop, tmp_path, uninterrupted):
    fit(**run(steps=stop), directory=tmp_path)
    arguments, history = resumed(tmp_path)
    assert same_run(arguments, uninterrupted[0])
    assert (history.loss, history.lr) == (uninterrupted[1].loss, uninterrupted[1].lr)
    assert history.validated_at == sorted({5, 10, 15, 20, 24, stop}), "the shorter run had an end"
    if stop % 5 == 0:
        check_equal(arguments, history, tmp_path, uninterrupted)


def test_without_a_checkpoint_resume_begins(tmp_path, uninterrupted):
    check_equal(*resumed(tmp_path, seed=0), tmp_path, uninterrupted)


def test_a_finished_run_is_finished(uninterrupted):
    before = (uninterrupted[2] / "last.safetensors").stat().st_mtime_ns
    _, history = resumed(uninterrupted[2])
    assert history == uninterrupted[1]
    assert (uninterrupted[2] / "last.safetensors").stat().st_mtime_ns == before


class Interrupter:
    """Raises KeyboardInterrupt at the n-th of the places that it is asked at."""

    def __init__(self, n):
        self.left = n

    def __call__(self):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def watched_run(at):
    """A run that asks `at` in drawing, in each layer's forward and backward, and in validation."""
    arguments = run(steps=STEPS)
    model, batches = arguments["model"], arguments["batches"]

    def asking(function):
        def wrapped(*given):
            at()
            result = function(*given)
            at()
            return result

        return wrapped

    for layer in (*model.encoder, model.drop, model.head):
        layer.forward = asking(layer.forward)
        layer.backward = asking(layer.backward)
    batches.augment = asking(batches.augment)
    arguments["loss"] = asking(arguments["loss"])
    arguments["validate"] = asking(arguments["validate"])
    return arguments


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 700))
def test_interrupted_anywhere_in_a_step(tmp_path_factory, uninterrupted, n):
    directory = tmp_path_factory.mktemp("run")
    at = Interrupter(n)
    with pytest.raises(KeyboardInterrupt):
        fit(**watched_run(at), directory=directory)
    assert at.left == 0
    check_equal(*resumed(directory), directory, uninterrupted)


def test_the_interrupted_checkpoint_is_of_the_last_completed_step(tmp_path):
    arguments, reference = run(steps=STEPS), run(steps=9)
    fit(**reference)
    calls = 0

    def loss(outputs, targets):
        nonlocal calls
        calls += 1
        if calls == 10:
            raise KeyboardInterrupt
        return squared_error(outputs, targets)

    with pytest.raises(KeyboardInterrupt):
        fit(**arguments | {"loss": loss}, directory=tmp_path)
    assert read_record(tmp_path / "last.safetensors")["step"] == 9
    assert same_run(arguments, reference), "the model in memory is put back as well"


@pytest.mark.parametrize("at_update", [1, 4, 11, 24])
def test_a_signal_within_the_update_waits_for_its_end(at_update, tmp_path, uninterrupted):
    arguments = run(steps=STEPS)
    optimiser = arguments["optimiser"]
    update, updates = optimiser.update, 0

    def signalled(parameter, memory):
        nonlocal updates
        updates += 1
        if updates == 4 * (at_update - 1) + 2:  # the second of four parameters
            os.kill(os.getpid(), signal.SIGINT)
        update(parameter, memory)

    optimiser.update = signalled
    with pytest.raises(KeyboardInterrupt):
        fit(**arguments, directory=tmp_path)
    assert updates == 4 * at_update
    assert read_record(tmp_path / "last.safetensors")["step"] == at_update
    check_equal(*resumed(tmp_path), tmp_path, uninterrupted)


def test_an_update_that_was_torn_is_not_saved(tmp_path, uninterrupted):
    arguments = run(steps=STEPS)
    optimiser = arguments["optimiser"]
    update, updates = optimiser.update, 0

    def torn(parameter, memory):
        nonlocal updates
        updates += 1
        if updates == 4 * 9 + 3:  # within step 10
            raise KeyboardInterrupt
        update(parameter, memory)

    optimiser.update = torn
    with pytest.raises(KeyboardInterrupt):
        fit(**arguments, directory=tmp_path)
    assert read_record(tmp_path / "last.safetensors")["step"] == 8, "the one before it stands"
    check_equal(*resumed(tmp_path), tmp_path, uninterrupted)


@pytest.mark.parametrize("step", [4, 16, 24])
def test_interrupted_while_a_checkpoint_is_written(step, tmp_path, monkeypatch, uninterrupted):
    replace, interrupted = os.replace, False
    arguments = run(steps=STEPS)

    def interrupting(source, target):
        nonlocal interrupted
        if not interrupted and arguments["optimiser"].steps == step:
            interrupted = True
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", interrupting)
    with pytest.raises(KeyboardInterrupt):
        fit(**arguments, directory=tmp_path)
    assert not list(tmp_path.glob(".*")), "no part of a file is left"
    assert read_record(tmp_path / "last.safetensors")["step"] == step
    check_equal(*resumed(tmp_path), tmp_path, uninterrupted)


def test_killed_without_warning(tmp_path, uninterrupted):
    """A process that ends on the spot, as in a power cut."""
    program = f"""
import os, signal
from minis.training import fit
from tests.training.small_network import run, squared_error

calls = 0

def deadly(outputs, targets):
    global calls
    calls += 1
    if calls == 15:
        os.kill(os.getpid(), signal.SIGKILL)
    return squared_error(outputs, targets)

fit(**run(steps={STEPS}) | {{"loss": deadly}}, directory={str(tmp_path)!r})
"""
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, check=False)
    assert done.returncode == -signal.SIGKILL
    assert read_record(tmp_path / "last.safetensors")["step"] == 12
    check_equal(*resumed(tmp_path), tmp_path, uninterrupted)


def test_the_earlier_handler_of_ctrl_c_is_back():
    before = signal.getsignal(signal.SIGINT)
    fit(**run(steps=3))
    assert signal.getsignal(signal.SIGINT) is before


def test_interrupted_without_a_directory_leaves_the_last_completed_step():
    reference = run(steps=2)
    fit(**reference)
    arguments = watched_run(Interrupter(70))
    with pytest.raises(KeyboardInterrupt):
        fit(**arguments)
    assert arguments["optimiser"].steps == 2
    assert same_run(arguments, reference)


def layers_run(seed):
    rng = np.random.default_rng(seed)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, rng=rng),
        nn.BatchNorm(4),
        nn.ReLU(),
        nn.Dropout(0.3, rng=rng),
        nn.Conv2d(4, 3, 1, rng=rng),
    )
    arguments = run(seed, steps=8) | {"model": model, "rng": rng, "validate": None}
    arguments["optimiser"] = RMSprop(model.named_parameters(), 0.01, momentum=0.5)

    def loss(outputs, targets):
        difference = outputs - (targets[:, None] == np.arange(3).reshape(1, 3, 1, 1))
        return float((difference**2).mean()), (2 * difference / difference.size).astype(np.float32)

    return arguments | {"loss": loss}


def test_the_layers_of_minis_resume_exactly(tmp_path):
    with minis.use("numpy"):
        whole = fit(**layers_run(0), directory=tmp_path / "whole")
        fit(**layers_run(0) | {"steps": 5}, directory=tmp_path / "part")
        arguments = layers_run(1)
        assert fit(**arguments, directory=tmp_path / "part", resume=True) == whole
    expected, _ = read_tensors(tmp_path / "whole" / "last.safetensors")
    actual, _ = read_tensors(tmp_path / "part" / "last.safetensors")
    assert expected.keys() == actual.keys()
    assert all(expected[name].tobytes() == actual[name].tobytes() for name in expected)


def test_another_seed_gives_another_run(uninterrupted):
    """Otherwise the comparisons above would prove nothing."""
    other = run(seed=1, steps=STEPS)
    assert fit(**other).loss != uninterrupted[1].loss
    assert not same_run(other, uninterrupted[0])
    assert isinstance(other["model"], Net)
