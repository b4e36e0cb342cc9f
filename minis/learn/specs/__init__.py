"""The spec of every operation of `minis.ops`, by name."""

from __future__ import annotations

import importlib

from .spec import Call, Spec

_MODULES = (
    "conv",
    "norm",
    "group_norm",
    "local_response_norm",
    "activation",
    "softmax",
    "linear",
    "dropout",
    "cross_entropy",
    "dice",
    "loss",
    "pooling",
    "unpooling",
    "interpolate",
    "roi",
    "boxes",
    "anchors",
    "paste",
)

SPECS: dict[str, Spec] = {
    spec.name: spec
    for module in _MODULES
    for spec in importlib.import_module(f"{__name__}.{module}").SPECS
}

__all__ = ["SPECS", "Call", "Spec"]
