"""Winograd's convolution F(4×4, 3×3): a quarter of the multiplications (Lavin & Gray 2016).

Sixteen outputs of a 3×3 filter depend on 6×6 inputs. Transformed, tile d and filter g need one
multiplication for each of 36 numbers, where the sums themselves need 144:

    y = Aᵀ [ (G g Gᵀ) ⊙ (Bᵀ d B) ] A

The sums over channels move between the transforms: 36 matrix products (O, C) · (C, tiles). A third
axis of the filter is summed there too, as further channels: its taps read the transformed planes
in front and behind. So are the parts of a 5×5 filter: four of 3×3, moved by three pixels and filled
up with zeros. They need 9 multiplications for an output, where the sums themselves need 25.

The matrices evaluate polynomials at 0, ±3/4, ±3/2 and ∞. The usual points, 0, ±1, ±2 and ∞, make
the transforms a little cheaper; with these the error of 512 channels in float32 is 5e-6 of the
largest output instead of 1.4e-5, as good as a direct sum's.

Transforms work on `LANES` tiles at a time (`vector`), products on register tiles (`product`). Where
a layer has many tiles, each thread takes a block through all three steps while it lies in its L2
cache; where it has few tiles and many channels, threads share the channels, then the outputs.

What further steps bought on two Zen 5 cores, 64 channels at 256² and 512 at 32²: 9.5 and 7.6 ms;
with buffers that are kept and the next channel fetched ahead, 6.6 and 7.6; with the 36 numbers'
planes apart by more than a power of two, so that they don't share cache sets, 5.5 and 4.6.
PyTorch's direct convolution takes 12 for both, and 22 to 30 with fresh memory for the first.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .launch import exclusive, threads
from .product import COLUMNS, ROWS
from .scratch import scratch
from .winograd_steps import FILTERS, INPUTS, OUTPUTS, PAD, TILES, F, run_tasks_of
from .workers import on_all_threads

MANY_TILES = 320  # from which on threads share blocks of tiles rather than channels


def convolve(x: Any, w: Any, bias: Any, padding: tuple[int, int, int], adjoint: bool) -> Any:
    """Convolve with stride 1: x (N, C, D, H, W), w (O, C, K, S, S) with S = 3 or 5.

    If `adjoint`, x has the O channels of w's first axis, and filters are flipped and their first
    two axes swapped: with padding K − 1 − p, the gradient of a convolution with padding p.
    """
    n, parts = len(x), -(-w.shape[3] // 3)
    c = x.shape[1] * parts * parts
    outputs, taps = w.shape[1] if adjoint else len(w), w.shape[2]
    out = tuple(x.shape[2 + a] + 2 * padding[a] - w.shape[2 + a] + 1 for a in range(3))
    y = np.empty((n, outputs, *out), x.dtype)
    tiles = -(-out[1] // 4), -(-out[2] // 4)
    runs, run = (1, n * out[0]) if taps == 1 else (n, out[0])  # of planes that lie together
    planes, rows = _block(run, tiles, taps)
    many = runs * run * tiles[0] * tiles[1] >= MANY_TILES
    if not many:
        planes, rows = run, tiles[0]
    shape = np.array([taps, *padding, *tiles, planes, rows, run, parts])
    blocks = runs * -(-run // planes) * -(-tiles[0] // rows)
    columns = planes * rows * tiles[1]
    halo = (planes + taps - 1) * rows * tiles[1]
    groups = -(-outputs // ROWS)
    at_once = groups if many else 1  # of the outputs' groups
    with exclusive():
        size = at_once * c * taps * ROWS + PAD
        filters = scratch("filters", (1 if many else threads(), F, size), x.dtype)
        size = F * (c * halo + PAD) + COLUMNS
        v = scratch("inputs", (threads() if many else 1, size), x.dtype)
        size = F * (at_once * ROWS * columns + PAD) + COLUMNS
        m = scratch("products", (threads(), size), x.dtype)
        arrays = x, w, adjoint, None if parts == 1 else True, bias, shape, filters, v, m, y
        if many:
            on_all_threads(run_tasks_of, FILTERS, groups, 0, *arrays)
            on_all_threads(run_tasks_of, TILES, blocks, 0, *arrays)
        else:
            for block in range(blocks):
                on_all_threads(run_tasks_of, INPUTS, c, block, *arrays)
                on_all_threads(run_tasks_of, OUTPUTS, groups, block, *arrays)
    return y


def _block(run: int, tiles: tuple[int, int], taps: int) -> tuple[int, int]:
    """Choose the planes and rows of tiles of a block: about 64 tiles, or 128 with a third axis."""
    wanted = 64 if taps == 1 else 128
    rows = min(tiles[0], max(1, (wanted if taps == 1 else 16) // tiles[1]))
    return min(run, max(1, wanted // (rows * tiles[1]))), rows
