"""Specs of anchors, of matching them with objects, and of drawing a balanced few."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .draw import LAYOUTS, dtypes, generators, lay_out
from .properties import assert_close
from .spec import Call, Function, Spec

SIZES = (8, 15, 32, 33, 100.5)
RATIOS = (0.25, 0.5, 1.0, 2.0, 4.0)


@st.composite
def generate_anchors_calls(draw: st.DrawFn) -> Call:
    """Draw a pyramid of one to three levels whose strides are often not whole."""
    image = (draw(st.integers(20, 70)), draw(st.integers(20, 70)))
    levels = draw(st.integers(1, 3))
    features = [draw(st.tuples(st.integers(1, 4), st.integers(1, 4))) for _ in range(levels)]
    sizes = [
        tuple(draw(st.lists(st.sampled_from(SIZES), min_size=1, max_size=2))) for _ in range(levels)
    ]
    ratios = tuple(draw(st.lists(st.sampled_from(RATIOS), min_size=1, max_size=3)))
    return Call((image, features), {"sizes": sizes, "ratios": ratios})


def generate_anchors_loops(image_size: Any, feature_sizes: Any, *, sizes: Any, ratios: Any) -> Any:
    """Lay one anchor after the other."""
    levels = []
    for (rows, columns), level_sizes in zip(feature_sizes, sizes, strict=True):
        step_y, step_x = image_size[0] // rows, image_size[1] // columns
        boxes = []
        for i in range(rows):
            for j in range(columns):
                for ratio in ratios:
                    for size in level_sizes:
                        width, height = size / math.sqrt(ratio), size * math.sqrt(ratio)
                        x, y = round(width / 2), round(height / 2)  # half to even
                        corner = (j * step_x - x, i * step_y - y)
                        boxes.append((*corner, corner[0] + 2 * x, corner[1] + 2 * y))
        levels.append(np.array(boxes, np.float32))
    return levels


def equals_loops_on_each_level(functions: dict[str, Function], call: Call) -> None:
    """There is one float32 array a level, and it is that of plain loops."""
    got, expected = call.on(functions["generate_anchors"]), call.on(generate_anchors_loops)
    assert isinstance(got, list), f"generate_anchors returned {type(got).__name__}, not a list"
    assert len(got) == len(expected), f"generate_anchors: {len(got)} levels, not {len(expected)}"
    for level, (g, e) in enumerate(zip(got, expected, strict=True)):
        assert g.dtype == np.float32, f"generate_anchors returned {g.dtype}, not float32"
        assert_close(g, e, 0, f"generate_anchors, level {level}, against loops")


@st.composite
def match_anchors_calls(draw: st.DrawFn) -> Call:
    """Draw overlaps in steps of ⅛, so that they tie and meet the thresholds."""
    rng = draw(generators())
    shape = (draw(st.sampled_from([3, 2, 4, 0])), draw(st.sampled_from([5, 7, 6, 0])))
    iou = (rng.integers(0, 9, shape) * rng.integers(0, 2, shape) / 8).astype(draw(dtypes()))
    low, high = sorted(draw(st.tuples(*[st.sampled_from([0.25, 0.5, 0.75])] * 2)))
    options = draw(
        st.just({})
        | st.just({"low": low, "high": high})
        | st.just({"low": low, "high": high, "allow_low_quality": False})
    )
    return Call((lay_out(iou, draw(st.sampled_from(LAYOUTS))),), options)


def match_anchors_loops(
    iou: Any, *, high: float = 0.7, low: float = 0.3, allow_low_quality: bool = True
) -> Any:
    """Match one anchor after the other."""
    boxes, anchors = iou.shape
    matches = np.full(anchors, -1, np.int64)
    for a in range(anchors) if boxes else ():
        column = iou[:, a].tolist()
        own = column.index(max(column))  # the first of equals
        is_best_of_some_box = any(column[m] == max(iou[m].tolist()) for m in range(boxes))
        if column[own] >= high or (allow_low_quality and is_best_of_some_box):
            matches[a] = own
        elif column[own] >= low:
            matches[a] = -2
    return matches


@st.composite
def sample_balanced_calls(draw: st.DrawFn) -> Call:
    """Draw labels of all kinds, with too few or more than enough of each."""
    rng = draw(generators())
    kinds = draw(st.integers(-2, 1)), draw(st.integers(2, 4))
    labels = rng.integers(*kinds, draw(st.sampled_from([8, 9, 4, 0])))
    labels = labels.astype(draw(st.sampled_from(["int64", "int32", "int8"])))
    fraction = draw(st.sampled_from([0.5, 0.25, 0.0, 1.0]))
    return Call((labels, draw(st.integers(0, 10)), fraction, draw(generators())))


def obeys_the_quota(functions: dict[str, Function], call: Call) -> None:
    """Both draws are sorted, distinct, of the right kind, and as many as the rule says."""
    labels, count, fraction, _ = call.args
    positive, negative = call.on(functions["sample_balanced"])
    most = math.floor(count * fraction)
    wanted = min(most, sum(v >= 1 for v in labels))
    quotas = {"positive": (positive, wanted, labels >= 1)}
    quotas["negative"] = negative, min(count - wanted, sum(v == 0 for v in labels)), labels == 0
    for kind, (drawn, quota, allowed) in quotas.items():
        assert drawn.dtype == np.int64, f"sample_balanced: {kind} is {drawn.dtype}, not int64"
        assert len(drawn) == quota, f"sample_balanced drew {len(drawn)} {kind} ones, not {quota}"
        assert all(np.diff(drawn) > 0), f"sample_balanced: {kind} repeats or isn't sorted: {drawn}"
        assert allowed[drawn].all(), f"sample_balanced drew others among the {kind} ones: {drawn}"


def draws_anew(functions: dict[str, Function], call: Call) -> None:
    """The same generator state draws the same, and every index is drawn sooner or later."""
    labels, sample = np.array([0, 1, 0, -1, 2, 0]), functions["sample_balanced"]
    seen: set[int] = set()
    for seed in range(30):
        first, again = (sample(labels, 2, 0.5, np.random.default_rng(seed)) for _ in range(2))
        assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True)), (
            "sample_balanced drew differently from equal generators"
        )
        seen |= {int(i) for part in first for i in part}
    assert seen == {0, 1, 2, 4, 5}, f"sample_balanced, drawing 30 times, drew only {sorted(seen)}"


SPECS = (
    Spec(
        name="generate_anchors",
        family="anchors",
        source="Ren et al. 2015, section 3.1; as torchvision's `AnchorGenerator`",
        calls=generate_anchors_calls(),
        extra=(equals_loops_on_each_level,),
    ),
    Spec(
        name="match_anchors",
        family="anchors",
        source="Ren et al. 2015, section 3.1.2; as torchvision's `Matcher`",
        calls=match_anchors_calls(),
        loops=match_anchors_loops,
    ),
    Spec(
        name="sample_balanced",
        family="anchors",
        source="Ren et al. 2015, section 3.1.3; as torchvision's `BalancedPositiveNegativeSampler`",
        calls=sample_balanced_calls(),
        extra=(obeys_the_quota, draws_anew),
    ),
)
