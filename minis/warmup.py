"""Compile what a network needs before it is needed.

A kernel is compiled when it is first called, and kept on disk. Here a network is run once in every
way that training and prediction run it, so that no later process has to compile.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from .backend import BackendUnavailableError, serve, unavailable, use
from .learn.choose_model import INPUTS
from .learn.scene import scene
from .models import MODELS, MaskRCNN, build
from .nn import Module
from .observer import Observer, unobserved
from .recipes import RECIPES
from .training import SGD, Adam, softmax_cross_entropy


@dataclass
class Warmed:
    """What an operation needed.

    Attributes
    ----------
    operation : str
        A function of `minis.ops`, or an optimiser's class.
    compiled, loaded : int
        Kernels that were compiled, and that were read from the cache. Both are 0 where the NumPy
        text serves, and where this process had the kernels already.
    seconds : float
        What the calls took that did so.
    """

    operation: str
    compiled: int = 0
    loaded: int = 0
    seconds: float = 0.0


# takes the share of the work that is done, the operation that comes, and what was found so far
Tell = Callable[[float, str, list[Warmed]], None]


def warm_up(
    model: Module,
    shape: tuple[int, ...],
    *,
    loss: Callable[[Any, Any], tuple[float, Any]] = softmax_cross_entropy,
    dtypes: Iterable[Any] = ("float32",),
    tell: Tell = lambda share, operation, found: None,
) -> list[Warmed]:
    """Compile the kernels of a network: forward, its loss, backward, optimiser steps, prediction.

    Parameters
    ----------
    model : Module
        A network that maps images to logits, or a `MaskRCNN`. A copy of it is run.
    shape : tuple of int
        Of the input. Kernels are chosen by sizes too, so best that of the real images.
    loss : callable
        From `(logits, labels)` to `(loss, gradient)`, as `minis.training.fit` takes it. A
        `MaskRCNN` has its own.
    dtypes : iterable of dtype
        Those to compile for.
    tell : callable, optional
        Called before each operation, with the share of the work that is done, the operation's name
        and what was found so far.

    Returns
    -------
    list of Warmed
        One for each operation, in order of their first call.

    Raises
    ------
    BackendUnavailableError
        If Numba is not installed.
    ValueError
        If the shape doesn't fit the network.

    Examples
    --------
    >>> from minis.nn import ReLU
    >>> [found.operation for found in warm_up(ReLU(), (1, 2, 8, 8))]
    ['relu', 'cross_entropy', 'cross_entropy_backward', 'relu_backward']
    """
    problem = unavailable("numba")
    if problem:
        raise BackendUnavailableError(f"warm-up: there are no kernels to compile: {problem}")
    model, dtypes = copy.deepcopy(model), [np.dtype(dtype) for dtype in dtypes]
    watcher = _Watcher(model, len(dtypes), tell)
    with watcher.looking_on(), use("numba"):
        for dtype in dtypes:
            model.astype(dtype)
            if isinstance(model, MaskRCNN):
                _detection(model, shape, dtype)
            else:
                _segmentation(model, shape, dtype, loss)
            _optimise(list(model.parameters()), watcher)
    return watcher.found


def network(name: str, variant: str = "mini") -> tuple[Module, tuple[int, ...]]:
    """Build a network of `minis.models.MODELS`, and return it with the shape to warm it up on.

    That is a batch of `minis train`, or of what was published, an input that it was published for.

    Examples
    --------
    >>> network("unet")[1]
    (8, 1, 96, 96)
    """
    shape: tuple[int, ...] = INPUTS[name]
    if variant == "mini":
        usual = RECIPES[name]
        shape = (usual.batch_size, 1, *(usual.crop,) * MODELS[name].axes)
    return build(name, variant, in_channels=shape[1], num_classes=2), shape


def check_networks(names: Iterable[str]) -> None:
    """Raise `ValueError` unless all are networks that can be built."""
    for name in names:
        if name not in MODELS:
            raise ValueError(f"no model {name!r}; there are {', '.join(MODELS)}")


def cache_is_kept() -> bool:
    """Whether compiled kernels can be written to a disk, and so serve later processes."""
    from minis_kernels.numba_cpu import jit

    return all(function.stats.cache_path for function in jit.functions)


def _segmentation(model: Module, shape: tuple[int, ...], dtype: Any, loss: Any) -> None:
    """Train on a batch, and predict one."""
    x = np.zeros(shape, dtype)
    y = model.train()(x)
    labels = np.zeros((len(y), *y.shape[2:]), np.int64)
    model.backward(loss(y, labels)[1])
    model.eval()(x)


def _detection(model: MaskRCNN, shape: tuple[int, ...], dtype: Any) -> None:
    """Train on images with objects, and find some: without any there would be no masks."""
    images, targets = scene(shape, model.num_classes, dtype)
    model.train()(images, targets)
    model.backward()
    model.roi_heads.selection["score_threshold"] = 0.0  # of a copy
    model.eval()(images)


def _optimise(parameters: list[Any], watcher: _Watcher) -> None:
    """Step with each optimiser, if there is anything to learn."""
    if parameters:
        for optimiser in (Adam(parameters), SGD(parameters, lr=0.0, momentum=0.9)):
            with watcher.counting(type(optimiser).__name__):
                optimiser.step()


class _Watcher(Observer):
    """The observer of a run: counts, tells, and knows how far it is."""

    def __init__(self, model: Module, runs: int, tell: Tell) -> None:
        layers = {id(m) for _, m in model.modules() if next(m.children(), None) is None}
        self.total = runs * 3 * len(layers)  # forward, backward and prediction
        self.done = 0
        self.found: list[Warmed] = []
        self._tell = tell

    def operation(
        self, reference: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        """Run an operation; one within another is part of it."""
        with self.counting(reference.__name__):
            return serve(reference, args, options)[0]

    def layer(
        self,
        method: Callable[..., Any],
        module: Module,
        inputs: tuple[Any, ...],
        options: dict[str, Any],
    ) -> Any:
        """Run a module's `forward` or `backward`."""
        result = method(module, *inputs, **options)
        self.done += next(module.children(), None) is None
        return result

    @contextmanager
    def counting(self, operation: str) -> Iterator[None]:
        """Count what is compiled and loaded in a `with` block."""
        from minis_kernels.numba_cpu.compilations import counted

        self._tell(min(1.0, self.done / max(1, self.total)), operation, self.found)
        started = time.perf_counter()
        with unobserved(), counted() as counts:
            yield
        row = next((w for w in self.found if w.operation == operation), None)
        if row is None:
            row = Warmed(operation)
            self.found.append(row)
        if counts.compiled or counts.loaded:
            row.compiled += counts.compiled
            row.loaded += counts.loaded
            row.seconds += time.perf_counter() - started
