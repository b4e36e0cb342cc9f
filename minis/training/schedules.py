"""Learning-rate schedules: by what factor the learning rate is multiplied at each step.

A schedule is a function of the step, counted from 0, and nothing else: training that resumes at
step t continues with exactly the factor that it would have had.

    η(t) = η₀ · schedule(t)
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

Schedule = Callable[[int], float]


def step_decay(every: int, factor: float = 0.1) -> Schedule:
    """Multiply by `factor` once every `every` steps.

        factor^⌊t / every⌋

    With `every` the steps of an epoch and a factor of 0.995 it is the schedule of Tiramisu
    (Jégou et al. 2017, section 4).

    Parameters
    ----------
    every : int
        Steps between two changes.
    factor : float

    Returns
    -------
    callable
        From the step to a factor.

    Raises
    ------
    ValueError
        If `every` is less than 1 or `factor` negative.

    Examples
    --------
    >>> [step_decay(2, 0.5)(t) for t in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """
    _check_at_least("step_decay", 1, every=every)
    _check_at_least("step_decay", 0, factor=factor)
    return lambda step: float(factor) ** (step // every)


def milestones(steps: Sequence[int], factor: float = 0.1) -> Schedule:
    """Multiply by `factor` at each of some steps.

        factor^(number of milestones ≤ t)

    Mask R-CNN is trained so, dropping tenfold at step 120 000 (He et al. 2017, section 3.1).

    Parameters
    ----------
    steps : sequence of int
        The first step with each new factor, in rising order.
    factor : float

    Returns
    -------
    callable
        From the step to a factor.

    Raises
    ------
    ValueError
        If the steps don't rise, or `factor` is negative.

    Examples
    --------
    >>> [milestones([1, 3], 0.5)(t) for t in range(5)]
    [1.0, 0.5, 0.5, 0.25, 0.25]
    """
    _check_at_least("milestones", 0, factor=factor)
    if any(late <= early for early, late in itertools.pairwise(steps)):
        raise ValueError(f"milestones: steps must rise, got {list(steps)}")
    return lambda step: float(factor) ** sum(step >= milestone for milestone in steps)


def exponential(factor: float) -> Schedule:
    """Multiply by `factor` at every step.

        factor^t

    Parameters
    ----------
    factor : float

    Returns
    -------
    callable
        From the step to a factor.

    Raises
    ------
    ValueError
        If `factor` is negative.

    Examples
    --------
    >>> [exponential(0.5)(t) for t in range(4)]
    [1.0, 0.5, 0.25, 0.125]
    """
    _check_at_least("exponential", 0, factor=factor)
    return lambda step: float(factor) ** step


def polynomial(steps: int, power: float = 0.9) -> Schedule:
    """Fall to 0 along a power of the steps that are left ("poly").

        (1 − t / steps)^power          0 from step `steps` on

    Parameters
    ----------
    steps : int
        Steps of the whole training.
    power : float
        1 falls along a line.

    Returns
    -------
    callable
        From the step to a factor.

    Raises
    ------
    ValueError
        If `steps` is less than 1 or `power` negative.

    References
    ----------
    Liu et al. 2016 (ParseNet), section 4; Chen et al. 2018 (DeepLab), section 4.1.2.

    Examples
    --------
    >>> [polynomial(4, power=1)(t) for t in range(5)]
    [1.0, 0.75, 0.5, 0.25, 0.0]
    """
    _check_at_least("polynomial", 1, steps=steps)
    _check_at_least("polynomial", 0, power=power)
    return lambda step: (1 - step / steps) ** power if step < steps else 0.0


def cosine(steps: int, *, warmup_steps: int = 0, floor: float = 0.0) -> Schedule:
    """Fall along half a cosine, after a linear rise if wanted.

        (t + 1) / warmup                                           for t < warmup
        floor + (1 − floor) · ½ (1 + cos(π (t − warmup) / (steps − warmup)))    afterwards

    Parameters
    ----------
    steps : int
        Steps of the whole training, the rise included.
    warmup_steps : int
        Steps of the rise.
    floor : float
        Factor at the end, which stays from step `steps` on.

    Returns
    -------
    callable
        From the step to a factor.

    Raises
    ------
    ValueError
        If the rise is negative or leaves no step, or `floor` is negative.

    References
    ----------
    Loshchilov and Hutter 2017, equation 5, without restarts; the rise: Goyal et al. 2017,
    section 2.2.

    Examples
    --------
    >>> [round(cosine(6, warmup_steps=2)(t), 2) for t in range(7)]
    [0.5, 1.0, 1.0, 0.85, 0.5, 0.15, 0.0]
    """
    _check_at_least("cosine", 0, warmup_steps=warmup_steps, floor=floor)
    _check_at_least("cosine", warmup_steps + 1, steps=steps)
    falling = steps - warmup_steps

    def fall(step: int) -> float:
        passed = min(step / falling, 1.0)
        return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * passed))

    return with_warmup(fall, warmup_steps)


def with_warmup(schedule: Schedule, steps: int) -> Schedule:
    """Rise along a line for `steps` steps, then begin a schedule.

        (t + 1) / steps                for t < steps
        schedule(t − steps)            afterwards

    Parameters
    ----------
    schedule : callable
        From the step to a factor.
    steps : int
        Steps of the rise (Goyal et al. 2017, section 2.2).

    Returns
    -------
    callable
        From the step to a factor.

    Raises
    ------
    ValueError
        If `steps` is negative.

    Examples
    --------
    >>> [with_warmup(exponential(0.5), 4)(t) for t in range(7)]
    [0.25, 0.5, 0.75, 1.0, 1.0, 0.5, 0.25]
    """
    _check_at_least("with_warmup", 0, steps=steps)
    return lambda step: (step + 1) / steps if step < steps else schedule(step - steps)


def _check_at_least(schedule: str, low: float, **values: float) -> None:
    for name, value in values.items():
        if not value >= low:
            raise ValueError(f"{schedule}: {name} must be at least {low}, got {value}")
