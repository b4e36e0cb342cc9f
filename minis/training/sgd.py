"""Stochastic gradient descent.

g is the gradient of a parameter θ, η the learning rate, λ the weight decay. What is remembered
starts at zero. The result is that of `torch.optim.SGD`.
"""

from __future__ import annotations

from typing import Any

from ..backend import accelerated
from ..nn.module import Parameter
from .optimiser import Optimiser, Parameters, check_not_negative, decayed_gradient


class SGD(Optimiser):
    """Stochastic gradient descent, with momentum if wanted.

        g ← g + λ θ
        v ← μ v + g
        θ ← θ − η v              or, with Nesterov's momentum, θ ← θ − η (g + μ v)

    Parameters
    ----------
    parameters : iterable of Parameter, or of (str, Parameter)
    lr : float
        Learning rate η.
    momentum : float
        μ; 0 is plain gradient descent, which remembers nothing.
    nesterov : bool
        Whether to look ahead along the velocity; needs momentum.
    weight_decay : float
        λ.

    Raises
    ------
    ValueError
        If a hyper-parameter is out of range, or `nesterov` comes without momentum.

    References
    ----------
    Polyak 1964 for momentum; Sutskever et al. 2013, section 2, for both forms (in theirs the
    velocity holds η; here, as in PyTorch, a change of η acts at once).

    Examples
    --------
    >>> import numpy as np
    >>> w = Parameter(np.array([1.0, 2.0]))
    >>> w.grad[...] = 10.0, 0.0
    >>> SGD([w], lr=0.01).step()
    >>> w.data
    array([0.9, 2. ])
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        check_not_negative("SGD", momentum=momentum, weight_decay=weight_decay)
        if nesterov and not momentum:
            raise ValueError("SGD: nesterov=True needs a momentum greater than 0")
        super().__init__(
            parameters,
            lr,
            slots=("velocity",) if momentum else (),
            momentum=momentum,
            nesterov=nesterov,
            weight_decay=weight_decay,
        )
        self.momentum, self.nesterov, self.weight_decay = momentum, nesterov, weight_decay

    def update(self, parameter: Parameter, memory: dict[str, Any]) -> None:
        """Change one parameter and its velocity in place."""
        sgd_step(
            parameter.data,
            parameter.grad,
            memory.get("velocity"),
            lr=self.lr,
            momentum=self.momentum,
            nesterov=self.nesterov,
            weight_decay=self.weight_decay,
        )


@accelerated
def sgd_step(
    data: Any,
    grad: Any,
    velocity: Any = None,
    *,
    lr: float,
    momentum: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
) -> None:
    """Take one step of `SGD` on one parameter, in place.

    Parameters
    ----------
    data : float array
        θ. It is changed.
    grad : array of the same shape
        g.
    velocity : array of the same shape, optional
        v, needed with momentum. It is changed.
    lr, momentum, nesterov, weight_decay
        As in `SGD`.

    Examples
    --------
    >>> theta, v = np.array([1.0]), np.array([10.0])
    >>> sgd_step(theta, np.array([1.0]), v, lr=0.1, momentum=0.5)
    >>> theta, v
    (array([0.4]), array([6.]))
    """
    g = decayed_gradient(data, grad, weight_decay)
    if momentum:
        velocity *= momentum
        velocity += g
        g = g + momentum * velocity if nesterov else velocity
    data -= lr * g
