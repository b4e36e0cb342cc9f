"""A training run of a network that finds objects: from its settings to checkpoints.

Photographs and scenes are shown whole, resized to one size, since what is near is large. Pictures
of one scale, such as a microscope's, keep it: there the network is trained on crops.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator

from .data import Augment, Crops, Dataset, Sample, intensity
from .data.instance_batches import instance_batch
from .detection_tiles import scores_in_tiles
from .models import MaskRCNN, build
from .recipes import Settings
from .run_report import Result
from .run_setup import check_same_settings, metadata, moves
from .training import Adam, Batches, History, cosine, fit, sum_of_losses

WARMUP = 100  # steps in which the learning rate rises: the first boxes are far off
CLIP_NORM = 10.0  # of all gradients together


def train(
    train_set: Dataset,
    test_set: Dataset,
    settings: Settings,
    size: tuple[int, ...] | None,
    directory: Path,
    *,
    device: str = "cpu",
    resume: bool = False,
    validate_every: int | None = None,
) -> History:
    """Train a detector, and keep the last and the best state in `directory`.

    Parameters
    ----------
    train_set, test_set : Dataset
        Samples with instances. The best state is that of the highest mask AP on the second.
    settings : Settings
    size : tuple of int, optional
        Shape of the crops, as `minis.sources.crop_size` gives it; None shows whole images.
    directory : path
        Where `last.safetensors` and `best.safetensors` go.
    device : {"cpu", "cuda"}
    resume : bool
        Go on from `last.safetensors`.
    validate_every : int, optional
        Steps between two looks at `test_set`; a sixth of the run unless given.

    Returns
    -------
    History

    Raises
    ------
    ValueError
        If the run to resume was begun with other settings.
    """
    if resume:
        check_same_settings(directory, settings)
    rng = np.random.default_rng(settings.seed)
    model = _network(train_set, settings, rng).to(device)
    whole = size is None
    shown = train_set
    if size is not None:
        shown = Crops(train_set, size, settings.batch_size * settings.steps, seed=settings.seed)
    return fit(
        model,
        Batches(shown, settings.batch_size, Augment(*moves(settings), intensity), collate=_inputs),
        loss=sum_of_losses,
        optimiser=Adam(model.trainable(), lr=settings.learning_rate),
        schedule=cosine(settings.steps, warmup_steps=min(WARMUP, settings.steps - 1)),
        clip_norm=CLIP_NORM,
        steps=settings.steps,
        rng=rng,
        validate=lambda m: scores_in_tiles(
            m, test_set, channels=train_set.in_channels, side=None if whole else settings.crop
        ),
        validate_every=validate_every or -(-settings.steps // 6),
        directory=directory,
        resume=resume,
        metadata=metadata(train_set, settings, _arguments(train_set, settings)),
    )


def result(
    train_set: Dataset,
    settings: Settings,
    history: History,
    started: float,
    device: str = "cpu",
) -> Result:
    """Gather what came of a run that began at `started`, by `time.perf_counter`."""
    return Result.gather(_network(train_set, settings, None), settings, history, started, device)


def _network(train_set: Dataset, settings: Settings, rng: Generator | None) -> MaskRCNN:
    arguments = _arguments(train_set, settings)
    model = build(**arguments, rng=rng)
    assert isinstance(model, MaskRCNN)  # the one detector that there is
    return model


def _arguments(train_set: Dataset, settings: Settings) -> dict[str, Any]:
    return {
        "name": settings.model,
        "in_channels": train_set.in_channels,
        "num_classes": train_set.num_classes,
        "min_size": settings.min_size or None,
    }


def _inputs(samples: Sequence[Sample]) -> tuple[Any, None]:
    """Collate: the network computes its losses itself, so its targets are inputs."""
    return instance_batch(samples, channels=None), None
