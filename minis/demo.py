"""The demo: a network written in NumPy learns to find cells in a real microscope image.

U-Net's mini version is trained from scratch on the left part of a fluorescence image whose nuclei
people have outlined, and tested on its right part. A gap between them keeps any nucleus from
lying in both. Otsu's threshold, chosen on the very pixels it is tested on, is the baseline.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import show
from .data import (
    Augment,
    Crops,
    Sample,
    Samples,
    flip,
    nuclei_split,
    otsu_threshold,
    rot90,
)
from .data.nuclei import CLASSES
from .models import UNet
from .nn import Module
from .training import (
    Adam,
    Batches,
    class_iou,
    confusion_matrix,
    connected_components,
    cosine,
    fit,
    match_instances,
    softmax_cross_entropy,
)

STEPS = 240
CROP = 96
BATCH = 8
SMALLEST_NUCLEUS = 20  # pixels; smaller components are noise, for the baseline as for the network


@dataclass(frozen=True)
class Scores:
    """How well the test side's nuclei were found.

    Attributes
    ----------
    iou : float
        Intersection over union of the nuclei's pixels.
    f1 : float
        F1 of the objects (connected components), matched at IoU above ½.
    instances : (H, W) array
        The objects found.
    """

    iou: float
    f1: float
    instances: Any


@dataclass(frozen=True)
class DemoResult:
    """What the demo found: the network's scores, the baseline's, and the seconds it took."""

    network: Scores
    otsu: Scores
    seconds: float
    picture: Path


def run_demo(
    picture: str | os.PathLike[str] = "demo.png",
    *,
    seed: int = 0,
    steps: int = STEPS,
    show_progress: bool = True,
) -> DemoResult:
    """Train, test, and draw.

    Parameters
    ----------
    picture : path
        Where the PNG is written.
    seed : int
        Of the random numbers: with the same seed the same machine gives the same result.
    steps : int
        Training steps.
    show_progress : bool
        Whether to show the progress bar.

    Returns
    -------
    DemoResult

    Raises
    ------
    MissingPackageError
        If the package that holds the image is not installed.
    """
    started = time.perf_counter()
    train, test = nuclei_split()
    rng = np.random.default_rng(seed)
    model = UNet.mini(in_channels=1, num_classes=2, rng=rng)
    crops = Crops(Samples([train], CLASSES), (CROP, CROP), BATCH * steps, seed=seed)
    history = fit(
        model,
        Batches(crops, BATCH, Augment(flip, rot90)),
        loss=softmax_cross_entropy,
        optimiser=Adam(model.named_parameters(), lr=3e-3),
        schedule=cosine(steps),
        steps=steps,
        rng=rng,
        # shown while it learns; nothing is chosen by it
        validate=lambda m: {"held-out IoU": score(_predict(m, test.image), test).iou},
        validate_every=40,
        show_progress=show_progress,
    )
    network = score(_predict(model.eval(), test.image), test)
    otsu = score(test.image[0] > otsu_threshold(test.image), test)
    seconds = time.perf_counter() - started
    _draw(picture, test, network, otsu, history.loss, seconds)
    return DemoResult(network, otsu, seconds, Path(picture))


def score(mask: Any, truth: Sample) -> Scores:
    """Compare a mask of nuclei (H, W) with the truth."""
    matrix = confusion_matrix(mask.astype(np.int64), truth.labels, 2)
    instances, _ = connected_components(mask)
    sizes = np.bincount(instances.ravel())
    instances = np.where(sizes[instances] >= SMALLEST_NUCLEUS, instances, 0)
    matched = match_instances(instances, truth.instances)
    return Scores(float(class_iou(matrix)[1]), matched.f1, instances)


def _predict(model: Module, image: Any) -> Any:
    """Return the pixels that the network takes for nuclei, as a mask (H, W)."""
    return model(image[None])[0].argmax(axis=0) == 1


def _draw(
    picture: str | os.PathLike[str],
    test: Sample,
    network: Scores,
    otsu: Scores,
    losses: Any,
    seconds: float,
) -> None:
    found = show.instance_colours(network.instances)
    visible = np.sqrt(test.image)  # many nuclei are dim
    figure = show.demo_figure(
        [
            ("image, held out", visible[0]),
            ("truth (human)", show.instance_colours(test.instances)),
            ("U-Net in NumPy", found),
            ("overlay", show.overlay(visible, found)),
        ],
        losses,
        {
            "IoU": f"{network.iou:.3f}   (Otsu {otsu.iou:.3f})",
            "instance F1": f"{network.f1:.3f}   (Otsu {otsu.f1:.3f})",
            "in all": f"{seconds:.0f} s",
        },
    )
    show.save_figure(figure, picture)
