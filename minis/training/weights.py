"""A model's weights as a file: safetensors, under the names of `state_dict`.

Such files are what other programs read and write too. A training checkpoint holds the weights
under the same names, its other arrays under names with a slash, so that `load_weights` reads
either.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from ..nn.module import Module
from .tensor_file import CheckpointError, read_record, read_tensors, write_tensors

AnyModule = TypeVar("AnyModule", bound=Module)


def save_weights(
    model: Module, path: str | os.PathLike[str], metadata: Mapping[str, Any] | None = None
) -> None:
    """Write a model's parameters and buffers.

    Parameters
    ----------
    model : Module
    path : path
        A safetensors file, replaced in one step if it is there.
    metadata : mapping, optional
        Anything that JSON holds, such as the name and arguments to build the model anew.

    Raises
    ------
    TypeError
        If JSON can't hold the metadata.
    OSError
        If the file can't be written.

    Examples
    --------
    >>> import tempfile
    >>> class Scale(Module):
    ...     def __init__(self, factor):
    ...         super().__init__()
    ...         self.factor = Parameter(np.array(factor))
    >>> import numpy as np
    >>> from minis.nn.module import Parameter
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     save_weights(Scale(2.0), directory + "/scale.safetensors", {"name": "Scale"})
    ...     model = load_weights(Scale(0.0), directory + "/scale.safetensors")
    ...     read_metadata(directory + "/scale.safetensors")
    {'name': 'Scale'}
    >>> model.factor.data
    array(2.)
    """
    record = {"content": "weights", "metadata": dict(metadata or {})}
    write_tensors(path, weights_of(model), record)


def load_weights(model: AnyModule, path: str | os.PathLike[str]) -> AnyModule:
    """Read a model's parameters and buffers.

    Parameters
    ----------
    model : Module
        Its arrays are written to.
    path : path
        A safetensors file, a training checkpoint included, or a `.pth` or `.pt` file, for
        which PyTorch must be installed: it is read by `torch.load(weights_only=True)`, which
        unpickles no code.

    Returns
    -------
    Module
        `model`.

    Raises
    ------
    CheckpointError
        If the file is cut off, damaged, or of another format.
    ValueError
        Listing the names that are missing, unexpected or misshapen; then nothing is loaded.
    ImportError
        If a `.pth` file comes and PyTorch isn't installed.
    OSError
        If the file isn't there or can't be read.
    """
    if Path(path).suffix in (".pth", ".pt"):
        return model.load_state_dict(_read_pth(path))
    arrays, _ = read_tensors(path)
    return model.load_state_dict({name: a for name, a in arrays.items() if "/" not in name})


def read_metadata(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the metadata that `save_weights` or `fit` was given, without reading the weights.

    Parameters
    ----------
    path : path
        A safetensors file.

    Returns
    -------
    dict
        Empty if there is none.

    Raises
    ------
    CheckpointError
        If the file is cut off, damaged, or of another format.
    OSError
        If the file isn't there or can't be read.
    """
    metadata = read_record(path).get("metadata", {})
    return dict(metadata)


def weights_of(model: Module) -> dict[str, Any]:
    """Return `model.state_dict()`, having checked that no name holds a slash.

    Raises
    ------
    ValueError
        If one does.
    """
    state = model.state_dict()
    for name in state:
        if "/" in name:
            raise ValueError(f"the array name {name!r} can't be saved: '/' marks training state")
    return state


def _read_pth(path: str | os.PathLike[str]) -> dict[str, Any]:
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            f"{path} is a PyTorch file, and PyTorch is not installed: pip install torch, or "
            "convert the file to safetensors where PyTorch is"
        ) from error
    with open(path, "rb"):
        pass  # a missing file is an OSError that names it
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        return {name: tensor.detach().numpy() for name, tensor in state.items()}
    except Exception as error:  # torch.load raises errors of many kinds, pickle's among them
        raise CheckpointError(f"{path} can't be read as a PyTorch state dict: {error}") from error
