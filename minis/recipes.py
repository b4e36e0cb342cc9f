"""How the command line trains unless told otherwise: settings that suit each network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from .models import DETECTORS
from .training.losses import BALANCED, LOSSES

OWN = "its own"  # the loss of a network that computes its losses itself
RARE = ("digits", "digits-apart")  # data sets of many rare classes
UPRIGHT = (
    "digits",
    "digits-apart",
    "streets",
    "brain",
)  # data sets whose images must not be turned
WHOLE = (
    "digits",
    "digits-apart",
    "shapes",
    "streets",
)  # those that a detector sees in whole, enlarged
SIDE = 192  # of their shorter side then


@dataclass(frozen=True)
class Settings:
    """What determines a run, besides its images.

    Attributes
    ----------
    model : str
        See `minis.models.build`; its mini version is trained.
    data : str
        The data set's name, or the folders.
    steps, batch_size, crop : int
        Training steps, crops in each, and their side in pixels; smaller where images are.
    learning_rate : float
        Adam's at the beginning; it falls to zero along a cosine.
    loss : str
        One of `minis.training.LOSSES`; `OWN` of a detector.
    seed : int
        Of the split, the weights, the crops and the augmentation.
    turns : bool
        Whether crops are also mirrored and turned: not where up and left mean something.
    stretched : bool
        Whether each image's contrast was stretched.
    min_size : int
        Detectors are shown whole images, resized to this shorter side; with 0 crops, not resized.
    """

    model: str = "unet"
    data: str = "nuclei"
    steps: int = 240
    batch_size: int = 8
    crop: int = 96
    learning_rate: float = 3e-3
    loss: str = "cross-entropy"
    seed: int = 0
    turns: bool = True
    stretched: bool = False
    min_size: int = 0


# what trains each network well in a minute or two on two CPU cores, unless told otherwise
RECIPES: dict[str, Settings] = {
    "unet": Settings("unet", "nuclei"),
    "fcn": Settings("fcn", "streets", steps=400),
    "segnet": Settings("segnet", "digits", steps=1400, learning_rate=5e-3),
    "tiramisu": Settings("tiramisu", "digits", steps=1000, learning_rate=1e-2),
    "vnet": Settings(
        "vnet", "brain", steps=300, batch_size=4, crop=48, learning_rate=5e-3, loss="dice"
    ),
    "mask-rcnn": Settings(
        "mask-rcnn",
        "digits-apart",
        steps=2000,
        batch_size=2,
        crop=128,
        learning_rate=2e-3,
        loss=OWN,
    ),
}


def recipe(model: str, **changes: Any) -> Settings:
    """Return a network's settings, with those that are not None in place of the usual ones.

    Raises
    ------
    ValueError
        If there is no such network or loss, or a detector is given one.

    Examples
    --------
    >>> recipe("unet", steps=10, crop=None).steps
    10
    """
    if model not in RECIPES:
        raise ValueError(f"no model {model!r}; there are {', '.join(RECIPES)}")
    settings = replace(RECIPES[model], **{k: v for k, v in changes.items() if v is not None})
    if model in DETECTORS:
        if settings.loss != OWN:
            raise ValueError(f"{model} has losses of its own; leave --loss out")
    elif settings.loss not in LOSSES:
        raise ValueError(f"no loss {settings.loss!r}; there are {', '.join(LOSSES)}")
    if model in DETECTORS and changes.get("min_size") is None and settings.data in WHOLE:
        settings = replace(settings, min_size=SIDE)
    if changes.get("turns") is None:
        settings = replace(settings, turns=settings.data not in UPRIGHT)
    if settings.loss != OWN and changes.get("loss") is None and settings.data in RARE:
        settings = replace(settings, loss=BALANCED)
    return settings
