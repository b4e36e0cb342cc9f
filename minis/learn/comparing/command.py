"""What `minis compare` does: a network by its name or from a file, against one in PyTorch."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...models import MaskRCNN
from ...nn import Module
from ..choose_model import open_model, parse_shape
from .mirror import mirror
from .networks import compare
from .parts import detector_parts
from .report import Comparison

SIDES = {2: (64, 64), 3: (16, 16, 16)}  # small: every value of every layer is held against another
DETECTOR = (1, 3, 128, 128)
# what constructors call the channels of the image and the number of classes
CHANNELS = ("in_channels", "n_channels", "in_ch", "input_channels", "channels")
CLASSES = ("num_classes", "n_classes", "out_channels", "out_ch", "classes")


@dataclass(frozen=True)
class Request:
    """What the command was asked for.

    Attributes
    ----------
    model : str
        One of `minis.models.MODELS`, or a file that `minis train` wrote.
    against : str
        "torch", or FILE.py::NAME.
    shape : str, optional
        Of the input: "2,1,64,64". By default a small one.
    variant : str, optional
        By default "mini".
    classes : int, optional
        By default 2.
    inference : bool
        Whether to compare forward alone, both in `eval()`.
    float32 : bool
        Whether to compute in float32.
    keep_weights : bool
        Whether the PyTorch model keeps its own weights.
    """

    model: str
    against: str
    shape: str | None = None
    variant: str | None = None
    classes: int | None = None
    inference: bool = False
    float32: bool = False
    keep_weights: bool = False


def run(request: Request) -> Iterator[tuple[str, Comparison | str]]:
    """Do what `request` says.

    Yields
    ------
    title : str
        What is compared. A detector is compared in parts.
    found : Comparison, or str
        A str says why a part can't be compared.

    Raises
    ------
    ImportError
        If PyTorch is not installed.
    ValueError
        If there is no such model, or variant, or `against` is neither, or the input doesn't fit.
    """
    if importlib.util.find_spec("torch") is None:
        raise ImportError("compare: PyTorch is not installed: pip install torch")
    if request.against != "torch" and "::" not in request.against:
        raise ValueError(
            f"--against must be torch, or FILE.py::NAME for a module of your own, got "
            f"{request.against!r}"
        )
    shape = parse_shape(request.shape) if request.shape else None
    if shape is None and request.model == "mask-rcnn":
        shape = DETECTOR
    model, name, usual = open_model(
        request.model, request.variant, shape, num_classes=request.classes
    )
    if shape is None:
        small = (2, usual[1], *SIDES[len(usual) - 2])
        shape = small if request.variant in (None, "mini") else usual
    model.train(not request.inference)
    theirs = None
    if request.against != "torch":
        theirs = their_model(request.against, shape[1], _classes(model, shape))
        if request.inference:
            theirs.eval()
    dtype = np.dtype(np.float32 if request.float32 else np.float64)
    mode = "evaluation" if request.inference else "training"
    sizes = "×".join(map(str, shape))
    what = "PyTorch's operations" if theirs is None else request.against
    title = f"{name} on {sizes} {dtype.name}, {mode}, against {what}"
    for part, network, x in _parts(model, shape):
        whole = f"{title}: {part}" if part else title
        try:
            other = mirror(network) if theirs is None else _part_of(theirs, part, request.against)
            yield (
                whole,
                compare(network, other, x, dtype=dtype, copy_our_weights=not request.keep_weights),
            )
        except ValueError as error:
            if not part or theirs is None:
                raise
            yield whole, f"can't be compared: {error}"


def _parts(model: Module, shape: tuple[int, ...]) -> Iterator[tuple[str, Module, Any]]:
    """Yield a network as a whole, with a random input; a detector in parts, with what they got."""
    if isinstance(model, MaskRCNN):
        yield from detector_parts(model, shape)
    else:
        yield "", model, np.random.default_rng(0).standard_normal(shape)


def _classes(model: Module, shape: tuple[int, ...]) -> int:
    """Return the number of classes that a network tells apart."""
    if isinstance(model, MaskRCNN):
        return model.num_classes
    training = model.training
    classes = int(model.eval()(np.zeros(shape, np.float32)).shape[1])
    model.train(training)
    return classes


def _part_of(theirs: Any, part: str, source: str) -> Any:
    try:
        return theirs.get_submodule(part)
    except AttributeError:
        raise ValueError(
            f"{source} has no part {part!r}: a detector's parts have torchvision's names"
        ) from None


def their_model(source: str, in_channels: int, num_classes: int) -> Any:
    """Import a module of PyTorch from a user's file, which is run for that.

    Parameters
    ----------
    source : str
        FILE.py::NAME, where NAME is a module, or a class or function that makes one. It is called
        without arguments, except for those that are named after the channels of the image or the
        number of classes.
    in_channels, num_classes : int

    Returns
    -------
    torch.nn.Module

    Raises
    ------
    ValueError
        If there is no such file or name, if it can't be run or called so, or makes something else.
    """
    import torch

    file, _, name = source.partition("::")
    path = Path(file)
    if not path.is_file():
        raise ValueError(f"--against: no file {file!r}")
    spec = importlib.util.spec_from_file_location(f"minis_against_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ValueError(f"--against: {file!r} is no Python file (.py)")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.resolve().parent))  # for what it imports from its own folder
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ValueError(f"--against: {file} fails: {type(error).__name__}: {error}") from error
    finally:
        sys.path.pop(0)
    made = getattr(module, name, None)
    if made is None:
        there = [n for n, v in vars(module).items() if callable(v) and not n.startswith("_")]
        raise ValueError(f"--against: {file} has no {name!r}; it has {', '.join(there) or 'none'}")
    if not isinstance(made, torch.nn.Module) and callable(made):
        made = _called(made, source, in_channels, num_classes)
    if not isinstance(made, torch.nn.Module):
        raise ValueError(
            f"--against: {source} is no torch.nn.Module and makes none: {type(made).__name__}"
        )
    return made


def _called(factory: Any, source: str, in_channels: int, num_classes: int) -> Any:
    parameters = inspect.signature(factory).parameters.values()
    given: dict[str, int] = {}
    for names, value in ((CHANNELS, in_channels), (CLASSES, num_classes)):
        given |= {p.name: value for p in parameters if p.name in names}
    missing = [
        p.name
        for p in parameters
        if p.default is p.empty
        and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        and p.name not in given
    ]
    if missing:
        raise ValueError(
            f"--against: {source} needs {', '.join(missing)}, which nobody knows here; write a "
            "function without arguments that makes the module"
        )
    try:
        return factory(**given)
    except Exception as error:
        told = ", ".join(f"{k}={v}" for k, v in given.items())
        raise ValueError(
            f"--against: {source}({told}) fails: {type(error).__name__}: {error}"
        ) from error
