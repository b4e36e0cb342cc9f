"""What `minis adjoint` does: an operation's matrix, its backward's, and those of its partner."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

import numpy as np

from .matrices import AdjointLab, adjoint_lab

SHARED = ("kernel", "stride", "padding", "dilation")  # options of a convolution and its transpose


def parse_options(texts: Sequence[str]) -> dict[str, Any]:
    """Read options such as stride=2.

    Raises
    ------
    ValueError
        Unless each has the form NAME=VALUE.

    Examples
    --------
    >>> parse_options(["stride=2", "mode=linear", "box=0,0,3,3"])
    {'stride': 2, 'mode': 'linear', 'box': (0, 0, 3, 3)}
    """
    options = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals or not value:
            raise ValueError(f"--set must be NAME=VALUE, such as stride=2, got {text!r}")
        try:
            options[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            options[name] = value
    return options


def beside(lab: AdjointLab, options: dict[str, Any]) -> AdjointLab | None:
    """Return the lab of the operation that undoes the change of size, or None if there is none.

    Parameters
    ----------
    lab : AdjointLab
        Of a preset.
    options : dict
        Those that it was made with.

    Examples
    --------
    >>> lab = adjoint_lab("conv", side=5, stride=2)
    >>> other = beside(lab, {"side": 5, "stride": 2})
    >>> other.name, other.input_shape, other.output_shape
    ('conv_transpose', (1, 1, 2, 2), (1, 1, 5, 5))
    >>> print(relation(lab, other))
    conv_transpose's matrix is conv's, transposed: each is the other's backward.
    """
    if not lab.partner:
        return None
    chosen: dict[str, Any] = {}
    if lab.partner in ("conv", "conv_transpose"):
        chosen = {name: options[name] for name in SHARED if name in options}
    if lab.partner not in ("max_pool", "max_unpool"):
        chosen["side"] = lab.output_shape[-1]
    if lab.partner == "interpolate":
        chosen["size"] = lab.input_shape[-1]
    if lab.partner == "avg_pool":
        chosen["size"] = max(1, lab.output_shape[-1] // lab.input_shape[-1])
    try:
        return adjoint_lab(lab.partner, **chosen)
    except ValueError:
        return None  # such as a window that doesn't fit


def relation(lab: AdjointLab, other: AdjointLab) -> str:
    """Say how the matrices of two labs belong together."""
    if other.matrix.shape != lab.matrix.shape[::-1]:
        return f"{other.name}'s matrix has other sizes than {lab.name}'s, transposed."
    if np.allclose(other.matrix, lab.matrix.T, rtol=0, atol=1e-9):
        return f"{other.name}'s matrix is {lab.name}'s, transposed: each is the other's backward."
    factor = float((other.matrix * lab.matrix.T).sum() / (lab.matrix**2).sum())
    if np.allclose(other.matrix, factor * lab.matrix.T, rtol=0, atol=1e-9):
        return f"{other.name}'s matrix is {lab.name}'s, transposed, times {factor:g}."
    return f"{other.name}'s matrix is not {lab.name}'s, transposed."
