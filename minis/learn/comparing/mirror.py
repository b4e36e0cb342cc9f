"""A network of ours as a module of PyTorch, built from its own text.

Its `forward` is run on tensors: an observer does each of its operations by PyTorch's of the same
name, with tensors that hold its parameters. PyTorch's own differentiation then follows all of it,
the concatenations and additions too. So the mirror's gradients check every backward that is written
out in the network.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from ...nn import Module
from ...observer import Observer
from .mirror_array import Mirrored, plain
from .step import flat, shaped
from .theirs import called_as


def mirror(model: Module) -> Any:
    """Build a PyTorch module that does what a network does, layer by layer.

    Parameters
    ----------
    model : Module
        Maps arrays to arrays; it is copied.

    Returns
    -------
    torch.nn.Module
        In the same mode, with the network's names for parameters and buffers.

    Raises
    ------
    ImportError
        If PyTorch is not installed.
    ValueError
        When it is called: if it comes to an operation that PyTorch hasn't.

    Examples
    --------
    >>> import numpy as np, torch
    >>> from minis import nn
    >>> module = mirror(nn.Sequential(nn.Conv2d(1, 2, 3, rng=np.random.default_rng(0)), nn.ReLU()))
    >>> [name for name, _ in module.named_parameters()]
    ['0.weight', '0.bias']
    >>> module(torch.zeros(1, 1, 5, 5)).shape
    torch.Size([1, 2, 3, 3])
    """
    import torch

    class Mirror(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = [copy.deepcopy(model)]  # in a list: it is no module of PyTorch
            learned = {name for name, _ in model.named_parameters()}
            for name, array in model.state_dict().items():
                *path, last = name.split(".")
                holder = _holder(self, path)
                tensor = torch.from_numpy(array.copy())
                if name in learned:
                    holder.register_parameter(last, torch.nn.Parameter(tensor))
                else:
                    holder.register_buffer(last, tensor)
            self.train(model.training)

        def forward(self, given: Any) -> Any:
            (network,) = self.network
            network.train(self.training)
            tensors = dict(self.named_parameters()) | dict(self.named_buffers())
            state = network.state_dict()  # kept while it runs, so that no id is given out again
            own = {id(array): tensors[name] for name, array in state.items()}
            inputs = shaped([Mirrored(tensor) for tensor in flat(given)], given)
            try:
                with _InTorch(network, own).looking_on():
                    result = network(inputs)
            finally:
                network.zero_grad()
            return shaped([plain(value) for value in flat(result)], result)

    return Mirror()


def _holder(module: Any, path: list[str]) -> Any:
    """Return the part of a module at a dotted name, made if it isn't there."""
    import torch

    for name in path:
        if name not in module._modules:
            module.add_module(name, torch.nn.Module())
        module = module._modules[name]
    return module


class _InTorch(Observer):
    """The observer that does operations in PyTorch."""

    def __init__(self, network: Module, tensors: dict[int, Any]) -> None:
        self._tensors = tensors
        self._names = {id(module): name for name, module in network.modules()}
        self._running: list[Module] = []

    def operation(
        self, reference: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        kind = reference.__name__
        if kind not in IN_TORCH:
            raise ValueError(f"compare: PyTorch has no {kind} to compare with")
        module = self._running[-1] if self._running else None
        name = self._names.get(id(module), "")
        if module is None or next(module.children(), None) is not None or not name:
            name = f"{name}.{kind}" if name else kind
        token = called_as.set(name)
        try:
            return IN_TORCH[kind](*(self._tensor(a) for a in args), **options)
        finally:
            called_as.reset(token)

    def layer(
        self,
        method: Callable[..., Any],
        module: Module,
        inputs: tuple[Any, ...],
        options: dict[str, Any],
    ) -> Any:
        self._running.append(module)
        try:
            return method(module, *inputs, **options)
        finally:
            self._running.pop()

    def _tensor(self, value: Any) -> Any:
        return self._tensors.get(id(value), plain(value))


def _of_axes(name: str) -> Callable[..., Mirrored]:
    """Return PyTorch's function for as many spatial axes as the input has."""

    def run(x: Any, *args: Any, **options: Any) -> Mirrored:
        from torch.nn import functional

        return Mirrored(getattr(functional, f"{name}{x.ndim - 2}d")(x, *args, **options))

    return run


def _simple(name: str) -> Callable[..., Mirrored]:
    def run(*args: Any, **options: Any) -> Mirrored:
        from torch.nn import functional

        return Mirrored(getattr(functional, name)(*args, **options))

    return run


def _max_pool(x: Any, size: Any, **options: Any) -> tuple[Mirrored, Mirrored]:
    from torch.nn import functional

    pool = getattr(functional, f"max_pool{x.ndim - 2}d")
    y, indices = pool(x, size, **options, return_indices=True)
    return Mirrored(y), Mirrored(indices)


def _max_unpool(x: Any, indices: Any, output_size: Any) -> Mirrored:
    from torch.nn import functional

    # windows of a size that PyTorch takes for possible; only output_size matters
    size = [-(-out // inner) for out, inner in zip(output_size, x.shape[2:], strict=True)]
    unpool = getattr(functional, f"max_unpool{x.ndim - 2}d")
    return Mirrored(unpool(x, indices, size, output_size=list(output_size)))


def _interpolate(
    x: Any, size: Any, *, mode: str = "nearest", align_corners: bool = False
) -> Mirrored:
    from torch.nn import functional

    sides = [size] * (x.ndim - 2) if isinstance(size, int) else list(size)
    if mode == "nearest":
        return Mirrored(functional.interpolate(x, sides, mode="nearest"))
    names = {3: "linear", 4: "bilinear", 5: "trilinear"}
    return Mirrored(
        functional.interpolate(x, sides, mode=names[x.ndim], align_corners=align_corners)
    )


def _batch_norm(
    x: Any, gamma: Any, beta: Any, mean: Any, var: Any, *, training: bool, **options: Any
) -> tuple[Any, ...]:
    from torch.nn import functional

    y = functional.batch_norm(x, mean, var, gamma, beta, training=training, **options)
    # the tensors were updated in place; the copied network's own arrays are read by nobody
    return Mirrored(y), None, None, mean.numpy(), var.numpy()


def _group_norm(x: Any, gamma: Any, beta: Any, groups: int, **options: Any) -> tuple[Any, ...]:
    from torch.nn import functional

    return Mirrored(functional.group_norm(x, groups, gamma, beta, **options)), None, None


def _softmax(name: str) -> Callable[..., Mirrored]:
    return lambda x, axis=1: _simple(name)(x, dim=axis)


def _dropout(x: Any, *args: Any, **options: Any) -> tuple[Mirrored, None]:
    return Mirrored(x), None


IN_TORCH: dict[str, Callable[..., Any]] = {
    **{name: _of_axes(name) for name in ("conv", "conv_transpose", "avg_pool")},
    **{
        name: _simple(name)
        for name in ("linear", "relu", "prelu", "elu", "sigmoid", "local_response_norm")
    },
    **{name: _softmax(name) for name in ("softmax", "log_softmax")},
    "max_pool": _max_pool,
    "max_unpool": _max_unpool,
    "interpolate": _interpolate,
    "batch_norm": _batch_norm,
    "group_norm": _group_norm,
    "dropout": _dropout,
}
