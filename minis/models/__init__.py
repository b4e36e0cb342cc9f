"""The networks, assembled from `minis.nn`, each with its backward written out."""

from .registry import MODELS, build, rebuild
from .unet import UNet

__all__ = ["MODELS", "UNet", "build", "rebuild"]
