"""What `minis profile` does: run a network, by its name or from a file, and profile it."""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..backend import active_backend
from ..data.images import write_text
from ..models import MaskRCNN
from ..nn import Module
from ..threads import get_num_threads, set_num_threads
from ..training.device import to_device_of
from .choose_model import open_model, parse_shape
from .profile_report import Report, check_choices, median
from .profiler import profile
from .scene import scene


@dataclass(frozen=True)
class Request:
    """What the command was asked for.

    Attributes
    ----------
    model : str
        One of `minis.models.MODELS`, or a file that `minis train` wrote.
    shape : str, optional
        Of the input: "1,3,256,256". By default one that suits the network.
    variant : str, optional
        "mini", the default, or "paper". A file's network has none.
    float64 : bool
        Whether to compute in float64.
    inference : bool
        Whether to run `forward` alone, in evaluation mode.
    repeat : int
        How many runs the times are medians of.
    threads : int, optional
        See `minis.set_num_threads`.
    by, sort : str
        See `Report.grouped`.
    json : path, optional
        Where to write everything too.
    """

    model: str
    shape: str | None = None
    variant: str | None = None
    float64: bool = False
    inference: bool = False
    repeat: int = 3
    threads: int | None = None
    by: str = "layer"
    sort: str = "network"
    json: Path | None = None


@dataclass(frozen=True)
class Profiled:
    """A profile, with a line on what was run and one on the memory it took."""

    title: str
    report: Report
    memory: str


def run(request: Request, tell: Callable[[str], None] = lambda line: None) -> Profiled:
    """Do what `request` says; `tell` is called with a line on what goes on.

    Raises
    ------
    ValueError
        If there is no such model, variant, grouping or order, if the shape is none, or doesn't fit
        the network.
    FileNotFoundError
        If the folder for the JSON file isn't there.
    """
    check_choices(request.by, request.sort)
    if request.json and not request.json.parent.is_dir():
        raise FileNotFoundError(f"{request.json.parent}: no such folder")
    model, name, shape = open_model(
        request.model, request.variant, parse_shape(request.shape) if request.shape else None
    )
    if request.threads:
        set_num_threads(request.threads)
    dtype = np.float64 if request.float64 else np.float32
    report, peak = profile_model(
        model, shape, repeat=request.repeat, inference=request.inference, dtype=dtype, tell=tell
    )
    given: dict[str, Any] = {
        "model": name,
        "input": shape,
        "dtype": np.dtype(dtype).name,
        "mode": "inference" if request.inference else "training",
        "backend": active_backend(),
        "threads": get_num_threads(),
        "repeat": request.repeat,
        "peak_bytes": peak,
    }
    if request.json:
        text = json.dumps({**given, **report.to_dict()}, indent=1)
        write_text(request.json, text)
    objects = ", 4 objects in each image" if isinstance(model, MaskRCNN) else ""
    return Profiled(
        f"{name} on {'×'.join(map(str, shape))} {given['dtype']}{objects}, {given['mode']}, "
        f"backend {given['backend']}, {_threads(given['threads'])}, median of {request.repeat}",
        report,
        f"NumPy's arrays took {peak / 1e6:.1f} MB at most, beside the network and its input",
    )


def profile_model(
    model: Module,
    shape: tuple[int, ...],
    *,
    repeat: int = 3,
    inference: bool = False,
    dtype: Any = np.float32,
    tell: Callable[[str], None] = lambda line: None,
) -> tuple[Report, int]:
    """Run a network on random numbers and profile it, after runs that aren't.

    Parameters
    ----------
    model : Module
        Maps an array to an array; or a `MaskRCNN`, which gets images with four objects each.
    shape : tuple of int
        Of the input.
    repeat, inference, tell
        See `Request` and `run`.
    dtype : float32 or float64
        Of the input and the weights.

    Returns
    -------
    report : Report
    peak : int
        The most bytes that NumPy's arrays take at a time, the network and its input not counted,
        nor what compiled code takes for itself.

    Examples
    --------
    >>> from minis.nn import ReLU
    >>> report, peak = profile_model(ReLU(), (1, 1, 100, 100), repeat=1)
    >>> [row.name for row in report.rows], peak > 40_000
    (['ReLU'], True)
    """
    model.astype(dtype).train(not inference)
    if active_backend() == "cupy":
        model.to("cuda")
    started = time.perf_counter()
    if isinstance(model, MaskRCNN):
        once = _detector(model, shape, dtype)
    else:
        once = _network(model, shape, dtype)
    tell(f"the first run, compiling included, took {time.perf_counter() - started:.1f} s")

    peak = _peak_memory(once)
    reports = []
    for _ in range(repeat):
        with profile() as report:
            once()
        reports.append(report)
    model.zero_grad()
    return median(reports), peak


def _network(model: Module, shape: tuple[int, ...], dtype: Any) -> Callable[[], None]:
    """Run a network once, in the mode that it is in; return what does the same again."""
    rng = np.random.default_rng(0)
    x = to_device_of(model, rng.standard_normal(shape).astype(dtype))
    y = model(x)
    dy = to_device_of(model, rng.standard_normal(y.shape).astype(dtype))
    if model.training:
        model.backward(dy)

    def once() -> None:
        model(x)
        if model.training:
            model.backward(dy)

    return once


def _detector(model: MaskRCNN, shape: tuple[int, ...], dtype: Any) -> Callable[[], None]:
    """Do what `_network` does with a network that takes images and their objects."""
    images, targets = scene(shape, model.num_classes, dtype)
    images = [to_device_of(model, image) for image in images]
    targets = [{name: to_device_of(model, a) for name, a in t.items()} for t in targets]

    def once() -> None:
        if model.training:
            model(images, targets)
            model.backward()
        else:
            model(images)

    once()
    return once


def _peak_memory(work: Callable[[], None]) -> int:
    tracing_already = tracemalloc.is_tracing()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        work()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        if not tracing_already:
            tracemalloc.stop()


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"
