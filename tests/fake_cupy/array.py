"""Arrays on an imagined GPU, which refuse what CuPy's refuse."""

from __future__ import annotations

import operator
import types

import numpy as np

from .memory import memory
from .transfers import TO_CPU, TO_GPU, WAITS, transfers

METHODS = [
    "all",
    "any",
    "argmax",
    "argmin",
    "astype",
    "clip",
    "copy",
    "diagonal",
    "max",
    "mean",
    "min",
    "prod",
    "ravel",
    "repeat",
    "reshape",
    "round",
    "sum",
    "swapaxes",
    "trace",
    "transpose",
]
PROPERTIES = ("dtype", "flags", "itemsize", "nbytes", "ndim", "shape", "size", "strides")
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
READ = {  # what copies an array of one number, or several, to the CPU
    "__bool__": bool,
    "__int__": int,
    "__float__": float,
    "__index__": operator.index,
    "__repr__": repr,
    "__format__": format,
    "item": np.ndarray.item,
    "tolist": np.ndarray.tolist,
    "get": np.ndarray.copy,
}


class ndarray:
    """An array on the imagined GPU."""

    __array_ufunc__ = None  # NumPy's operators and ufuncs leave it alone
    __hash__ = None

    def __init__(self, values):
        memory.take(values.nbytes)
        self._values = np.asarray(values)  # what has no axes comes as a scalar

    def __array__(self, *args, **kwargs):
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Use `.get()`")

    def __len__(self):
        return len(self._values)

    def __iter__(self):
        return (wrapped(v) for v in self._values)

    @property
    def data(self):
        """The memory, of which an address may be asked."""
        return types.SimpleNamespace(ptr=self._values.ctypes.data)

    @property
    def T(self):
        """The transpose."""
        return ndarray(self._values.T)

    def __neg__(self):
        return ndarray(-self._values)

    def __abs__(self):
        return ndarray(abs(self._values))

    def __invert__(self):
        return ndarray(~self._values)

    def __getitem__(self, key):
        if any(_is_mask(k) for k in (key if isinstance(key, tuple) else (key,))):
            transfers.note(WAITS, 8)
        return wrapped(self._values[unwrapped(key)])

    def __setitem__(self, key, value):
        self._values[unwrapped(key)] = unwrapped(value)


def asarray(value, dtype=None):
    """Copy from the CPU, which `cupy.asarray` does explicitly."""
    there = isinstance(value, ndarray) and dtype in (None, value.dtype)
    return value if there else array(value, dtype)


def array(value, dtype=None):
    """Copy, from wherever it is."""
    if isinstance(value, ndarray):
        return ndarray(np.array(value._values, dtype=dtype))
    made = np.array(value, dtype=dtype)
    transfers.note(TO_GPU, made.nbytes)
    return ndarray(made)


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


def lifted(function):
    """Let a function of NumPy take arrays on the imagined GPU, and return such."""

    def call(*args, **kwargs):
        kwargs = {k: unwrapped(v) for k, v in kwargs.items()}
        return wrapped(function(*(unwrapped(a) for a in args), **kwargs))

    return call


def waiting(function):
    """As `lifted`, for one whose result has a size that isn't known before."""
    there = lifted(function)

    def call(*args, **kwargs):
        transfers.note(WAITS, 8)
        return there(*args, **kwargs)

    return call


def _is_mask(key):
    return isinstance(key, ndarray) and key.dtype == bool


def _reader(read):
    def call(self, *args):
        transfers.note(TO_CPU, self._values.nbytes)
        return read(self._values, *args)

    return call


def _method(name):
    def call(self, *args, **kwargs):
        return lifted(getattr(self._values, name))(*args, **kwargs)

    return call


def _operator(form):
    def call(self, other):
        result = getattr(self._values, form)(unwrapped(other))
        if result is NotImplemented:
            return result
        return self if form.startswith("__i") and form != "__invert__" else wrapped(result)

    return call


def _install():
    for name, read in READ.items():
        setattr(ndarray, name, _reader(read))
    for name in METHODS:
        setattr(ndarray, name, _method(name))
    for name in PROPERTIES:
        setattr(ndarray, name, property(operator.attrgetter(f"_values.{name}")))
    for name in BINARY:
        for form in (f"__{name}__", f"__r{name}__", f"__i{name}__"):
            if hasattr(np.ndarray, form):
                setattr(ndarray, form, _operator(form))


ndarray.__module__ = "cupy"
_install()
