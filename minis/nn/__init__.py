"""Layers: they hold parameters, remember what backward needs, and call one operation each."""

from .activation import ELU, PReLU, ReLU, Sigmoid, Softmax
from .convolution import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from .dropout import Dropout
from .frozen_norm import FrozenBatchNorm
from .group_norm import GroupNorm
from .initial import he_normal, he_uniform
from .linear import Linear
from .module import Module, Parameter
from .norm import BatchNorm, LocalResponseNorm
from .pooling import AvgPool, MaxPool, MaxUnpool, Upsample
from .sequential import Sequential

__all__ = [
    "ELU",
    "AvgPool",
    "BatchNorm",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "Dropout",
    "FrozenBatchNorm",
    "GroupNorm",
    "Linear",
    "LocalResponseNorm",
    "MaxPool",
    "MaxUnpool",
    "Module",
    "PReLU",
    "Parameter",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Upsample",
    "he_normal",
    "he_uniform",
]
