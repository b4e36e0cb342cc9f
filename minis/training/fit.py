"""The training loop: draw a batch, forward, loss, backward, update; validate and save.

A run is exact: stopped anywhere and resumed, it computes the same bits as one that never
stopped. Three rules make it so. All that a step depends on is in `TrainingState`, which a
checkpoint holds whole. A step that doesn't reach its update leaves nothing behind. And neither
Ctrl-C nor a power cut can fall into an update or tear a file.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..nn.module import Module
from .checkpoint import TrainingState
from .history import History
from .interrupt import uninterrupted
from .optimiser import Optimiser
from .progress import Progress, choose_progress
from .run_files import RunFiles
from .schedules import Schedule
from .snapshot import Snapshot
from .step import Loss, training_step

Validate = Callable[[Module], float | Mapping[str, float]]


def fit(
    model: Module,
    batches: Callable[[np.random.Generator], tuple[Any, Any]],
    *,
    loss: Loss,
    optimiser: Optimiser,
    rng: np.random.Generator,
    steps: int | None = None,
    epochs: int | None = None,
    schedule: Schedule | None = None,
    clip_norm: float | None = None,
    validate: Validate | None = None,
    validate_every: int = 100,
    directory: str | os.PathLike[str] | None = None,
    checkpoint_every: int = 500,
    resume: bool = False,
    metadata: Mapping[str, Any] | None = None,
    show_progress: bool = True,
) -> History:
    """Train a model.

    Parameters
    ----------
    model : Module
        Trained in training mode, and left in the mode in which it came.
    batches : callable
        From `rng` to `(inputs, targets)`, as `Batches` is. A tuple of inputs is spread over the
        arguments of `forward`. Arrays are moved to where the model's parameters are, once a step.
    loss : callable
        From `(outputs, targets)` to the loss, a float, and its gradient with respect to the
        outputs, which `model.backward` is called with. For a model that computes its own
        losses, see `sum_of_losses`.
    optimiser : Optimiser
        Made from this model's parameters. Its `lr` is the base of the schedule, and is that
        again after each step.
    rng : numpy.random.Generator
        Draws the batches.
    steps, epochs : int
        Length of the whole run, one of the two; epochs need a `len(batches)`.
    schedule : callable, optional
        From the step, counted from 0, to the factor of the learning rate.
    clip_norm : float, optional
        See `clip_gradient_norm`.
    validate : callable, optional
        From the model, in evaluation mode, to a score, or a dict of metrics whose first is the
        score; higher is better. Whatever it draws from the run's generators is put back.
    validate_every : int
        Steps between validations; there is one after the last step, too.
    directory : path, optional
        Where `last.safetensors` and, if there is a `validate`, `best.safetensors` are written.
    checkpoint_every : int
        Steps between two writings of `last.safetensors`. It is written after the last step,
        too, and before the first, so that a full disk is found at once.
    resume : bool
        Go on from `last.safetensors`; begin where there is none, so that one command serves to
        start a run and to restart it.
    metadata : mapping, optional
        Saved with the checkpoints: anything that JSON holds. See `read_metadata`.
    show_progress : bool
        A progress bar on a terminal, a line now and then elsewhere, both on standard error.

    Returns
    -------
    History
        From step 1, the steps before a resumption included.

    Raises
    ------
    NonFiniteLossError
        If the loss or a gradient is NaN or infinite; the text says at which step, and in which
        layer it arose. Parameters, buffers and generators are as they were before that step,
        and the checkpoints as written before.
    GPUOutOfMemoryError
        If a step needs more of the GPU's memory than there is. Parameters, buffers and generators
        are as they were before that step, unless it was already changing the parameters.
    KeyboardInterrupt
        On Ctrl-C, after `last.safetensors` was written as of the last completed step.
    FileExistsError
        If `directory` holds a run and `resume` is False.
    CheckpointError
        If the checkpoint to resume from is damaged.
    ValueError
        If an argument is out of range, the optimiser holds a parameter that isn't the model's,
        or the checkpoint is of another model, optimiser or data set.

    Examples
    --------
    Learn that y = 3 x.

    >>> from minis.nn.module import Parameter
    >>> from minis.training import SGD
    >>> class Scale(Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.factor = Parameter(np.zeros(1))
    ...     def forward(self, x):
    ...         self.remember(x)
    ...         return self.factor.data * x
    ...     def backward(self, dy):
    ...         (x,) = self.recall()
    ...         self.factor.grad += (dy * x).sum()
    ...         return dy * self.factor.data
    >>> def batches(rng):
    ...     x = rng.standard_normal(8)
    ...     return x, 3 * x
    >>> def squared_error(y, target):
    ...     return ((y - target) ** 2).mean(), 2 * (y - target) / y.size
    >>> model = Scale()
    >>> sgd = SGD(model.named_parameters(), lr=0.2)
    >>> history = fit(model, batches, loss=squared_error, optimiser=sgd, steps=50,
    ...               rng=np.random.default_rng(0), show_progress=False)
    >>> model.factor.data.round(3), history.steps
    (array([3.]), 50)
    """
    steps = _total_steps(batches, steps, epochs)
    _check(model, optimiser, directory, resume, validate_every, checkpoint_every)
    state = TrainingState(model, optimiser, rng, batches, metadata=dict(metadata or {}))
    files = RunFiles(directory, state, resume)
    validation = None if validate is None else (validate, validate_every)
    modes = [(module, module.training) for _, module in model.modules()]
    model.train()
    try:
        with choose_progress(steps, state.step, show_progress) as progress:
            while True:
                finished = state.step >= steps
                if validation is not None:
                    _validate_if_due(state, *validation, finished, files, progress)
                if finished or state.step % checkpoint_every == 0:
                    files.save_last()
                if finished:
                    return state.history
                progress.restart_clock()
                images = training_step(state, loss, schedule, clip_norm)
                progress.stepped(state.history.loss[-1], images)
    except KeyboardInterrupt:
        with uninterrupted():
            files.save_last()
        raise
    finally:
        for module, training in modes:
            module.training = training


def _validate_if_due(
    state: TrainingState,
    validate: Validate,
    every: int,
    finished: bool,
    files: RunFiles,
    progress: Progress,
) -> None:
    """Validate after every `every` steps and the last, once; save the model if it is the best."""
    history = state.history
    due = state.step > 0 and (finished or state.step % every == 0)
    if not due or state.step in history.validated_at[-1:]:
        return
    before = Snapshot(state.model, state.rng, state.batches)
    state.model.eval()
    try:
        result = validate(state.model)
    finally:
        before.restore()
        state.model.train()
    metrics = dict(result) if isinstance(result, Mapping) else {"score": result}
    best = history.best_score
    with uninterrupted():
        history.record_validation(metrics)
        if history.best_score > best:
            files.save_best()
    progress.validated(metrics)


def _total_steps(batches: Any, steps: int | None, epochs: int | None) -> int:
    if (steps is None) == (epochs is None):
        raise ValueError("fit: give steps or epochs, one of the two")
    if steps is None:
        if not hasattr(batches, "__len__"):
            raise ValueError("fit: epochs need batches that have a length, as `Batches` has")
        steps = len(batches) * (epochs or 0)
    if isinstance(steps, bool) or not isinstance(steps, int):
        raise TypeError(f"fit: the number of steps must be an int, got {steps!r}")
    if steps < 1:
        raise ValueError(f"fit: there must be at least 1 step, got {steps}")
    return steps


def _check(
    model: Module,
    optimiser: Optimiser,
    directory: Any,
    resume: bool,
    validate_every: int,
    checkpoint_every: int,
) -> None:
    for name, value in (("validate_every", validate_every), ("checkpoint_every", checkpoint_every)):
        if value < 1:
            raise ValueError(f"fit: {name} must be at least 1, got {value}")
    if resume and directory is None:
        raise ValueError("fit: resume=True needs the directory of the run")
    own = {id(parameter) for parameter in model.parameters()}
    for name, parameter in optimiser.parameters.items():
        if id(parameter) not in own:
            raise ValueError(
                f"fit: the optimiser's parameter {name!r} isn't one of the model's; "
                "make the optimiser from this model's named_parameters()"
            )
    if not math.isfinite(optimiser.lr):
        raise ValueError(f"fit: the learning rate is {optimiser.lr}")
