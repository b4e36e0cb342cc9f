"""A stand-in for CuPy without a GPU: arrays that refuse what CuPy's arrays refuse.

The operations' NumPy text must reach an array only through the array's own namespace. This module
has the part of CuPy's interface that they may use, on arrays in ordinary memory which, as CuPy's
do, can't be mixed with NumPy arrays, indexed by them, or converted to them without `get()`.
"""

from __future__ import annotations

import operator
import types

import numpy as np

FUNCTIONS = [
    "abs",
    "arange",
    "argmax",
    "argsort",
    "asarray",
    "ascontiguousarray",
    "bincount",
    "broadcast_to",
    "clip",
    "concatenate",
    "copyto",
    "empty",
    "exp",
    "expm1",
    "flatnonzero",
    "floor",
    "full",
    "isfinite",
    "isnan",
    "log",
    "log1p",
    "matmul",
    "maximum",
    "minimum",
    "moveaxis",
    "multiply",
    "ones_like",
    "put_along_axis",
    "sign",
    "sort",
    "sqrt",
    "square",
    "take",
    "take_along_axis",
    "unique",
    "where",
    "zeros",
    "zeros_like",
]
METHODS = [
    "all",
    "any",
    "argmax",
    "astype",
    "copy",
    "max",
    "mean",
    "min",
    "prod",
    "ravel",
    "reshape",
    "round",
    "sum",
    "swapaxes",
    "transpose",
]
PROPERTIES = ("dtype", "itemsize", "nbytes", "ndim", "shape", "size", "strides")
BINARY = [
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "matmul",
    "and",
    "or",
    "xor",
    "lt",
    "le",
    "gt",
    "ge",
    "eq",
    "ne",
]


class ndarray:
    """An array on the imagined GPU."""

    __array_ufunc__ = None  # NumPy's operators and ufuncs leave it alone
    __hash__ = None

    def __init__(self, values):
        self._values = values

    def get(self):
        """Copy to the CPU."""
        return self._values.copy()

    def __array__(self, *args, **kwargs):
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Use `.get()`")

    def __len__(self):
        return len(self._values)

    def __iter__(self):
        return (wrapped(v) for v in self._values)

    def __bool__(self):
        return bool(self._values)

    def __int__(self):
        return int(self._values)

    def __float__(self):
        return float(self._values)

    def __index__(self):
        return operator.index(self._values)

    def __repr__(self):
        return repr(self._values)

    @property
    def T(self):
        """The transpose."""
        return ndarray(self._values.T)

    def __neg__(self):
        return ndarray(-self._values)

    def __invert__(self):
        return ndarray(~self._values)

    def __getitem__(self, key):
        return wrapped(self._values[unwrapped(key)])

    def __setitem__(self, key, value):
        self._values[unwrapped(key)] = unwrapped(value)


def wrapped(result):
    """Put NumPy's results back on the imagined GPU."""
    if isinstance(result, np.ndarray):
        return ndarray(result)
    if isinstance(result, np.generic):
        return ndarray(np.asarray(result))  # CuPy has no scalars, only arrays without axes
    if isinstance(result, tuple | list):
        return type(result)(wrapped(r) for r in result)
    return result


def unwrapped(value):
    """Take arrays off the imagined GPU; a NumPy array among them is an error."""
    if isinstance(value, ndarray):
        return value._values
    if isinstance(value, np.ndarray):
        raise TypeError("Unsupported type <class 'numpy.ndarray'>")
    if isinstance(value, tuple | list):
        return type(value)(unwrapped(v) for v in value)
    return value


def _lifted(function):
    def call(*args, **kwargs):
        kwargs = {k: unwrapped(v) for k, v in kwargs.items()}
        return wrapped(function(*(unwrapped(a) for a in args), **kwargs))

    return call


def _install():
    for name in METHODS:
        setattr(ndarray, name, _method(name))
    for name in PROPERTIES:
        setattr(ndarray, name, property(operator.attrgetter(f"_values.{name}")))
    for name in BINARY:
        for form in (f"__{name}__", f"__r{name}__", f"__i{name}__"):
            if hasattr(np.ndarray, form):
                setattr(ndarray, form, _operator(form))


def _method(name):
    def call(self, *args, **kwargs):
        return _lifted(getattr(self._values, name))(*args, **kwargs)

    return call


def _operator(form):
    def call(self, other):
        result = getattr(self._values, form)(unwrapped(other))
        if result is NotImplemented:
            return result
        return self if form.startswith("__i") and form != "__invert__" else wrapped(result)

    return call


def _asarray(value, dtype=None):
    """Copy from the CPU, which `cupy.asarray` does explicitly."""
    values = value._values if isinstance(value, ndarray) else value
    return ndarray(np.array(values, dtype=dtype))


def module():
    """Return the stand-in for the module `cupy`."""
    fake = types.ModuleType("cupy")
    for name in FUNCTIONS:
        setattr(fake, name, _lifted(getattr(np, name)))
    fake.asarray = _asarray
    fake.ndarray = ndarray
    fake.float32, fake.float64 = np.float32, np.float64
    strides = types.SimpleNamespace(as_strided=_lifted(np.lib.stride_tricks.as_strided))
    fake.lib = types.SimpleNamespace(stride_tricks=strides)
    return fake


ndarray.__module__ = "cupy"
_install()
