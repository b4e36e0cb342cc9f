"""Doing the tasks of a kernel on several threads, with the kernel compiled once.

Numba compiles the body of a `prange` four times over, as the loop's body, twice as a wrapper of it
and with the function around it, each with all that the body calls. What is called by its address is
left out of them. So the loop here calls its function by address: the first call of a Winograd
convolution, with nothing cached, takes 3.4 s instead of 5.9.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba import prange, types
from numba.core import cgutils
from numba.extending import intrinsic

from .jit import jit
from .launch import launch, threads


def on_all_threads(function: Any, *args: Any) -> None:
    """Call `function(worker, workers, *args)` for every worker: as many as there are threads.

    Parameters
    ----------
    function : dispatcher
        Of `jit`; it returns nothing. Which worker does what is its own affair.
    *args
        Whatever else it takes.
    """
    address = address_of(function, 0, 0, *args)
    launch(_run, address, threads(), args)


@jit(parallel=True)
def _run(address: int, workers: int, args: Any) -> None:
    for worker in prange(workers):
        _call_at(address, (np.int64(worker), np.int64(workers), *args))


def address_of(function: Any, *args: Any) -> int:
    """Compile a function of `jit` for some arguments, if it isn't yet; return where it lies.

    Parameters
    ----------
    function : dispatcher
        One that returns nothing.
    *args
        Arguments of the types that it will be called with.

    Returns
    -------
    int
        Good for this process.
    """
    key = function, *map(_kind, args)
    if key not in _addresses:
        kinds = tuple(types.unliteral(numba.typeof(a)) for a in args)
        function.compile(kinds)
        compiled = function.overloads[kinds]
        pointer = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
        _addresses[key] = int(pointer)
    return _addresses[key]


_addresses: dict[tuple[Any, ...], int] = {}


def _kind(value: Any) -> Any:
    """Return what decides an argument's type in Numba, found out faster than Numba does."""
    if not isinstance(value, np.ndarray):
        return type(value)
    flags = value.flags
    layout = flags.c_contiguous, flags.f_contiguous, flags.aligned, flags.writeable
    return value.dtype, value.ndim, layout


@intrinsic
def _call_at(typing: Any, address: Any, args: Any) -> Any:
    """Call the function at an address with a tuple of arguments, of the types it expects."""
    kinds = [types.unliteral(kind) for kind in args.types]

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        convention = context.call_conv
        of = convention.get_function_type(types.none, kinds)
        function = builder.inttoptr(values[0], of.as_pointer())
        given = cgutils.unpack_tuple(builder, values[1])
        convention.call_function(builder, function, types.none, kinds, given)
        return context.get_dummy_value()

    return types.void(types.intp, args), code
