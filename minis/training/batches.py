"""Batches of a data set, in a new random order each epoch, that can stop and go on anywhere."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np


class Indexed(Protocol):
    """What can be counted and asked for an item: a list, or a data set."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


Collate = Callable[[Sequence[Any]], tuple[Any, Any]]


class Batches:
    """Draw batches from a data set, for `fit`.

    Each epoch goes through the samples once, in an order that is drawn when it begins. Order
    and position are state that a checkpoint saves.

    Parameters
    ----------
    dataset : sequence of samples
        `len(dataset)` and `dataset[i]`; see `minis.data`.
    batch_size : int
    augment : callable, optional
        From `(sample, rng)` to a sample; see `minis.data.Augment`.
    drop_last : bool
        Whether to leave out the last batch of an epoch if it is smaller than the others, which
        batch normalisation takes badly.
    collate : callable, optional
        From a list of samples to `(inputs, targets)`. Unless given, `minis.data.stack`: images
        (N, C, *spatial) and labels (N, *spatial).

    Raises
    ------
    ValueError
        If the data set is empty, `batch_size` is less than 1, or `drop_last` leaves no batch.

    Examples
    --------
    >>> samples = [10, 11, 12, 13, 14]
    >>> batches = Batches(samples, 2, collate=lambda drawn: (drawn, None))
    >>> rng = np.random.default_rng(0)
    >>> [batches(rng)[0] for _ in range(len(batches))]
    [[12, 14], [13, 10], [11]]
    """

    def __init__(
        self,
        dataset: Indexed,
        batch_size: int,
        augment: Callable[[Any, np.random.Generator], Any] | None = None,
        *,
        drop_last: bool = False,
        collate: Collate | None = None,
    ) -> None:
        if not len(dataset):
            raise ValueError("Batches: the data set is empty")
        if batch_size < 1:
            raise ValueError(f"Batches: batch_size must be at least 1, got {batch_size}")
        if drop_last and batch_size > len(dataset):
            raise ValueError(
                f"Batches: drop_last leaves no batch of {batch_size} from {len(dataset)} samples"
            )
        self.dataset = dataset
        self.batch_size = batch_size
        self.augment = augment
        self.drop_last = drop_last
        self.collate = collate or _stack
        self.epoch = 0
        self.position = 0
        self.order = np.zeros(0, np.int64)

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""
        batches = len(self.dataset) / self.batch_size
        return math.floor(batches) if self.drop_last else math.ceil(batches)

    def __call__(self, rng: np.random.Generator) -> tuple[Any, Any]:
        """Return the next batch, `(inputs, targets)`.

        Parameters
        ----------
        rng : numpy.random.Generator
            Draws the order of an epoch, and what `augment` does.
        """
        end = self.position + self.batch_size
        if self.position >= len(self.order) or (self.drop_last and end > len(self.order)):
            self.order = rng.permutation(len(self.dataset))
            self.epoch += 1
            self.position, end = 0, self.batch_size
        samples = [self.dataset[int(i)] for i in self.order[self.position : end]]
        if self.augment is not None:
            samples = [self.augment(sample, rng) for sample in samples]
        self.position = end
        return self.collate(samples)

    def state_dict(self) -> dict[str, Any]:
        """Return the epoch (from 1), the position in it and its order, the array not copied."""
        return {"epoch": self.epoch, "position": self.position, "order": self.order}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved position.

        Raises
        ------
        ValueError
            If the state is that of a data set of another size.
        """
        if len(state["order"]) not in (0, len(self.dataset)):
            raise ValueError(
                f"Batches.load_state_dict: the state is of a data set of {len(state['order'])} "
                f"samples, this one has {len(self.dataset)}"
            )
        self.epoch, self.position = state["epoch"], state["position"]
        self.order = np.array(state["order"], np.int64)


def _stack(samples: Sequence[Any]) -> tuple[Any, Any]:
    from ..data.sample import stack

    return stack(samples)
