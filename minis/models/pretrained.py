"""Weights that torchvision's classification networks learned on ImageNet, for FCN's encoders.

The fully connected layers become convolutions ("convolutionalised": Long, Shelhamer & Darrell
2015, section 3.1). torchvision's first one reads a (512, 7, 7) map flattened to 25088 numbers, so
its (4096, 25088) matrix, reshaped, is a 7×7 filter that gives the same numbers wherever it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..backend import array_namespace

# torchvision's networks, the backbone that takes their weights, and their fully connected layers
NETWORKS = {
    "vgg16": ("vgg16", ("classifier.0", "classifier.3"), "classifier.6"),
    "alexnet": ("alexnet-torchvision", ("classifier.1", "classifier.4"), "classifier.6"),
}
RECAST = ("classifier.0", "classifier.3")  # what FCN calls them


def from_torchvision(
    state: Mapping[str, Any], own: Mapping[str, Any], backbone: str
) -> dict[str, Any]:
    """Turn torchvision's state dict into arrays for FCN's encoder.

    Parameters
    ----------
    state : mapping of str to array
        The state dict of torchvision's `vgg16` (or `vgg16_bn`) or `alexnet`.
    own : mapping of str to array
        FCN's arrays whose names begin with "features." or "classifier.".
    backbone : str
        The FCN's.

    Returns
    -------
    dict of str to array
        For each name of `own`, an array of its shape and dtype. ImageNet's scores
        ("classifier.6") and batch norm's counters are dropped.

    Raises
    ------
    ValueError
        If the weights are of another backbone, or listing every name that is missing, unexpected
        or misshapen.

    Examples
    --------
    >>> import numpy as np
    >>> own = {"features.0.bias": np.zeros(2), "classifier.0.weight": np.zeros((1, 2, 3, 3))}
    >>> state = {"features.0.bias": np.ones(2), "classifier.0.weight": np.ones((1, 18))}
    >>> from_torchvision(state, own, "vgg16")["classifier.0.weight"].shape
    (1, 2, 3, 3)
    """
    network = "alexnet" if "classifier.1.weight" in state else "vgg16"
    fits, connected, scores = NETWORKS[network]
    if fits != backbone:
        raise ValueError(
            f"FCN.load_pretrained: these are weights of torchvision's {network}, which fit "
            f"backbone={fits!r}; this one has backbone={backbone!r}"
        )
    theirs = {
        f"{a}.{end}": f"{b}.{end}"
        for a, b in zip(RECAST, connected, strict=True)
        for end in ("weight", "bias")
    }
    theirs = {name: theirs.get(name, name) for name in own}
    given = {
        name: array
        for name, array in state.items()
        if not name.startswith(scores) and not name.endswith("num_batches_tracked")
    }
    expected = {theirs[name]: _flattened(name, array) for name, array in own.items()}
    problems = [f"missing {name}" for name in expected if name not in given]
    problems += [f"unexpected {name}" for name in given if name not in expected]
    problems += [
        f"{name} has shape {tuple(given[name].shape)}, expected {shape}"
        for name, shape in expected.items()
        if name in given and tuple(given[name].shape) != shape
    ]
    if problems:
        raise ValueError(
            f"FCN.load_pretrained: {len(problems)} of the names don't fit torchvision's {network}:"
            + "".join(f"\n  {problem}" for problem in problems)
        )
    return {
        name: array_namespace(array)
        .asarray(given[theirs[name]], dtype=array.dtype)
        .reshape(array.shape)
        for name, array in own.items()
    }


def _flattened(name: str, array: Any) -> tuple[int, ...]:
    """Shape of a filter (O, C, k, k) as torchvision's matrix (O, C·k·k); others are unchanged."""
    shape = tuple(array.shape)
    if name.startswith("classifier") and len(shape) == 4:
        return shape[0], shape[1] * shape[2] * shape[3]
    return shape
