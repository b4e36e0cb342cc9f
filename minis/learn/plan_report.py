"""What a plan found: a row for each layer, and what the network needs in all."""

from __future__ import annotations

import io
from dataclasses import asdict, dataclass
from typing import Any

OPTIMISERS = {"SGD": 0, "SGD with momentum": 1, "Adam": 2}  # values kept for each parameter


@dataclass
class PlanRow:
    """A call of a layer, or of an operation outside of one.

    Attributes
    ----------
    name : str
        Dotted, as in the network's state dict.
    kind : str
        The layer's class, or "operation".
    shape : tuple of int
        Of the output.
    parameters : int
        Values learned; those of a layer that is called several times count at its first call.
    flops : int
        In inference; see `minis.learn.costs`.
    bytes : int
        Of the output.
    field, smallest_field : tuple of int or None
        Pixels of the input that a value of the output depends on, along each axis: the most, and
        the fewest, where cells differ. None if it isn't known. See `minis.learn.receptive_field`.
    step : tuple of float or None
        Pixels from one cell of the output to the next.
    """

    name: str
    kind: str
    shape: tuple[int, ...] = ()
    parameters: int = 0
    flops: int = 0
    bytes: int = 0
    field: tuple[int, ...] | None = None
    smallest_field: tuple[int, ...] | None = None
    step: tuple[float, ...] | None = None


@dataclass
class Need:
    """What one pass needs: inference, or forward and backward in training.

    Attributes
    ----------
    flops : int
    activations : int
        The most bytes that arrays take at a time, beside weights and their gradients: the input,
        what is remembered for backward, and what is at work. What an operation needs for itself,
        such as a padded copy, doesn't count.
    at : str
        The layer in which that is so.
    """

    flops: int
    activations: int
    at: str


@dataclass
class Plan:
    """What `plan` gives; `print` it, or read its rows.

    Attributes
    ----------
    network : str
        Its class.
    input_shape, output_shape : tuple of int
    dtype : str
    rows : list of PlanRow
        In the order of the calls.
    parameters, buffers : int
        Values that are learned, and that are saved besides.
    weight_bytes, gradient_bytes : int
        Memory of both, and of the parameters' gradients.
    inference : Need
    training : Need or None
        None if the network can't be trained on this size.
    untrainable : str
        Why not.
    field, smallest_field : tuple of int or None
        As in `PlanRow`, of the network's output.
    """

    network: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    dtype: str
    rows: list[PlanRow]
    parameters: int
    buffers: int
    weight_bytes: int
    gradient_bytes: int
    inference: Need
    training: Need | None = None
    untrainable: str = ""
    field: tuple[int, ...] | None = None
    smallest_field: tuple[int, ...] | None = None

    @property
    def optimisers(self) -> dict[str, int]:
        """Bytes that each optimiser remembers."""
        return {name: values * self.gradient_bytes for name, values in OPTIMISERS.items()}

    def memory(self, optimiser: str | None = None) -> int:
        """Return the bytes needed in all: for inference, or to train with an optimiser.

        Raises
        ------
        ValueError
            If there is no such optimiser, or the network can't be trained on this size.
        """
        if optimiser is None:
            return self.inference.activations + self.weight_bytes
        if optimiser not in self.optimisers:
            known = ", ".join(self.optimisers)
            raise ValueError(f"plan: no optimiser {optimiser!r}; there are {known}")
        if self.training is None:
            raise ValueError(f"plan: not to be trained on this size: {self.untrainable}")
        kept = self.weight_bytes + self.gradient_bytes + self.optimisers[optimiser]
        return self.training.activations + kept

    def table(self, width: int | None = None) -> Any:
        """Return the rows as a table that `rich` prints, for a terminal of `width` columns."""
        from .plan_table import rows_table

        return rows_table(self, width)

    def summary(self) -> Any:
        """Return what is needed in all as a table that `rich` prints."""
        from .plan_table import summary_table

        return summary_table(self)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as numbers, strings, lists and dicts, for JSON."""
        whole = {**asdict(self), "optimisers": self.optimisers}
        whole["memory"] = {"inference": self.memory()}
        if self.training is not None:
            whole["memory"] |= {name: self.memory(name) for name in self.optimisers}
        return whole

    def __str__(self) -> str:
        from rich.console import Console

        text = io.StringIO()
        console = Console(file=text, highlight=False)
        console.print(self.table(console.width))
        console.print(self.summary())
        return text.getvalue().rstrip("\n")
