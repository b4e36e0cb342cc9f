"""How the work of a pooling is cut into tasks, and how its sizes reach compiled code."""

from __future__ import annotations

import math

# Rows of a `Geometry` as an array, which is how compiled code receives it.
SIZE, KERNEL, OUT, STRIDE, PADDING, DILATION = range(6)

TASK = 1 << 14  # numbers that a task writes, at least, where that leaves several tasks
TASKS = 8


def lines_per_task(lines: int, length: int) -> int:
    """How many lines of `length` numbers a task takes: the tasks depend on the sizes alone."""
    return max(1, min(math.ceil(TASK / length), math.ceil(lines / TASKS)))
