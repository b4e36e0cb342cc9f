"""Weights as files: ours, other programs', and PyTorch's."""

import sys

import numpy as np
import pytest

from minis.nn.module import Module, Parameter
from minis.training import CheckpointError, fit, load_weights, read_metadata, save_weights

from .small_network import Net, run


@pytest.fixture
def model():
    return Net(np.random.default_rng(3))


def fresh():
    return Net(np.random.default_rng(4))


def same(a, b):
    a, b = a.state_dict(), b.state_dict()
    return a.keys() == b.keys() and all(a[k].tobytes() == b[k].tobytes() for k in a)


def test_round_trip(model, tmp_path):
    model(np.ones((2, 6), np.float32))  # moves the buffer
    metadata = {"model": "Net", "arguments": {"channels": [1, 2]}}
    save_weights(model, tmp_path / "w.safetensors", metadata)
    other = fresh()
    assert load_weights(other, tmp_path / "w.safetensors") is other
    assert same(model, other)
    assert read_metadata(tmp_path / "w.safetensors") == metadata


def test_others_read_them_and_we_read_theirs(model, tmp_path):
    from safetensors.numpy import load_file, save_file

    save_weights(model, tmp_path / "w.safetensors")
    back = load_file(tmp_path / "w.safetensors")
    assert back.keys() == model.state_dict().keys()
    save_file(back, tmp_path / "theirs.safetensors")
    assert same(load_weights(fresh(), tmp_path / "theirs.safetensors"), model)
    assert read_metadata(tmp_path / "theirs.safetensors") == {}


def test_a_training_checkpoint_holds_weights_too(tmp_path):
    arguments = run(steps=5)
    fit(**arguments, directory=tmp_path, metadata={"model": "Net"})
    path = tmp_path / "last.safetensors"
    assert same(load_weights(fresh(), path), arguments["model"])
    assert read_metadata(path) == {"model": "Net"}


def test_another_model_is_an_error_that_lists_the_names(model, tmp_path):
    save_weights(model, tmp_path / "w.safetensors")
    other = fresh()
    other.head.weight = Parameter(np.zeros((4, 8), np.float32))
    other.tail = Parameter(np.zeros(2))
    before = {name: a.copy() for name, a in other.state_dict().items()}
    with pytest.raises(ValueError, match="don't fit") as caught:
        load_weights(other, tmp_path / "w.safetensors")
    assert "missing tail" in str(caught.value)
    assert "head.weight has shape (3, 8), expected (4, 8)" in str(caught.value)
    assert all((before[name] == a).all() for name, a in other.state_dict().items())


def test_pth_files_are_read_without_unpickling_code(model, tmp_path):
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle")
    state = {name: torch.tensor(a) for name, a in model.state_dict().items()}
    torch.save(state, tmp_path / "w.pth")
    assert same(load_weights(fresh(), tmp_path / "w.pth"), model)

    torch.save({"fit": fit}, tmp_path / "evil.pth")  # a function: pickled code
    with pytest.raises(CheckpointError, match=r"evil\.pth can't be read as a PyTorch state dict"):
        load_weights(fresh(), tmp_path / "evil.pth")
    (tmp_path / "cut.pth").write_bytes((tmp_path / "w.pth").read_bytes()[:100])
    with pytest.raises(CheckpointError, match=r"cut\.pth"):
        load_weights(fresh(), tmp_path / "cut.pth")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_weights(fresh(), tmp_path / "nowhere.pth")


def test_a_pth_file_without_torch_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"w\.pth is a PyTorch file.*pip install torch"):
        load_weights(fresh(), tmp_path / "w.pth")


def test_a_name_with_a_slash_cannot_be_saved(tmp_path):
    model = Module()
    setattr(model, "a/b", Parameter(np.zeros(1)))
    with pytest.raises(ValueError, match="'a/b' can't be saved"):
        save_weights(model, tmp_path / "w.safetensors")
