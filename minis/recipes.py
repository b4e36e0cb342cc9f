"""How the command line trains: settings that suit each network, and a run from them to checkpoints.

A checkpoint says how it was made: which network, which classes, how images were prepared. What is
done with it later prepares images in the same way, and a run can only be resumed as it was begun.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .backend import active_backend, unavailable
from .data import Augment, Crops, Dataset, flip, intensity, rot90
from .models import build
from .run_report import Result
from .sources import mask_values, orientation
from .threads import get_num_threads
from .training import (
    LOSSES,
    Adam,
    Batches,
    History,
    colour_baseline,
    cosine,
    evaluate,
    fit,
    make_loss,
    read_metadata,
)
from .training.baseline import MOST_CHANNELS, PLAIN, VIEWS, View
from .training.losses import BALANCED

LAST = "last.safetensors"
RARE = ("digits",)  # data sets of many rare classes
UPRIGHT = ("digits", "streets", "brain")  # data sets whose images must not be turned
MIRRORED: dict[str, Callable[..., Any]] = {  # those that a mirror leaves true all the same
    "streets": partial(flip, axes=(-1,)),  # left and right
    "brain": flip,  # tissue is tissue whichever way it lies
}


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
        One of `minis.training.LOSSES`.
    seed : int
        Of the split, the weights, the crops and the augmentation.
    turns : bool
        Whether crops are also mirrored and turned: not where up and left mean something.
    stretched : bool
        Whether each image's contrast was stretched.
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


# what trains each network well in a minute or two on two CPU cores, unless told otherwise
RECIPES: dict[str, Settings] = {
    "unet": Settings("unet", "nuclei"),
    "fcn": Settings("fcn", "streets", steps=400),
    "segnet": Settings("segnet", "digits", steps=1400, learning_rate=5e-3),
    "tiramisu": Settings("tiramisu", "digits", steps=1000, learning_rate=1e-2),
    "vnet": Settings(
        "vnet", "brain", steps=300, batch_size=4, crop=48, learning_rate=5e-3, loss="dice"
    ),
}


def recipe(model: str, **changes: Any) -> Settings:
    """Return a network's settings, with those that are not None in place of the usual ones.

    Raises
    ------
    ValueError
        If there is no such network or loss.

    Examples
    --------
    >>> recipe("unet", steps=10, crop=None).steps
    10
    """
    if model not in RECIPES:
        raise ValueError(f"no model {model!r}; there are {', '.join(RECIPES)}")
    settings = replace(RECIPES[model], **{k: v for k, v in changes.items() if v is not None})
    if settings.loss not in LOSSES:
        raise ValueError(f"no loss {settings.loss!r}; there are {', '.join(LOSSES)}")
    if changes.get("turns") is None:
        settings = replace(settings, turns=settings.data not in UPRIGHT)
    if changes.get("loss") is None and settings.data in RARE:
        settings = replace(settings, loss=BALANCED)
    return settings


def summary(
    train_set: Dataset, test_set: Dataset, settings: Settings, size: tuple[int, ...]
) -> str:
    """Say what is about to be trained on what, in crops of shape `size`."""
    return (
        f"{settings.data}: {len(train_set)} to train on, {len(test_set)} held out; "
        f"{train_set.num_classes} classes: {', '.join(train_set.classes)}\n"
        f"{settings.model}, {settings.steps} steps of {settings.batch_size} crops of "
        f"{' × '.join(map(str, size))} pixels; backend {_serving()}"
    )


def _serving() -> str:
    backend = active_backend()
    if backend != "auto":
        return backend
    return "numpy" if unavailable("numba") else "numba"


def train(
    train_set: Dataset,
    test_set: Dataset,
    settings: Settings,
    size: tuple[int, ...],
    directory: Path,
    *,
    resume: bool = False,
    validate_every: int = 60,
) -> History:
    """Train a network on random crops, and keep the last and the best state in `directory`.

    Parameters
    ----------
    train_set, test_set : Dataset
        The best state is that of the highest mean IoU on the second.
    settings : Settings
    size : tuple of int
        Shape of the crops, as `minis.sources.crop_size` gives it.
    directory : path
        Where `last.safetensors` and `best.safetensors` go.
    resume : bool
        Go on from `last.safetensors`.
    validate_every : int
        Steps between two looks at `test_set`.

    Returns
    -------
    History

    Raises
    ------
    ValueError
        If the run to resume was begun with other settings.
    """
    if resume:
        _check_same_settings(directory / LAST, settings)
    rng = np.random.default_rng(settings.seed)
    arguments: dict[str, Any] = {
        "name": settings.model,
        "in_channels": train_set.in_channels,
        "num_classes": train_set.num_classes,
    }
    model = build(**arguments, rng=rng)
    # the crops of one epoch are those of the whole run
    crops = Crops(train_set, size, settings.batch_size * settings.steps, seed=settings.seed)
    return fit(
        model,
        Batches(crops, settings.batch_size, Augment(*_moves(settings), intensity)),
        loss=make_loss(settings.loss, train_set),
        optimiser=Adam(model.named_parameters(), lr=settings.learning_rate),
        schedule=cosine(settings.steps),
        steps=settings.steps,
        rng=rng,
        validate=lambda m: evaluate(m, test_set, num_classes=train_set.num_classes),
        validate_every=validate_every,
        directory=directory,
        resume=resume,
        metadata={
            "model": arguments,
            "classes": list(train_set.classes),
            "mask_values": mask_values(train_set),
            "spacing": train_set[0].spacing,
            "orientation": orientation(train_set),
            "settings": asdict(settings),
        },
    )


def result(
    train_set: Dataset, test_set: Dataset, settings: Settings, history: History, started: float
) -> Result:
    """Gather what came of a run that began at `started`, by `time.perf_counter`."""
    model = build(
        settings.model, in_channels=train_set.in_channels, num_classes=train_set.num_classes
    )
    return Result(
        model=settings.model,
        data=settings.data,
        parameters=sum(p.data.size for p in model.parameters()),
        steps=history.steps,
        seconds=time.perf_counter() - started,
        threads=get_num_threads(),
        scores={name: values[-1] for name, values in history.metrics.items()},
        baseline=_baseline(train_set, test_set, (PLAIN,)),
        prepared=_baseline(train_set, test_set, VIEWS),
    )


def _baseline(
    train_set: Dataset, test_set: Dataset, views: Sequence[View]
) -> dict[str, float] | None:
    if train_set.in_channels > MOST_CHANNELS:
        return None
    return colour_baseline(train_set, test_set, num_classes=train_set.num_classes, views=views)


def _moves(settings: Settings) -> list[Callable[..., Any]]:
    """Return the augmentation that moves pixels."""
    if settings.turns:
        return [flip, rot90]
    return [MIRRORED[settings.data]] if settings.data in MIRRORED else []


def _check_same_settings(last: Path, settings: Settings) -> None:
    if not last.exists():
        return
    begun = read_metadata(last).get("settings", {})
    now = asdict(settings)
    changed = [f"{k} was {begun.get(k)!r}, is {now[k]!r}" for k in now if begun.get(k) != now[k]]
    if changed:
        raise ValueError(
            f"{last}: a run goes on only as it was begun, but {'; '.join(changed)}. Give the "
            "options it was begun with, or another --out"
        )
