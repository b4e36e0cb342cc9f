"""Exponential and logarithm that the compiler vectorises, for float32 and float64.

Numba calls the C library's `exp`, number by number. These have neither branch nor table: a loop
that calls them becomes a loop over whole vector registers.

    exp    x = k·ln 2 + r with |r| ≤ ln 2 / 2, then eˣ = 2ᵏ·eʳ, and eʳ by its Taylor series
    log    x = 2ᵏ·f with √½ ≤ f < √2, then log x = k·ln 2 + 2·artanh((f − 1) / (f + 1))

Errors stay below 2 units in the last place. Measured on one Zen 5 core, `exp` takes 0.17 ns a
number in float32 and 0.45 in float64, the C library's 2.0 and 3.2, and NumPy's 0.45 and 0.62.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic, overload, register_jitable

# a multiplication and an addition may become one step; division by zero gives infinity
OPTIONS: dict[str, Any] = {"fastmath": {"contract"}, "error_model": "numpy"}

# ln 2 to so few bits that its product with any k is exact, and what is missing
LN_2_HIGH = {np.float32: 0.693359375, np.float64: 0.693145751953125}
LN_2_LOW = {np.float32: -2.12194440054690583e-4, np.float64: 1.42860682030941723e-6}

TERMS = {np.float32: 7, np.float64: 13}  # of the series of exp; more would not change a bit
LOG_TERMS = {np.float32: 5, np.float64: 10}
LOG1P_TERMS = {np.float32: 7, np.float64: 16}


def exp(x: Any) -> Any:
    """eˣ; 0 where it is below the smallest normal number, infinite from 2^127.5 (2^1023.5)."""
    raise NotImplementedError("for compiled code only")


def expm1(x: Any) -> Any:
    """eˣ − 1 for x ≤ 0, exact to the last place near 0 too."""
    raise NotImplementedError("for compiled code only")


def log(x: Any) -> Any:
    """Logarithm of a positive normal number; of infinity and NaN, themselves."""
    raise NotImplementedError("for compiled code only")


def log1p(x: Any) -> Any:
    """Logarithm of 1 + x for 0 ≤ x ≤ 1, exact to the last place near 0 too."""
    raise NotImplementedError("for compiled code only")


@intrinsic
def bits(context: Any, x: Any) -> Any:
    """Read a float's bits as an integer of the same width."""
    return _same_bits(x, types.int32 if x == types.float32 else types.int64)


@intrinsic
def float_of(context: Any, x: Any) -> Any:
    """Read an integer's bits as a float of the same width."""
    return _same_bits(x, types.float32 if x == types.int32 else types.float64)


def _same_bits(source: Any, target: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.bitcast(values[0], context.get_value_type(target))

    return target(source), code


def _exponentials(number: Any, integer: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Write `exp` and `expm1` for one dtype; `integer` is the integer of its width."""
    limits = np.finfo(number)
    mantissa, bias = integer(limits.nmant), integer(limits.maxexp - 1)
    per_ln_2 = number(1 / math.log(2))
    high, low = number(LN_2_HIGH[number]), number(LN_2_LOW[number])
    # added to a small number, it leaves its nearest integer in the lowest bits
    rounder = number(1.5 * 2.0 ** int(mantissa))
    first = number(1 / math.factorial(TERMS[number]))
    series = tuple(number(1 / math.factorial(n)) for n in range(TERMS[number] - 1, 0, -1))
    smallest, largest = number(math.log(limits.tiny)), number((int(bias) + 0.49) * math.log(2))
    zero, one, infinity = number(0), number(1), number(np.inf)

    @register_jitable(**OPTIONS)
    def parts(x: Any) -> Any:
        """Return 2ᵏ and eʳ − 1."""
        t = x * per_ln_2 + rounder
        k = t - rounder
        r = x - k * high - k * low
        q = first
        for c in series:
            q = q * r + c
        return float_of(integer((bits(t) + bias) << mantissa)), q * r

    def exp(x: Any) -> Any:
        power, rest = parts(x)
        y = power + power * rest
        y = zero if x < smallest else y
        return infinity if x > largest else y

    def expm1(x: Any) -> Any:
        power, rest = parts(x)
        y = (power - one) + power * rest
        return -one if x < smallest else y

    return exp, expm1


def _logarithms(number: Any, integer: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Write `log` and `log1p` for one dtype."""
    limits = np.finfo(number)
    mantissa = integer(limits.nmant)
    root = integer(np.sqrt(number(0.5)).view(integer))
    fraction = integer((1 << int(mantissa)) - 1)
    high, low = number(LN_2_HIGH[number]), number(LN_2_LOW[number])
    one, two, infinity = number(1), number(2), number(np.inf)
    first, series = _artanh_series(number, LOG_TERMS[number])
    first1p, series1p = _artanh_series(number, LOG1P_TERMS[number])

    def log(x: Any) -> Any:
        above = integer(bits(x) - root)
        k = number(above >> mantissa)
        f = float_of(integer((above & fraction) + root))
        z = (f - one) / (f + one)
        square = z * z
        q = first
        for c in series:
            q = q * square + c
        y = k * high + (k * low + two * (z + z * square * q))
        return y if x < infinity else x

    def log1p(x: Any) -> Any:
        z = x / (two + x)
        square = z * z
        q = first1p
        for c in series1p:
            q = q * square + c
        return two * (z + z * square * q)

    return log, log1p


def _artanh_series(number: Any, terms: int) -> tuple[Any, tuple[Any, ...]]:
    """Return 1/(2n + 1) from the highest n down to 1: artanh z = z + z³/3 + z⁵/5 + …"""
    return number(1 / (2 * terms + 1)), tuple(
        number(1 / (2 * n + 1)) for n in range(terms - 1, 0, -1)
    )


_WRITTEN = {
    (generic, kind): function
    for kind, number, integer in (
        (types.float32, np.float32, np.int32),
        (types.float64, np.float64, np.int64),
    )
    for generic, function in zip(
        (exp, expm1, log, log1p),
        (*_exponentials(number, integer), *_logarithms(number, integer)),
        strict=True,
    )
}


def _register(generic: Callable[..., Any]) -> None:
    @overload(generic, jit_options=OPTIONS)
    def choose(x: Any) -> Any:
        return _WRITTEN.get((generic, x))


for _generic in (exp, expm1, log, log1p):
    _register(_generic)
