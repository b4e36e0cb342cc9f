"""What every optimiser shares: the parameters, the learning rate, and what it remembers.

An optimiser walks over the parameters, reads each gradient g and changes the data θ in place.
Most keep, for every parameter, a few arrays of the same shape (a velocity, running means): its
memory, which a checkpoint must save for training to go on as if it had never stopped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..backend import array_namespace, beside
from ..nn.module import Parameter

Parameters = Iterable[Parameter] | Iterable[tuple[str, Parameter]]


class Optimiser:
    """The base of `SGD`, `RMSprop`, `Adam` and `AdamW`.

    A subclass names its arrays in `slots` and writes `update`, which changes one parameter.

    Parameters
    ----------
    parameters : iterable of Parameter, or of (str, Parameter)
        With names, as `model.named_parameters()` gives them, error messages and checkpoints
        use those; without, the position. A parameter that comes twice is updated once.
    lr : float
        Learning rate; a schedule may set the attribute `lr` before each step.
    slots : tuple of str
        Names of the arrays to remember for each parameter; they start at zero.
    **options
        The other hyper-parameters, which a state must agree on to be loaded.

    Raises
    ------
    ValueError
        If there is no parameter, two have one name, or a hyper-parameter is out of range.
    TypeError
        If something other than a `Parameter` comes.
    """

    def __init__(
        self, parameters: Parameters, lr: float, slots: tuple[str, ...] = (), **options: Any
    ) -> None:
        kind = type(self).__name__
        check_not_negative(kind, lr=lr)
        self.parameters = _named(kind, parameters)
        self.lr = lr
        self.slots = slots
        self.options = options
        self.steps = 0
        self.memory: dict[str, dict[str, Any]] = {name: {} for name in self.parameters}

    def step(self) -> None:
        """Change every parameter once, by the gradient that it holds."""
        self._make_memory()  # all of it first: where it doesn't fit, nothing is changed
        self.steps += 1
        for name, parameter in self.parameters.items():
            self.update(parameter, self.memory[name])

    def _make_memory(self) -> None:
        """Make what is missing of the memory; move it where the model was moved since."""
        for name, parameter in self.parameters.items():
            memory, xp = self.memory[name], array_namespace(parameter.data)
            if not memory:
                memory.update({slot: xp.zeros_like(parameter.data) for slot in self.slots})
            elif any(array_namespace(array) is not xp for array in memory.values()):
                memory.update({slot: beside(parameter.data, a) for slot, a in memory.items()})

    def update(self, parameter: Parameter, memory: dict[str, Any]) -> None:
        """Change one parameter and its memory in place."""
        raise NotImplementedError(f"{type(self).__name__} has no update")

    def state_dict(self) -> dict[str, Any]:
        """Return all that the next step depends on besides parameters and gradients.

        Returns
        -------
        dict
            `kind`, `lr`, `options` and `steps`, which fit into JSON; and `memory`, a dict of
            arrays, not copied, under the names "slot/parameter" (empty before the first step).
        """
        return {
            "kind": type(self).__name__,
            "lr": self.lr,
            "options": dict(self.options),
            "steps": self.steps,
            "memory": {
                f"{slot}/{name}": array
                for name, memory in self.memory.items()
                for slot, array in memory.items()
            },
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over a state of the same kind of optimiser, of the same options and parameters.

        `lr` is taken over too, since schedules change it; so are the arrays, as copies.

        Raises
        ------
        ValueError
            Listing everything that differs; then nothing is loaded.
        """
        arrays = state["memory"]
        expected = {f"{s}/{name}": p for name, p in self.parameters.items() for s in self.slots}
        if state["steps"] == 0:
            expected = {}
        own = {"kind": type(self).__name__, **self.options}
        saved = {"kind": state["kind"], **state["options"]}
        problems = [
            f"{key} was {saved.get(key)!r}, is {own.get(key)!r}"
            for key in dict.fromkeys([*saved, *own])
            if _plain(saved.get(key)) != _plain(own.get(key))
        ]
        problems += [f"missing {name}" for name in expected if name not in arrays]
        problems += [f"unexpected {name}" for name in arrays if name not in expected]
        problems += [
            f"{name} has shape {tuple(arrays[name].shape)}, expected {tuple(p.data.shape)}"
            for name, p in expected.items()
            if name in arrays and tuple(arrays[name].shape) != tuple(p.data.shape)
        ]
        if problems:
            raise ValueError(
                f"{type(self).__name__}.load_state_dict: the state doesn't fit:\n  "
                + "\n  ".join(problems)
            )
        self.lr, self.steps = state["lr"], state["steps"]
        self.memory = {name: {} for name in self.parameters}
        for key, parameter in expected.items():
            slot, _, name = key.partition("/")
            values = beside(parameter.data, arrays[key], parameter.data.dtype)
            self.memory[name][slot] = values.copy() if values is arrays[key] else values

    def __repr__(self) -> str:
        options = "".join(f", {key}={value}" for key, value in self.options.items())
        return f"{type(self).__name__}({len(self.parameters)} parameters, lr={self.lr}{options})"


def check_not_negative(kind: str, **values: float) -> None:
    """Raise `ValueError` if a hyper-parameter is negative or NaN."""
    for name, value in values.items():
        if not value >= 0:
            raise ValueError(f"{kind}: {name} must not be negative, got {value}")


def check_fraction(kind: str, **values: float) -> None:
    """Raise `ValueError` if a hyper-parameter lies outside 0 ≤ value < 1."""
    for name, value in values.items():
        if not 0 <= value < 1:
            raise ValueError(f"{kind}: {name} must be at least 0 and less than 1, got {value}")


def decayed_gradient(data: Any, grad: Any, weight_decay: float) -> Any:
    """Return g + λ θ."""
    return grad + weight_decay * data if weight_decay else grad


def move_towards(mean: Any, value: Any, share: float) -> Any:
    """Change a running mean in place: mean ← share · mean + (1 − share) · value."""
    mean *= share
    mean += (1 - share) * value
    return mean


def _named(kind: str, parameters: Parameters) -> dict[str, Parameter]:
    named: dict[str, Parameter] = {}
    seen: set[int] = set()
    for position, item in enumerate(parameters):
        name, parameter = item if isinstance(item, tuple) else (str(position), item)
        if not isinstance(parameter, Parameter):
            raise TypeError(
                f"{kind}: parameters should be Parameters or (name, Parameter) pairs, "
                f"got {type(parameter).__name__} at position {position}"
            )
        if id(parameter) in seen:
            continue
        if name in named:
            raise ValueError(f"{kind}: two parameters are named {name!r}")
        seen.add(id(parameter))
        named[name] = parameter
    if not named:
        raise ValueError(f"{kind}: there are no parameters to optimise")
    return named


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value  # JSON has no tuples
