"""What every training run of the command line has: what is told before it, and kept with it.

A checkpoint says how it was made: which network, which classes, how images were prepared. What is
done with it later prepares images in the same way, and a run can only be resumed as it was begun.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from .backend import active_backend, unavailable
from .data import Dataset, flip, rot90
from .gpu import device_name
from .recipes import Settings
from .sources import mask_values, orientation
from .training import read_metadata

LAST = "last.safetensors"
MIRRORED: dict[str, Callable[..., Any]] = {  # data sets that a mirror leaves true, but no turn
    "streets": partial(flip, axes=(-1,)),  # left and right
    "brain": flip,  # tissue is tissue whichever way it lies
}


def summary(
    train_set: Dataset, test_set: Dataset, settings: Settings, batch: str, device: str = "cpu"
) -> str:
    """Say what is about to be trained on what; `batch` says what the images of a step are.

    Examples
    --------
    >>> from minis.data import load
    >>> told = summary(*load("shapes"), Settings(data="shapes"), "crops of 96 × 96 pixels")
    >>> print(told.split("; backend")[0])
    shapes: 200 to train on, 50 held out; 4 classes: background, circle, square, triangle
    unet, 240 steps of 8 crops of 96 × 96 pixels
    """
    return (
        f"{settings.data}: {len(train_set)} to train on, {len(test_set)} held out; "
        f"{train_set.num_classes} classes: {', '.join(train_set.classes)}\n"
        f"{settings.model}, {settings.steps} steps of {settings.batch_size} {batch}; "
        f"{_serving(device)}"
    )


def _serving(device: str) -> str:
    """Say which backend computes, and on the GPU on which."""
    backend, place = active_backend(), ""
    if backend == "auto":
        backend = "cupy" if device == "cuda" else "numpy" if unavailable("numba") else "numba"
    if device == "cuda":
        place = f" on {device_name()}"
        backend = "the NumPy text, by CuPy," if backend in ("numpy", "numba") else backend
    return f"backend {backend}{place}"


def moves(settings: Settings) -> list[Callable[..., Any]]:
    """Return the augmentation that moves pixels."""
    if settings.turns:
        return [flip, rot90]
    return [MIRRORED[settings.data]] if settings.data in MIRRORED else []


def metadata(
    train_set: Dataset, settings: Settings, arguments: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a checkpoint says of the run, `arguments` being those of `minis.models.build`."""
    return {
        "model": dict(arguments),
        "classes": list(train_set.classes),
        "mask_values": mask_values(train_set),
        "spacing": train_set[0].spacing,
        "orientation": orientation(train_set),
        "settings": asdict(settings),
    }


def check_same_settings(directory: Path, settings: Settings) -> None:
    """Raise ValueError if a run in this directory was begun with other settings."""
    last = directory / LAST
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
