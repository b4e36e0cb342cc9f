"""Calling a compiled function by its address, to compile it once.

Numba compiles the body of a `prange` four times over, as the loop's body, twice as a wrapper of it
and with the function around it, each with all that the body calls. What is called by its address is
left out of them: a Winograd convolution is compiled in half the time.
"""

from __future__ import annotations

from typing import Any

import numba
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


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
    kinds = tuple(types.unliteral(numba.typeof(a)) for a in args)
    if kinds not in function.overloads:
        function.compile(kinds)
    compiled = function.overloads[kinds]
    return int(compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name))


@intrinsic
def call_at(typing: Any, address: Any, args: Any) -> Any:
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
