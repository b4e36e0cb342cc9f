"""What came of a training run: its scores, the baseline's, and its cost; in a file and in words."""

from __future__ import annotations

import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .data.images import write_text
from .gpu import device_name
from .nn import Module
from .recipes import Settings
from .threads import get_num_threads
from .training import History

FILE = "result.json"


@dataclass(frozen=True)
class Result:
    """What came of a run.

    Attributes
    ----------
    model, data : str
    parameters : int
        Numbers that were learned.
    steps : int
    seconds : float
        Of the whole command; of a run that was resumed, of its last part.
    threads : int
        Of the CPU.
    scores : dict of str to float
        On the held-out images after the last step; see `minis.training.segmentation_scores`, for
        a network that finds objects `minis.training.average_precision`.
    baseline : dict of str to float, optional
        The same, of `minis.training.colour_baseline`; None for images that it doesn't serve, and
        for objects.
    prepared : dict of str to float, optional
        The same, of that baseline on images that are smoothed or stretched first.
    gpu : str, optional
        Name of the GPU that the network was trained on.
    """

    model: str
    data: str
    parameters: int
    steps: int
    seconds: float
    threads: int
    scores: dict[str, float]
    baseline: dict[str, float] | None
    prepared: dict[str, float] | None = None
    gpu: str | None = None

    @classmethod
    def gather(
        cls,
        model: Module,
        settings: Settings,
        history: History,
        started: float,
        device: str = "cpu",
        baseline: dict[str, float] | None = None,
        prepared: dict[str, float] | None = None,
    ) -> Result:
        """Gather what came of a run that began at `started`, by `time.perf_counter`."""
        return cls(
            model=settings.model,
            data=settings.data,
            parameters=sum(p.data.size for p in model.parameters()),
            steps=history.steps,
            seconds=time.perf_counter() - started,
            threads=get_num_threads(),
            scores={name: values[-1] for name, values in history.metrics.items()},
            baseline=baseline,
            prepared=prepared,
            gpu=device_name() if device == "cuda" else None,
        )

    def save(self, directory: Path) -> Path:
        """Write the file, whole or not at all."""
        text = json.dumps(without_nan(asdict(self)), indent=1)
        write_text(directory / FILE, text)
        return directory / FILE

    @classmethod
    def read(cls, directory: Path) -> Result:
        """Read the file of a run."""
        return cls.from_json(json.loads((directory / FILE).read_text()))

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Result:
        """Take over what was written: a score that there is none of is NaN again."""
        scores = {k: float("nan") if v is None else v for k, v in told["scores"].items()}
        return cls(**{**told, "scores": scores})

    def lines(self) -> list[str]:
        """Say it in words."""
        lines = [f"held out, after the last step: {in_words(self.scores)}"]
        if not self.finds_objects:
            rule = in_words(self.baseline) if self.baseline else "none for so many channels"
            lines.append(f"each colour's most frequent class, the baseline: {rule}")
        if self.prepared:
            lines.append(f"the same of smoothed or stretched images: {in_words(self.prepared)}")
        place = self.gpu or f"{self.threads} {'thread' if self.threads == 1 else 'threads'}"
        lines.append(f"{self.parameters:,} parameters, {self.seconds / 60:.1f} minutes on {place}")
        return lines

    @property
    def finds_objects(self) -> bool:
        """Whether the scores are average precisions."""
        return "mask_ap" in self.scores


def without_nan(value: Any) -> Any:
    """Return what JSON can hold: None in place of a NaN, the score of what there is none of.

    Examples
    --------
    >>> without_nan({"scores": {"mask_ap": 0.5, "mask_ap_large": float("nan")}})
    {'scores': {'mask_ap': 0.5, 'mask_ap_large': None}}
    """
    if isinstance(value, dict):
        return {name: without_nan(item) for name, item in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value


def in_words(scores: dict[str, float]) -> str:
    """Name the scores that matter most.

    Examples
    --------
    >>> in_words({"mean_iou": 0.5, "mean_dice": 0.625, "pixel_accuracy": 0.75})
    'mean IoU 0.500, mean Dice 0.625'
    """
    if "mask_ap" not in scores:
        return f"mean IoU {scores['mean_iou']:.3f}, mean Dice {scores['mean_dice']:.3f}"
    return ", ".join(
        f"{kind} AP {scores[f'{kind}_ap']:.3f}, AP50 {scores[f'{kind}_ap50']:.3f}, "
        f"AP75 {scores[f'{kind}_ap75']:.3f}"
        for kind in ("mask", "box")
    )
