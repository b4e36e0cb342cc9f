"""On the GPU, maps as large as networks have them: many blocks, and several for one sum."""

from typing import Any

import numpy as np
import pytest

from minis_kernels import KERNELS

from .serving import check

SHAPES = [(8, 64, 128, 128), (2, 20, 257, 259), (1, 6, 40, 80, 80)]


def normal(rng: Any, *shape: int) -> Any:
    return rng.standard_normal(shape).astype("float32")


def activations(backend: str, rng: Any, shape: tuple[int, ...]) -> None:
    x, dy, a = normal(rng, *shape), normal(rng, *shape), normal(rng, shape[1])
    for name in ("relu", "elu", "sigmoid"):
        (y,) = check(backend, name, x)
        check(backend, f"{name}_backward", dy, y)
    check(backend, "prelu", x, a)
    check(backend, "prelu_backward", dy, x, a, tolerance=10)


def norms(backend: str, rng: Any, shape: tuple[int, ...]) -> None:
    x, dy = 2 * normal(rng, *shape) + 1, normal(rng, *shape)
    gamma, beta, mean, var = (normal(rng, shape[1]) ** 2 for _ in range(4))
    for training in (True, False):
        given = (x, gamma, beta, mean, var)
        _, m, inv_std, *_ = check(backend, "batch_norm", *given, training=training, tolerance=10)
        back = (dy, x, gamma, m, inv_std)
        check(backend, "batch_norm_backward", *back, training=training, tolerance=30)
    _, m, inv_std = check(backend, "group_norm", x, gamma, beta, 2, tolerance=10)
    check(backend, "group_norm_backward", dy, x, gamma, m, inv_std, 2, tolerance=30)


def losses(backend: str, rng: Any, shape: tuple[int, ...]) -> None:
    x, t = normal(rng, *shape), rng.random(shape).astype("float32")
    target = rng.integers(0, shape[1], (shape[0], *shape[2:]))
    _, p = check(backend, "cross_entropy", x, target)
    check(backend, "cross_entropy_backward", 1e6, p, target)
    check(backend, "softmax_backward", x, p)
    (y,) = check(backend, "log_softmax", x)
    check(backend, "log_softmax_backward", x, y)
    check(backend, "dice_loss", p, t)
    check(backend, "dice_loss_backward", 1e6, p, t)
    check(backend, "bce_with_logits", x, t)
    check(backend, "bce_with_logits_backward", 1e6, x, t)


FAMILIES = {activations: "prelu", norms: "group_norm", losses: "cross_entropy"}


@pytest.mark.gpu
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("shape", SHAPES)
def test_large_maps(family: Any, shape: tuple[int, ...], gpu_backend: str) -> None:
    """All give what the NumPy text gives."""
    if FAMILIES[family] not in KERNELS[gpu_backend]:
        pytest.skip(f"backend {gpu_backend} leaves {FAMILIES[family]} to the NumPy text")
    family(gpu_backend, np.random.default_rng(0), shape)
