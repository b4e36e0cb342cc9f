"""The operation suite: shapes from U-Net, ResNet, V-Net, FCN, SegNet and Mask R-CNN."""

from .case import Case
from .convolutions import CONVOLUTIONS, IN_FLOAT32
from .pointwise import POINTWISE
from .pooling import POOLING
from .regions import REGIONS

CASES: tuple[Case, ...] = (*CONVOLUTIONS, *POOLING, *REGIONS, *POINTWISE)

__all__ = ["CASES", "CONVOLUTIONS", "IN_FLOAT32", "POOLING", "REGIONS", "Case"]
