"""Which network a command means, by its name or from a file, and on an input of what shape."""

from __future__ import annotations

import os
from pathlib import Path

from numpy.random import Generator

from ..models import MODELS, build
from ..nn import Module
from ..prediction import open_trained

Shape = tuple[int, ...]

# what the networks were published for
INPUTS: dict[str, Shape] = {
    "fcn": (1, 3, 500, 500),
    "mask-rcnn": (1, 3, 480, 640),
    "segnet": (1, 3, 360, 480),
    "tiramisu": (1, 3, 224, 224),
    "unet": (1, 1, 572, 572),
    "vnet": (1, 1, 64, 128, 128),
}
USUAL_SIDES = {2: (256, 256), 3: (32, 64, 64)}


def parse_shape(text: str) -> Shape:
    """Read a shape.

    Raises
    ------
    ValueError
        Unless it is three to five positive whole numbers.

    Examples
    --------
    >>> parse_shape("1,3,256,256")
    (1, 3, 256, 256)
    """
    parts = text.split(",")
    if not 3 <= len(parts) <= 5 or not all(p.strip().isdecimal() and int(p) for p in parts):
        raise ValueError(
            f"--input must be positive numbers N,C and one to three sides, such as 1,3,256,256, "
            f"got {text!r}"
        )
    return tuple(int(part) for part in parts)


def open_model(
    name: str,
    variant: str | None,
    shape: Shape | None,
    *,
    num_classes: int | None = None,
    rng: Generator | None = None,
) -> tuple[Module, str, Shape]:
    """Build or read a network; return it, what to call it, and the shape of its input.

    Parameters
    ----------
    name : str
        One of `minis.models.MODELS`, or a file that `minis train` wrote.
    variant : str, optional
        By default "mini"; see `minis.models.build`. A file's network has none.
    shape : tuple of int, optional
        Of the input. By default one that suits the network.
    num_classes : int, optional
        By default 2. A file's network has its own.
    rng : numpy.random.Generator, optional
        Draws the weights of a network that isn't in a file.

    Raises
    ------
    ValueError
        If there is no such network, variant or file, or a file's is asked for in another form.
    """
    if name in MODELS:
        variant = variant or "mini"
        usual = (1, 1, *USUAL_SIDES[MODELS[name].axes])
        shape = shape or (usual if variant == "mini" else INPUTS.get(name, usual))
        classes = 2 if num_classes is None else num_classes
        model = build(name, variant, in_channels=shape[1], num_classes=classes, rng=rng)
        return model, f"{name} {variant}", shape
    if not os.path.exists(name):
        raise ValueError(f"no model and no file {name!r}; models: {', '.join(MODELS)}")
    for option, given in (("--variant", variant), ("--classes", num_classes)):
        if given:
            raise ValueError(f"{option} is for a model by its name; a file holds a certain network")
    trained = open_trained(Path(name))
    sides = USUAL_SIDES[getattr(trained.model, "axes", 2)]
    return trained.model, name, shape or (1, trained.in_channels, *sides)
