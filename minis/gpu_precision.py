"""How exactly convolutions of float32 are computed on the GPU."""

from __future__ import annotations

from contextvars import Token

from minis_kernels.cupy_cuda import precision as _precision


class gpu_precision:
    """Set the precision of float32 convolutions on the GPU, for good or for a `with` block.

    It concerns the kernels in CUDA C++ (backend `cupy`). Tensor cores multiply many times faster
    than ordinary arithmetic does, but take numbers of fewer bits. Inputs and filters are rounded,
    their products are summed in float32, and results are float32.

    Parameters
    ----------
    name : {"tf32", "fp16", "float32"}
        ===========  ========  ===================  =====================================
        name         mantissa  largest number       relative error of a rounded number
        ===========  ========  ===================  =====================================
        ``tf32``     10 bits   that of float32      at most 2⁻¹¹ = 0.0005
        ``fp16``     10 bits   65504                2⁻¹¹; below 6e-5 absolute, up to 3e-8
        ``float32``  23 bits   3.4e38               none: inputs are not rounded
        ===========  ========  ===================  =====================================

        `tf32`, the default, is PyTorch's default for convolutions too. In `fp16` a number from
        65520 on becomes infinite, and one below 3e-8 zero: gradients can be so small, and then a
        loss should be scaled. `float32` doesn't use tensor cores.

    Raises
    ------
    ValueError
        If there is no precision of that name.

    Notes
    -----
    float64 is always computed in float64. A GPU of the Turing generation (sm_75) has no TF32:
    there `tf32` is float32. Matrix products of `linear` are cuBLAS's.

    The choice is a context variable: it holds for the current thread or task.

    Examples
    --------
    >>> import minis
    >>> with minis.gpu_precision("float32"):
    ...     minis.active_gpu_precision()
    'float32'
    >>> minis.active_gpu_precision()
    'tf32'
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._tokens: list[Token[str]] = [_precision.choose(name)]
        self._fresh = True  # the first `with` on this object goes with the choice just made

    def __enter__(self) -> gpu_precision:
        if not self._fresh:
            self._tokens.append(_precision.choose(self.name))
        self._fresh = False
        return self

    def __exit__(self, *exception: object) -> None:
        _precision.restore(self._tokens.pop())

    def __repr__(self) -> str:
        return f"<precision of float32 convolutions on the GPU: {self.name!r}>"


def active_gpu_precision() -> str:
    """Return the precision in force: the last `gpu_precision`, or "tf32"."""
    return _precision.chosen()
