"""Optimisers: SGD with momentum, RMSprop, Adam and AdamW.

g is the gradient of a parameter θ, η the learning rate, λ the weight decay and t the number of
the step, from 1. Every product, square and root is taken element by element, and every array
that is remembered starts at zero. The results are those of `torch.optim`.
"""

from __future__ import annotations

import math
from typing import Any

from ..backend import array_namespace
from ..nn.module import Parameter
from .optimiser import Optimiser, Parameters, check_fraction, check_not_negative


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
        g = _decayed(parameter, self.weight_decay)
        if self.momentum:
            v = memory["velocity"]
            v *= self.momentum
            v += g
            g = g + self.momentum * v if self.nesterov else v
        parameter.data -= self.lr * g


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
        xp = array_namespace(parameter.data)
        g = _decayed(parameter, self.weight_decay)
        s = _move_towards(memory["square"], g * g, self.alpha)
        if self.centered:
            m = _move_towards(memory["mean"], g, self.alpha)
            s = s - m * m
        g = g / (xp.sqrt(s) + self.eps)
        if self.momentum:
            v = memory["velocity"]
            v *= self.momentum
            v += g
            g = v
        parameter.data -= self.lr * g


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
        xp = array_namespace(parameter.data)
        beta1, beta2 = self.betas
        if self.decoupled:
            parameter.data *= 1 - self.lr * self.weight_decay
            g = parameter.grad
        else:
            g = _decayed(parameter, self.weight_decay)
        m = _move_towards(memory["mean"], g, beta1)
        s = _move_towards(memory["square"], g * g, beta2)
        root = xp.sqrt(s) / math.sqrt(1 - beta2**self.steps) + self.eps
        parameter.data -= self.lr / (1 - beta1**self.steps) * (m / root)


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


def _decayed(parameter: Parameter, weight_decay: float) -> Any:
    """g + λ θ."""
    if not weight_decay:
        return parameter.grad
    return parameter.grad + weight_decay * parameter.data


def _move_towards(mean: Any, value: Any, share: float) -> Any:
    """Mean ← share · mean + (1 − share) · value, in place."""
    mean *= share
    mean += (1 - share) * value
    return mean
