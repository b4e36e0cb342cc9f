"""`minis train`: get the images, say what is about to happen, train, and gather what came of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from . import run_objects, run_pixels, sources
from .data import Dataset
from .data.packages import require
from .models import DETECTORS, MODELS
from .recipes import Settings
from .run_report import Result
from .run_setup import LAST, summary
from .sources_objects import object_datasets
from .training import History


@dataclass(frozen=True)
class Own:
    """One's own images, as the options name them."""

    images: Path | None = None
    masks: Path | None = None
    annotations: Path | None = None
    void: int | None = None

    @property
    def empty(self) -> bool:
        """Whether no file or folder is named."""
        return self.images is None and self.masks is None and self.annotations is None

    def __str__(self) -> str:
        """Name them: what a run that goes on must agree on."""
        truth = self.masks if self.annotations is None else self.annotations
        return f"{self.images}, {truth}" + ("" if self.void is None else f", void {self.void}")


def run(
    settings: Settings,
    data: str | None,
    own: Own,
    out: Path,
    console: Console,
    *,
    device: str = "cpu",
    resume: bool = False,
) -> tuple[Result, str]:
    """Train a network.

    Parameters
    ----------
    settings : Settings
    data : str, optional
        The data set's name; None for `own`.
    own : Own
    out : path
        Where checkpoints and the result go.
    console : rich.console.Console
        Told what is about to happen.
    device : {"cpu", "cuda"}
    resume : bool
        Go on with the run that is there, on whichever device it was begun.

    Returns
    -------
    result : Result
        Written to `out` too.
    best : str
        What the best state reached.

    Raises
    ------
    ValueError
        If the data don't suit the network, or something is wrong with them.
    """
    started = time.perf_counter()
    load = _objects if settings.model in DETECTORS else _pixels
    train_set, test_set, size = load(settings, data, own)
    batch = "whole images" if size is None else f"crops of {' × '.join(map(str, size))} pixels"
    console.print(summary(train_set, test_set, settings, batch, device), markup=False)
    if resume and (out / LAST).exists():
        console.print(f"going on from {out / LAST}", markup=False)
    history: History
    if settings.model in DETECTORS:
        history = run_objects.train(
            train_set, test_set, settings, size, out, device=device, resume=resume
        )
        result = run_objects.result(train_set, settings, history, started, device)
        score = "mask AP"
    else:
        assert size is not None
        history = run_pixels.train(
            train_set, test_set, settings, size, out, device=device, resume=resume
        )
        result = run_pixels.result(train_set, test_set, settings, history, started, device)
        score = "mean IoU"
    result.save(out)
    return result, f"best {score} on held-out images: {history.best_score:.4f}"


Loaded = tuple[Dataset, Dataset, tuple[int, ...] | None]


def _pixels(settings: Settings, data: str | None, own: Own) -> Loaded:
    """Load what is trained on and what is held out, and choose the crops' size."""
    if own.annotations is not None:
        raise ValueError(f"--annotations is for mask-rcnn; {settings.model} is trained on --masks")
    if settings.min_size:
        raise ValueError(f"--min-size is for mask-rcnn; {settings.model} is trained on crops")
    train_set, test_set = sources.datasets(
        data,
        own.images,
        own.masks,
        axes=MODELS[settings.model].axes,
        stretched=settings.stretched,
        void=own.void,
        seed=settings.seed,
    )
    return train_set, test_set, sources.crop_size(train_set, settings.crop)


def _objects(settings: Settings, data: str | None, own: Own) -> Loaded:
    """Load what is trained on and what is held out; whole images have no size of crops."""
    if own.void is not None:
        raise ValueError(
            "--void is for masks of classes; objects are told by numbers or COCO's file"
        )
    require("pycocotools", "average precision")  # now, not after a sixth of the run
    train_set, test_set = object_datasets(
        data,
        own.images,
        own.masks,
        own.annotations,
        scenes=settings.steps * settings.batch_size if settings.min_size else None,
        stretched=settings.stretched,
        seed=settings.seed,
    )
    size = None if settings.min_size else sources.crop_size(train_set, settings.crop)
    return train_set, test_set, size
