"""The transforms of Winograd's convolution, on `LANES` tiles at a time.

A convolution of r taps with m outputs is a product of polynomials, taken at m + r − 1 points. Those
used here are 0, ±A, ±B and ∞. Each function below is one axis of a transform: a matrix of the
points' powers, with the even and the odd powers shared between a point and its negative.

    Bᵀ  6 inputs       G  3 taps       Aᵀ  4 outputs           for y = Aᵀ [ (G g) ⊙ (Bᵀ d) ]
                       G  4 taps       Aᵀ  3 outputs           for its gradient by g
"""

from __future__ import annotations

from typing import Any

from .jit import jit
from .shuffles import every_fourth
from .vector import INNER, LANES, load, load_within, store_below

A, B = 0.75, 1.5  # the points
A2, B2 = A * A, B * B
F0, FA, FB = A2 * B2, 2 * A2 * (A2 - B2), 2 * B2 * (B2 - A2)  # the points' distances, multiplied

phase0, phase1, phase2, phase3 = (every_fourth(phase) for phase in range(4))


@jit(**INNER)
def transform_input(d0: Any, d1: Any, d2: Any, d3: Any, d4: Any, d5: Any) -> Any:
    """Bᵀ d."""
    even_a, odd_a = d4 - d2 * B2, (d3 - d1 * B2) * A
    even_b, odd_b = d4 - d2 * A2, (d3 - d1 * A2) * B
    return (
        d0 * (A2 * B2) - d2 * (A2 + B2) + d4,
        even_a + odd_a,
        even_a - odd_a,
        even_b + odd_b,
        even_b - odd_b,
        d1 * (A2 * B2) - d3 * (A2 + B2) + d5,
    )


@jit(**INNER)
def transform_filter(g0: Any, g1: Any, g2: Any) -> Any:
    """G g."""
    even_a, even_b = (g0 + g2 * A2) * (1 / FA), (g0 + g2 * B2) * (1 / FB)
    odd_a, odd_b = g1 * (A / FA), g1 * (B / FB)
    return (
        g0 * (1 / F0),
        even_a + odd_a,
        even_a - odd_a,
        even_b + odd_b,
        even_b - odd_b,
        g2,
    )


@jit(**INNER)
def transform_output(m0: Any, m1: Any, m2: Any, m3: Any, m4: Any, m5: Any) -> Any:
    """Aᵀ m."""
    even_a, odd_a, even_b, odd_b = m1 + m2, m1 - m2, m3 + m4, m3 - m4
    return (
        m0 + even_a + even_b,
        odd_a * A + odd_b * B,
        even_a * A2 + even_b * B2,
        odd_a * (A * A2) + odd_b * (B * B2) + m5,
    )


@jit(**INNER)
def transform_four(g0: Any, g1: Any, g2: Any, g3: Any) -> Any:
    """G g, for four taps."""
    even_a, even_b = (g0 + g2 * A2) * (1 / FA), (g0 + g2 * B2) * (1 / FB)
    odd_a, odd_b = (g1 + g3 * A2) * (A / FA), (g1 + g3 * B2) * (B / FB)
    return (
        g0 * (1 / F0),
        even_a + odd_a,
        even_a - odd_a,
        even_b + odd_b,
        even_b - odd_b,
        g3,
    )


@jit(**INNER)
def transform_three(m0: Any, m1: Any, m2: Any, m3: Any, m4: Any, m5: Any) -> Any:
    """Aᵀ m, for three outputs."""
    even_a, odd_a, even_b, odd_b = m1 + m2, m1 - m2, m3 + m4, m3 - m4
    return (
        m0 + even_a + even_b,
        odd_a * A + odd_b * B,
        even_a * A2 + even_b * B2 + m5,
    )


@jit(**INNER)
def input_row(x: Any, base: int, row: int, left: int, height: int, width: int, inside: bool) -> Any:
    """One row of LANES tiles, times B: six vectors."""
    high = width - left if inside and 0 <= row < height else 0
    at = base + row * width + left
    a = load_within(x, at, -left, high)
    b = load_within(x, at + LANES, -left - LANES, high - LANES)
    c = load_within(x, at + 2 * LANES, -left - 2 * LANES, high - 2 * LANES)
    d = load_within(x, at + 3 * LANES, -left - 3 * LANES, high - 3 * LANES)
    # the last two numbers of a tile are the first two of the next
    at, left, high = at + 4, left + 4, high - 4
    e = load_within(x, at, -left, high)
    f = load_within(x, at + LANES, -left - LANES, high - LANES)
    g = load_within(x, at + 2 * LANES, -left - 2 * LANES, high - 2 * LANES)
    h = load_within(x, at + 3 * LANES, -left - 3 * LANES, high - 3 * LANES)
    return transform_input(
        phase0(a, b, c, d),
        phase1(a, b, c, d),
        phase2(a, b, c, d),
        phase3(a, b, c, d),
        phase0(e, f, g, h),
        phase1(e, f, g, h),
    )


@jit(**INNER)
def six(x: Any, at: int, step: int) -> Any:
    """Load six vectors, `step` numbers apart."""
    return (
        load(x, at),
        load(x, at + step),
        load(x, at + 2 * step),
        load(x, at + 3 * step),
        load(x, at + 4 * step),
        load(x, at + 5 * step),
    )


@jit(**INNER)
def keep(y: Any, at: int, step: int, vectors: Any, count: int) -> None:
    """Store the first `count` lanes of six vectors, `step` numbers apart."""
    store_below(y, at, vectors[0], count)
    store_below(y, at + step, vectors[1], count)
    store_below(y, at + 2 * step, vectors[2], count)
    store_below(y, at + 3 * step, vectors[3], count)
    store_below(y, at + 4 * step, vectors[4], count)
    store_below(y, at + 5 * step, vectors[5], count)
