"""All tasks, by suite."""

from __future__ import annotations

from .cases import CASES, IN_FLOAT32
from .ladder import LADDERS
from .networks import NETWORKS
from .task import CPU, CUDA, Task

SUITES: dict[str, tuple[Task, ...]] = {
    "ops": CASES,
    "models": NETWORKS,
    "memory": NETWORKS,
    "ladder": LADDERS,
    "startup": CASES,
}
SUITES_ON_GPU: dict[str, tuple[Task, ...]] = {"ops": (*CASES, *IN_FLOAT32), "models": NETWORKS}
BY_DEVICE = {CPU: SUITES, CUDA: SUITES_ON_GPU}


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
    for tasks in (*SUITES.values(), *SUITES_ON_GPU.values()):
        for task in tasks:
            if task.key == key:
                return task
    raise ValueError(f"no case {key!r}")


def choose(suite: str, wanted: list[str], quick: bool, device: str = CPU) -> list[Task]:
    """Return a suite's tasks: those that are wanted, or else all, or with `quick` a few.

    Examples
    --------
    >>> [task.key for task in choose("ops", ["relu"], quick=False)]
    ['relu']
    """
    tasks = BY_DEVICE[device][suite]
    if wanted:
        return [task for task in tasks if task.key in wanted]
    return [task for task in tasks if task.quick or not quick]
