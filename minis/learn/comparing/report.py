"""What a comparison found: a row for each layer, the first divergence, and the weights' table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ...nn import Module
from .step import Step, difference
from .weights import Weights

if TYPE_CHECKING:
    from rich.console import Group


@dataclass(frozen=True)
class Divergence:
    """Where two networks part.

    Attributes
    ----------
    name : str
        Our layer's name.
    what : str
        What differs there: "forward of conv", "input of conv", "backward of conv, dx" …
    size : float
        The largest difference, as a fraction of the largest value; infinite if shapes differ.
    likely : list of str
        What it looks like; several if they can't be told apart, none if nothing known fits.
    note : str
        What else is to be known.
    """

    name: str
    what: str
    size: float
    likely: list[str] = field(default_factory=list)
    note: str = ""


class Row:
    """A step of ours and its counterpart; one of them may be missing.

    Attributes
    ----------
    ours, theirs : Step or None
    forward, backward : float
        How far the results, and the gradients of what was read, are apart (`difference`); NaN where
        one of them isn't there.
    """

    def __init__(self, ours: Step | None, theirs: Step | None) -> None:
        self.ours, self.theirs = ours, theirs
        self.forward = self.backward = float("nan")
        if ours is not None and theirs is not None:
            self.forward = difference(ours.y, theirs.y)
            if ours.dx is not None and theirs.dx is not None:
                self.backward = difference(ours.dx, theirs.dx)


@dataclass
class Comparison:
    """Two networks, compared.

    Attributes
    ----------
    rows : list of Row
        In the order of our calls.
    weights : Weights
        Which array of ours is which of theirs.
    tolerance : float
        The largest difference that counts as none.
    our_output, their_output : list of shapes
        Of the results.
    mode : str
        Ours: "training" or "evaluation".
    gradients : bool
        Whether gradients were compared.
    first : Divergence, optional
        None if the networks agree.
    parameters : list
        Of weights that aren't equal: ours, theirs, and both names.
    weight_gradients : dict
        By our layer's name: parameters' names, our gradient and theirs.
    """

    rows: list[Row]
    weights: Weights
    tolerance: float
    our_output: list[tuple[int, ...]] = field(default_factory=list)
    their_output: list[tuple[int, ...]] = field(default_factory=list)
    mode: str = "training"
    gradients: bool = False
    first: Divergence | None = None
    parameters: list[tuple[Any, Any, str, str]] = field(default_factory=list)
    weight_gradients: dict[str, list[tuple[str, Any, Any]]] = field(default_factory=dict)

    @property
    def agree(self) -> bool:
        """Whether no divergence was found, in layers that have a counterpart."""
        return self.first is None

    @property
    def matched(self) -> list[Row]:
        """Those of both networks."""
        return [row for row in self.rows if row.ours is not None and row.theirs is not None]

    def add_weight_gradients(self, ours: Module, theirs: Any) -> None:
        """Take the gradients of all parameters that were matched."""
        own = {name: p.grad for name, p in ours.named_parameters()}
        other = {name: p.grad for name, p in theirs.named_parameters(remove_duplicate=False)}
        for name, there in self.weights.pairs:
            if name in own and there in other:
                got = other[there]
                gradient = np.zeros_like(own[name]) if got is None else got.detach().numpy()
                layer = name.rpartition(".")[0]
                self.weight_gradients.setdefault(layer, []).append((name, own[name], gradient))

    def largest(self, side: str) -> float:
        """Return the largest difference of all matched rows, `side` forward or backward."""
        found = [getattr(row, side) for row in self.matched]
        return max((v for v in found if v == v), default=0.0)

    def text(self, *, every: bool = False, names: bool = False) -> Group:
        """Return the report, for rich.

        Parameters
        ----------
        every : bool
            Whether to list every layer; by default those about the first divergence.
        names : bool
            Whether to list which weight was taken for which.
        """
        from .text import comparison_text

        return comparison_text(self, every, names)

    def __str__(self) -> str:
        from rich.console import Console

        console = Console(width=100, no_color=True, highlight=False)
        with console.capture() as captured:
            console.print(self.text(every=True))
        return captured.get()
