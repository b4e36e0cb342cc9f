"""The base of every layer and network: parameters, buffers, and what backward must remember.

There is no tape. A module's `forward` remembers what its `backward` will need; `backward` recalls
it, adds to the parameters' gradients and returns the gradient with respect to the input. What is
remembered is a stack, so that a module may be called several times; `backward` takes the last
call first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import numpy as np

from ..backend import (
    BackendUnavailableError,
    array_namespace,
    beside,
    gpu_problem,
    on_cpu,
)
from ..gpu_memory import explained_memory
from ..observer import observed

Self = TypeVar("Self", bound="Module")


class Parameter:
    """An array that is learned, and the gradient that `backward` adds to.

    Attributes
    ----------
    data : array
        The values.
    grad : array of the same shape
        Sum of the gradients since the last `zero_grad`.

    Examples
    --------
    >>> Parameter(np.ones(2)).grad
    array([0., 0.])
    """

    def __init__(self, data: Any) -> None:
        self.data = data
        self._grad: Any = None  # stands for zeros

    @property
    def grad(self) -> Any:
        """The gradient; zeros as long as nothing was added."""
        if self._grad is None:
            # zeros, not zeros_like: memory that is not written to is not taken
            self._grad = array_namespace(self.data).zeros(self.data.shape, self.data.dtype)
        return self._grad

    @grad.setter
    def grad(self, value: Any) -> None:
        self._grad = value

    def add_gradient(self, gradient: Any) -> None:
        """Add to the gradient, as `parameter.grad += gradient` does.

        The first one since `zero_grad` is not added but kept, which saves a pass over memory: the
        caller must not write to it afterwards.

        Examples
        --------
        >>> weight = Parameter(np.zeros(2))
        >>> for gradient in (np.array([1.0, 2.0]), np.array([3.0, 4.0])):
        ...     weight.add_gradient(gradient)
        >>> weight.grad
        array([4., 6.])
        """
        alike = gradient.shape == self.data.shape and gradient.dtype == self.data.dtype
        if self._grad is None and alike and gradient.flags.c_contiguous:
            self._grad = gradient
        else:
            self.grad += gradient

    def clear_gradient(self) -> None:
        """Set the gradient to zero."""
        self._grad = None

    def __repr__(self) -> str:
        return f"Parameter{tuple(self.data.shape)}"


class Module:
    """A layer or a network.

    A subclass sets `Parameter`s and other modules as attributes, names its buffers (arrays that
    are saved but not learned) with `register_buffer`, and writes `forward` and `backward`. What
    `forward` returns may be remembered for `backward`: don't write to it.

    Examples
    --------
    >>> class Double(Module):
    ...     def forward(self, x):
    ...         return 2 * x
    ...     def backward(self, dy):
    ...         return 2 * dy
    >>> Double()(np.ones(2))
    array([2., 2.])
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name in {"forward", "backward"} & set(vars(cls)):
            setattr(cls, name, observed(vars(cls)[name]))  # so that a profiler can time it

    def __init__(self) -> None:
        self.training = True
        self._buffers: list[str] = []
        self._remembered: list[tuple[Any, ...]] = []

    def forward(self, *inputs: Any) -> Any:
        """Compute the output."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def backward(self, dy: Any) -> Any:
        """Add to the parameters' gradients; return the gradient with respect to the input.

        It belongs to the latest call of `forward` that was not taken back yet.
        """
        raise NotImplementedError(f"{type(self).__name__} has no backward")

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        return self.forward(*inputs, **options)

    def remember(self, *values: Any) -> None:
        """Keep what `backward` will need; in `eval()` nothing is kept."""
        if self.training:
            self._remembered.append(values)

    def recall(self) -> tuple[Any, ...]:
        """Take back what the last call remembered.

        Raises
        ------
        RuntimeError
            If there was no call of `forward` in training mode that has not been taken back yet.
        """
        if not self._remembered:
            raise RuntimeError(
                f"{type(self).__name__}.backward: nothing is remembered; call forward in training "
                "mode first (in eval() nothing is kept), and backward once for each call"
            )
        return self._remembered.pop()

    def register_buffer(self, name: str, value: Any) -> None:
        """Set an array as attribute `name`, to be saved with the parameters but not learned."""
        self._buffers.append(name)
        setattr(self, name, value)

    def children(self) -> Iterator[tuple[str, Module]]:
        """Yield the name and the module of each attribute that is one, or a list or tuple of some.

        Modules in dicts or in nested lists are not found: make them attributes too.
        """
        for name, value in vars(self).items():
            if isinstance(value, Module):
                yield name, value
            elif isinstance(value, list | tuple):
                for i, item in enumerate(value):
                    if isinstance(item, Module):
                        yield f"{name}.{i}", item

    def modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """Yield this module and all that it holds, with their dotted names."""
        yield prefix, self
        for name, child in self.children():
            yield from child.modules(f"{prefix}.{name}" if prefix else name)

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Yield the dotted name and the `Parameter` of everything that is learned."""
        for prefix, module in self.modules():
            for name, value in vars(module).items():
                if isinstance(value, Parameter):
                    yield f"{prefix}.{name}" if prefix else name, value

    def parameters(self) -> Iterator[Parameter]:
        """Yield every `Parameter`."""
        for _, parameter in self.named_parameters():
            yield parameter

    def state_dict(self) -> dict[str, Any]:
        """Return every parameter's and buffer's array by its dotted name.

        They are not copies. A parameter's array is written to in training; a buffer's is replaced.
        """
        state = {name: parameter.data for name, parameter in self.named_parameters()}
        for prefix, module in self.modules():
            for name in module._buffers:
                state[f"{prefix}.{name}" if prefix else name] = getattr(module, name)
        return state

    def load_state_dict(self: Self, state: Mapping[str, Any]) -> Self:
        """Copy arrays into the parameters and buffers of the same names.

        Parameters
        ----------
        state : mapping of str to array
            As `state_dict` gives it, or a PyTorch module's with the same names (its
            `num_batches_tracked` counters, which nothing here reads, are passed over).

        Raises
        ------
        ValueError
            Listing every name that is missing, unexpected or misshapen; then nothing is loaded.
        """
        own = self.state_dict()
        given = {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}
        problems = [f"missing {name}" for name in own if name not in given]
        problems += [f"unexpected {name}" for name in given if name not in own]
        problems += [
            f"{name} has shape {tuple(given[name].shape)}, expected {tuple(own[name].shape)}"
            for name in own
            if name in given and tuple(given[name].shape) != tuple(own[name].shape)
        ]
        if problems:
            raise ValueError(
                f"{type(self).__name__}.load_state_dict: {len(problems)} of the names don't fit:"
                + "".join(f"\n  {problem}" for problem in problems)
            )
        converted = {
            name: beside(target, given[name], target.dtype) for name, target in own.items()
        }
        for name, target in own.items():
            target[...] = converted[name]
        return self

    def train(self: Self, mode: bool = True) -> Self:
        """Switch this module and all that it holds to training mode; with False, to evaluation."""
        for _, module in self.modules():
            module.training = mode
            if not mode:
                module._remembered.clear()
        return self

    def eval(self: Self) -> Self:
        """Switch to evaluation: running statistics, no dropout, nothing kept for backward."""
        return self.train(False)

    def zero_grad(self) -> None:
        """Set every gradient to zero, and forget calls that were never taken back."""
        for parameter in self.parameters():
            parameter.clear_gradient()
        for _, module in self.modules():
            module._remembered.clear()

    def astype(self: Self, dtype: Any) -> Self:
        """Convert parameters, gradients and floating buffers to float32 or float64."""
        if np.dtype(dtype) not in (np.float32, np.float64):
            raise TypeError(f"astype: dtype must be float32 or float64, got {np.dtype(dtype)}")
        return self._convert(lambda a: a.astype(dtype) if a.dtype.kind == "f" else a)

    def to(self: Self, device: str) -> Self:
        """Move parameters, gradients and buffers to `"cpu"` or `"cuda"`.

        Raises
        ------
        BackendUnavailableError
            If `device` is "cuda" and CuPy, or a GPU, is missing.
        GPUOutOfMemoryError
            If the GPU has no room for them; then they are where they were.

        Examples
        --------
        >>> Module().to("cpu").training
        True
        """
        if device not in ("cpu", "cuda"):
            raise ValueError(f"to: device must be 'cpu' or 'cuda', got {device!r}")
        if device == "cuda":
            problem = gpu_problem()
            if problem:
                raise BackendUnavailableError(f"to('cuda'): {problem}")
            import cupy

            try:
                with explained_memory("a smaller network"):
                    return self._convert(cupy.asarray)
            except MemoryError:
                self._convert(on_cpu)
                raise
        return self._convert(on_cpu)

    def _convert(self: Self, convert: Any) -> Self:
        for parameter in self.parameters():
            if parameter._grad is not None:
                parameter.grad = convert(parameter.grad)
            parameter.data = convert(parameter.data)
        for _, module in self.modules():
            for name in module._buffers:
                setattr(module, name, convert(getattr(module, name)))
        return self

    def __repr__(self) -> str:
        lines = [f"  ({name}): {child!r}".replace("\n", "\n  ") for name, child in self.children()]
        inside = "\n" + "\n".join(lines) + "\n" if lines else self.describe()
        return f"{type(self).__name__}({inside})"

    def describe(self) -> str:
        """Return the options to show between the parentheses of `repr`."""
        return ""
