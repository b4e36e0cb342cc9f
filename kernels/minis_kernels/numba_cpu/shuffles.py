"""Moving numbers between the lanes of vectors: parting, weaving, transposing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import types
from numba.extending import intrinsic

from .llvm import I64, LANES, element, lane_numbers, llvm_vector, load_at, store_at


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


@intrinsic
def every_second(typing: Any, a: Any, b: Any) -> Any:
    """Return lanes 0, 2, 4, … of the two laid end to end."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.shuffle_vector(*args, lane_numbers(range(0, 2 * LANES, 2)))

    return a(a, b), code


def half_woven(part: int) -> Any:
    """Return the function (a, b) -> part 0 or 1 of a[0], b[0], a[1], b[1], …."""

    @intrinsic
    def weave(typing: Any, a: Any, b: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            lanes = range(part * LANES, (part + 1) * LANES)
            mask = lane_numbers(i % 2 * LANES + i // 2 for i in lanes)
            return builder.shuffle_vector(*args, mask)

        return a(a, b), code

    return weave


def _shuffle(mask: Callable[[int], int]) -> Any:
    @intrinsic
    def shuffle(typing: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            halves = [
                builder.shuffle_vector(*args[i : i + 2], lane_numbers(range(2 * LANES)))
                for i in (0, 2)
            ]
            return builder.shuffle_vector(*halves, lane_numbers(map(mask, range(LANES))))

        return a(a, b, c, d), code

    return shuffle


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
                    rows[j] = builder.shuffle_vector(*pair, lane_numbers(keep))
                    rows[j + half] = builder.shuffle_vector(*pair, lane_numbers(take))
            half //= 2
        for i, row in enumerate(rows):
            store_at(builder, row, builder.gep(write, [builder.mul(args[5], I64(i))]))
        return context.get_dummy_value()

    return types.void(x, i64, i64, y, i64, i64), code
