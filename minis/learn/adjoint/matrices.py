"""The adjoint lab: a linear operation as a matrix, and its backward as another, to compare them.

A linear map is known once it is known on the unit vectors: A's column j is what the operation makes
of an x that is 1 at pixel j and 0 elsewhere. The backward takes dy to dx, and its matrix is found
in the same way. If it is right, it is the transpose of A: for any x and y

    ⟨A x, y⟩ = ⟨x, Aᵀ y⟩

"Adjoint" is the name of a map for which that holds. All proofs of gradients of linear operations in
this library rest on it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .presets import Linear, preset

if TYPE_CHECKING:
    from rich.console import Group

LIMIT = 256  # numbers in the input or output: more are no matrix to look at
SLACK = 1e-9  # how far apart both sides of an identity may be, scaled


@dataclass(frozen=True)
class AdjointLab:
    """An operation's matrix and its backward's.

    Attributes
    ----------
    name, says : str
        The operation, and what is held fixed.
    matrix : (M, N) float64 array
        A: row i is a number of the output, column j one of the input, both in row-major order.
    backward : (N, M) float64 array
        What the backward does, found without a look at A.
    input_shape, output_shape : tuple of int
        Of the operation's arrays, with N and M numbers.
    left, right : float
        ⟨A x, y⟩ and ⟨x, backward(y)⟩ for random x and y.
    partner : str
        The preset that is worth looking at beside it; empty if there is none.
    """

    name: str
    says: str
    matrix: Any
    backward: Any
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    left: float
    right: float
    partner: str = ""

    @property
    def wrong(self) -> list[tuple[int, int]]:
        """Entries (j, i) at which the backward's matrix isn't the transpose."""
        scale = max(1.0, float(np.abs(self.matrix).max(initial=0)))
        # not (≤), so that NaN is wrong
        apart = ~(np.abs(self.backward - self.matrix.T) <= SLACK * scale)
        return [(int(j), int(i)) for j, i in np.argwhere(apart)]

    @property
    def holds(self) -> bool:
        """Whether the backward is the adjoint: in every entry, and in the identity."""
        scale = max(1.0, abs(self.left), abs(self.right))
        return not self.wrong and abs(self.left - self.right) <= SLACK * scale

    def text(self, width: int | None = None) -> Group:
        """Return both matrices and the check, for rich; `print(lab)` writes the same.

        Parameters
        ----------
        width : int, optional
            Columns of the terminal; by default as many as it has.
        """
        from .text import lab_text

        return lab_text(self, width)

    def figure(self, beside: AdjointLab | None = None) -> Any:
        """Draw both matrices side by side; under them, on request, those of another operation.

        Parameters
        ----------
        beside : AdjointLab, optional

        Returns
        -------
        matplotlib.figure.Figure
        """
        from .figure import draw_labs

        return draw_labs([self] if beside is None else [self, beside])

    def __str__(self) -> str:
        from rich.console import Console

        console = Console(width=100, no_color=True, highlight=False)
        with console.capture() as captured:
            console.print(self.text(100))
        return captured.get()


def adjoint_lab(
    operation: str | Linear,
    *,
    backward: Linear | None = None,
    input_shape: tuple[int, ...] | None = None,
    **options: Any,
) -> AdjointLab:
    """Find the matrix of a linear operation and that of its backward, and compare them.

    Parameters
    ----------
    operation : str or function
        "conv", "conv_transpose", "max_pool", "max_unpool", "avg_pool", "interpolate" or
        "roi_align"; or any linear function x -> y of float64 arrays.
    backward : function, optional
        dy -> dx, of an `operation` that is a function.
    input_shape : tuple of int, optional
        Of x, likewise.
    **options
        Of the named operation, where they are to be others than in `minis.learn.adjoint.presets`:
        `stride=2`, `mode="linear"`, `box=(0, 0, 3, 3)`.

    Returns
    -------
    AdjointLab
        `print` it, or draw it by its `figure`.

    Raises
    ------
    ValueError
        If there is no such preset or option; if the function isn't linear, which is checked; if it
        is too large to be looked at; or if the backward's result hasn't the input's shape.
    TypeError
        If a function comes without its backward or the shape of its input, or a name with them.

    Examples
    --------
    >>> lab = adjoint_lab("conv", side=3, kernel=2)
    >>> lab.matrix.astype(int)
    array([[1, 2, 0, 3, 4, 0, 0, 0, 0],
           [0, 1, 2, 0, 3, 4, 0, 0, 0],
           [0, 0, 0, 1, 2, 0, 3, 4, 0],
           [0, 0, 0, 0, 1, 2, 0, 3, 4]])
    >>> lab.holds, np.array_equal(lab.matrix, adjoint_lab("conv_transpose", kernel=2).matrix.T)
    (True, True)

    Your own operation, with a mistake in its backward:

    >>> lab = adjoint_lab(lambda x: 2 * x, backward=lambda dy: dy, input_shape=(2,))
    >>> lab.holds, lab.wrong
    (False, [(0, 0), (1, 1)])
    """
    if isinstance(operation, str):
        if backward is not None or input_shape is not None:
            raise TypeError(
                f"adjoint_lab: {operation!r} has a backward and an input's shape of its own; "
                "backward= and input_shape= go with a function"
            )
        chosen = preset(operation, **options)
        forward, backward, shape = chosen.forward, chosen.backward, chosen.input_shape
        name, says, partner = operation, chosen.says, chosen.partner
    else:
        if backward is None or input_shape is None or options:
            raise TypeError(
                "adjoint_lab: a function needs backward= and input_shape=, and nothing else"
            )
        forward, shape, says, partner = operation, tuple(input_shape), "", ""
        name = getattr(operation, "__name__", type(operation).__name__)
        name = "the operation" if name == "<lambda>" else name
    matrix, output_shape = _matrix(name, forward, shape)
    back, dx_shape = _matrix(f"{name}'s backward", backward, output_shape)
    if dx_shape != shape:
        raise ValueError(
            f"adjoint_lab: {name}'s backward returned an array of shape {dx_shape}; the input's "
            f"shape is {shape}"
        )
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal(shape), rng.standard_normal(output_shape)
    return AdjointLab(
        name,
        says,
        matrix,
        back,
        shape,
        output_shape,
        float((forward(x.copy()) * y).sum()),
        float((x * backward(y.copy())).sum()),
        partner,
    )


def _matrix(
    name: str, function: Callable[[Any], Any], shape: tuple[int, ...]
) -> tuple[Any, tuple[int, ...]]:
    """Apply a function to every unit vector; return its matrix, and the shape of its results."""
    size = math.prod(shape)
    if not 1 <= size <= LIMIT:
        raise ValueError(
            f"adjoint_lab: an array of shape {shape} has {size} numbers; a matrix to look at has "
            f"1 … {LIMIT} rows and columns"
        )
    of_zero = np.asarray(function(np.zeros(shape)), np.float64)
    if np.any(of_zero != 0):
        raise ValueError(
            f"adjoint_lab: {name} isn't linear: of x = 0 it makes {of_zero.ravel()[:4]} …; leave "
            "a bias away"
        )
    units = np.eye(size).reshape(size, *shape)
    columns = [np.asarray(function(unit.copy()), np.float64) for unit in units]
    matrix = np.stack([column.ravel() for column in columns], axis=1)
    x = np.random.default_rng(1).standard_normal(size)
    for sign in (1, -1):  # so that no sign of a number is only seen once
        y, expected = np.asarray(function(sign * x.reshape(shape))).ravel(), sign * (matrix @ x)
        if not np.allclose(y, expected, rtol=0, atol=1e-6 * max(1.0, np.abs(expected).max())):
            raise ValueError(
                f"adjoint_lab: {name} isn't linear: of a random x it makes other numbers than of "
                "its parts, added up; hold fixed what it chooses by x"
            )
    return matrix, columns[0].shape
