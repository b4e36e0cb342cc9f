"""Copying our parameters and buffers into a PyTorch module: by name, else by order and shape."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...backend import on_cpu
from ...nn import Module
from .matching import match
from .step import Step


@dataclass
class Weights:
    """Which array of ours is which of theirs.

    Attributes
    ----------
    by_name, by_order : list of (str, str)
        Our name and theirs; those of the same name and shape, and all others.
    only_ours, only_theirs : list of str
        Names, with shapes, that have no counterpart.
    """

    by_name: list[tuple[str, str]] = field(default_factory=list)
    by_order: list[tuple[str, str]] = field(default_factory=list)
    only_ours: list[str] = field(default_factory=list)
    only_theirs: list[str] = field(default_factory=list)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """All that were matched."""
        return self.by_name + self.by_order


def match_weights(
    model: Module, theirs: Any, our_steps: Sequence[Step], their_steps: Sequence[Step]
) -> Weights:
    """Say which of our parameters and buffers belongs to which of theirs.

    Parameters
    ----------
    model : Module
    theirs : torch.nn.Module
    our_steps, their_steps : sequence of Step
        Those without a common name are matched by them: an array goes with the first of the same
        shape and role in the layer that belongs to its own, else with the first that is left, in
        the order of the calls.

    Returns
    -------
    Weights
    """
    learned = {name for name, _ in model.named_parameters()}
    own = {name: tuple(a.shape) for name, a in model.state_dict().items()}
    tensors = {
        name: tensor
        for name, tensor in theirs.state_dict(keep_vars=True).items()
        if not name.endswith("num_batches_tracked")
    }
    other = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    is_learned = {name for name, _ in theirs.named_parameters(remove_duplicate=False)}
    found = Weights([(name, name) for name in own if other.get(name) == own[name]])
    names = {name for name, _ in found.by_name}
    ids = {id(array): name for name, array in model.state_dict().items()}
    left = _in_order([n for n in own if n not in names], our_steps, ids)
    used = {id(tensor): name for name, tensor in tensors.items()}
    right = _in_order([n for n in other if n not in names], their_steps, used)
    near = _of_matched_steps(our_steps, their_steps, ids, used, list(other))
    for only_near in (True, False):  # first those of layers that belong together, then the others
        for name in list(left):
            fits = (
                candidate
                for candidate in right
                if other[candidate] == own[name]
                and (candidate in is_learned) == (name in learned)
                and _role(candidate) == _role(name)
                and (candidate in near.get(_layer(name), ()) or not only_near)
            )
            chosen = next(fits, None)
            if chosen is not None:
                found.by_order.append((name, chosen))
                left.remove(name)
                right.remove(chosen)
    found.only_ours = [f"{name} {own[name]}" for name in left]
    found.only_theirs = [f"{name} {other[name]}" for name in right]
    return found


def vary_constants(model: Module) -> None:
    """Add random numbers to arrays that have one value: biases of 0, gammas of 1, fresh statistics.

    As they are, they would hide mistakes: a bias of 0 isn't missed, nor are gamma and beta that
    were taken for each other.

    Examples
    --------
    >>> from minis import nn
    >>> layer = nn.BatchNorm(3)
    >>> vary_constants(layer)
    >>> [float(np.ptp(a)) > 0 for a in layer.state_dict().values()]
    [True, True, True, True]
    """
    rng = np.random.default_rng(0)
    for array in model.state_dict().values():
        if array.size and array.min() == array.max():
            array += rng.uniform(0.05, 0.25, array.shape).astype(array.dtype)  # variances stay > 0


def copy_weights(model: Module, theirs: Any, weights: Weights) -> None:
    """Copy our arrays into those of theirs that they were matched with."""
    import torch

    state, target = model.state_dict(), theirs.state_dict()
    with torch.no_grad():
        for name, other in weights.pairs:
            array = np.ascontiguousarray(on_cpu(state[name]))
            target[other].copy_(torch.from_numpy(array))


def _of_matched_steps(
    our_steps: Sequence[Step],
    their_steps: Sequence[Step],
    ids: dict[int, str],
    used: dict[int, str],
    names: Sequence[str],
) -> dict[str, set[str]]:
    """For each layer of ours, what theirs has in the layers that belong to it by their calls."""
    near: dict[str, set[str]] = {}
    for ours, theirs in match(our_steps, their_steps):
        if ours is None or theirs is None:
            continue
        direct = {used[id(tensor)] for tensor in theirs.used if id(tensor) in used}
        layers = {_layer(name) for name in direct} - {"."}
        found = direct | {name for name in names if _layer(name) in layers}
        for array in ours.used:
            if id(array) in ids:
                near.setdefault(_layer(ids[id(array)]), set()).update(found)
    return near


def _in_order(names: Iterable[str], steps: Sequence[Step], ids: dict[int, str]) -> list[str]:
    """Sort names by when they are first used; those that no step uses go with their layer."""
    first: dict[str, int] = {}
    for number, step in enumerate(steps):
        for used in step.used:
            name = ids.get(id(used))
            if name:
                first.setdefault(name, number)
                first.setdefault(_layer(name), number)
    last = len(steps)
    return sorted(names, key=lambda name: first.get(name, first.get(_layer(name), last)))


def _layer(name: str) -> str:
    return f"{name.rpartition('.')[0]}."


def _role(name: str) -> str:
    """Tell by its name what an array is for: vectors of one length may be any of these."""
    last = name.rpartition(".")[2]
    return next((role for role in ("mean", "var", "bias") if role in last), "weight")
