"""Networks by name, so that a file of weights can say which network it is of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.random import Generator

from ..nn import Module
from .unet import UNet

MODELS: dict[str, Any] = {"unet": UNet}
VARIANTS = ("mini", "paper")


def build(
    name: str,
    variant: str = "mini",
    *,
    in_channels: int,
    num_classes: int,
    rng: Generator | None = None,
) -> Module:
    """Build a network.

    Parameters
    ----------
    name : str
        One of `MODELS`.
    variant : {"mini", "paper"}
        Small enough for a laptop, or as published.
    in_channels, num_classes : int
        Channels of the image and of the logits.
    rng : numpy.random.Generator, optional
        Draws the initial weights; by default seeded 0.

    Returns
    -------
    Module

    Raises
    ------
    ValueError
        If there is no such network or variant.

    Examples
    --------
    >>> type(build("unet", in_channels=3, num_classes=4)).__name__
    'UNet'
    """
    if name not in MODELS:
        raise ValueError(f"no model {name!r}; there are {', '.join(MODELS)}")
    if variant not in VARIANTS:
        raise ValueError(f"no variant {variant!r} of {name}; there are {', '.join(VARIANTS)}")
    constructor = getattr(MODELS[name], variant)
    model: Module = constructor(in_channels=in_channels, num_classes=num_classes, rng=rng)
    return model


def rebuild(metadata: Mapping[str, Any], source: str) -> Module:
    """Build the network that a file's metadata describe.

    Parameters
    ----------
    metadata : mapping
        With an entry "model": the arguments of `build`.
    source : str
        The file, for the error.

    Raises
    ------
    ValueError
        If the metadata don't say which network it is.
    """
    arguments = metadata.get("model")
    if not isinstance(arguments, Mapping):
        raise ValueError(f"{source}: the file doesn't say which model its weights are of")
    return build(**arguments)
