"""What `minis plan` does: say what a network, by its name or from a file, needs to be run."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..data.images import write_text
from ..models import MODELS
from .choose_model import open_model, parse_shape
from .plan_report import Plan
from .plan_table import field_text
from .planner import check_plannable, plan
from .undrawn import Undrawn


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
        See `minis.models.variants`; by default "mini". A file's network has none.
    classes : int, optional
        By default 2. A file's network has its own.
    json : path, optional
        Where to write everything too.
    """

    model: str
    shape: str | None = None
    variant: str | None = None
    classes: int | None = None
    json: Path | None = None


@dataclass(frozen=True)
class Answer:
    """A plan, with a line on what was planned and lines on what follows from it."""

    title: str
    plan: Plan
    remarks: list[str]


def run(request: Request) -> Answer:
    """Do what `request` says.

    Raises
    ------
    ValueError
        If there is no such model or variant, if it can't be planned, or if the shape is none, or
        doesn't fit the network.
    FileNotFoundError
        If the folder for the JSON file isn't there.
    """
    if request.json and not request.json.parent.is_dir():
        raise FileNotFoundError(f"{request.json.parent}: no such folder")
    if request.model in MODELS:
        check_plannable(MODELS[request.model])  # before it is built
    shape = parse_shape(request.shape) if request.shape else None
    model, name, shape = open_model(
        request.model, request.variant, shape, num_classes=request.classes, rng=Undrawn()
    )
    found = plan(model, shape)
    if request.json:
        whole: dict[str, Any] = {"model": name, **found.to_dict()}
        text = json.dumps(whole, indent=1)
        write_text(request.json, text)
    before, after = ("×".join(map(str, s)) for s in (found.input_shape, found.output_shape))
    return Answer(f"{name}: {before} {found.dtype} → {after}", found, _remarks(found))


def _remarks(found: Plan) -> list[str]:
    lines = [
        f"{found.parameters:,} parameters, and {found.buffers:,} values saved besides",
        field_text(found),
    ]
    if found.training is None:
        lines.append(f"can't be trained on this size: {found.untrainable}")
    have = machine_memory()
    if have:
        needs = {"inference": found.memory()}
        if found.training is not None:
            needs["training with Adam"] = found.memory("Adam")
        told = [
            f"{what} {'fits' if need <= have else 'does not fit'}" for what, need in needs.items()
        ]
        lines.append(f"in this machine's {have / 2**30:.1f} GiB of memory, {', '.join(told)}")
    return lines


def machine_memory() -> int | None:
    """Return the bytes of memory that this machine has, or None where it doesn't tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
