"""Planning: a network's own forward and backward, run on arrays that have only a shape.

Every operation and every layer's `forward` and `backward` asks whether someone looks on, see
`minis.observer`. Here is one who, in place of an operation, says what it would return. All else is
the network's own text, and Python's own bookkeeping of what still lives: so the memory is what the
text keeps.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from ..models import MaskRCNN
from ..nn import Module
from ..nn.module import Parameter
from ..observer import Observer, unobserved
from .costs import FLOPS, cost
from .ledger import Ledger, counting
from .plan_operations import planned_result
from .plan_report import Need, Plan, PlanRow
from .planned_array import Planned
from .receptive_field import of_input, sizes, steps

AnyModule = TypeVar("AnyModule", bound=Module)


def plan(model: Module, shape: tuple[int, ...]) -> Plan:
    """Say what a network would do with an input, and what it needs for that, without running it.

    Parameters
    ----------
    model : Module
        Maps an array to an array. It is left as it is.
    shape : tuple of int
        Of the input.

    Returns
    -------
    Plan
        Its rows, totals and memory; `print` it.

    Raises
    ------
    TypeError, ValueError
        As the network, of an input that doesn't fit. ValueError for a detector: how many boxes it
        looks at is in the image's values.

    Notes
    -----
    Arrays are counted while they live, so the memory is that of NumPy's arrays. Not counted is what
    operations take for themselves while they run: padded copies, unfolded windows, a kernel's
    working space.

    Examples
    --------
    >>> from minis.models import UNet
    >>> planned = plan(UNet.mini(), (1, 1, 4096, 4096))
    >>> planned.output_shape, planned.rows[0].name, planned.rows[0].shape
    ((1, 2, 4096, 4096), 'down.0.0', (1, 8, 4096, 4096))
    >>> planned.rows[0].flops == 2 * 9 * 8 * 4096**2
    True
    """
    check_plannable(type(model))
    shadow = _without_values(model)
    parameters = [p.data for p in shadow.parameters()]
    learned = {name for name, _ in shadow.named_parameters()}
    buffers = [a for name, a in shadow.state_dict().items() if name not in learned]
    dtype = parameters[0].dtype if parameters else np.dtype(np.float32)

    def once(training: bool) -> tuple[_Planner, Ledger, Any]:
        with counting() as ledger:
            planner = _Planner(shadow.train(training), ledger)
            x = Planned(shape, dtype, field=of_input(len(shape) - 2))
            with planner.looking_on():
                y = shadow(x)
                if training:
                    shadow.backward(Planned(y.shape, y.dtype))
        return planner, ledger, y

    planner, ledger, y = once(training=False)
    found = Plan(
        network=type(model).__name__,
        input_shape=tuple(shape),
        output_shape=y.shape,
        dtype=dtype.name,
        rows=planner.rows,
        parameters=sum(a.size for a in parameters),
        buffers=sum(a.size for a in buffers),
        weight_bytes=sum(a.nbytes for a in parameters + buffers),
        gradient_bytes=sum(a.nbytes for a in parameters),
        inference=Need(planner.flops, ledger.peak, ledger.peak_at),
        field=sizes(y.field) if y.field else None,
        smallest_field=sizes(y.field, min) if y.field else None,
    )
    try:
        planner, ledger, _ = once(training=True)
        found.training = Need(planner.flops, ledger.peak, ledger.peak_at)
    except (ValueError, NotImplementedError) as error:
        found.untrainable = str(error)
    return found


def check_plannable(network: type) -> None:
    """Raise ValueError if what a network computes depends on more than the shape of its input.

    Examples
    --------
    >>> check_plannable(Module)
    """
    if issubclass(network, MaskRCNN):
        raise ValueError(
            f"{network.__name__} can't be planned: how many boxes and masks it computes depends on "
            "what is in the image, not only on its size; `minis profile mask-rcnn` runs it, and "
            "measures time and memory"
        )


def _without_values(model: AnyModule) -> AnyModule:
    """Copy a network; its arrays become single numbers, repeated without taking memory."""
    known: dict[int, Any] = {}
    for part in (module for _, module in model.modules()):
        arrays = [getattr(part, name) for name in part._buffers]
        for value in vars(part).values():
            if isinstance(value, Parameter):
                arrays += [value.data, value.grad]
        known |= {id(a): np.broadcast_to(np.ones((), a.dtype), a.shape) for a in arrays}
        known[id(part._remembered)] = []
    return copy.deepcopy(model, known)


class _Planner(Observer):
    """The observer that plans operations, and fills the rows."""

    def __init__(self, model: Module, ledger: Ledger) -> None:
        self.rows: list[PlanRow] = []
        self.flops = 0
        self._ledger = ledger
        self._names = {id(module): name for name, module in model.modules()}
        self._seen: set[int] = set()
        self._running: list[tuple[Module, PlanRow | None]] = []  # the row of a layer, if it is one

    def operation(
        self, reference: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        """Plan an operation."""
        name = reference.__name__
        module, row = self._running[-1] if self._running else (None, None)
        if row is None:
            prefix = self._names.get(id(module), "")
            row = PlanRow(f"{prefix}.{name}" if prefix else name, "operation")
            if not name.endswith("_backward"):
                self.rows.append(row)
            self._ledger.now = row.name
        with unobserved():
            result = planned_result(reference, args, options)
        if name in FLOPS:
            flops = cost(name, args, options, result=result).flops
            self.flops += flops
            row.flops += flops
        if row.kind == "operation":
            _describe(row, result)
        return result

    def layer(
        self,
        method: Callable[..., Any],
        module: Module,
        inputs: tuple[Any, ...],
        options: dict[str, Any],
    ) -> Any:
        """Run a module's `forward` or `backward`."""
        if self._running and self._running[-1][0] is module:  # inherited, called by an override
            return method(module, *inputs, **options)
        leaf = next(module.children(), None) is None
        name = self._names.get(id(module), type(module).__name__) or type(module).__name__
        row = PlanRow(name, type(module).__name__) if leaf else None
        forward = method.__name__ == "forward"
        if row and forward:
            self.rows.append(row)
            if id(module) not in self._seen:
                self._seen.add(id(module))
                own = [v for v in vars(module).values() if isinstance(v, Parameter)]
                row.parameters = sum(p.data.size for p in own)
        if row:
            self._ledger.now = name
        self._running.append((module, row))
        try:
            result = method(module, *inputs, **options)
        finally:
            self._running.pop()
        if row and forward:
            _describe(row, result)
        return result


def _describe(row: PlanRow, result: Any) -> None:
    arrays = result if isinstance(result, tuple) else (result,)
    row.shape, row.bytes = tuple(arrays[0].shape), sum(a.nbytes for a in arrays)
    field = getattr(arrays[0], "field", None)
    if field:
        row.field, row.smallest_field = sizes(field), sizes(field, min)
        row.step = tuple(float(s) for s in steps(field))
