"""What a training run shows while it runs: a bar on a terminal, now and then a line elsewhere.

Everything goes to standard error, so that a program's own output stays clean.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

SMOOTHING = 0.95
"""Share of the past in the loss that is shown."""

SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """Shows nothing: the base of `Bar` and `Lines`, which only draw.

    Parameters
    ----------
    steps : int
        Steps of the whole run.
    done : int
        Steps completed before, where a run resumes.

    Examples
    --------
    >>> with Progress(10, 0) as progress:
    ...     progress.stepped(loss=3.0, images=8)
    ...     progress.validated({"mean_iou": 0.5})
    >>> progress.loss, progress.metric
    (3.0, 'mean_iou 0.500')
    """

    def __init__(self, steps: int, done: int) -> None:
        self.steps = steps
        self.done = done
        self.metric = ""
        self._weighted, self._weight = 0.0, 0.0
        self._images, self._seconds = 0, 0.0
        self._since = time.perf_counter()

    @property
    def loss(self) -> float:
        """Mean of the losses so far, later ones weighing more; 0 before the first."""
        return self._weighted / self._weight if self._weight else 0.0

    @property
    def images_per_second(self) -> float:
        """Images a second, time for validation and checkpoints left out."""
        return self._images / self._seconds if self._seconds else 0.0

    def restart_clock(self) -> None:
        """Begin to count time: what passed since the last step wasn't training."""
        self._since = time.perf_counter()

    def stepped(self, loss: float, images: int) -> None:
        """Take note of a step."""
        now = time.perf_counter()
        self._seconds += now - self._since
        self._since = now
        self._images += images
        self.done += 1
        self._weighted = SMOOTHING * self._weighted + (1 - SMOOTHING) * loss
        self._weight = SMOOTHING * self._weight + (1 - SMOOTHING)
        self.draw()

    def validated(self, metrics: Mapping[str, float]) -> None:
        """Take note of a validation; the first metric is shown."""
        name, value = next(iter(metrics.items()))
        self.metric = f"{name} {value:.3f}"
        self.draw(at_once=True)

    def draw(self, at_once: bool = False) -> None:
        """Show the state."""

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *exception: object) -> None:
        """Stop showing."""


class Lines(Progress):
    """A line now and then, for logs."""

    def __init__(self, steps: int, done: int) -> None:
        super().__init__(steps, done)
        self._last_line = time.perf_counter()

    def draw(self, at_once: bool = False) -> None:
        """Print a line after a validation, at the end, and if the last is a while ago."""
        now = time.perf_counter()
        overdue = now - self._last_line >= SECONDS_BETWEEN_LINES
        if not (at_once or overdue or self.done == self.steps):
            return
        self._last_line = now
        parts = [f"step {self.done}/{self.steps}", f"loss {self.loss:.4f}", self.metric]
        parts.append(f"{self.images_per_second:.1f} images/s")
        print("  ".join(filter(None, parts)), file=sys.stderr, flush=True)


class Bar(Progress):
    """A bar that moves, with loss, metric, images a second and the time left."""

    def __init__(self, steps: int, done: int, console: Any) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        super().__init__(steps, done)
        self._bar = RichProgress(
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]:.4f}"),
            TextColumn("{task.fields[metric]}"),
            TextColumn("{task.fields[speed]:.1f} images/s"),
            TimeRemainingColumn(),
            console=console,
        )
        self._task = self._bar.add_task(
            "training", total=steps, completed=done, loss=0.0, metric="", speed=0.0
        )

    def draw(self, at_once: bool = False) -> None:
        """Give the bar its new values; it redraws itself ten times a second."""
        self._bar.update(
            self._task,
            completed=self.done,
            loss=self.loss,
            metric=self.metric,
            speed=self.images_per_second,
        )

    def __enter__(self) -> Bar:
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Leave the bar as it stands."""
        self._bar.stop()


def choose_progress(steps: int, done: int, show: bool) -> Progress:
    """Return a `Bar` for a terminal or notebook, `Lines` elsewhere, and nothing if not wanted."""
    if not show:
        return Progress(steps, done)
    from rich.console import Console

    console = Console(stderr=True)
    if console.is_terminal or console.is_jupyter:
        return Bar(steps, done, console)
    return Lines(steps, done)
