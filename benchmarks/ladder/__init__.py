"""One operation in many versions, from plain loops to compiled kernels: the tutorials' ladder."""

from .rungs import CONVOLUTION, MAX_POOLING, LadderCase

LADDERS: tuple[LadderCase, ...] = (
    LadderCase(
        "ladder-conv-small",
        "conv 3×3, 8→8 at 32²",
        CONVOLUTION,
        x=(1, 8, 32, 32),
        w=(8, 8, 3, 3),
        quick=True,
        small=True,
    ),
    LadderCase(
        "ladder-conv",
        "conv 3×3, 64→64 at 128²",
        CONVOLUTION,
        x=(1, 64, 128, 128),
        w=(64, 64, 3, 3),
    ),
    LadderCase(
        "ladder-max-pool-small",
        "max pool 2, 8 at 64²",
        MAX_POOLING,
        x=(1, 8, 64, 64),
        quick=True,
        small=True,
    ),
    LadderCase("ladder-max-pool", "max pool 2, 8×64 at 128²", MAX_POOLING, x=(8, 64, 128, 128)),
)

__all__ = ["LADDERS", "LadderCase"]
