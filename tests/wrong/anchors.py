"""Mistakes in generating, matching and sampling anchors."""

import math

import numpy as np

from minis import ops

from . import wrong


def _generate(image_size, feature_sizes, *, sizes, ratios, centre=0.0, finish=np.round):
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


@wrong("generate_anchors")
def takes_width_over_height(image_size, feature_sizes, *, sizes, ratios):
    """Reads a ratio as width over height."""
    inverse = tuple(1 / r for r in ratios)
    return _generate(image_size, feature_sizes, sizes=sizes, ratios=inverse)


@wrong("generate_anchors")
def centres_anchors_on_cells(image_size, feature_sizes, *, sizes, ratios):
    """Places anchors at (j + ½)·stride."""
    return _generate(image_size, feature_sizes, sizes=sizes, ratios=ratios, centre=0.5)


@wrong("generate_anchors")
def leaves_anchors_unrounded(image_size, feature_sizes, *, sizes, ratios):
    """Doesn't round the corners around the origin."""
    return _generate(image_size, feature_sizes, sizes=sizes, ratios=ratios, finish=float)


@wrong("generate_anchors")
def rounds_half_up(image_size, feature_sizes, *, sizes, ratios):
    """Rounds 16.5 to 17, not to the even 16."""
    up = _generate(
        image_size, feature_sizes, sizes=sizes, ratios=ratios, finish=lambda v: math.floor(v + 0.5)
    )
    return up


@wrong("generate_anchors")
def lists_sizes_before_ratios(image_size, feature_sizes, *, sizes, ratios):
    """Within a cell, goes size by size, each with all ratios."""
    levels = ops.generate_anchors.reference(image_size, feature_sizes, sizes=sizes, ratios=ratios)
    return [
        level.reshape(-1, len(ratios), len(s), 4).swapaxes(1, 2).reshape(-1, 4)
        for level, s in zip(levels, sizes, strict=True)
    ]


@wrong("generate_anchors")
def divides_the_image_exactly(image_size, feature_sizes, *, sizes, ratios):
    """Takes a stride that isn't whole where the image isn't a multiple of the map."""
    levels = ops.generate_anchors.reference(image_size, feature_sizes, sizes=sizes, ratios=ratios)
    moved = []
    for level, (h, w) in zip(levels, feature_sizes, strict=True):
        i, j = np.divmod(np.arange(h * w), w)
        x, y = (image_size[1] / w % 1) * j, (image_size[0] / h % 1) * i
        shift = np.repeat(np.stack([x, y, x, y], axis=1), len(level) // (h * w), axis=0)
        moved.append((level + shift).astype(np.float32))
    return moved


def _match(iou, high=0.7, low=0.3, allow_low_quality=True):
    return ops.match_anchors.reference(iou, high=high, low=low, allow_low_quality=allow_low_quality)


@wrong("match_anchors")
def gives_low_quality_matches_the_box(iou, *, allow_low_quality=True, **thresholds):
    """Matches a box's best anchor with that box, not with the one that the anchor prefers."""
    match = _match(iou, allow_low_quality=False, **thresholds)
    if allow_low_quality and iou.size:
        for box, row in enumerate(iou):
            match[row == row.max()] = box
    return match


@wrong("match_anchors")
def takes_one_anchor_a_box(iou, *, allow_low_quality=True, **thresholds):
    """Of anchors that tie for a box, matches the first only."""
    match = _match(iou, allow_low_quality=False, **thresholds)
    if allow_low_quality and iou.size:
        best = iou.argmax(axis=1)
        match[best] = iou[:, best].argmax(axis=0)
    return match


@wrong("match_anchors")
def forgets_low_quality_matches(iou, *, allow_low_quality=True, **thresholds):
    """Leaves boxes without an anchor above the threshold without any."""
    return _match(iou, allow_low_quality=False, **thresholds)


@wrong("match_anchors")
def asks_for_more_than_the_threshold(iou, *, high=0.7, **options):
    """Compares with > high in place of >= high."""
    return _match(iou, high=math.nextafter(high, 2), **options)


@wrong("match_anchors")
def calls_the_lower_threshold_background(iou, *, low=0.3, high=0.7, **options):
    """Compares with <= low in place of < low."""
    low = math.nextafter(low, 2)
    return _match(iou, low=low, high=max(low, high), **options)


@wrong("sample_balanced")
def draws_with_replacement(labels, count, positive_fraction, rng):
    """May draw one anchor twice."""
    positive, negative = np.flatnonzero(labels >= 1), np.flatnonzero(labels == 0)
    most = min(int(count * positive_fraction), len(positive))
    rest = min(count - most, len(negative))
    return np.sort(rng.choice(positive, most)), np.sort(rng.choice(negative, rest))


@wrong("sample_balanced")
def reserves_the_share_of_positives(labels, count, positive_fraction, rng):
    """Doesn't fill up with negatives where positives are few."""
    positive, negative = ops.sample_balanced.reference(labels, count, positive_fraction, rng)
    return positive, negative[: count - int(count * positive_fraction)]


@wrong("sample_balanced")
def takes_the_ignored_for_negatives(labels, count, positive_fraction, rng):
    """Draws from all that is not positive."""
    return ops.sample_balanced.reference(np.maximum(labels, 0), count, positive_fraction, rng)


@wrong("sample_balanced")
def takes_the_first_ones(labels, count, positive_fraction, rng):
    """Doesn't draw at random."""
    positive, negative = np.flatnonzero(labels >= 1), np.flatnonzero(labels == 0)
    positive = positive[: int(count * positive_fraction)]
    return positive, negative[: count - len(positive)]


@wrong("sample_balanced")
def asks_for_label_one(labels, count, positive_fraction, rng):
    """Takes only label 1 for positive, not all classes."""
    ones = np.where(labels > 1, -1, labels)
    return ops.sample_balanced.reference(ones, count, positive_fraction, rng)
