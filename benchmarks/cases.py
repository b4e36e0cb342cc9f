"""The convolutions that are timed: shapes from U-Net, ResNet, V-Net and FCN."""

from __future__ import annotations

from typing import Any, NamedTuple


class Case(NamedTuple):
    """One convolution or transposed convolution."""

    label: str
    operation: str  # in minis.ops
    x: tuple[int, ...]
    w: tuple[int, ...]
    options: dict[str, Any]


CASES = (
    Case("3×3, 64 at 256²", "conv", (1, 64, 256, 256), (64, 64, 3, 3), {"padding": 1}),
    Case("3×3, 128 at 128²", "conv", (1, 128, 128, 128), (128, 128, 3, 3), {"padding": 1}),
    Case("3×3, 256 at 64²", "conv", (1, 256, 64, 64), (256, 256, 3, 3), {"padding": 1}),
    Case("3×3, 512 at 32²", "conv", (1, 512, 32, 32), (512, 512, 3, 3), {"padding": 1}),
    Case("3×3, 8×16 at 128²", "conv", (8, 16, 128, 128), (16, 16, 3, 3), {"padding": 1}),
    Case("1×1, 256→64 at 64²", "conv", (1, 256, 64, 64), (64, 256, 1, 1), {}),
    Case("7×7 s2, 3→64", "conv", (1, 3, 256, 256), (64, 3, 7, 7), {"stride": 2, "padding": 3}),
    Case(
        "3×3 dilated 2, 128 at 64²",
        "conv",
        (1, 128, 64, 64),
        (128, 128, 3, 3),
        {"padding": 2, "dilation": 2},
    ),
    Case(
        "3×3 depthwise, 128 at 128²",
        "conv",
        (1, 128, 128, 128),
        (128, 1, 3, 3),
        {"padding": 1, "groups": 128},
    ),
    Case("5³, 16 at 32·64²", "conv", (1, 16, 32, 64, 64), (16, 16, 5, 5, 5), {"padding": 2}),
    Case("3³, 32 at 32³", "conv", (1, 32, 32, 32, 32), (32, 32, 3, 3, 3), {"padding": 1}),
    Case(
        "2×2 s2 transposed, 128→64",
        "conv_transpose",
        (1, 128, 64, 64),
        (128, 64, 2, 2),
        {"stride": 2},
    ),
    Case(
        "2³ s2 transposed, 32→16",
        "conv_transpose",
        (1, 32, 16, 16, 16),
        (32, 16, 2, 2, 2),
        {"stride": 2},
    ),
    Case(
        "16×16 s8 transposed, 21",
        "conv_transpose",
        (1, 21, 32, 32),
        (21, 21, 16, 16),
        {"stride": 8, "padding": 4},
    ),
)
