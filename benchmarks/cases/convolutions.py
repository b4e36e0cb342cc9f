"""Convolutions and transposed convolutions, all with a bias: forward y, backward dx, dw and db."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from ..task import CUDA, FLOAT32, TF32
from .case import Arrays, Case, Shape


@dataclass(frozen=True)
class Convolution(Case):
    """A convolution of `x` with `w`."""

    gradients: ClassVar[tuple[str, ...]] = ("x", "w", "b")
    x: Shape = ()
    w: Shape = ()
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    groups: int = 1
    exact: bool = False  # whether a GPU, too, multiplies in float32

    def precision(self, device: str) -> str:
        """Let a GPU take TF32."""
        return TF32 if device == CUDA and not self.exact else FLOAT32

    @property
    def options(self) -> dict[str, int]:
        """The keyword arguments, which are the same in minis and in PyTorch."""
        return {
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
            "groups": self.groups,
        }

    @property
    def channels(self) -> int:
        """Of the output."""
        return self.w[0]

    def draw(self, rng: np.random.Generator) -> Arrays:
        """Draw x, w and b."""
        return {
            "x": rng.standard_normal(self.x, dtype=np.float32),
            "w": rng.standard_normal(self.w, dtype=np.float32),
            "b": rng.standard_normal(self.channels, dtype=np.float32),
        }

    def minis(self, ops: Any, a: Arrays) -> tuple[Any, ...]:
        """Call `conv`."""
        return (ops.conv(a["x"], a["w"], a["b"], **self.options),)

    def minis_backward(self, ops: Any, dy: Any, a: Arrays, forward: tuple[Any, ...]) -> Any:
        """Call `conv_backward`."""
        return ops.conv_backward(dy, a["x"], a["w"], **self.options)

    def torch(self, torch: Any, t: Arrays) -> tuple[Any, ...]:
        """Call `conv2d` or `conv3d`."""
        function = getattr(torch.nn.functional, f"conv{len(self.x) - 2}d")
        return (function(t["x"], t["w"], t["b"], **self.options),)


@dataclass(frozen=True)
class TransposedConvolution(Convolution):
    """A transposed convolution of `x` with `w`."""

    @property
    def options(self) -> dict[str, int]:
        """The keyword arguments."""
        return {"stride": self.stride, "padding": self.padding}

    @property
    def channels(self) -> int:
        """Of the output, for groups = 1."""
        return self.w[1]

    def minis(self, ops: Any, a: Arrays) -> tuple[Any, ...]:
        """Call `conv_transpose`."""
        return (ops.conv_transpose(a["x"], a["w"], a["b"], **self.options),)

    def minis_backward(self, ops: Any, dy: Any, a: Arrays, forward: tuple[Any, ...]) -> Any:
        """Call `conv_transpose_backward`."""
        return ops.conv_transpose_backward(dy, a["x"], a["w"], **self.options)

    def torch(self, torch: Any, t: Arrays) -> tuple[Any, ...]:
        """Call `conv_transpose2d` or `conv_transpose3d`."""
        function = getattr(torch.nn.functional, f"conv_transpose{len(self.x) - 2}d")
        return (function(t["x"], t["w"], t["b"], **self.options),)


def same(key: str, channels: int, side: int, quick: bool = False, batch: int = 1) -> Convolution:
    """A 3×3 convolution that keeps channels and size."""
    at = f"{batch}×{channels}" if batch > 1 else f"{channels}"
    return Convolution(
        key,
        f"conv 3×3, {at} at {side}²",
        quick,
        x=(batch, channels, side, side),
        w=(channels, channels, 3, 3),
        padding=1,
    )


CONVOLUTIONS: tuple[Case, ...] = (
    same("conv3x3-64", 64, 256, quick=True),
    same("conv3x3-128", 128, 128),
    same("conv3x3-256", 256, 64),
    same("conv3x3-512", 512, 32, quick=True),
    same("conv3x3-8x16", 16, 128, batch=8),
    Convolution("conv1x1", "conv 1×1, 256→64 at 64²", True, x=(1, 256, 64, 64), w=(64, 256, 1, 1)),
    Convolution(
        "conv7x7-s2",
        "conv 7×7 s2, 3→64 at 256²",
        x=(1, 3, 256, 256),
        w=(64, 3, 7, 7),
        stride=2,
        padding=3,
    ),
    Convolution(
        "conv3x3-d2",
        "conv 3×3 dilated 2, 128 at 64²",
        x=(1, 128, 64, 64),
        w=(128, 128, 3, 3),
        padding=2,
        dilation=2,
    ),
    Convolution(
        "conv3x3-depthwise",
        "conv 3×3 depthwise, 128 at 128²",
        True,
        x=(1, 128, 128, 128),
        w=(128, 1, 3, 3),
        padding=1,
        groups=128,
    ),
    Convolution(
        "conv5x5x5",
        "conv 5³, 16 at 32·64²",
        x=(1, 16, 32, 64, 64),
        w=(16, 16, 5, 5, 5),
        padding=2,
    ),
    Convolution(
        "conv3x3x3", "conv 3³, 32 at 32³", x=(1, 32, 32, 32, 32), w=(32, 32, 3, 3, 3), padding=1
    ),
    TransposedConvolution(
        "transposed2x2",
        "transposed 2×2 s2, 128→64 at 64²",
        True,
        x=(1, 128, 64, 64),
        w=(128, 64, 2, 2),
        stride=2,
    ),
    TransposedConvolution(
        "transposed2x2x2",
        "transposed 2³ s2, 32→16 at 16³",
        x=(1, 32, 16, 16, 16),
        w=(32, 16, 2, 2, 2),
        stride=2,
    ),
    TransposedConvolution(
        "transposed16x16",
        "transposed 16×16 s8, 21 at 32²",
        x=(1, 21, 32, 32),
        w=(21, 21, 16, 16),
        stride=8,
        padding=4,
    ),
)

# measured on a GPU only: on a CPU they are the rows above
IN_FLOAT32: tuple[Case, ...] = tuple(
    replace(case, key=f"{case.key}-float32", label=f"{case.label}, float32", exact=True)
    for case in CONVOLUTIONS
    if isinstance(case, Convolution) and case.w[2:] == (3, 3)
)
