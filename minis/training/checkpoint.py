"""A training run as a file: everything that the next step depends on.

    weights            parameters and buffers, under their own names
    optimiser/…        what the optimiser remembers for each parameter
    history/…          loss, learning rate and gradient norm of each step
    batches/…          the order of the epoch
    record             step, epoch, best score; the optimiser's kind and options, the position in
                       the data, the state of every generator, the validations, and metadata

A run that loads it into a model, an optimiser and a data set built as before continues bit for
bit.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..nn.module import Module
from .generators import find_generators, generator_states, restore_generators
from .history import History
from .optimiser import Optimiser
from .tensor_file import CheckpointError, read_tensors, write_tensors
from .weights import weights_of

FORMAT = 1


@dataclass
class TrainingState:
    """A training run between two steps.

    Parameters
    ----------
    model : Module
    optimiser : Optimiser
    rng : numpy.random.Generator
        Draws batches and augmentation.
    batches : object, optional
        If it has `state_dict` and `load_state_dict`, as `Batches` has, its position is saved:
        a flat dict of integers, floats, strings and arrays.
    history : History
    metadata : mapping
        Anything that JSON holds, such as the name and arguments to build the model anew.
    updating : bool
        True within an update of the parameters, when there is nothing whole to save.

    Examples
    --------
    >>> import tempfile
    >>> from minis.nn.module import Parameter
    >>> from minis.training import SGD
    >>> class Scale(Module):
    ...     def __init__(self, factor):
    ...         super().__init__()
    ...         self.factor = Parameter(np.array(factor))
    >>> def run(factor):
    ...     model = Scale(factor)
    ...     sgd = SGD(model.named_parameters(), lr=0.1)
    ...     return TrainingState(model, sgd, np.random.default_rng(0))
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     save_checkpoint(directory + "/last.safetensors", run(2.0))
    ...     resumed = run(0.0)
    ...     load_checkpoint(directory + "/last.safetensors", resumed)
    >>> resumed.model.factor.data
    array(2.)
    """

    model: Module
    optimiser: Optimiser
    rng: np.random.Generator
    batches: Any = None
    history: History = field(default_factory=History)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    updating: bool = False

    @property
    def step(self) -> int:
        """Number of steps completed."""
        return self.history.steps


def save_checkpoint(path: str | os.PathLike[str], state: TrainingState) -> None:
    """Write a training run, in place of an older file, in one step.

    Parameters
    ----------
    path : path
        A safetensors file in a directory that exists.
    state : TrainingState

    Raises
    ------
    OSError
        If the file can't be written; an older one is then as it was.
    """
    optimiser = state.optimiser.state_dict()
    arrays = weights_of(state.model)
    arrays |= {f"optimiser/{name}": array for name, array in optimiser.pop("memory").items()}
    arrays |= {f"history/{name}": array for name, array in state.history.arrays().items()}
    position: dict[str, Any] = {}
    saved = state.batches.state_dict() if hasattr(state.batches, "state_dict") else {}
    for name, value in saved.items():
        if isinstance(value, np.ndarray):
            arrays[f"batches/{name}"] = value
        else:
            position[name] = value
    record = {
        "content": "checkpoint",
        "format": FORMAT,
        "step": state.step,
        "epoch": getattr(state.batches, "epoch", None),
        "best_score": state.history.best_score,
        "optimiser": optimiser,
        "batches": position,
        "generators": generator_states(find_generators(state.model, state.rng)),
        "validations": state.history.validations(),
        "metadata": dict(state.metadata),
    }
    write_tensors(path, arrays, record)


def load_checkpoint(path: str | os.PathLike[str], state: TrainingState) -> None:
    """Continue a training run that `save_checkpoint` wrote.

    Parameters
    ----------
    path : path
    state : TrainingState
        Of a model, an optimiser and batches built as before; what they hold is overwritten, and
        so are the generators' states, the history and the metadata.

    Raises
    ------
    CheckpointError
        If the file is cut off, damaged, or not a checkpoint.
    ValueError
        If the model, the optimiser, the data set or the generators are not as they were; the
        text lists what differs.
    OSError
        If the file isn't there or can't be read.
    """
    arrays, record = read_tensors(path)
    if record.get("content") != "checkpoint":
        raise CheckpointError(
            f"{path} is no training checkpoint, though a safetensors file: it holds "
            f"{record.get('content', 'arrays of another program')}; `load_weights` reads weights"
        )
    if record["format"] != FORMAT:
        raise CheckpointError(
            f"{path} has checkpoint format {record['format']}, this version reads {FORMAT}"
        )
    try:
        if state.optimiser.lr != record["optimiser"]["lr"]:
            raise ValueError(
                f"the learning rate was {record['optimiser']['lr']}, is {state.optimiser.lr}; "
                "to go on with another one, change the schedule, or begin anew from these weights"
            )
        _check_dtypes(state.model, arrays)
        state.model.load_state_dict(_under("", arrays))
        state.optimiser.load_state_dict(
            record["optimiser"] | {"memory": _under("optimiser/", arrays)}
        )
        position = record["batches"] | _under("batches/", arrays)
        if bool(position) != hasattr(state.batches, "state_dict"):
            raise ValueError(
                "the batches' position in the data was saved, but these have none"
                if position
                else "no position in the data was saved, but these batches have one"
            )
        if position:
            state.batches.load_state_dict(position)
        restore_generators(find_generators(state.model, state.rng), record["generators"])
    except ValueError as error:
        raise ValueError(f"{path} can't be resumed: {error}") from error
    state.history = History.restored(_under("history/", arrays), record["validations"])
    state.metadata = record["metadata"]


def _check_dtypes(model: Module, arrays: Mapping[str, np.ndarray]) -> None:
    for name, array in model.state_dict().items():
        if name in arrays and arrays[name].dtype != array.dtype:
            raise ValueError(f"{name} was {arrays[name].dtype}, is {array.dtype}: see `astype`")


def _under(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays whose names begin so, without the prefix; "" gives those without a slash."""
    if not prefix:
        return {name: array for name, array in arrays.items() if "/" not in name}
    return {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}
