"""Mask pasting on the GPU, by the kernel of `sources/paste.cu`."""

from __future__ import annotations

from typing import Any

from ..region_arguments import bins_of
from .arrays import contiguous, namespace, servable
from .grid import THREADS
from .planes import fits
from .program import Program
from .regions import MOST_CHUNKS

PROGRAM = Program("paste.cu")
ROWS = 16  # lines of an image that a block takes


def paste_masks(masks: Any, boxes: Any, size: Any, *, aligned: bool = False) -> Any:
    """Put masks into images: `minis.ops.paste_masks`.

    A box that isn't finite or lies 10⁹ pixels away is not an error here, which would cost a
    synchronisation: its image is NaN.
    """
    image = bins_of(size)
    if image is None or not servable(masks, boxes) or masks.ndim != 4:
        return NotImplemented
    m, k, (height, width) = len(masks), masks.shape[-1], image
    if masks.shape != (m, 1, k, k) or boxes.shape != (m, 4) or not fits(image, (k, k)):
        return NotImplemented
    bands = -(-height // ROWS)
    if bands > MOST_CHUNKS:
        return NotImplemented
    y = namespace(masks).empty((m, 1, height, width), masks.dtype)  # type: ignore[union-attr]
    run, threads = PROGRAM.kernel("paste", masks.dtype), min(THREADS, -(-width // 32) * 32)
    sizes = (k, height, width, (k + 2) / k, bool(aligned))
    run((m, bands), threads, contiguous(masks), contiguous(boxes), y, *sizes)
    return y
