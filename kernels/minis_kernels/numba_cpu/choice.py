"""Which algorithm computes a convolution: decided by its shape alone, here and nowhere else.

    filters … × 3 × 3 of stride 1 and dilation 1, no groups      Winograd, where
        forward, dx: at least 8 channels in and 4 out              it pays
        dw: at least 32 channels and 32 outputs
    filters … × 5 × 5 likewise, on maps large beside channels    Winograd, in four parts
    these, dilated in the plane                                  Winograd, on phases of the map
    one channel in and out a group, stride 1                     depthwise (not dw)
    all others                                                   direct

Direct time over Winograd's, two Zen 5 cores, float32, (N, C → O, side):

    forward, dx   64 → 64 at 256² 2.4, 128 → 128 at 128² 3.2, 512 → 512 at 32² 3.1,
                  8 × 8 → 8 at 96² 1.1, 8 × 64 → 64 at 12² 2.9, 3-D 32 → 32 at 32³ 3.2;
                  but 3 → 64 at 256² 0.4, 64 → 2 at 256² 1.5 (dx 0.4), 1 → 8 at 96² 0.5
    dw            64 → 64 at 256² 2.3, 512 → 512 at 32² 3.1, 8 × 64 → 64 at 12² 1.1,
                  3-D 32 → 32 at 32³ 1.5; but 8 × 16 → 16 at 128² 0.8, 3 → 64 at 256² 0.7

    5³ filters    16 → 16 at 64³ 2.0 (dw 0.5), 32 → 32 at 32³ 2.0 (dw 1.3), 128 → 128 at 16³ 1.6
                  (dw 1.6); but 32 → 32 at 8³ 0.8, 256 → 256 at 4³ 0.3
    5×5 filters   64 → 64 at 128² 1.7, 128 → 128 at 128² 1.4; but 64 → 64 at 64² 0.8,
                  256 → 256 at 32² 0.6; dw 128 → 128 at 64² 1.5, 32 → 32 at 128² 0.9

    dilation 2    128 → 128 at 64² 1.8 (dx and dw 1.6), 256 → 256 at 32² 2.2, 64 → 64 at 32² 1.2;
    dilation 4    512 → 512 at 32² 1.7; but 64 → 64 at 32² 0.8, 32 → 32 at 64² 0.7

Unfolding (im2col) and a BLAS product, as in the NumPy text, lost to both on every shape of the
benchmark: 5³ filters 143 ms against 23 direct, 7×7 of stride 2 on 3 channels 3 against 0.9.
"""

from __future__ import annotations

from ..geometry import Geometry

LEAST_INPUTS = 8  # channels; with fewer the transforms cost more than they save
LEAST_OUTPUTS = 4
LEAST_SUMMED = 32  # channels and outputs, for the gradient by the filters
LEAST_PHASE = 1024  # channels times a phase's outputs along an axis, of a dilated convolution
LEAST_TILES = 256  # of 4 × 4 outputs in a sample, for filters of 5 × 5 with a third axis


def algorithm(inputs: int, outputs: int, g: Geometry, groups: int) -> str:
    """Return "winograd", "phases", "depthwise" or "direct".

    A convolution is asked for by the channels that a group reads and all outputs, its gradient with
    respect to the input by all outputs and the channels of a group.

    Examples
    --------
    >>> g = Geometry((1, 32, 32), (1, 3, 3), (1, 32, 32), (1, 1, 1), (0, 1, 1), (1, 1, 1))
    >>> algorithm(64, 64, g, 1), algorithm(3, 64, g, 1), algorithm(64, 64, g, 2)
    ('winograd', 'direct', 'direct')
    """
    if groups > 1 and sorted((inputs, outputs)) == [1, groups] and g.stride == (1, 1, 1):
        return "depthwise"
    enough = inputs >= LEAST_INPUTS and outputs >= LEAST_OUTPUTS
    if g.kernel[1:] == (5, 5):
        least = LEAST_TILES if g.kernel[0] > 1 else 4 * LEAST_TILES
        enough = enough and _tiles(g) >= max(least, 2 * inputs, 2 * outputs)
    return _winograd(inputs, g, groups) if enough else "direct"


def weight_algorithm(inputs: int, outputs: int, g: Geometry, groups: int) -> str:
    """Return "winograd", "phases" or "direct" for a convolution's gradient by its filters.

    Examples
    --------
    >>> g = Geometry((1, 32, 32), (1, 3, 3), (1, 32, 32), (1, 1, 1), (0, 1, 1), (1, 1, 1))
    >>> weight_algorithm(64, 64, g, 1), weight_algorithm(3, 64, g, 1)
    ('winograd', 'direct')
    """
    enough = min(inputs, outputs) >= LEAST_SUMMED
    if g.kernel[1:] == (5, 5):
        least = LEAST_SUMMED if g.kernel[0] > 1 else 2 * LEAST_SUMMED
        enough = min(inputs, outputs) >= least and _tiles(g) >= LEAST_TILES
    return _winograd(inputs, g, groups) if enough else "direct"


def _tiles(g: Geometry) -> int:
    """Count the tiles of 4 × 4 outputs in a sample."""
    return g.out[0] * -(-g.out[1] // 4) * -(-g.out[2] // 4)


def _winograd(inputs: int, g: Geometry, groups: int) -> str:
    """Return "winograd" or "phases" where Winograd's algorithm serves a convolution."""
    served = (
        g.kernel[1:] in ((3, 3), (5, 5))
        and g.stride == (1, 1, 1)
        and g.dilation[0] == 1
        and groups == 1
        and (g.kernel[0] > 1 or g.padding[0] == 0)
    )
    if not served:
        return "direct"
    if g.dilation == (1, 1, 1):
        return "winograd"
    smallest = min(g.out[1] // g.dilation[1], g.out[2] // g.dilation[2])
    return "phases" if inputs * smallest >= LEAST_PHASE else "direct"
