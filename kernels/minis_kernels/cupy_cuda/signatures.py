"""The parameters of the kernels in a CUDA C++ file, read from its text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

# C's type -> NumPy's
TYPES: dict[str, np.dtype[Any]] = {
    "float": np.dtype("float32"),
    "double": np.dtype("float64"),
    "int": np.dtype("int32"),
    "unsigned": np.dtype("uint32"),
    "index_t": np.dtype("int64"),
    "long long": np.dtype("int64"),
    "unsigned long long": np.dtype("uint64"),
    "unsigned char": np.dtype("uint8"),
    "bool": np.dtype("bool"),
}

_KERNEL = re.compile(
    r'extern\s+"C"\s+__global__\s+void\s+(?:__launch_bounds__\([^)]*\)\s*)?(\w+)\s*\(([^)]*)\)'
)
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_QUALIFIER = re.compile(r"\b(const|__restrict__|volatile)\b")


@dataclass(frozen=True)
class Parameter:
    """One parameter of a kernel: its name, its type, and whether it points to an array."""

    name: str
    dtype: np.dtype[Any]
    is_array: bool


def signatures(text: str, real: np.dtype[Any]) -> dict[str, tuple[Parameter, ...]]:
    r"""Read the kernels of a file.

    Parameters
    ----------
    text : str
        CUDA C++. A kernel is `extern "C" __global__ void name(...)`, its parameters pointers to
        numbers or numbers.
    real : dtype
        What the type `real` stands for.

    Returns
    -------
    dict
        Every kernel's parameters, by its name.

    Raises
    ------
    ValueError
        If a parameter has a type that is not in `TYPES`.

    Examples
    --------
    >>> text = 'extern "C" __global__ void twice(const real* x, real* y, int count) { }'
    >>> [(p.name, p.dtype.name, p.is_array) for p in signatures(text, np.dtype("float32"))["twice"]]
    [('x', 'float32', True), ('y', 'float32', True), ('count', 'int32', False)]
    """
    found = {}
    for name, parameters in _KERNEL.findall(_COMMENT.sub(" ", text)):
        pieces = [p for p in parameters.split(",") if p.strip()]
        found[name] = tuple(_parameter(name, piece, real) for piece in pieces)
    return found


def _parameter(kernel: str, declared: str, real: np.dtype[Any]) -> Parameter:
    words = _QUALIFIER.sub(" ", declared).replace("*", " * ").split()
    name, is_array = words.pop(), "*" in words
    kind = " ".join(w for w in words if w != "*")
    types: dict[str, np.dtype[Any]] = {**TYPES, "real": real}
    if kind not in types:
        raise ValueError(
            f"kernel {kernel}: parameter {declared.strip()!r} is of a type that has no NumPy "
            f"dtype here; there are {', '.join(types)}"
        )
    return Parameter(name, types[kind], is_array)
