"""The networks, assembled from `minis.nn`, each with its backward written out."""

from .fcn import FCN
from .mask_rcnn.mask_rcnn import MaskRCNN
from .registry import DETECTORS, MODELS, build, rebuild, variants
from .segnet import SegNet
from .tiramisu import Tiramisu
from .unet import UNet
from .vnet import VNet

__all__ = [
    "DETECTORS",
    "FCN",
    "MODELS",
    "MaskRCNN",
    "SegNet",
    "Tiramisu",
    "UNet",
    "VNet",
    "build",
    "rebuild",
    "variants",
]
