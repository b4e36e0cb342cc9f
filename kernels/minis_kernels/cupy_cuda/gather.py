"""A convolution, or a convolution's adjoint, on the GPU: `sources/conv_tensor.cu`, `conv_exact.cu`.

The filters are packed, tiles and parts chosen (`conv_tiles`), one kernel started; where blocks
share sums, a second one adds them up. All sums have one order: a call gives the same numbers each
time on one kind of GPU.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from . import depthwise
from .arrays import namespace
from .conv_plan import K_TILE, Plan, words
from .conv_sums import add_parts
from .conv_tiles import COMMON, EXACT, Tile, count, parts, stages, tile_for
from .conv_weights import Filters, pack
from .device import EMULATED, Device, device
from .precision import arithmetic
from .program import Program, emulating

MOST = 65535  # blocks along the second and the third axis of a grid


def gather(x: Any, w: Filters, b: Any, make: Callable[..., Plan], *sizes: Any) -> Any:
    """Compute the plan `make(*sizes)` on x: (N, groups·outputs, *out), or NotImplemented.

    Parameters
    ----------
    x : (N, groups·channels, *size) contiguous array
        The input, with three spatial axes.
    w : Filters
        The filters.
    b : (groups·outputs,) contiguous array or None
        The bias.
    make, *sizes
        `forward_plan` or `adjoint_plan`, and its arguments.
    """
    plan, plan_words, taps = planned(make, *sizes)
    if not plan.fits or plan.groups * len(plan.classes) > MOST:
        return NotImplemented
    if depthwise.serves(plan):
        return depthwise.convolve(x, w, b, plan, plan_words, taps)
    gpu = device()
    how = arithmetic(x.dtype.name, gpu.architecture)
    outputs = plan.groups * len(plan.classes)
    tile = tile_for(plan.outputs, plan.pixels, outputs, how, gpu)
    blocks = count(tile, plan.outputs, plan.pixels)
    splits = parts(blocks * outputs, min(plan.tiles), gpu)
    splits = min(splits, MOST // len(plan.classes))
    packed = pack(w, plan, tile.rows, how, plan_words, taps)
    xp: Any = namespace(x)
    shape = (plan.batch, plan.groups * plan.outputs, *plan.out)
    y = xp.empty((splits, *shape) if splits > 1 else shape, x.dtype)
    slots, shared = shared_memory(tile, how, gpu)
    run = program(tile, how, plan.run, slots, shared).kernel("convolve", x.dtype)
    grid = (blocks, plan.groups, len(plan.classes) * splits)
    bias = b if splits == 1 else None
    run(grid, tile.columns, x, packed, bias, y, plan_words, taps, splits, y.size // splits,
        shared=shared)  # fmt: skip
    return y if splits == 1 else add_parts(y, b, shape)


def planned(make: Callable[..., Plan], *sizes: Any) -> tuple[Plan, Any, Any]:
    """Return a plan, and its arrays on the current device."""
    if emulating():
        return _on_device(make, sizes, None)
    import cupy

    return _on_device(make, sizes, cupy.cuda.Device().id)


@functools.lru_cache(maxsize=256)
def _on_device(
    make: Callable[..., Plan], sizes: tuple[Any, ...], number: int | None
) -> tuple[Plan, Any, Any]:
    plan = make(*sizes)
    arrays = words(plan)
    if number is None:
        return plan, *arrays
    import cupy

    there = [cupy.asarray(a) for a in arrays]
    cupy.cuda.get_current_stream().synchronize()  # other streams may be the next to read them
    return plan, *there


def shared_memory(tile: Tile, how: str, gpu: Device) -> tuple[int, int]:
    """Return the slots of a block's shared memory, and its bytes."""
    size = {"fp16": 2, "float64": 8}.get(how, 4)
    if how in EXACT:
        slot = K_TILE * (tile.rows + tile.columns) * size
        staged = tile.rows // tile.own_rows * tile.columns * size
    else:
        slot = K_TILE * (tile.rows * size + (tile.columns + 8) * 4)
        staged = tile.rows // tile.own_rows * 16 * (tile.columns + 4) * 4
    slots = stages(slot, tile, gpu)
    return slots, max(slots * slot, staged)


@functools.cache
def program(tile: Tile, how: str, run: int, slots: int, shared: int) -> Program:
    """Return the program for a tile, an arithmetic, and the channels that share a tap."""
    return program_of("conv", tile, how, run, slots, shared)


def program_of(file: str, tile: Tile, how: str, run: int, slots: int, shared: int) -> Program:
    """Return `file`'s program by tensor cores, or the exact one."""
    macros = {"TILE_M": tile.rows, "TILE_N": tile.columns, "RUN": run, "STAGES": slots,
              "SHARED": shared, "BLOCKS": tile.blocks}  # fmt: skip
    if how in EXACT:
        own = {"OWN_M": tile.own_rows, "OWN_N": tile.own_columns}
        return Program(f"{file}_exact.cu", reals=(how,), **macros, **own)
    own = {"WARP_M": tile.own_rows, "WARP_N": tile.own_columns, "TF32": int(how == "tf32")}
    return Program(f"{file}_tensor.cu", reals=("float32",), **macros, **own)


for _how, _tile, _run in COMMON:  # so that tests find them; others are made when first needed
    program(_tile, _how, _run, *shared_memory(_tile, _how, EMULATED))
