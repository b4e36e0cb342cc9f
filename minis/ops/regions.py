"""What RoIAlign and RoIPool ask of their arguments."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..backend import on_cpu
from .checks import check_boxes, check_float, check_ndim, check_number, per_axis
from .windows import Axes


def check_regions(operation: str, x: Any, boxes: Any, output_size: Any, scale: float) -> Axes:
    """Check maps, boxes (R, 5) and scale, and return the bins in height and width."""
    check_float(operation, x=x, boxes=boxes)
    check_ndim(operation, 4, "(N, C, H, W)", x=x)
    check_boxes(operation, boxes, maps=len(x))
    if 0 in x.shape[2:]:
        raise ValueError(f"{operation}: x has an empty spatial axis, its shape is {x.shape}")
    check_number(operation, "spatial_scale", scale, low=0)
    if scale == math.inf:
        raise ValueError(f"{operation}: spatial_scale must be finite, got inf")
    return per_axis(operation, "output_size", output_size, 2, low=1)


def box_rows(boxes: Any) -> Any:
    """Bring the boxes' few numbers to where Python can read them, in float64."""
    return on_cpu(boxes).astype(np.float64)
