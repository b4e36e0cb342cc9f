"""A training run of a network that tells what each pixel is: from its settings to checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .data import Augment, Crops, Dataset, intensity
from .models import build
from .recipes import Settings
from .run_report import Result
from .run_setup import check_same_settings, metadata, moves
from .training import (
    Adam,
    Batches,
    History,
    colour_baseline,
    cosine,
    evaluate,
    fit,
    make_loss,
)
from .training.baseline import MOST_CHANNELS, PLAIN, VIEWS, View


def train(
    train_set: Dataset,
    test_set: Dataset,
    settings: Settings,
    size: tuple[int, ...],
    directory: Path,
    *,
    device: str = "cpu",
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
    device : {"cpu", "cuda"}
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
        check_same_settings(directory, settings)
    rng = np.random.default_rng(settings.seed)
    arguments = _arguments(train_set, settings)
    model = build(**arguments, rng=rng).to(device)
    # the crops of one epoch are those of the whole run
    crops = Crops(train_set, size, settings.batch_size * settings.steps, seed=settings.seed)
    return fit(
        model,
        Batches(crops, settings.batch_size, Augment(*moves(settings), intensity)),
        loss=make_loss(settings.loss, train_set),
        optimiser=Adam(model.named_parameters(), lr=settings.learning_rate),
        schedule=cosine(settings.steps),
        steps=settings.steps,
        rng=rng,
        validate=lambda m: evaluate(m, test_set, num_classes=train_set.num_classes),
        validate_every=validate_every,
        directory=directory,
        resume=resume,
        metadata=metadata(train_set, settings, arguments),
    )


def result(
    train_set: Dataset,
    test_set: Dataset,
    settings: Settings,
    history: History,
    started: float,
    device: str = "cpu",
) -> Result:
    """Gather what came of a run that began at `started`, by `time.perf_counter`."""
    model = build(**_arguments(train_set, settings))
    return Result.gather(
        model,
        settings,
        history,
        started,
        device,
        baseline=_baseline(train_set, test_set, (PLAIN,)),
        prepared=_baseline(train_set, test_set, VIEWS),
    )


def _arguments(train_set: Dataset, settings: Settings) -> dict[str, Any]:
    return {
        "name": settings.model,
        "in_channels": train_set.in_channels,
        "num_classes": train_set.num_classes,
    }


def _baseline(
    train_set: Dataset, test_set: Dataset, views: Sequence[View]
) -> dict[str, float] | None:
    if train_set.in_channels > MOST_CHANNELS:
        return None
    return colour_baseline(train_set, test_set, num_classes=train_set.num_classes, views=views)
