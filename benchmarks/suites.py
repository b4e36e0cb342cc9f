"""All tasks, by suite."""

from __future__ import annotations

from .cases import CASES
from .ladder import LADDERS
from .networks import NETWORKS
from .task import Task

SUITES: dict[str, tuple[Task, ...]] = {
    "ops": CASES,
    "models": NETWORKS,
    "memory": NETWORKS,
    "ladder": LADDERS,
    "startup": CASES,
}


def find_task(key: str) -> Task:
    """Return the task of that name.

    Raises
    ------
    ValueError
        If there is none.

    Examples
    --------
    >>> find_task("relu").label
    'ReLU, 8×64 at 128²'
    """
    for tasks in SUITES.values():
        for task in tasks:
            if task.key == key:
                return task
    raise ValueError(f"no case {key!r}")


def choose(suite: str, wanted: list[str], quick: bool) -> list[Task]:
    """Return a suite's tasks: those that are wanted, or else all, or with `quick` a few.

    Examples
    --------
    >>> [task.key for task in choose("ops", ["relu"], quick=False)]
    ['relu']
    """
    tasks = SUITES[suite]
    if wanted:
        return [task for task in tasks if task.key in wanted]
    return [task for task in tasks if task.quick or not quick]
