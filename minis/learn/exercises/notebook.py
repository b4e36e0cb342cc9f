"""Checking an exercise where there is no file, as in a notebook."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..checking.process import examine_in_a_fork
from ..checking.verdict import Verdict


def check_exercise(function: Callable[..., Any], name: str) -> Verdict:
    """Have a function examined as the solution of an exercise.

    Parameters
    ----------
    function : callable
        As the exercise's stub has it.
    name : str
        The exercise, such as "im2col"; `minis exercise list` shows them.

    Returns
    -------
    Verdict
        `print` it; a notebook shows it as it is.

    Raises
    ------
    ValueError
        If there is no such exercise, or it is of a kernel and Numba's simulator is off.

    Examples
    --------
    >>> def output_size(size, kernel, stride=1, padding=0, dilation=1):
    ...     return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride
    >>> print(check_exercise(output_size, "output-size").failure.cause)
    Counts the steps. There is one place more than steps: the one before the first step.
    """
    from .examination import examine_solution
    from .ladder import find

    exercise = find(name)
    if exercise.simulated:
        from numba import config

        if not config.ENABLE_CUDASIM:
            raise ValueError(
                f"exercise {exercise.name}: its kernel runs in Numba's simulator: set "
                "NUMBA_ENABLE_CUDASIM=1 before Numba is imported, or use `minis exercise check`"
            )
    return examine_in_a_fork(lambda: examine_solution(function, exercise), exercise.function)
