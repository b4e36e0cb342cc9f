"""Specs of box arithmetic and non-maximum suppression, from torchvision's rules."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .draw import LAYOUTS, arrays, dtypes, generators, lay_out
from .properties import assert_close
from .spec import Call, Function, Spec


@st.composite
def box_arrays(
    draw: st.DrawFn, count: int, dtype: str, *, proper: bool = False, start: int = -3
) -> Any:
    """Draw `count` boxes, corners on multiples of ½, that often touch, coincide or contain others.

    Unless `proper`, some are empty and some inverted. All sums and products are exact. First
    corners lie within 9 pixels from `start`.
    """
    rng = draw(generators())
    first = rng.integers(2 * start, 2 * start + 18, (count, 2))
    extent = rng.integers(1, 17, (count, 2))
    if not proper:
        kind = rng.integers(0, 12, (count, 2))
        extent = np.where(kind == 0, 0, np.where(kind == 1, -extent, extent))
    boxes = np.concatenate([first, first + extent], axis=1) / 2
    return lay_out(boxes.astype(dtype), draw(st.sampled_from(LAYOUTS)))


def iou_of(a: Any, b: Any) -> float:
    """Overlap two boxes.

    Examples
    --------
    >>> iou_of([0, 0, 2, 2], [1, 0, 3, 2]) == 1 / 3, iou_of([0, 0, 0, 2], [1, 1, 1, 1])
    (True, nan)
    """
    ax1, ay1, ax2, ay2 = map(float, a)
    bx1, by1, bx2, by2 = map(float, b)
    width, height = min(ax2, bx2) - max(ax1, bx1), min(ay2, by2) - max(ay1, by1)
    shared = width * height if width > 0 and height > 0 else 0.0
    union = (ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1) - shared
    return shared / union if union else math.nan


@st.composite
def box_iou_calls(draw: st.DrawFn) -> Call:
    """Draw two sets of boxes, either perhaps empty."""
    dtype = draw(dtypes())
    counts = st.sampled_from([3, 4, 2, 3, 0])
    return Call((draw(box_arrays(draw(counts), dtype)), draw(box_arrays(draw(counts), dtype))))


def box_iou_loops(a: Any, b: Any) -> Any:
    """Overlap one pair after the other."""
    return np.array([iou_of(p, q) for p in a for q in b], a.dtype).reshape(len(a), len(b))


WEIGHTS = st.sampled_from([(1.0, 1.0, 1.0, 1.0), (10.0, 10.0, 5.0, 5.0), (1.0, 2.0, 3.0, 4.0)])


@st.composite
def encode_boxes_calls(draw: st.DrawFn) -> Call:
    """Draw proper boxes, anchors and weights."""
    dtype, count = draw(dtypes()), draw(st.sampled_from([3, 2, 4, 0]))
    boxes = [draw(box_arrays(count, dtype, proper=True)) for _ in range(2)]
    return Call((*boxes, *draw(st.just(()) | st.tuples(WEIGHTS))))


def encode_boxes_loops(boxes: Any, anchors: Any, weights: Any = (1, 1, 1, 1)) -> Any:
    """Encode one box after the other."""
    rows = []
    for box, anchor in zip(boxes.tolist(), anchors.tolist(), strict=True):
        (x, y, w, h), (xa, ya, wa, ha) = (
            ((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1) for x1, y1, x2, y2 in (box, anchor)
        )
        t = ((x - xa) / wa, (y - ya) / ha, math.log(w / wa), math.log(h / ha))
        rows.append([weight * v for weight, v in zip(weights, t, strict=True)])
    return np.array(rows, boxes.dtype).reshape(len(boxes), 4)


def decodes_to_the_boxes(functions: dict[str, Function], call: Call) -> None:
    """`decode_boxes` gives the boxes back."""
    deltas = functions["encode_boxes"](*call.args)
    back = functions["decode_boxes"](deltas, *call.args[1:])
    assert_close(back, call.args[0], 1e-5, "decode_boxes(encode_boxes(boxes))")


@st.composite
def decode_boxes_calls(draw: st.DrawFn) -> Call:
    """Draw differences, one or several for each anchor; some enlarge it beyond the limit."""
    dtype, count = draw(dtypes()), draw(st.sampled_from([3, 2, 4, 0]))
    shape = (count, *draw(st.sampled_from([(), (1,), (3,)])), 4)
    deltas = draw(arrays(shape, dtype)) * draw(st.sampled_from([0.25, 1.0, 50.0]))
    anchors = draw(box_arrays(count, dtype))
    return Call((deltas.astype(dtype), anchors, *draw(st.just(()) | st.tuples(WEIGHTS))))


def decode_boxes_loops(deltas: Any, anchors: Any, weights: Any = (1, 1, 1, 1)) -> Any:
    """Decode one box after the other."""
    boxes = np.zeros_like(deltas, order="C")
    for at in np.ndindex(*deltas.shape[:-1]):
        x1, y1, x2, y2 = anchors[at[0]].tolist()
        tx, ty, tw, th = (t / w for t, w in zip(deltas[at].tolist(), weights, strict=True))
        wa, ha = x2 - x1, y2 - y1
        x, y = x1 + wa / 2 + tx * wa, y1 + ha / 2 + ty * ha
        w, h = (s * math.exp(min(t, math.log(1000 / 16))) for s, t in ((wa, tw), (ha, th)))
        boxes[at] = x - w / 2, y - h / 2, x + w / 2, y + h / 2
    return boxes


@st.composite
def clip_boxes_calls(draw: st.DrawFn) -> Call:
    """Draw boxes that reach over the borders, in an array of one to three axes."""
    shape = draw(st.sampled_from([(3,), (4,), (), (2, 2), (0,)]))
    boxes = draw(box_arrays(math.prod(shape), draw(dtypes()))).reshape(*shape, 4)
    return Call((boxes, (draw(st.integers(0, 6)), draw(st.integers(0, 6)))))


def clip_boxes_loops(boxes: Any, size: Any) -> Any:
    """Clip one corner after the other."""
    clipped = np.zeros_like(boxes, order="C")
    for at in np.ndindex(*boxes.shape):
        clipped[at] = min(max(float(boxes[at]), 0.0), size[1 - at[-1] % 2])  # even: an x
    return clipped


@st.composite
def nms_calls(draw: st.DrawFn, *, labelled: bool) -> Call:
    """Draw boxes and scores, many tied, and a threshold that an IoU may meet exactly.

    Thresholds are multiples of ¼: a quotient that equals one is computed exactly in any dtype.
    """
    dtype, count = draw(dtypes()), draw(st.sampled_from([9, 8, 5, 7, 6, 0]))
    boxes = draw(box_arrays(count, dtype, start=draw(st.sampled_from([-3, -20]))))
    scores = draw(arrays((count,), dtype, low=-2, high=2))
    threshold = draw(st.sampled_from([0.25, 0.5, 0.0, 0.75]))
    if not labelled:
        return Call((boxes, scores, threshold))
    labels = draw(generators()).integers(-1, 2, count)
    labels = labels.astype(draw(st.sampled_from(["int64", "int32"])))
    return Call((boxes, scores, lay_out(labels, draw(st.sampled_from(LAYOUTS))), threshold))


def batched_nms_loops(boxes: Any, scores: Any, labels: Any, iou_threshold: float) -> Any:
    """Take box after box, best first, unless it overlaps one of its label that was taken."""
    kept: list[int] = []
    for i in sorted(range(len(boxes)), key=lambda i: (-float(scores[i]), i)):
        rivals = [k for k in kept if labels[k] == labels[i]]
        if not any(iou_of(boxes[k], boxes[i]) > iou_threshold for k in rivals):
            kept.append(i)
    return np.array(kept, np.int64)


def nms_loops(boxes: Any, scores: Any, iou_threshold: float) -> Any:
    """Do the same where all boxes are of one label."""
    return batched_nms_loops(boxes, scores, [0] * len(boxes), iou_threshold)


SPECS = (
    Spec(
        name="box_iou",
        family="boxes",
        source="as `torchvision.ops.box_iou`",
        calls=box_iou_calls(),
        loops=box_iou_loops,
    ),
    Spec(
        name="encode_boxes",
        family="boxes",
        source="Girshick et al. 2014, appendix C",
        calls=encode_boxes_calls(),
        loops=encode_boxes_loops,
        extra=(decodes_to_the_boxes,),
    ),
    Spec(
        name="decode_boxes",
        family="boxes",
        source="Girshick et al. 2014, appendix C; as torchvision's `BoxCoder`",
        calls=decode_boxes_calls(),
        loops=decode_boxes_loops,
    ),
    Spec(
        name="clip_boxes",
        family="boxes",
        source="as `torchvision.ops.clip_boxes_to_image`",
        calls=clip_boxes_calls(),
        loops=clip_boxes_loops,
    ),
    Spec(
        name="nms",
        family="boxes",
        source="as `torchvision.ops.nms`",
        calls=nms_calls(labelled=False),
        loops=nms_loops,
    ),
    Spec(
        name="batched_nms",
        family="boxes",
        source="as `torchvision.ops.batched_nms`",
        calls=nms_calls(labelled=True),
        loops=batched_nms_loops,
    ),
)
