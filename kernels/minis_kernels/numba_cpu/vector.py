"""A vector of numbers, as the processor's registers hold it, for kernels that must use all of it.

LLVM vectorises plain loops. Where one reads six rows and writes thirty-six, it gives up, because it
cannot prove that none overlaps another. There a kernel says itself what goes into a register:

    v = load(x, at)                          # LANES neighbours x[at], x[at + 1], …
    store(y, at, v * 4.0 - load(x, at + 2))  # arithmetic on all of them at once

Arrays are read and written as if they were flat, without any check of bounds.
"""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_model

from .llvm import (
    LANES,
    element,
    lanes_below,
    llvm_vector,
    load_at,
    load_masked,
    splat,
    store_at,
    store_masked,
)

# for functions that only compiled code calls; where nothing divides by 0, no code to raise for it
INNER = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "error_model": "numpy"}


class Vector(types.Type):
    """Numba's type of a vector of `LANES` numbers of one floating dtype."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(name=f"Vector({LANES} x {dtype})")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, dmm: Any, fe_type: Any) -> None:
        super().__init__(dmm, fe_type, llvm_vector(fe_type.dtype))


@intrinsic
def load(typing: Any, array: Any, at: Any) -> Any:
    """Load a vector: load(array, at)."""
    result = Vector(array.dtype)

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        address = element(context, builder, array, args[0], args[1])
        return load_at(builder, address, llvm_vector(array.dtype))

    return result(array, types.int64), code


@intrinsic
def load_within(typing: Any, array: Any, at: Any, low: Any, high: Any) -> Any:
    """Load the lanes from number `low` on and below `high`; the others are zero."""
    result = Vector(array.dtype)

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        address = element(context, builder, array, args[0], args[1])
        mask = builder.and_(
            lanes_below(builder, args[3]), builder.not_(lanes_below(builder, args[2]))
        )
        return load_masked(builder, address, mask, llvm_vector(array.dtype))

    return result(array, types.int64, types.int64, types.int64), code


@intrinsic
def store(typing: Any, array: Any, at: Any, value: Any) -> Any:
    """Store a vector: store(array, at, value)."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        store_at(builder, args[2], element(context, builder, array, args[0], args[1]))
        return context.get_dummy_value()

    return types.void(array, types.int64, value), code


@intrinsic
def store_below(typing: Any, array: Any, at: Any, value: Any, count: Any) -> Any:
    """Store the lanes whose number is below `count`."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        address = element(context, builder, array, args[0], args[1])
        store_masked(builder, args[2], address, lanes_below(builder, args[3]))
        return context.get_dummy_value()

    return types.void(array, types.int64, value, types.int64), code


def _arithmetic(instruction: str) -> Any:
    @intrinsic
    def operate(typing: Any, a: Any, b: Any) -> Any:
        scalar = not isinstance(b, Vector)

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            x, y = args
            if scalar:
                y = splat(builder, context.cast(builder, y, b, a.dtype))  # a number for all lanes
            return getattr(builder, instruction)(x, y, flags=("contract",))

        return a(a, b), code

    return operate


def _overload(operation: Any, instruction: str) -> None:
    operate = _arithmetic(instruction)

    @overload(operation)
    def implementation(a: Any, b: Any) -> Any:
        def call(a: Any, b: Any) -> Any:
            return operate(a, b)

        return call if isinstance(a, Vector) else None


_overload(operator.add, "fadd")
_overload(operator.sub, "fsub")
_overload(operator.mul, "fmul")


@intrinsic
def prefetch(typing: Any, array: Any, at: Any) -> Any:
    """Begin to fetch the cache line of x[at], which need not lie inside x."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        address = element(context, builder, array, args[0], args[1])
        i32 = ir.IntType(32)
        of = ir.FunctionType(ir.VoidType(), [address.type, i32, i32, i32])
        function = cgutils.get_or_insert_function(builder.module, of, "llvm.prefetch.p0")
        builder.call(function, [address, i32(0), i32(3), i32(1)])  # to read, keep, data
        return context.get_dummy_value()

    return types.void(array, types.int64), code


@intrinsic
def spread(typing: Any, array: Any, value: Any) -> Any:
    """Return a vector, of the array's dtype, whose lanes all hold `value`."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return splat(builder, args[1])

    return Vector(array.dtype)(array, array.dtype), code


@intrinsic
def stay_apart(typing: Any) -> Any:
    """Keep the calling function from being copied into its callers.

    `prange` compiles its body several times over; what stays apart is compiled once.
    """

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return types.void(), code
