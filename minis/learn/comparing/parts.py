"""The parts of a detector that map arrays to arrays, with what they get on an image.

As a whole it can't be compared: it samples anchors and proposals at random, and a box that is just
kept on one side and just dropped on the other changes all that follows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...backend import serve
from ...models import MaskRCNN
from ...nn import Module
from ...observer import Observer, unobserved
from ..scene import scene

PARTS = (
    "backbone",
    "rpn.head",
    "roi_heads.box_head",
    "roi_heads.box_predictor",
    "roi_heads.mask_head",
    "roi_heads.mask_predictor",
)


def detector_parts(model: MaskRCNN, shape: tuple[int, ...]) -> Iterator[tuple[str, Module, Any]]:
    """Run a detector on a generated image; yield its parts.

    Parameters
    ----------
    model : MaskRCNN
        In the mode that is to be compared. What running it in training mode changes in its buffers
        is undone.
    shape : (int, int, int, int)
        Of the images.

    Yields
    ------
    name : str
        One of `PARTS`.
    part : Module
    x : array
        What it got, when it was called first.

    Examples
    --------
    >>> [name for name, _, x in detector_parts(MaskRCNN.mini(), (1, 3, 64, 64))][:2]
    ['backbone', 'rpn.head']
    """
    images, targets = scene(shape, model.num_classes)
    modules = dict(model.modules())
    inputs = _Inputs({id(modules[name]): name for name in PARTS})
    state = {name: np.array(array) for name, array in model.state_dict().items()}
    with inputs.looking_on():
        if model.training:
            model(images, targets)
        else:
            model(images)
    model.zero_grad()
    model.load_state_dict(state)
    for name in PARTS:
        x = inputs.seen.get(name)
        if x is not None and len(x):  # in evaluation there may be no boxes
            yield name, modules[name], x


class _Inputs(Observer):
    """The observer that keeps what certain modules get."""

    def __init__(self, names: dict[int, str]) -> None:
        self.seen: dict[str, Any] = {}
        self._names = names

    def operation(
        self, reference: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        with unobserved():
            return serve(reference, args, options)[0]

    def layer(
        self,
        method: Callable[..., Any],
        module: Module,
        inputs: tuple[Any, ...],
        options: dict[str, Any],
    ) -> Any:
        name = self._names.get(id(module))
        if name is not None and method.__name__ == "forward":
            self.seen.setdefault(name, np.array(inputs[0]))
        return method(module, *inputs, **options)
