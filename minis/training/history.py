"""What happened in training: a number a step, and now and then a validation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

_COLUMNS = ("loss", "lr", "grad_norm")


@dataclass
class History:
    """The course of a training run.

    Parameters
    ----------
    loss, lr, grad_norm : list of float
        Of each step: entry 0 is step 1. `grad_norm` is the norm before clipping.
    validated_at : list of int
        The steps after which the model was validated.
    metrics : dict of str to list of float
        What each validation measured, one entry for each of `validated_at`. The first metric
        is the score that the best checkpoint is chosen by.

    Examples
    --------
    >>> history = History()
    >>> history.record_step(loss=0.7, lr=0.1, grad_norm=2.0)
    >>> history.record_validation({"mean_iou": 0.4})
    >>> history.steps, history.validated_at, history.metrics, history.best_score
    (1, [1], {'mean_iou': [0.4]}, 0.4)
    """

    loss: list[float] = field(default_factory=list)
    lr: list[float] = field(default_factory=list)
    grad_norm: list[float] = field(default_factory=list)
    validated_at: list[int] = field(default_factory=list)
    metrics: dict[str, list[float]] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """Number of steps completed."""
        return len(self.loss)

    @property
    def best_score(self) -> float:
        """The highest score of any validation, NaN not counted; −∞ before the first."""
        scores = next(iter(self.metrics.values()), [])
        return max((s for s in scores if not math.isnan(s)), default=-math.inf)

    def record_step(self, *, loss: float, lr: float, grad_norm: float) -> None:
        """Add a completed step."""
        self.lr.append(lr)
        self.grad_norm.append(grad_norm)
        self.loss.append(loss)  # last: it is what counts the step

    def record_validation(self, metrics: Mapping[str, float]) -> None:
        """Add a validation of the model as it is after the last step.

        Raises
        ------
        ValueError
            If there are no metrics, or they have other names than before.
        """
        if not metrics or (self.metrics and list(metrics) != list(self.metrics)):
            raise ValueError(
                f"validation gave the metrics {list(metrics)}, "
                f"expected {list(self.metrics) or 'at least one'}"
            )
        for name, value in metrics.items():
            self.metrics.setdefault(name, []).append(float(value))
        self.validated_at.append(self.steps)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the numbers of each step as float64 arrays, by name."""
        return {name: np.array(getattr(self, name), np.float64) for name in _COLUMNS}

    def validations(self) -> dict[str, Any]:
        """Return the validations in a form that JSON holds."""
        return {"validated_at": self.validated_at, "metrics": self.metrics}

    @classmethod
    def restored(cls, arrays: Mapping[str, np.ndarray], validations: Mapping[str, Any]) -> History:
        """Return the history that `arrays` and `validations` describe."""
        columns = {name: arrays[name].tolist() for name in _COLUMNS}
        return cls(**columns, **validations)
