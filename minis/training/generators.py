"""The random number generators of a training run, and their states.

Training is random in three places: batches and augmentation draw from the generator that `fit`
is given, and modules such as dropout own one each. A run that resumes with all of them in their
saved states draws the numbers that it would have drawn. (NumPy keeps the count of `spawn`ed
children elsewhere, out of reach: spawn when a model is built, not while it is trained.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..nn.module import Module


def find_generators(model: Module, rng: np.random.Generator) -> dict[str, np.random.Generator]:
    """Return the run's generator and each that is an attribute of one of the model's modules.

    Parameters
    ----------
    model : Module
    rng : numpy.random.Generator
        The run's own, which comes under the name "fit".

    Returns
    -------
    dict of str to numpy.random.Generator
        The others' names are "model." and the dotted name of the attribute.

    Examples
    --------
    >>> class Noise(Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.rng = np.random.default_rng(1)
    >>> list(find_generators(Noise(), np.random.default_rng(0)))
    ['fit', 'model.rng']
    """
    found = {"fit": rng}
    for prefix, module in model.modules():
        for name, value in vars(module).items():
            if isinstance(value, np.random.Generator):
                found[".".join(filter(None, ("model", prefix, name)))] = value
    return found


def generator_states(generators: Mapping[str, np.random.Generator]) -> dict[str, Any]:
    """Return the states of some generators, and which names stand for one and the same.

    Parameters
    ----------
    generators : mapping of str to numpy.random.Generator

    Returns
    -------
    dict
        `states`, one for each distinct generator, and `names`, the position of each name's
        state among them.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> generator_states({"fit": rng, "model.drop.rng": rng})["names"]
    {'fit': 0, 'model.drop.rng': 0}
    """
    distinct = {id(generator): generator for generator in generators.values()}
    position = {key: i for i, key in enumerate(distinct)}
    return {
        "names": {name: position[id(generator)] for name, generator in generators.items()},
        "states": [generator.bit_generator.state for generator in distinct.values()],
    }


def restore_generators(
    generators: Mapping[str, np.random.Generator], saved: Mapping[str, Any]
) -> None:
    """Put generators back into saved states.

    Parameters
    ----------
    generators : mapping of str to numpy.random.Generator
    saved : mapping
        From `generator_states`, of generators under the same names, of the same kinds, of which
        the same ones are shared.

    Raises
    ------
    ValueError
        If one of these differs; then no state is changed.
    """
    current = generator_states(generators)
    names, states = saved["names"], saved["states"]
    problems = [f"missing {name}" for name in current["names"] if name not in names]
    problems += [f"unexpected {name}" for name in names if name not in current["names"]]
    if not problems and names != current["names"]:
        problems.append(
            f"modules share generators otherwise: {_sharing(names)} was saved, "
            f"{_sharing(current['names'])} is there"
        )
    if not problems:
        problems += [
            f"{name} was a {states[i]['bit_generator']}, "
            f"is a {current['states'][i]['bit_generator']}"
            for name, i in names.items()
            if states[i]["bit_generator"] != current["states"][i]["bit_generator"]
        ]
    if problems:
        raise ValueError("the random number generators don't fit:\n  " + "\n  ".join(problems))
    for name, i in names.items():
        generators[name].bit_generator.state = states[i]


def _sharing(names: Mapping[str, int]) -> str:
    groups: dict[int, list[str]] = {}
    for name, i in names.items():
        groups.setdefault(i, []).append(name)
    return " | ".join(" = ".join(group) for group in groups.values())
