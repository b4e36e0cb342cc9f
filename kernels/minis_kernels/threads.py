"""How many threads kernels run on: one number for the whole process.

Numba keeps a number for each Python thread, so whoever starts a kernel sets the one chosen here
first.
"""

from __future__ import annotations

_chosen: int | None = None


def choose(count: int | None) -> None:
    """Run every kernel that starts from now on with `count` threads; None leaves it to Numba."""
    global _chosen
    _chosen = count


def chosen() -> int | None:
    """Return the number last chosen, or None.

    Examples
    --------
    >>> before = chosen()
    >>> choose(1)
    >>> chosen()
    1
    >>> choose(before)
    """
    return _chosen
