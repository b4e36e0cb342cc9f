"""Writing LLVM's instructions on vectors, for `vector` and `product`.

`LANES` is the number of float32 numbers in a register of this machine: 16 with AVX-512, 8 with AVX,
else 4. A vector of float64 has as many lanes, in two registers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils

_FEATURES = llvm.get_host_cpu_features()
LANES = 16 if _FEATURES.get("avx512f") else 8 if _FEATURES.get("avx") else 4

I64 = ir.IntType(64)


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
    numbers = lane_numbers(range(LANES))
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


def lane_numbers(values: Iterable[int]) -> Any:
    """Return a constant vector of i32, as shuffles take it."""
    numbers = list(values)
    return ir.Constant(ir.VectorType(ir.IntType(32), len(numbers)), numbers)
