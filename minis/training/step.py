"""One step of training, which either happens or doesn't."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from ..gpu_memory import explained_memory
from .checkpoint import TrainingState
from .clipping import clip_gradient_norm, gradient_norm
from .device import to_device_of
from .finite import (
    NonFiniteLossError,
    all_finite,
    explain_gradient,
    explain_loss,
    run_backward,
    run_model,
)
from .interrupt import uninterrupted
from .schedules import Schedule
from .snapshot import Snapshot

Loss = Callable[[Any, Any], tuple[float, Any]]
LESS_MEMORY = "a smaller batch, or smaller crops (--batch-size, --crop),"  # of the GPU's


def training_step(
    state: TrainingState, loss: Loss, schedule: Schedule | None, clip_norm: float | None
) -> int:
    """Draw a batch and update the parameters once.

    Whatever ends it before its update, an error or Ctrl-C, leaves parameters, buffers,
    generators and the position in the data as they were. During the update Ctrl-C waits.

    Parameters
    ----------
    state : TrainingState
        Its model in training mode.
    loss : callable
        From `(outputs, targets)` to `(loss, d_outputs)`.
    schedule : callable, optional
        From the step, counted from 0, to the factor of the learning rate.
    clip_norm : float, optional

    Returns
    -------
    int
        Number of images in the batch.

    Raises
    ------
    NonFiniteLossError
        If the loss or a gradient isn't finite.
    GPUOutOfMemoryError
        If the step needs more of the GPU's memory than there is.
    ValueError
        If the schedule makes the learning rate negative or not finite.

    Notes
    -----
    With the model on the GPU, the batch is copied there at once, and two numbers come back: the
    loss and the norm of the gradients. Layers that draw from a generator copy what they drew; the
    checks of labels and indices wait for an answer.
    """
    step, base = state.step, state.optimiser.lr
    lr = base if schedule is None else base * float(schedule(step))
    if not 0 <= lr < math.inf:
        raise ValueError(f"the schedule makes the learning rate {lr} at step {step}")
    before = Snapshot(state.model, state.rng, state.batches)
    try:
        with explained_memory(LESS_MEMORY):
            inputs, targets = to_device_of(state.model, state.batches(state.rng))
            value, norm = _gradients(state, inputs, targets, loss, clip_norm)
            with uninterrupted():
                state.updating = True
                state.optimiser.lr = lr
                try:
                    state.optimiser.step()
                finally:
                    state.optimiser.lr = base
                state.history.record_step(loss=value, lr=lr, grad_norm=norm)
                state.updating = False
    except BaseException:
        if state.step == step:
            with uninterrupted():
                before.restore()
                state.model.zero_grad()
        raise
    return len(inputs[0] if isinstance(inputs, tuple) else inputs)


def _gradients(
    state: TrainingState, inputs: Any, targets: Any, loss: Loss, clip_norm: float | None
) -> tuple[float, float]:
    """Forward and backward; returns the loss and the norm of the gradients before clipping."""
    model = state.model
    drawn = Snapshot(model, state.rng, state.batches)
    model.zero_grad()
    outputs = run_model(model, inputs)
    value, d_outputs = loss(outputs, targets)
    value = float(value)
    if not math.isfinite(value):
        drawn.restore()
        reason = explain_loss(model, inputs, targets)
        raise NonFiniteLossError(state.step + 1, f"the loss is {value}; {reason}")
    run_backward(model, d_outputs)
    parameters = state.optimiser.parameters
    if clip_norm is None:
        norm = gradient_norm(parameters.values())
    else:
        norm = clip_gradient_norm(parameters.values(), clip_norm)
    if not math.isfinite(norm):
        guilty = [name for name, p in parameters.items() if not all_finite(p.grad)]
        drawn.restore()
        reason = explain_gradient(model, inputs, lambda again: loss(again, targets)[1])
        raise NonFiniteLossError(
            state.step + 1,
            f"the loss is {value:.6g} but the gradient of {_listed(guilty)} isn't finite; {reason}",
        )
    return value, norm


def _listed(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:3]) or "all parameters together"
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def sum_of_losses(outputs: Mapping[str, Any], targets: Any) -> tuple[float, None]:
    """The `loss` of `fit` for a model that computes its own losses, as Mask R-CNN does.

    Such a model gets its targets as an input: `batches` returns `((images, targets), None)`.
    Its `backward` takes no argument and follows the sum.

    Parameters
    ----------
    outputs : mapping of str to float
        What the model returned.
    targets
        Not used.

    Returns
    -------
    float, None
        The sum; there is no gradient to hand over.

    Examples
    --------
    >>> sum_of_losses({"loss_classifier": 0.5, "loss_mask": 0.25}, None)
    (0.75, None)
    """
    return float(sum(outputs.values())), None
