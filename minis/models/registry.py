"""Networks by name, so that a file of weights can say which network it is of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.random import Generator

from ..nn import Module
from .fcn import FCN
from .mask_rcnn.mask_rcnn import MaskRCNN
from .segnet import SegNet
from .tiramisu import Tiramisu
from .unet import UNet
from .vnet import VNet

MODELS: dict[str, Any] = {
    "unet": UNet,
    "fcn": FCN,
    "segnet": SegNet,
    "tiramisu": Tiramisu,
    "vnet": VNet,
    "mask-rcnn": MaskRCNN,
}
DETECTORS = ("mask-rcnn",)  # those that find objects; the others tell what each pixel is
# what was published besides `paper`: arguments of that constructor
PUBLISHED: dict[str, dict[str, dict[str, Any]]] = {
    "fcn": {
        "32s": {"variant": "32s"},
        "16s": {"variant": "16s"},
        "8s": {"variant": "8s"},
        "8s-at-once": {"variant": "8s-at-once"},
        "alexnet": {"variant": "32s", "backbone": "alexnet"},
    },
    "tiramisu": {"56": {"variant": 56}, "67": {"variant": 67}, "103": {"variant": 103}},
    "vnet": {"code": {"schedule": "code"}, "figure": {"schedule": "figure"}},
}


def variants(name: str) -> tuple[str, ...]:
    """Return the variants of a network that `build` knows.

    Examples
    --------
    >>> variants("tiramisu")
    ('mini', 'paper', '56', '67', '103')
    """
    return ("mini", "paper", *PUBLISHED.get(name, ()))


def build(
    name: str,
    variant: str = "mini",
    *,
    in_channels: int,
    num_classes: int,
    rng: Generator | None = None,
    **options: Any,
) -> Module:
    """Build a network.

    Parameters
    ----------
    name : str
        One of `MODELS`.
    variant : str
        "mini", small enough for a laptop; "paper", as published; or one of `variants(name)`.
    in_channels, num_classes : int
        Channels of the image, and classes with the background.
    rng : numpy.random.Generator, optional
        Draws the initial weights; by default seeded 0.
    **options
        What that network's `mini` or `paper` takes besides, such as Mask R-CNN's `min_size`.

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
    if variant not in variants(name):
        raise ValueError(f"no variant {variant!r} of {name}; there are {', '.join(variants(name))}")
    constructor = MODELS[name].mini if variant == "mini" else MODELS[name].paper
    published = PUBLISHED.get(name, {}).get(variant, {})
    model: Module = constructor(
        in_channels=in_channels, num_classes=num_classes, rng=rng, **{**published, **options}
    )
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
