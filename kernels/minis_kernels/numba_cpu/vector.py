"""A vector of numbers, as the processor's registers hold it, for kernels that must use all of it.

LLVM vectorises plain loops. Where one reads six rows and writes thirty-six, it gives up, because it
cannot prove that none overlaps another. There a kernel says itself what goes into a register:

    v = load(x, at)                          # LANES neighbours x[at], x[at + 1], …
    store(y, at, v * 4.0 - load(x, at + 2))  # arithmetic on all of them at once

Arrays are read and written as if they were flat, without any check of bounds. `LANES` is the
number of float32 numbers in a register of this machine: 16 with AVX-512, 8 with AVX, else 4. A
vector of float64 has as many lanes, in two registers.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic, models, overload, register_model

_FEATURES = llvm.get_host_cpu_features()
LANES = 16 if _FEATURES.get("avx512f") else 8 if _FEATURES.get("avx") else 4

I64 = ir.IntType(64)

INNER = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}  # called by compiled code only


class Vector(types.Type):
    """Numba's type of a vector of `LANES` numbers of one floating dtype."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(name=f"Vector({LANES} x {dtype})")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, dmm: Any, fe_type: Any) -> None:
        super().__init__(dmm, fe_type, llvm_vector(fe_type.dtype))


def llvm_vector(dtype: Any) -> Any:
    """Return LLVM's type of a vector of `dtype`."""
    return ir.VectorType(ir.FloatType() if dtype == types.float32 else ir.DoubleType(), LANES)


def element(context: Any, builder: Any, array_type: Any, array: Any, at: Any) -> Any:
    """Return the address of the element `at` of a flattened array."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(data, [at])


def load_at(builder: Any, address: Any, vector: Any) -> Any:
    """Load a vector from an address."""
    pointer = builder.bitcast(address, vector.as_pointer())
    return builder.load(pointer, align=_alignment(vector))


def store_at(builder: Any, value: Any, address: Any) -> None:
    """Store a vector to an address."""
    pointer = builder.bitcast(address, value.type.as_pointer())
    builder.store(value, pointer, align=_alignment(value.type))


def load_masked(builder: Any, address: Any, mask: Any, vector: Any) -> Any:
    """Load the lanes that a mask names; the others are zero and are not touched in memory."""
    pointer = builder.bitcast(address, vector.as_pointer())
    name = f"llvm.masked.load.{_suffix(vector)}.p0"
    of = ir.FunctionType(vector, [pointer.type, ir.IntType(32), mask.type, vector])
    function = cgutils.get_or_insert_function(builder.module, of, name)
    zero = ir.Constant(vector, [ir.Constant(vector.element, 0.0)] * LANES)
    align = ir.Constant(ir.IntType(32), _alignment(vector))
    return builder.call(function, [pointer, align, mask, zero])


def store_masked(builder: Any, value: Any, address: Any, mask: Any) -> None:
    """Store the lanes that a mask names."""
    pointer = builder.bitcast(address, value.type.as_pointer())
    name = f"llvm.masked.store.{_suffix(value.type)}.p0"
    of = ir.FunctionType(ir.VoidType(), [value.type, pointer.type, ir.IntType(32), mask.type])
    function = cgutils.get_or_insert_function(builder.module, of, name)
    align = ir.Constant(ir.IntType(32), _alignment(value.type))
    builder.call(function, [value, pointer, align, mask])


def lanes_below(builder: Any, count: Any) -> Any:
    """Return the mask of the lanes whose number is below `count`, an i64 that fits 32 bits."""
    numbers = _numbers(range(LANES))
    return builder.icmp_signed("<", numbers, splat(builder, builder.trunc(count, ir.IntType(32))))


def splat(builder: Any, scalar: Any) -> Any:
    """Return a vector whose lanes all hold `scalar`."""
    vector = ir.VectorType(scalar.type, LANES)
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, scalar, ir.IntType(32)(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(first, undefined, zeros)


def fused_multiply_add(builder: Any, a: Any, b: Any, c: Any) -> Any:
    """Return a·b + c, rounded once."""
    of = ir.FunctionType(a.type, [a.type] * 3)
    name = f"llvm.fma.{_suffix(a.type)}"
    return builder.call(cgutils.get_or_insert_function(builder.module, of, name), [a, b, c])


def _suffix(vector: Any) -> str:
    return f"v{LANES}{'f32' if isinstance(vector.element, ir.FloatType) else 'f64'}"


def _alignment(vector: Any) -> int:
    return 4 if isinstance(vector.element, ir.FloatType) else 8


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


def every_fourth(phase: int) -> Any:
    """Return the function (a, b, c, d) -> lanes phase, phase + 4, … of the four laid end to end."""

    def mask(lane: int) -> int:
        return 4 * lane + phase

    return _shuffle(mask)


def woven(part: int) -> Any:
    """Return the function (a, b, c, d) -> part 0…3 of a[0], b[0], c[0], d[0], a[1], b[1], …."""

    def mask(lane: int) -> int:
        i = part * LANES + lane
        return (i % 4) * LANES + i // 4

    return _shuffle(mask)


def half_woven(part: int) -> Any:
    """Return the function (a, b) -> part 0 or 1 of a[0], b[0], a[1], b[1], …."""

    @intrinsic
    def weave(typing: Any, a: Any, b: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            lanes = range(part * LANES, (part + 1) * LANES)
            mask = _numbers(i % 2 * LANES + i // 2 for i in lanes)
            return builder.shuffle_vector(*args, mask)

        return a(a, b), code

    return weave


def _shuffle(mask: Callable[[int], int]) -> Any:
    @intrinsic
    def shuffle(typing: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            halves = [
                builder.shuffle_vector(*args[i : i + 2], _numbers(range(2 * LANES))) for i in (0, 2)
            ]
            return builder.shuffle_vector(*halves, _numbers(map(mask, range(LANES))))

        return a(a, b, c, d), code

    return shuffle


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
def transpose_tile(
    typing: Any, x: Any, x_at: Any, x_step: Any, y: Any, y_at: Any, y_step: Any
) -> Any:
    """Transpose LANES × LANES numbers: y[y_at + i · y_step + j] = x[x_at + j · x_step + i]."""
    i64 = types.int64

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector = llvm_vector(x.dtype)
        read = element(context, builder, x, args[0], args[1])
        write = element(context, builder, y, args[3], args[4])
        rows = [
            load_at(builder, builder.gep(read, [builder.mul(args[2], I64(j))]), vector)
            for j in range(LANES)
        ]
        half = LANES // 2
        while half:  # swap the off-diagonal halves of blocks of 2 · half rows
            keep = [lane if lane // half % 2 == 0 else lane - half + LANES for lane in range(LANES)]
            take = [lane + half if lane // half % 2 == 0 else lane + LANES for lane in range(LANES)]
            for j in range(LANES):
                if j // half % 2 == 0:
                    pair = rows[j], rows[j + half]
                    rows[j] = builder.shuffle_vector(*pair, _numbers(keep))
                    rows[j + half] = builder.shuffle_vector(*pair, _numbers(take))
            half //= 2
        for i, row in enumerate(rows):
            store_at(builder, row, builder.gep(write, [builder.mul(args[5], I64(i))]))
        return context.get_dummy_value()

    return types.void(x, i64, i64, y, i64, i64), code


def _numbers(values: Any) -> Any:
    values = list(values)
    return ir.Constant(ir.VectorType(ir.IntType(32), len(values)), values)


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
