"""Boxes: their overlap, and the deltas by which a network predicts them.

A box is (x1, y1, x2, y2), corners in pixels, x to the right and y down; its area is
(x2 − x1)·(y2 − y1). A detector predicts a box of centre (x, y) and size (w, h) by its deltas from
an anchor of centre (xa, ya) and size (wa, ha) (R-CNN, Girshick et al. 2014, appendix C):

    tx = (x − xa)/wa      ty = (y − ya)/ha      tw = log(w/wa)      th = log(h/ha)

each multiplied by a weight, so that all four have a similar variance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..backend import accelerated, array_namespace
from .checks import (
    check_boxes,
    check_float,
    check_number,
    check_same_shape,
    per_axis,
    shape_text,
)

# tw and th are capped so that a box grows at most 1000/16-fold: a wild prediction stays finite
LARGEST_LOG_SCALE = math.log(1000 / 16)

Weights = tuple[float, float, float, float]


@accelerated
def box_iou(a: Any, b: Any) -> Any:
    """Intersection over union of every box of `a` with every box of `b`.

    Parameters
    ----------
    a : (M, 4) float array
    b : (K, 4) float array
        Boxes (x1, y1, x2, y2).

    Returns
    -------
    (M, K) array of the dtype of `a`
        NaN for two boxes of zero area.

    Raises
    ------
    TypeError, ValueError
        If boxes are not floating, not finite or not (·, 4), or dtypes differ.

    Notes
    -----
    As `torchvision.ops.box_iou`: widths have no + 1.

    Examples
    --------
    >>> box_iou(np.array([[0.0, 0.0, 2.0, 2.0]]), np.array([[1.0, 0.0, 3.0, 2.0]])).round(3)
    array([[0.333]])
    """
    check_boxes("box_iou", a, name="a")
    check_boxes("box_iou", b, name="b")
    check_float("box_iou", a=a, b=b)
    xp = array_namespace(a)
    top_left = xp.maximum(a[:, None, :2], b[None, :, :2])  # (M, K, 2)
    bottom_right = xp.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = xp.maximum(bottom_right - top_left, 0).prod(axis=2)  # (M, K)
    area_a, area_b = ((c[:, 2:] - c[:, :2]).prod(axis=1) for c in (a, b))
    with np.errstate(invalid="ignore", divide="ignore"):
        return shared / (area_a[:, None] + area_b[None, :] - shared)


@accelerated
def encode_boxes(boxes: Any, anchors: Any, weights: Weights = (1.0, 1.0, 1.0, 1.0)) -> Any:
    """Write boxes as deltas from anchors.

    Parameters
    ----------
    boxes : (R, 4) float array
        Boxes (x1, y1, x2, y2) of positive width and height.
    anchors : (R, 4) float array
        The anchor, or proposal, that each is compared with, of positive width and height too.
    weights : tuple of 4 float
        Factors of tx, ty, tw, th.

    Returns
    -------
    (R, 4) array of the dtype of `boxes`
        Rows (tx, ty, tw, th).

    Raises
    ------
    TypeError, ValueError
        If boxes are not floating, not finite or not (R, 4), or one has no extent.

    Examples
    --------
    >>> anchor = np.array([[0.0, 0.0, 10.0, 10.0]])
    >>> encode_boxes(np.array([[1.0, 0.0, 11.0, 10.0]]), anchor)
    array([[0.1, 0. , 0. , 0. ]])
    """
    check_boxes("encode_boxes", boxes)
    check_boxes("encode_boxes", anchors, name="anchors")
    check_float("encode_boxes", boxes=boxes, anchors=anchors)
    check_same_shape("encode_boxes", boxes=boxes, anchors=anchors)
    _check_weights("encode_boxes", weights)
    for name, b in (("boxes", boxes), ("anchors", anchors)):
        empty = (b[:, 2:] <= b[:, :2]).any(axis=1)
        if empty.any():
            row = int(empty.argmax())
            raise ValueError(
                f"encode_boxes: {name} must have positive width and height, got row {row}: {b[row]}"
            )
    xp = array_namespace(boxes)
    centre, size = _centre_and_size(boxes)
    anchor_centre, anchor_size = _centre_and_size(anchors)
    deltas = xp.concatenate([(centre - anchor_centre) / anchor_size, xp.log(size / anchor_size)], 1)
    return deltas * xp.asarray(weights, boxes.dtype)


@accelerated
def decode_boxes(deltas: Any, anchors: Any, weights: Weights = (1.0, 1.0, 1.0, 1.0)) -> Any:
    """Apply predicted deltas to anchors: the inverse of `encode_boxes`.

    Parameters
    ----------
    deltas : (R, 4) or (R, K, 4) float array
        Rows (tx, ty, tw, th); with K of them for each anchor, one per class say.
    anchors : (R, 4) float array
        Boxes (x1, y1, x2, y2).
    weights : tuple of 4 float
        As given to `encode_boxes`.

    Returns
    -------
    array of the shape and dtype of `deltas`
        Boxes (x1, y1, x2, y2). tw and th are cut off at log(1000/16), from above only.

    Raises
    ------
    TypeError, ValueError
        If an array is not floating, anchors are not finite, or shapes don't fit.

    Notes
    -----
    As torchvision's `BoxCoder`. NaN in `deltas` propagates.

    Examples
    --------
    >>> anchor = np.array([[0.0, 0.0, 10.0, 10.0]])
    >>> decode_boxes(np.array([[0.1, 0.0, 0.0, 0.0]]), anchor)
    array([[ 1.,  0., 11., 10.]])
    """
    check_boxes("decode_boxes", anchors, name="anchors")
    check_float("decode_boxes", deltas=deltas, anchors=anchors)
    _check_weights("decode_boxes", weights)
    if deltas.ndim not in (2, 3) or deltas.shape[0] != len(anchors) or deltas.shape[-1] != 4:
        raise ValueError(
            f"decode_boxes: deltas must have shape ({len(anchors)}, 4) or ({len(anchors)}, K, 4), "
            f"as anchors of shape {shape_text(anchors.shape)} need, got {shape_text(deltas.shape)}"
        )
    xp = array_namespace(deltas)
    if deltas.ndim == 3:
        anchors = anchors[:, None]
    anchor_centre, anchor_size = _centre_and_size(anchors)
    t = deltas / xp.asarray(weights, deltas.dtype)
    centre = t[..., :2] * anchor_size + anchor_centre
    half = xp.exp(xp.minimum(t[..., 2:], LARGEST_LOG_SCALE)) * anchor_size / 2
    return xp.concatenate([centre - half, centre + half], axis=-1)


@accelerated
def clip_boxes(boxes: Any, size: Any) -> Any:
    """Cut boxes off at the borders of an image.

    Parameters
    ----------
    boxes : (..., 4) float array
        Boxes (x1, y1, x2, y2).
    size : (int, int)
        Height and width of the image.

    Returns
    -------
    array of the shape and dtype of `boxes`
        x in 0 … W and y in 0 … H: the far border belongs to the image.

    Raises
    ------
    TypeError, ValueError
        If boxes are not floating, or the last axis has not 4 entries.

    Examples
    --------
    >>> clip_boxes(np.array([[-5.0, 2.0, 30.0, 9.0]]), (8, 20))
    array([[ 0.,  2., 20.,  8.]])
    """
    check_float("clip_boxes", boxes=boxes)
    if boxes.ndim < 1 or boxes.shape[-1] != 4:
        raise ValueError(
            f"clip_boxes: boxes must have shape (..., 4), got {shape_text(boxes.shape)}"
        )
    height, width = per_axis("clip_boxes", "size", size, 2, low=0)
    xp = array_namespace(boxes)
    return xp.clip(boxes, 0, xp.asarray([width, height, width, height], boxes.dtype))


def _check_weights(operation: str, weights: Any) -> None:
    if not isinstance(weights, Sequence) or len(weights) != 4:
        raise TypeError(f"{operation}: weights must be a tuple of 4 numbers, got {weights!r}")
    for weight in weights:
        check_number(operation, "each of weights", weight, low=0)
        if not 0 < weight < math.inf:
            raise ValueError(f"{operation}: weights must be positive and finite, got {weights}")


def _centre_and_size(boxes: Any) -> tuple[Any, Any]:
    size = boxes[..., 2:] - boxes[..., :2]
    return boxes[..., :2] + size / 2, size
