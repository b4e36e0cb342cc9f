"""The networks, assembled from `minis.nn`, each with its backward written out."""

from .unet import UNet

__all__ = ["UNet"]
