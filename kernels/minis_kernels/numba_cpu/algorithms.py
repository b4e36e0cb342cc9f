"""Which algorithm a kernel takes on given arguments, for those that have several.

Nothing is computed: this is for profiles and benchmarks to tell.
"""

from __future__ import annotations

from typing import Any

from . import conv, conv_transpose
from .choice import algorithm


def algorithm_of(operation: str, *args: Any, **options: Any) -> str | None:
    """Name the algorithm by which `operation` is served on arguments that its kernel serves.

    Parameters
    ----------
    operation : str
        The kernel's name.
    *args, **options
        Its arguments.

    Returns
    -------
    str or None
        Such as "winograd", or of a backward "dx winograd"; None where there is only one.

    Examples
    --------
    >>> x, w = np.zeros((1, 16, 8, 8)), np.zeros((16, 16, 3, 3))
    >>> algorithm_of("conv", x, w, padding=1), algorithm_of("conv", x, w, stride=2)
    ('winograd', 'direct')
    >>> algorithm_of("conv_backward", x, x, w, padding=1)
    'dx winograd'
    """
    backward = operation.endswith("_backward")
    transposed = operation.startswith("conv_transpose")
    if operation.removesuffix("_backward") not in ("conv", "conv_transpose"):
        return None
    x, w = args[1:3] if backward else args[:2]
    # the sizes that both modules' kernels go by
    sizes = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, **options}
    if transposed:
        g = conv_transpose._served(x, w, **{"output_padding": 0, **sizes})
    else:
        g = conv._served(x, w, **sizes)
    if g is None:
        return None
    inputs, outputs = w.shape[1], len(w)
    if transposed != backward:  # the adjoint of a convolution
        inputs, outputs = outputs, inputs
    chosen = algorithm(inputs, outputs, g, sizes["groups"])
    return f"dx {chosen}" if backward else chosen
