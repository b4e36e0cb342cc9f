"""The inner loop of every convolution and matrix product here: a tile of sums held in registers.

    y[m, j] += Σ_t w[t, m] · x[offsets[t] + j]       m < ROWS, j < width ≤ COLUMNS

Each number of w is spread over a register and multiplied with COLUMNS neighbours of x; the
ROWS × COLUMNS sums stay in registers over all t. A row of x may begin anywhere: `offsets` says
where, and that one array makes this loop a matrix product (equal steps), a convolution of any
kernel, dilation and number of axes (one offset per tap and channel, no unfolding), or a sum over
pixels.

Measured on two Zen 5 cores, whose multipliers peak at about 490 GFLOP/s in float32: 483 GFLOP/s
with tiles of 8 rows × 2 registers, 375 with 8 × 1; OpenBLAS reaches 430 on large square matrices,
but 70 on 16 rows. `np.dot` inside a kernel would also need a packed copy of each window.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from .llvm import (
    I64,
    LANES,
    element,
    fused_multiply_add,
    lanes_below,
    llvm_vector,
    load_at,
    load_masked,
    splat,
    store_at,
    store_masked,
)

ROWS = max(4, LANES // 2)  # with 16 registers of 8 lanes, 4
COLUMNS = 2 * LANES
LINE_COLUMNS = 4 * LANES  # of the tile with a single row


def _tile(rows: int, registers: int, fresh: bool = False) -> Any:
    """Return the function that adds to, or if `fresh` sets, `rows` × (`registers` · LANES) sums."""

    @intrinsic
    def add_product(
        typing: Any,
        w: Any,
        w_at: Any,
        w_step: Any,
        x: Any,
        x_at: Any,
        offsets: Any,
        first: Any,
        taps: Any,
        y: Any,
        y_at: Any,
        y_step: Any,
        width: Any,
    ) -> Any:
        i64 = types.int64
        signature = types.void(w, i64, i64, x, i64, offsets, i64, i64, y, i64, i64, i64)

        def code(context: Any, builder: Any, _: Any, args: Any) -> Any:
            w_from = element(context, builder, w, args[0], args[1])
            x_from = element(context, builder, x, args[3], args[4])
            taps_from = element(context, builder, offsets, args[5], args[6])
            y_from = element(context, builder, y, args[8], args[9])
            # a vector of float64 fills two registers: half as many vectors at a time
            at_once = registers if x.dtype == types.float32 else registers // 2
            for r in range(0, registers, at_once):
                begin = I64(r * LANES)
                tile = _Tile(builder, rows, at_once, llvm_vector(x.dtype), args[10], fresh)
                ends = builder.gep(x_from, [begin]), taps_from, builder.gep(y_from, [begin])
                width = builder.sub(args[11], begin)
                full = builder.icmp_signed(">=", width, I64(at_once * LANES))
                with builder.if_else(full, likely=True) as (all_columns, some_columns):
                    with all_columns:
                        tile.emit(w_from, args[2], *ends, args[7], None)
                    with some_columns:
                        tile.emit(w_from, args[2], *ends, args[7], width)
            return context.get_dummy_value()

        return signature, code

    return add_product


class _Tile:
    """Writes the instructions of one tile."""

    def __init__(
        self,
        builder: Any,
        rows: int,
        registers: int,
        vector: Any,
        y_step: Any,
        fresh: bool,
    ) -> None:
        self.builder, self.vector = builder, vector
        self.places = [(m, r) for m in range(rows) for r in range(registers)]
        self.rows, self.registers = rows, registers
        self.y_step, self.fresh = y_step, fresh

    def emit(
        self, w: Any, w_step: Any, x: Any, offsets: Any, y: Any, taps: Any, width: Any
    ) -> None:
        """Load the sums, add the product of each tap, store them; `width` None means all."""
        b = self.builder
        masks: list[Any] = [None] * self.registers
        if width is not None:
            masks = [lanes_below(b, b.sub(width, I64(r * LANES))) for r in range(self.registers)]
        if self.fresh:
            zero = ir.Constant(self.vector, [ir.Constant(self.vector.element, 0.0)] * LANES)
            sums = [zero for _ in self.places]
        else:
            sums = [self._load(self._address(y, m, r), masks[r]) for m, r in self.places]

        before, loop, after = b.block, b.append_basic_block("tap"), b.append_basic_block("done")
        b.cbranch(b.icmp_signed(">", taps, I64(0)), loop, after)
        b.position_at_end(loop)
        t, w_row = b.phi(I64), b.phi(w.type)
        t.add_incoming(I64(0), before)
        w_row.add_incoming(w, before)
        running = []
        for start in sums:
            phi = b.phi(self.vector)
            phi.add_incoming(start, before)
            running.append(phi)
        x_row = b.gep(x, [b.load(b.gep(offsets, [t]))])
        columns = [
            self._load(b.gep(x_row, [I64(r * LANES)]), masks[r]) for r in range(self.registers)
        ]
        added = []
        for m in range(self.rows):
            factor = splat(b, b.load(b.gep(w_row, [I64(m)])))
            for r in range(self.registers):
                old = running[m * self.registers + r]
                added.append(fused_multiply_add(b, factor, columns[r], old))
        following = b.add(t, I64(1))
        t.add_incoming(following, loop)
        w_row.add_incoming(b.gep(w_row, [w_step]), loop)
        for phi, new in zip(running, added, strict=True):
            phi.add_incoming(new, loop)
        b.cbranch(b.icmp_signed("<", following, taps), loop, after)

        b.position_at_end(after)
        for (m, r), start, new in zip(self.places, sums, added, strict=True):
            total = b.phi(self.vector)
            total.add_incoming(start, before)
            total.add_incoming(new, loop)
            sums[m * self.registers + r] = total
        for (m, r), total in zip(self.places, sums, strict=True):
            if width is None:
                store_at(b, total, self._address(y, m, r))
            else:
                store_masked(b, total, self._address(y, m, r), masks[r])

    def _address(self, y: Any, m: int, r: int) -> Any:
        b = self.builder
        return b.gep(y, [b.add(b.mul(self.y_step, I64(m)), I64(r * LANES))])

    def _load(self, address: Any, mask: Any) -> Any:
        if mask is None:
            return load_at(self.builder, address, self.vector)
        return load_masked(self.builder, address, mask, self.vector)


add_tile = _tile(ROWS, 2)  # y (ROWS, width ≤ COLUMNS)
set_tile = _tile(ROWS, 2, fresh=True)
add_line = _tile(1, 4)  # y (1, width ≤ LINE_COLUMNS)
