"""Where to write the names of points so that they cover neither each other nor the points.

Greedy: one point after the other, each name goes to the nearest free place around its point. That
is tried in several orders, and the best result taken.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

GAPS = (5, 9, 14, 20, 27, 35, 44, 54, 66, 80, 96, 115)  # from a point to its name
ANGLES = (0, 30, -30, 60, -60, 90, -90, 180, 150, -150, 120, -120)  # degrees, the best first
MARKER = 4  # half the side of the square that a point's mark takes
SHUFFLES = 20  # orders more, tried until every name has a free place
MISS = 10_000.0  # what a name without a free place costs
NEAR = 60  # distance within which points crowd each other


class Box(NamedTuple):
    """A rectangle, by its edges."""

    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: Box) -> bool:
        """Whether the two overlap."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.bottom < other.top
            and other.bottom < self.top
        )


Position = tuple[float, float]


def place(
    points: Sequence[Position],
    sizes: Sequence[Position],
    area: Box,
    curves: Sequence[Box] = (),
    texts: Sequence[Box] = (),
) -> list[Box]:
    """Find a place for every name.

    Parameters
    ----------
    points : sequence of (x, y)
        In the same unit as the sizes, such as printer's points.
    sizes : sequence of (width, height)
        Of the names.
    area : Box
        Where names must stay.
    curves, texts : sequence of Box
        Where nothing may be written; a line that leads to a name may cross curves, not texts.

    Returns
    -------
    list of Box
        In the order of the points; where nothing is free, the nearest place.

    Examples
    --------
    >>> a, b = place([(50, 50), (50, 50)], [(20, 8)] * 2, Box(0, 0, 100, 100))
    >>> a.meets(b)
    False
    """
    crowd = [sum(math.dist(p, q) < NEAR for q in points) for p in points]
    by: tuple[Callable[[int], float], ...] = (
        lambda i: -crowd[i],
        lambda i: points[i][0],
        lambda i: -points[i][0],
        lambda i: points[i][1],
        lambda i: -points[i][1],
    )
    orders = [sorted(range(len(points)), key=key) for key in by]
    rng = random.Random(0)
    orders += [rng.sample(range(len(points)), len(points)) for _ in range(SHUFFLES)]
    best: tuple[float, list[Box]] = (math.inf, [])
    for number, order in enumerate(orders):
        if number >= len(by) and best[0] < MISS:
            break  # every name has a free place
        best = min(best, _place_in_order(order, points, sizes, area, curves, texts))
    return best[1]


def _place_in_order(
    order: Sequence[int],
    points: Sequence[Position],
    sizes: Sequence[Position],
    area: Box,
    curves: Sequence[Box],
    texts: Sequence[Box],
) -> tuple[float, list[Box]]:
    """Place the names in an order; return what that costs too: distances, and a lot for a miss."""
    marks = [Box(x - MARKER, y - MARKER, x + MARKER, y + MARKER) for x, y in points]
    obstacles = [*marks, *curves, *texts]
    found: dict[int, Box] = {}
    cost = 0.0
    for index in order:
        candidates = [
            (gap, _beside(points[index], sizes[index], gap, angle))
            for gap in GAPS
            for angle in ANGLES
        ]
        free = (
            (gap, box)
            for gap, box in candidates
            if _inside(box, area)
            and not any(box.meets(other) for other in obstacles)
            and not _crossed(points[index], box, [*texts, *found.values()], marks, index)
        )
        gap, found[index] = next(free, (MISS, candidates[0][1]))
        cost += gap
        obstacles += [found[index], *_line(points[index], found[index])]
    return cost, [found[i] for i in range(len(points))]


def anchor(point: Position, box: Box) -> Position:
    """Return the place on a name's edge that is nearest its point: a line may lead there."""
    return min(max(point[0], box.left), box.right), min(max(point[1], box.bottom), box.top)


def _beside(point: Position, size: Position, gap: float, angle: float) -> Box:
    """Put a box so that its nearest edge is `gap` away from the point, in a direction."""
    x, y = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    left = point[0] + gap * x - size[0] * (1 - x) / 2
    bottom = point[1] + gap * y - size[1] * (1 - y) / 2
    return Box(left, bottom, left + size[0], bottom + size[1])


def _inside(box: Box, area: Box) -> bool:
    return (
        box.left >= area.left
        and box.bottom >= area.bottom
        and box.right <= area.right
        and box.top <= area.top
    )


def _line(point: Position, box: Box) -> list[Box]:
    """Cover the line from a point to its name with small boxes."""
    end = anchor(point, box)
    pieces = int(math.dist(point, end) // 2)
    steps = (k / pieces for k in range(1, pieces + 1)) if pieces > 3 else ()
    places = (
        (point[0] + t * (end[0] - point[0]), point[1] + t * (end[1] - point[1])) for t in steps
    )
    return [Box(x - 0.5, y - 0.5, x + 0.5, y + 0.5) for x, y in places]


def _crossed(
    point: Position, box: Box, names: Iterable[Box], marks: Sequence[Box], own: int
) -> bool:
    """Whether the line to a name would cross another name, or another point's mark."""
    others = [mark for mark in marks if not mark.meets(marks[own])]
    blocked = [*names, *others]
    return any(piece.meets(other) for piece in _line(point, box) for other in blocked)
