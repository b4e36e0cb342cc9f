"""Mistakes in generating, matching and sampling anchors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minis import ops

from . import mistake


def _generate(
    image_size: Any,
    feature_sizes: Any,
    *,
    sizes: Any,
    ratios: Any,
    centre: Any = 0.0,
    finish: Any = np.round,
) -> Any:
    """Anchors whose centres within a cell and rounding are given."""
    levels = []
    for (rows, columns), level_sizes in zip(feature_sizes, sizes, strict=True):
        step = image_size[1] // columns, image_size[0] // rows
        boxes = []
        for i, j in np.ndindex(rows, columns):
            x, y = (j + centre) * step[0], (i + centre) * step[1]
            for ratio in ratios:
                for size in level_sizes:
                    w, h = finish(size / math.sqrt(ratio) / 2), finish(size * math.sqrt(ratio) / 2)
                    boxes.append((x - w, y - h, x + w, y + h))
        levels.append(np.array(boxes, np.float32))
    return levels


@mistake("generate_anchors")
def takes_width_over_height(image_size: Any, feature_sizes: Any, *, sizes: Any, ratios: Any) -> Any:
    """Reads a ratio as width over height."""
    inverse = tuple(1 / r for r in ratios)
    return _generate(image_size, feature_sizes, sizes=sizes, ratios=inverse)


@mistake("generate_anchors")
def centres_anchors_on_cells(
    image_size: Any, feature_sizes: Any, *, sizes: Any, ratios: Any
) -> Any:
    """Places anchors at (j + ½)·stride."""
    return _generate(image_size, feature_sizes, sizes=sizes, ratios=ratios, centre=0.5)


@mistake("generate_anchors")
def leaves_anchors_unrounded(
    image_size: Any, feature_sizes: Any, *, sizes: Any, ratios: Any
) -> Any:
    """Doesn't round the corners around the origin."""
    return _generate(image_size, feature_sizes, sizes=sizes, ratios=ratios, finish=float)


@mistake("generate_anchors")
def rounds_half_up(image_size: Any, feature_sizes: Any, *, sizes: Any, ratios: Any) -> Any:
    """Rounds 16.5 to 17, not to the even 16."""
    up = _generate(
        image_size, feature_sizes, sizes=sizes, ratios=ratios, finish=lambda v: math.floor(v + 0.5)
    )
    return up


@mistake("generate_anchors")
def lists_sizes_before_ratios(
    image_size: Any, feature_sizes: Any, *, sizes: Any, ratios: Any
) -> Any:
    """Within a cell, goes size by size, each with all ratios."""
    levels = ops.generate_anchors.reference(image_size, feature_sizes, sizes=sizes, ratios=ratios)
    return [
        level.reshape(-1, len(ratios), len(s), 4).swapaxes(1, 2).reshape(-1, 4)
        for level, s in zip(levels, sizes, strict=True)
    ]


@mistake("generate_anchors")
def divides_the_image_exactly(
    image_size: Any, feature_sizes: Any, *, sizes: Any, ratios: Any
) -> Any:
    """Takes a stride that isn't whole where the image isn't a multiple of the map."""
    levels = ops.generate_anchors.reference(image_size, feature_sizes, sizes=sizes, ratios=ratios)
    moved = []
    for level, (h, w) in zip(levels, feature_sizes, strict=True):
        i, j = np.divmod(np.arange(h * w), w)
        x, y = (image_size[1] / w % 1) * j, (image_size[0] / h % 1) * i
        shift = np.repeat(np.stack([x, y, x, y], axis=1), len(level) // (h * w), axis=0)
        moved.append((level + shift).astype(np.float32))
    return moved


def _match(iou: Any, high: Any = 0.7, low: Any = 0.3, allow_low_quality: Any = True) -> Any:
    return ops.match_anchors.reference(iou, high=high, low=low, allow_low_quality=allow_low_quality)


@mistake("match_anchors")
def gives_low_quality_matches_the_box(
    iou: Any, *, allow_low_quality: Any = True, **thresholds: Any
) -> Any:
    """Matches a box's best anchor with that box, not with the one that the anchor prefers."""
    match = _match(iou, allow_low_quality=False, **thresholds)
    if allow_low_quality and iou.size:
        for box, row in enumerate(iou):
            match[row == row.max()] = box
    return match


@mistake("match_anchors")
def takes_one_anchor_a_box(iou: Any, *, allow_low_quality: Any = True, **thresholds: Any) -> Any:
    """Of anchors that tie for a box, matches the first only."""
    match = _match(iou, allow_low_quality=False, **thresholds)
    if allow_low_quality and iou.size:
        best = iou.argmax(axis=1)
        match[best] = iou[:, best].argmax(axis=0)
    return match


@mistake("match_anchors")
def forgets_low_quality_matches(
    iou: Any, *, allow_low_quality: Any = True, **thresholds: Any
) -> Any:
    """Leaves boxes without an anchor above the threshold without any."""
    return _match(iou, allow_low_quality=False, **thresholds)


@mistake("match_anchors")
def asks_for_more_than_the_threshold(iou: Any, *, high: Any = 0.7, **options: Any) -> Any:
    """Compares with > high in place of >= high."""
    return _match(iou, high=math.nextafter(high, 2), **options)


@mistake("match_anchors")
def calls_the_lower_threshold_background(
    iou: Any, *, low: Any = 0.3, high: Any = 0.7, **options: Any
) -> Any:
    """Compares with <= low in place of < low."""
    low = math.nextafter(low, 2)
    return _match(iou, low=low, high=max(low, high), **options)


@mistake("sample_balanced")
def draws_with_replacement(labels: Any, count: Any, positive_fraction: Any, rng: Any) -> Any:
    """May draw one anchor twice."""
    positive, negative = np.flatnonzero(labels >= 1), np.flatnonzero(labels == 0)
    most = min(int(count * positive_fraction), len(positive))
    rest = min(count - most, len(negative))
    return np.sort(rng.choice(positive, most)), np.sort(rng.choice(negative, rest))


@mistake("sample_balanced")
def reserves_the_share_of_positives(
    labels: Any, count: Any, positive_fraction: Any, rng: Any
) -> Any:
    """Doesn't fill up with negatives where positives are few."""
    positive, negative = ops.sample_balanced.reference(labels, count, positive_fraction, rng)
    return positive, negative[: count - int(count * positive_fraction)]


@mistake("sample_balanced")
def takes_the_ignored_for_negatives(
    labels: Any, count: Any, positive_fraction: Any, rng: Any
) -> Any:
    """Draws from all that is not positive."""
    return ops.sample_balanced.reference(np.maximum(labels, 0), count, positive_fraction, rng)


@mistake("sample_balanced")
def takes_the_first_ones(labels: Any, count: Any, positive_fraction: Any, rng: Any) -> Any:
    """Doesn't draw at random."""
    positive, negative = np.flatnonzero(labels >= 1), np.flatnonzero(labels == 0)
    positive = positive[: int(count * positive_fraction)]
    return positive, negative[: count - len(positive)]


@mistake("sample_balanced")
def asks_for_label_one(labels: Any, count: Any, positive_fraction: Any, rng: Any) -> Any:
    """Takes only label 1 for positive, not all classes."""
    ones = np.where(labels > 1, -1, labels)
    return ops.sample_balanced.reference(ones, count, positive_fraction, rng)
