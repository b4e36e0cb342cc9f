"""Adam, and AdamW with its own kind of weight decay.

g is the gradient of a parameter θ, η the learning rate, λ the weight decay and t the number of
the step, from 1. Squares and roots are taken element by element, and what is remembered starts
at zero. The results are those of `torch.optim`.
"""

from __future__ import annotations

import math
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


class Adam(Optimiser):
    """Momentum and RMSprop together, with their start from zero corrected.

        g ← g + λ θ
        m ← β₁ m + (1 − β₁) g
        s ← β₂ s + (1 − β₂) g²
        θ ← θ − η · m / (1 − β₁ᵗ) / (√(s / (1 − β₂ᵗ)) + ε)

    Parameters
    ----------
    parameters : iterable of Parameter, or of (str, Parameter)
    lr : float
        Learning rate η.
    betas : (float, float)
        β₁ and β₂.
    eps : float
        ε.
    weight_decay : float
        λ, an L2 penalty: it passes through the division like the gradient. See `AdamW`.

    Raises
    ------
    ValueError
        If a hyper-parameter is out of range.

    References
    ----------
    Kingma and Ba 2015, algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> w = Parameter(np.array([1.0, 1.0]))
    >>> w.grad[...] = 1000.0, -0.001
    >>> Adam([w], lr=0.1).step()  # the first step has the length η
    >>> w.data.round(3)
    array([0.9, 1.1])
    """

    decoupled = False

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        kind = type(self).__name__
        check_not_negative(kind, eps=eps, weight_decay=weight_decay)
        check_fraction(kind, beta1=betas[0], beta2=betas[1])
        super().__init__(
            parameters,
            lr,
            slots=("mean", "square"),
            betas=tuple(betas),
            eps=eps,
            weight_decay=weight_decay,
        )
        self.betas, self.eps, self.weight_decay = betas, eps, weight_decay

    def update(self, parameter: Parameter, memory: dict[str, Any]) -> None:
        """Change one parameter and its running means in place."""
        adam_step(
            parameter.data,
            parameter.grad,
            memory["mean"],
            memory["square"],
            step=self.steps,
            lr=self.lr,
            betas=self.betas,
            eps=self.eps,
            weight_decay=self.weight_decay,
            decoupled=self.decoupled,
        )


class AdamW(Adam):
    """Adam whose weight decay acts on the parameter itself.

        θ ← θ − η λ θ            then Adam's step, with the gradient alone

    Every weight shrinks at the same rate, where `Adam` would shrink those of large gradients
    less.

    Parameters
    ----------
    parameters : iterable of Parameter, or of (str, Parameter)
    lr, betas, eps
        As in `Adam`.
    weight_decay : float
        λ.

    References
    ----------
    Loshchilov and Hutter 2019, algorithm 2.

    Examples
    --------
    >>> import numpy as np
    >>> w = Parameter(np.array([1.0, 2.0]))
    >>> AdamW([w], lr=0.1, weight_decay=0.5).step()  # no gradient: 5 % less
    >>> w.data
    array([0.95, 1.9 ])
    """

    decoupled = True

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(parameters, lr, betas=betas, eps=eps, weight_decay=weight_decay)


@accelerated
def adam_step(
    data: Any,
    grad: Any,
    mean: Any,
    square: Any,
    *,
    step: int,
    lr: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    decoupled: bool = False,
) -> None:
    """Take one step of `Adam` on one parameter, in place.

    Parameters
    ----------
    data : float array
        θ. It is changed.
    grad : array of the same shape
        g.
    mean, square : arrays of the same shape
        m and s. They are changed.
    step : int
        t, from 1.
    lr, betas, eps, weight_decay
        As in `Adam`.
    decoupled : bool
        Whether the weight decay acts on the parameter itself, as in `AdamW`.

    Examples
    --------
    >>> theta, m, s = np.array([1.0]), np.array([0.0]), np.array([0.0])
    >>> adam_step(theta, np.array([4.0]), m, s, step=1, lr=0.1, betas=(0.5, 0.75))
    >>> theta.round(3), m, s
    (array([0.9]), array([2.]), array([4.]))
    """
    xp = array_namespace(data)
    beta1, beta2 = betas
    if decoupled:
        data *= 1 - lr * weight_decay
    g = grad if decoupled else decayed_gradient(data, grad, weight_decay)
    m = move_towards(mean, g, beta1)
    s = move_towards(square, g * g, beta2)
    root = xp.sqrt(s) / math.sqrt(1 - beta2**step) + eps
    data -= lr / (1 - beta1**step) * (m / root)
