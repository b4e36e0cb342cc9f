"""Which tile of the output a block of a convolution computes: decided by shapes and the GPU, here.

    tensor cores                       exact
    128 × 128   warps of 64 × 64       64 × 128   threads of 8 × 8
     64 × 128            32 × 64       32 × 128              8 × 4, 4 × 8 in float64
     32 × 128            32 × 32       16 × 128              4 × 4
     16 × 128            16 × 32
     64 × 64             32 × 64       64 × 64               8 × 8, in float64 32 × 64, 4 × 8

Rows are output channels, columns pixels (for the gradient of the filters: output channels, and
channels × taps). A large tile reads each number from shared memory for more products: a warp of
64 × 64 reads 128 numbers for 4096 products in a step of K, one of 16 × 32 reads 48 for 512. But
rows beyond the last channel are computed in vain. `_cost` is the product of the two.

The last, and sums that several blocks share, are for outputs too small to give every
multiprocessor its blocks.
"""

from __future__ import annotations

from typing import NamedTuple

from .device import Device

BLOCKS_FOR_EACH = 2  # that a multiprocessor should have
LEAST_OF_SUM = 4  # tiles of K that one of the blocks which share a sum should have at least
MOST_PARTS = 64  # that a sum is cut into
STAGES = 4  # tiles on their way or computed, at most


class Tile(NamedTuple):
    """A block's part of the output, and the part of it that a warp or a thread computes."""

    rows: int
    columns: int  # as many as the block has threads
    own_rows: int
    own_columns: int
    blocks: int  # that a multiprocessor should hold: more of them leave each fewer registers


TENSOR = (
    Tile(128, 128, 64, 64, 2),
    Tile(64, 128, 32, 64, 3),
    Tile(32, 128, 32, 32, 3),
    Tile(16, 128, 16, 32, 4),
)
TENSOR_SMALL = Tile(64, 64, 32, 64, 4)
EXACT = {
    "float32": (Tile(64, 128, 8, 8, 3), Tile(32, 128, 8, 4, 4), Tile(16, 128, 4, 4, 4)),
    "float64": (Tile(64, 128, 8, 8, 2), Tile(32, 128, 4, 8, 3), Tile(16, 128, 4, 4, 4)),
}
EXACT_SMALL = {"float32": Tile(64, 64, 8, 8, 4), "float64": Tile(32, 64, 4, 8, 4)}

# arithmetic, tile and channels that share a tap, of programs that most networks need
COMMON = (
    ("tf32", TENSOR[0], 16),
    ("tf32", TENSOR[1], 1),
    ("fp16", TENSOR[0], 16),
    ("float32", EXACT["float32"][0], 16),
    ("float64", EXACT["float64"][0], 16),
)


def tile_for(rows: int, columns: int, blocks: int, arithmetic: str, device: Device) -> Tile:
    """Return the tile for an output of so many rows and columns, of which there are `blocks`.

    Parameters
    ----------
    rows, columns : int
        Of one output: a group's, and a class's.
    blocks : int
        How many such outputs there are.
    arithmetic : {"tf32", "fp16", "float32", "float64"}
        What is computed in.
    device : Device
        The GPU.
    """
    exact = arithmetic in EXACT
    tile = min(EXACT[arithmetic] if exact else TENSOR, key=lambda t: _cost(t, rows))
    if tile.rows < 64 or blocks * count(tile, rows, columns) >= device.processors:
        return tile
    return EXACT_SMALL[arithmetic] if exact else TENSOR_SMALL


def count(tile: Tile, rows: int, columns: int) -> int:
    """Return how many tiles cover an output."""
    return -(-rows // tile.rows) * -(-columns // tile.columns)


def parts(blocks: int, steps: int, device: Device) -> int:
    """Return into how many parts a sum of `steps` tiles is cut, where there are so many blocks."""
    wanted = BLOCKS_FOR_EACH * device.processors // max(blocks, 1)
    return max(1, min(wanted, steps // LEAST_OF_SUM, MOST_PARTS))


def stages(slot: int, tile: Tile, device: Device) -> int:
    """Return how many slots of so many bytes a block should have.

    At least 2. More hide more of the time that memory takes, as long as a multiprocessor still has
    room for the blocks that it should hold.
    """
    room = min(device.shared // tile.blocks - 1024, device.shared_of_block)
    return max(2, min(STAGES, room // slot)) if device.architecture >= 80 else 2


def _cost(tile: Tile, rows: int) -> float:
    padded = -(-rows // tile.rows) * tile.rows
    return padded * (tile.own_rows + tile.own_columns) / (tile.own_rows * tile.own_columns)
