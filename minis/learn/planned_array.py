"""Arrays that have only a shape, so that a network's own text runs on them at any size, at once.

A `Planned` array is sliced, added and concatenated as any other. It holds no values, but the memory
that it stands for is counted while it lives (`minis.learn.ledger`), and it carries the receptive
field of its values (`minis.learn.receptive_field`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .ledger import Memory
from .receptive_field import UNKNOWN, Field, hull, moved, sliced

Shape = tuple[int, ...]


class Planned(np.lib.mixins.NDArrayOperatorsMixin):
    """An array without values.

    Parameters
    ----------
    shape : tuple of int
    dtype : dtype
    batched : bool
        Whether the first axis counts samples.
    field : Field, optional
        The receptive field of its values; None if they don't depend on the input.

    Examples
    --------
    >>> x = Planned((2, 3, 8, 8), np.float32)
    >>> np.concatenate([x, x[:, :1]], axis=1)[..., 2:5].astype(np.float64)
    Planned((2, 4, 8, 3), float64)
    """

    def __init__(
        self, shape: Shape, dtype: Any = float, *, batched: bool = True, field: Field | None = None
    ) -> None:
        # one number, repeated along every axis: a real array that takes no memory
        self.like = np.broadcast_to(np.ones((), dtype), shape)
        self.batched, self.field = batched, field
        self.window: Any = None  # of the pool that these are the indices of
        self._memory = Memory(self.like.nbytes)
        self.whole: tuple[Planned, Any] | None = None  # what this is a part of, and which

    def _view(self, like: Any, field: Field | None) -> Planned:
        view = object.__new__(Planned)
        view.like, view._memory = like, self._memory
        view.batched, view.field, view.window, view.whole = self.batched, field, None, None
        return view

    @property
    def shape(self) -> Shape:
        """Length of each axis."""
        return self.like.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return self.like.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.like.ndim

    @property
    def size(self) -> int:
        """Number of values."""
        return self.like.size

    @property
    def nbytes(self) -> int:
        """Bytes that the values would take."""
        return self.like.nbytes

    @property
    def T(self) -> Planned:
        """The axes reversed."""
        return self.transpose()

    def __len__(self) -> int:
        return len(self.like)

    def __repr__(self) -> str:
        return f"Planned({self.shape}, {self.dtype})"

    def __array_namespace__(self) -> Any:
        from . import planned_namespace

        return planned_namespace

    def __array__(self, *args: Any, **options: Any) -> Any:
        raise TypeError(
            "plan: an array that has only a shape is needed as a NumPy array; a network reaches "
            "its arrays' functions through array_namespace(x)"
        )

    def __getitem__(self, key: Any) -> Planned:
        part = self.like[key]
        if isinstance(part, np.ndarray) and np.may_share_memory(part, self.like):
            view = self._view(part, sliced(self.field, key, self.shape))
            view.whole = self, key
            return view
        return self.another(np.shape(part), self.dtype, UNKNOWN)

    def __setitem__(self, key: Any, value: Any) -> None:
        """Write nothing, but let what is written reach the field; also of what this is part of."""
        moved_in = moved(getattr(value, "field", None), key, self.shape)
        self.field = hull(self.field, moved_in)
        if self.whole:
            whole, part = self.whole
            whole[part] = self

    def another(self, shape: Shape, dtype: Any, field: Field | None) -> Planned:
        """Plan a new array that has samples if this one has."""
        return Planned(shape, dtype, batched=self.batched, field=field)

    def astype(self, dtype: Any, copy: bool = True) -> Planned:
        """Convert."""
        if not copy and np.dtype(dtype) == self.dtype:
            return self
        return self.another(self.shape, dtype, self.field)

    def copy(self) -> Planned:
        """Copy."""
        return self.another(self.shape, self.dtype, self.field)

    def reshape(self, *shape: Any, order: str = "C") -> Planned:
        """Lay out in another shape; this takes no memory."""
        like = self.like.reshape(*shape)
        same_map = like.shape[2:] == self.shape[2:]
        return self._view(like, self.field if same_map else lost(self.field))

    def ravel(self) -> Planned:
        """Lay out along one axis."""
        return self.reshape(-1)

    def transpose(self, *axes: Any) -> Planned:
        """Change the order of the axes."""
        return self._view(self.like.transpose(*axes), lost(self.field))

    def swapaxes(self, one: int, other: int) -> Planned:
        """Exchange two axes."""
        return self._view(self.like.swapaxes(one, other), lost(self.field))

    def sum(self, axis: Any = None, dtype: Any = None, out: Any = None, **options: Any) -> Planned:
        """Add up along some axes."""
        whole = self.dtype.kind in "biu" and dtype is None
        return self._reduced(axis, np.int64 if whole else dtype or self.dtype, **options)

    def mean(self, axis: Any = None, dtype: Any = None, out: Any = None, **options: Any) -> Planned:
        """Average along some axes."""
        return self._reduced(axis, dtype or np.result_type(self.dtype, np.float32), **options)

    def max(self, axis: Any = None, out: Any = None, **options: Any) -> Planned:
        """Take the largest along some axes."""
        return self._reduced(axis, self.dtype, **options)

    min = max

    def _reduced(self, axis: Any, dtype: Any, keepdims: bool = False) -> Planned:
        given = range(self.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
        axes = {a % self.ndim for a in given}
        kept = [
            1 if i in axes else s for i, s in enumerate(self.shape) if keepdims or i not in axes
        ]
        field = self.field if keepdims and axes <= {0, 1} else lost(self.field)
        return self.another(tuple(kept), dtype, field)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if method == "reduce":
            return self.sum(options.get("axis", 0), keepdims=options.get("keepdims", False))
        if method != "__call__" or ufunc.signature is not None:
            raise TypeError(f"plan: {ufunc.__name__} of arrays that have only a shape isn't known")
        field = hull(*(i.field for i in inputs if isinstance(i, Planned)))
        out = options.get("out", (None,))[0]
        if out is not None:
            if isinstance(out, Planned):
                out.field = hull(out.field, field)
            return out
        # a Python number doesn't widen an array's dtype, so its type alone is handed over
        dtypes = [i.dtype if hasattr(i, "dtype") else type(i) for i in inputs]
        resolved = ufunc.resolve_dtypes((*dtypes, *(None,) * ufunc.nout))
        shape = np.broadcast_shapes(*(np.shape(getattr(i, "like", i)) for i in inputs))
        first = next(i for i in inputs if isinstance(i, Planned))
        return first.another(shape, resolved[-1], field)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        from .planned_namespace import FUNCTIONS

        if function not in FUNCTIONS:
            raise TypeError(
                f"plan: {function.__name__} of an array that has only a shape isn't known"
            )
        return FUNCTIONS[function](*args, **options)


def lost(field: Field | None) -> Field | None:
    """Return the field of values that come from others in a way that isn't followed."""
    return None if field is None else UNKNOWN
