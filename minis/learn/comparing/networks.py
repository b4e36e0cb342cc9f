"""Comparing two networks layer by layer, ours and one in PyTorch: where do they part first?

Both get the same weights and the same input, and the same random gradient of their results. Every
operation on the way is recorded on both sides, matched, and held against each other: what it
computes, and the gradient of what it read. The first that differs is named, and what its divergence
looks like.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np

from ...nn import Dropout, Module
from .divergence import first_backward, first_forward
from .ends import of_the_input, of_the_result, of_the_statistics
from .matching import match
from .ours import OurSteps
from .report import Comparison, Row
from .step import Step, difference, flat, shaped
from .theirs import their_steps
from .weights import Weights, copy_weights, match_weights, vary_constants

TOLERANCE = {"float64": 1e-8, "float32": 1e-3}  # of `difference`: float32 adds up its rounding


def compare(
    model: Module,
    torch_model: Any,
    x: Any,
    *,
    copy_our_weights: bool = True,
    dtype: Any = np.float64,
    tolerance: float | None = None,
) -> Comparison:
    """Compare a network with one in PyTorch, layer by layer, forward and backward.

    Parameters
    ----------
    model : Module
        Maps an array, or a list of arrays, to one or several. Gradients are compared if it is in
        training mode; `eval()` keeps nothing for backward.
    torch_model : torch.nn.Module
        In the mode that is to be compared.
    x : array, or list of arrays
        The input of both.
    copy_our_weights : bool
        Whether theirs gets our parameters and buffers first: those of the same name and shape, and
        the others in the order of their use. Arrays of one value, such as biases of 0, are varied
        at random first, so that they count. Without it, its own are compared with ours too.
    dtype : float64 or float32
        What both compute in. In float64 rounding is so small that what differs, differs.
    tolerance : float, optional
        The largest difference, as a fraction of the largest value, that counts as none; by default
        1e-8 in float64 and 1e-3 in float32.

    Returns
    -------
    Comparison
        `print` it.

    Raises
    ------
    ImportError
        If PyTorch is not installed.
    TypeError
        If the models, or dtype, are not what they should be.
    ValueError
        If ours doesn't take the input. If theirs fails on the way, that is part of what is found.

    Notes
    -----
    Copies are compared, so that neither network is changed. Dropout is switched off in both: no two
    generators draw the same. What isn't an operation of `minis.ops` (concatenations, additions,
    crops) is not a layer; where it differs, the input of the next layer does, which is said.
    A change that no layer shows, such as a result returned otherwise, is found in the result.

    Examples
    --------
    >>> import torch
    >>> from minis import nn
    >>> ours = nn.Sequential(nn.Conv2d(1, 2, 3, rng=np.random.default_rng(0)), nn.ReLU())
    >>> theirs = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.LeakyReLU(0.01))
    >>> found = compare(ours, theirs, np.random.default_rng(1).standard_normal((1, 1, 8, 8)))
    >>> found.first.name, found.first.likely
    ('1', ['theirs is a leaky ReLU of slope 0.01'])
    """
    import torch

    if not isinstance(model, Module):
        raise TypeError(f"compare: model must be a minis.nn.Module, got {type(model).__name__}")
    if not isinstance(torch_model, torch.nn.Module):
        raise TypeError(
            f"compare: torch_model must be a torch.nn.Module, got {type(torch_model).__name__}"
        )
    dtype = np.dtype(dtype)
    if dtype.name not in TOLERANCE:
        raise TypeError(f"compare: dtype must be float32 or float64, got {dtype}")
    ours = copy.deepcopy(model).to("cpu").astype(dtype)
    ours.zero_grad()
    theirs = copy.deepcopy(torch_model).to(getattr(torch, dtype.name)).cpu()
    for part in (module for _, module in ours.modules()):
        if isinstance(part, Dropout):
            part.p = 0.0
    arrays = [np.asarray(a, dtype) for a in flat(x)]
    run = _Run(ours, theirs, arrays, x)
    weights = match_weights(ours, theirs, [], [])
    if weights.by_order or weights.only_ours:  # names don't tell: the order of their use does
        with torch.no_grad():
            weights = match_weights(ours, theirs, *run.forward()[:2])
        ours.zero_grad()
    if copy_our_weights:
        vary_constants(ours)
        copy_weights(ours, theirs, weights)
    before = {name: np.array(a) for name, a in ours.state_dict().items()}
    their_state = {n: t.detach().numpy().copy() for n, t in theirs.state_dict().items()}
    tolerance = TOLERANCE[dtype.name] if tolerance is None else tolerance
    return _compared(run, weights, before, their_state, tolerance)


class _Run:
    """Both networks, and the input that they get."""

    def __init__(self, ours: Module, theirs: Any, arrays: list[Any], form: Any) -> None:
        self.ours, self.theirs, self.arrays, self.form = ours, theirs, arrays, form
        self.failed = ""
        self.leaves: list[Any] = []
        self.dx: Any = None

    def forward(self) -> tuple[list[Step], list[Step], Any, Any, OurSteps]:
        """Run both; return the steps, and the results."""
        import torch

        watcher = OurSteps(self.ours)
        with watcher.looking_on():
            y = self.ours(shaped([a.copy() for a in self.arrays], self.form))
        leaves = [torch.from_numpy(a.copy()).requires_grad_() for a in self.arrays]
        self.leaves, self.failed = leaves, ""
        given = shaped([leaf.clone() for leaf in leaves], self.form)
        result: Any = None
        with their_steps(self.theirs) as steps:
            try:
                result = self.theirs(given)
            except Exception as error:  # the user's code: what it did till then is compared
                self.failed = f"their network fails: {type(error).__name__}: {error}"
        return watcher.steps, steps, y, result, watcher


def _compared(
    run: _Run,
    weights: Weights,
    before: dict[str, Any],
    their_state: dict[str, Any],
    tolerance: float,
) -> Comparison:
    import torch

    our_steps, steps, y, result, watcher = run.forward()
    outputs = [np.asarray(a) for a in flat(y)]
    tensors = [t for t in flat(result) if isinstance(t, torch.Tensor) and t.is_floating_point()]
    their_outputs = [t.detach().numpy() for t in tensors]
    found = Comparison(
        [],
        weights,
        tolerance=tolerance,
        our_output=[a.shape for a in outputs],
        their_output=[a.shape for a in their_outputs],
        mode="training" if run.ours.training else "evaluation",
    )
    alike = found.our_output == found.their_output and not run.failed
    given = [(before[name], their_state[other], name, other) for name, other in weights.pairs]
    found.parameters = [g for g in given if difference(g[0], g[1]) > tolerance]
    failed = run.failed
    if run.ours.training and alike and any(t.requires_grad for t in tensors):
        failed = _backward(run, watcher, y, tensors)
        found.gradients = not failed
        found.add_weight_gradients(run.ours, run.theirs)
    found.rows = [Row(o, t) for o, t in match(our_steps, steps)]
    found.first = first_forward(found) or of_the_result(found, outputs, their_outputs, failed)
    if found.first is not None and failed:
        notes = [note for note in (found.first.note, failed) if note]
        found.first = replace(found.first, note="; ".join(notes))
    if found.first is None and found.gradients:
        found.first = first_backward(found) or of_the_input(run.dx, run.leaves, tolerance)
    if found.first is None and run.ours.training:
        found.first = of_the_statistics(run.ours, run.theirs, weights, before, tolerance)
    return found


def _backward(run: _Run, watcher: OurSteps, y: Any, tensors: list[Any]) -> str:
    """Send the same random gradients back through both; return why theirs fails, if it does."""
    import torch

    rng = np.random.default_rng(0)
    dys = [rng.standard_normal(t.shape).astype(t.detach().numpy().dtype) for t in tensors]
    with watcher.looking_on():
        run.dx = run.ours.backward(shaped([dy.copy() for dy in dys], y))
    pulled = [(t, torch.from_numpy(dy)) for t, dy in zip(tensors, dys, strict=True)]
    pulled = [(t, dy) for t, dy in pulled if t.requires_grad]
    try:
        torch.autograd.backward([t for t, _ in pulled], [dy for _, dy in pulled])
    except Exception as error:  # the user's code
        return f"their backward fails: {type(error).__name__}: {error}"
    return ""
