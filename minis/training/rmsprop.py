"""RMSprop: steps whose length doesn't follow the size of the gradient.

g is the gradient of a parameter θ, η the learning rate, λ the weight decay. Squares and roots
are taken element by element, and what is remembered starts at zero. The result is that of
`torch.optim.RMSprop`, save that its root of a variance that rounding made negative, NaN, is 0.
"""

from __future__ import annotations

from typing import Any

from ..backend import accelerated, array_namespace
from ..nn.module import Parameter
from .optimiser import (
    Optimiser,
    Parameters,
    check_fraction,
    check_not_negative,
    decayed_gradient,
    move_towards,
)


class RMSprop(Optimiser):
    """Divide each gradient by a running root mean square of its past.

        g ← g + λ θ
        s ← α s + (1 − α) g²
        m ← α m + (1 − α) g      only if centred
        r = √s + ε               if centred, √(s − m²) + ε: a running standard deviation
        v ← μ v + g / r
        θ ← θ − η v

    Parameters
    ----------
    parameters : iterable of Parameter, or of (str, Parameter)
    lr : float
        Learning rate η.
    alpha : float
        α, the share of the past in the running means.
    eps : float
        ε.
    momentum : float
        μ.
    centered : bool
        Whether to subtract the running mean.
    weight_decay : float
        λ.

    Raises
    ------
    ValueError
        If a hyper-parameter is out of range.

    References
    ----------
    Hinton, Neural Networks for Machine Learning, lecture 6e (2012); centred: Graves 2013,
    equations 38 to 45. The paper of Tiramisu trains with it (Jégou et al. 2017, section 4).

    Examples
    --------
    >>> import numpy as np
    >>> w = Parameter(np.array([1.0, 1.0]))
    >>> w.grad[...] = 1000.0, -0.001
    >>> RMSprop([w], lr=0.01).step()  # steps of one size, whatever the size of the gradient
    >>> w.data.round(3)
    array([0.9, 1.1])
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-2,
        *,
        alpha: float = 0.99,
        eps: float = 1e-8,
        momentum: float = 0.0,
        centered: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        check_not_negative("RMSprop", eps=eps, momentum=momentum, weight_decay=weight_decay)
        check_fraction("RMSprop", alpha=alpha)
        slots = ["square"] + ["mean"] * centered + ["velocity"] * (momentum > 0)
        super().__init__(
            parameters,
            lr,
            slots=tuple(slots),
            alpha=alpha,
            eps=eps,
            momentum=momentum,
            centered=centered,
            weight_decay=weight_decay,
        )
        self.alpha, self.eps, self.momentum = alpha, eps, momentum
        self.centered, self.weight_decay = centered, weight_decay

    def update(self, parameter: Parameter, memory: dict[str, Any]) -> None:
        """Change one parameter and its running means in place."""
        rmsprop_step(
            parameter.data,
            parameter.grad,
            memory["square"],
            memory.get("mean"),
            memory.get("velocity"),
            lr=self.lr,
            alpha=self.alpha,
            eps=self.eps,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
        )


@accelerated
def rmsprop_step(
    data: Any,
    grad: Any,
    square: Any,
    mean: Any = None,
    velocity: Any = None,
    *,
    lr: float,
    alpha: float = 0.99,
    eps: float = 1e-8,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
) -> None:
    """Take one step of `RMSprop` on one parameter, in place.

    Parameters
    ----------
    data : float array
        θ. It is changed.
    grad : array of the same shape
        g.
    square : array of the same shape
        s. It is changed.
    mean : array of the same shape, optional
        m, if centred. It is changed.
    velocity : array of the same shape, optional
        v, needed with momentum. It is changed.
    lr, alpha, eps, momentum, weight_decay
        As in `RMSprop`.

    Examples
    --------
    >>> theta, s = np.array([1.0]), np.array([0.0])
    >>> rmsprop_step(theta, np.array([2.0]), s, lr=0.1, alpha=0.75)
    >>> theta.round(3), s
    (array([0.8]), array([1.]))
    """
    xp = array_namespace(data)
    g = decayed_gradient(data, grad, weight_decay)
    s = move_towards(square, g * g, alpha)
    if mean is not None:
        m = move_towards(mean, g, alpha)
        s = xp.maximum(s - m * m, 0)  # a variance; rounding can take it below 0
    g = g / (xp.sqrt(s) + eps)
    if momentum:
        velocity *= momentum
        velocity += g
        g = velocity
    data -= lr * g
