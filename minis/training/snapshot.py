"""What a step changes before it updates the parameters, kept so that it can be undone.

A forward pass moves the running statistics of batch normalisation and the generators of dropout;
drawing a batch moves the run's generator and the position in the epoch. A step that fails, or is
interrupted, puts all of it back: the run is then as it was after the last completed step.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..nn.module import Module
from .generators import find_generators, generator_states, restore_generators


class Snapshot:
    """The buffers and generators of a model, the run's generator and the position in its data.

    Parameters
    ----------
    model : Module
    rng : numpy.random.Generator
        The run's own.
    batches : object, optional
        Its `state_dict`, if it has one, is kept too, not copied.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> before = Snapshot(Module(), rng)
    >>> first = rng.random()
    >>> before.restore()
    >>> rng.random() == first
    True
    """

    def __init__(self, model: Module, rng: np.random.Generator, batches: Any = None) -> None:
        self.buffers = [
            (module, name, getattr(module, name).copy())
            for _, module in model.modules()
            for name in module._buffers
        ]
        self.generators = find_generators(model, rng)
        self.states = generator_states(self.generators)
        self.batches = batches if hasattr(batches, "state_dict") else None
        self.position = None if self.batches is None else self.batches.state_dict()

    def restore(self) -> None:
        """Put everything back as it was."""
        for module, name, value in self.buffers:
            getattr(module, name)[...] = value
        restore_generators(self.generators, self.states)
        if self.batches is not None:
            self.batches.load_state_dict(self.position)
