"""The operation suite: shapes from U-Net, ResNet, V-Net, FCN, SegNet and Mask R-CNN."""

from .case import Case
from .convolutions import CONVOLUTIONS
from .pointwise import POINTWISE
from .pooling import POOLING
from .regions import REGIONS

CASES: tuple[Case, ...] = (*CONVOLUTIONS, *POOLING, *REGIONS, *POINTWISE)

__all__ = ["CASES", "CONVOLUTIONS", "Case"]
