"""Plausible mistakes in counting: sizes and receptive fields."""

from __future__ import annotations

from typing import Any

from ..solutions.output_size import output_size
from ..solutions.receptive_field import receptive_field


def forgets_the_first_place(size: int, kernel: int, **options: int) -> int:
    """Counts the steps. There is one place more than steps: the one before the first step."""
    return output_size(size, kernel, **options) - 1


def ignores_dilation(size: int, kernel: int, *, dilation: int = 1, **options: int) -> int:
    """The window's reach is taken to be `kernel`. Dilated, it reaches over more cells."""
    return output_size(size, kernel, **options)


def multiplies_reach(size: int, kernel: int, *, dilation: int = 1, **options: int) -> int:
    """Takes the reach to be dilation · kernel; only the kernel − 1 gaps between cells grow."""
    return output_size(size, kernel * dilation, **options)


def pads_once(size: int, kernel: int, *, padding: int = 0, **options: int) -> int:
    """Adds the padding once. It lies at both ends of the axis."""
    return output_size(size + padding, kernel, **options)


def forgets_padding(size: int, kernel: int, *, padding: int = 0, **options: int) -> int:
    """Leaves the padding out."""
    return output_size(size, kernel, **options)


def ignores_stride(size: int, kernel: int, *, stride: int = 1, **options: int) -> int:
    """Counts the places of a window that moves in steps of one, whatever the stride."""
    return output_size(size, kernel, **options)


def rounds_up(
    size: int, kernel: int, *, stride: int = 1, padding: int = 0, dilation: int = 1
) -> int:
    """Rounds up. A window that would hang over the end does not count."""
    return -(-(size + 2 * padding - dilation * (kernel - 1) - 1) // stride) + 1


def divides_exactly(
    size: int, kernel: int, *, stride: int = 1, padding: int = 0, dilation: int = 1
) -> float:
    """Divides with `/`, which gives a float. Places are counted: `//` divides and rounds down."""
    return (size + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1


OUTPUT_SIZE = (
    forgets_the_first_place,
    ignores_dilation,
    multiplies_reach,
    pads_once,
    forgets_padding,
    ignores_stride,
    rounds_up,
    divides_exactly,
)


def adds_kernels(layers: Any) -> int:
    """Adds kernels up without regard to strides: after a stride of 2, a step counts twice."""
    return receptive_field([(kernel, 1, dilation) for kernel, _, dilation in layers])


def strides_too_early(layers: Any) -> int:
    """Multiplies by a layer's stride before that layer's own window. It counts from the next on."""
    seen, apart = 1, 1
    for kernel, stride, dilation in layers:
        apart *= stride
        seen += dilation * (kernel - 1) * apart
    return seen


def leaves_out_dilation(layers: Any) -> int:
    """Takes every window to be as wide as its kernel; dilation spreads it."""
    return receptive_field([(kernel, stride, 1) for kernel, stride, _ in layers])


def begins_with_nothing(layers: Any) -> int:
    """Begins at 0 cells. Without any layer, an output is its input: 1 cell."""
    return receptive_field(layers) - 1


RECEPTIVE_FIELD = (adds_kernels, strides_too_early, leaves_out_dilation, begins_with_nothing)
