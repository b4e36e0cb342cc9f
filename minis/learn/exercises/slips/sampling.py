"""Plausible mistakes in interpolation."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..solutions.bilinear_filter import bilinear_filter
from ..solutions.bilinear_sample import bilinear_sample


def centres_between_cells(factor: int) -> Any:
    """Takes K / 2 for the middle of cells 0 … K − 1. It is (K − 1) / 2."""
    k = 2 * factor - factor % 2
    tent = 1 - abs(np.arange(k) - k / 2) / factor
    return tent[:, None] * tent[None, :]


def adds_up_to_one(factor: int) -> Any:
    """Divides the filter by its sum. Neighbouring tents already add up to 1."""
    whole = bilinear_filter(factor)
    return whole / whole.sum()


def takes_the_even_side(factor: int) -> Any:
    """Makes the side 2 · factor for odd factors as well; they need 2 · factor − 1."""
    return bilinear_filter(factor) if factor % 2 == 0 else np.zeros((2 * factor, 2 * factor))


BILINEAR_FILTER = (centres_between_cells, adds_up_to_one, takes_the_even_side)


def exchanges_coordinates(f: Any, y: float, x: float) -> float:
    """Takes y for the column and x for the row."""
    return bilinear_sample(f, x, y)


def rounds_to_a_cell(f: Any, y: float, x: float) -> float:
    """Takes the nearest cell in place of a mean of four."""
    h, v = f.shape
    if not (-1 <= y <= h and -1 <= x <= v):
        return 0.0
    return float(f[min(max(round(y), 0), h - 1), min(max(round(x), 0), v - 1)])


def clamps_everything(f: Any, y: float, x: float) -> float:
    """Moves every point inside. One more than a cell outside counts as 0."""
    h, v = f.shape
    return bilinear_sample(f, min(max(y, 0), h - 1), min(max(x, 0), v - 1))


def nothing_outside(f: Any, y: float, x: float) -> float:
    """Gives 0 for every point outside 0 … H − 1. Up to one cell away it is moved inside."""
    inside = 0 <= y <= f.shape[0] - 1 and 0 <= x <= f.shape[1] - 1
    return bilinear_sample(f, y, x) if inside else 0.0


def exchanges_weights(f: Any, y: float, x: float) -> float:
    """Gives the near cell the far one's weight: the next cell gets the remainder a, not 1 − a."""
    h, v = f.shape
    if not (-1 <= y <= h and -1 <= x <= v):
        return 0.0
    y, x = min(max(y, 0), h - 1), min(max(x, 0), v - 1)
    r, s = int(y), int(x)
    a, b = y - r, x - s
    return bilinear_sample(f, min(r + 1 - a, h - 1), min(s + 1 - b, v - 1))


BILINEAR_SAMPLE = (
    exchanges_coordinates,
    rounds_to_a_cell,
    clamps_everything,
    nothing_outside,
    exchanges_weights,
)
