"""How many threads the operations run on: one number for Numba's and for BLAS's.

Numba and NumPy's BLAS have each a pool of threads. OpenBLAS's go on spinning for tens of
milliseconds after a product, on the cores that the next kernel needs. Measured on two Zen 5 cores,
an `np.matmul` of 512² followed by four parallel kernels that take 2.7 ms each when alone:

    ================================  ==========  ================
    OpenBLAS                          the matmul  each kernel then
    ================================  ==========  ================
    two threads                       2.8 ms      5.3 to 8.0 ms
    one thread                        2.5 ms      2.8 ms
    two, OPENBLAS_THREAD_TIMEOUT=4    1.4 ms      2.7 ms
    ================================  ==========  ================

So no kernel calls BLAS, and a training step whose operations all have kernels leaves it asleep.
BLAS keeps its threads, for the NumPy text and for other code of the process. Who mixes its products
with kernels should set `OPENBLAS_THREAD_TIMEOUT=4` before Python starts: OpenBLAS reads it when it
is loaded.
"""

from __future__ import annotations

import os
import sys

import minis_kernels.threads


def set_num_threads(count: int) -> None:
    """Set the number of threads that operations use, in every Python thread of the process.

    It holds for the Numba kernels and for the BLAS of NumPy. Results don't depend on it.

    Parameters
    ----------
    count : int
        At least 1, and at most the number that Numba starts: the cores that this process may use,
        or what the environment variable `NUMBA_NUM_THREADS` said when Python started.

    Raises
    ------
    TypeError
        If `count` is not an int.
    ValueError
        If it is less than 1 or more than there are.

    See Also
    --------
    get_num_threads : what is in force.

    Notes
    -----
    Where it was never called, Numba and BLAS use the numbers that they choose themselves, which
    follow the cores and their own environment variables. A process forked afterwards inherits the
    number, one that is spawned does not.

    Examples
    --------
    >>> import minis
    >>> before = minis.get_num_threads()
    >>> minis.set_num_threads(1)
    >>> minis.get_num_threads()
    1
    >>> minis.set_num_threads(before)
    """
    if isinstance(count, bool) or not hasattr(count, "__index__"):
        raise TypeError(f"set_num_threads: the number must be an int, got {count!r}")
    count, most = count.__index__(), _most()
    if count < 1:
        raise ValueError(f"set_num_threads: the number must be at least 1, got {count}")
    if count > most:
        raise ValueError(
            f"set_num_threads: {count} threads were asked for but there are {most}, as many as "
            "cores that this process may use unless NUMBA_NUM_THREADS says otherwise; to have "
            f"more, start Python with NUMBA_NUM_THREADS={count}"
        )
    minis_kernels.threads.choose(count)
    _set_blas_threads(count)


def get_num_threads() -> int:
    """Return the number of threads that operations use.

    Returns
    -------
    int
        The last that `set_num_threads` set, or else the number that Numba starts.

    Examples
    --------
    >>> import minis
    >>> minis.get_num_threads() >= 1
    True
    """
    return minis_kernels.threads.chosen() or _most()


def _most() -> int:
    """Count the threads that Numba has or, when it is loaded, will have."""
    if "numba" in sys.modules:
        return int(sys.modules["numba"].config.NUMBA_NUM_THREADS)
    given = os.environ.get("NUMBA_NUM_THREADS", "")
    if given.isdecimal() and int(given) > 0:
        return int(given)
    from .doctor import cores

    return cores()


def _set_blas_threads(count: int) -> None:
    from threadpoolctl import ThreadpoolController

    for library in ThreadpoolController().lib_controllers:
        if library.user_api == "blas":
            library.set_num_threads(count)
