"""Segmentation networks in plain NumPy, forward and backward, with fast kernels beside them.

`minis.ops` holds the operations, `minis.nn` the layers, `minis.models` the networks,
`minis.data` data sets and augmentation, `minis.training` the training loop and `minis.learn`
what a learner runs. Each is imported when it is first used, so that `import minis` costs
little more than `import numpy`.
"""

from __future__ import annotations

import importlib
from typing import Any

from .backend import BACKENDS, BackendUnavailableError, active_backend, use
from .gpu_precision import active_gpu_precision, gpu_precision
from .threads import get_num_threads, set_num_threads

__version__ = "0.1.0"

__all__ = [
    "BACKENDS",
    "BackendUnavailableError",
    "__version__",
    "active_backend",
    "active_gpu_precision",
    "data",
    "get_num_threads",
    "gpu_precision",
    "learn",
    "models",
    "nn",
    "ops",
    "set_num_threads",
    "show",
    "training",
    "use",
    "warmup",
]

_SUBPACKAGES = ("data", "learn", "models", "nn", "ops", "show", "training", "warmup")


def __getattr__(name: str) -> Any:
    if name in _SUBPACKAGES:
        return importlib.import_module(f"minis.{name}")
    raise AttributeError(f"module 'minis' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
