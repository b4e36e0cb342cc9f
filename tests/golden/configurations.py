"""The networks with golden values, and how weights, input and gradient are drawn for them.

Nothing here needs PyTorch. All that is drawn comes from uniform numbers u in 0…1 of
`numpy.random.default_rng(0)`, as z = √3·(2u − 1), of variance 1, in this order:

1. In the alphabetical order of their names, every learned parameter and every running statistic,
   in row-major order. A parameter of two or more axes is z·√(2 / fan-in), fan-in being the product
   of its axes but the first; one of one axis is 0.8 + 0.2·z if its name ends in "weight", 0.1·z
   otherwise. A running variance is 1 + 0.5·z, a running mean 0.1·z. Filters that are not learned
   stay as they are.
2. The input, z.
3. The gradient of the loss with respect to the training's output, z.

There is no dropout.
"""

import math
from typing import Any, NamedTuple

import numpy as np


class Golden(NamedTuple):
    """A network: its name in `minis.models`, the constructor's arguments, the input's shape."""

    model: str
    options: dict[str, Any]
    shape: tuple[int, ...]


def _fcn(variant: str, backbone: str, width: int) -> dict[str, Any]:
    sizes = {"in_channels": 2, "num_classes": 3, "width": width, "fc_width": 6, "dropout": 0.0}
    return {"variant": variant, "backbone": backbone, **sizes}


UNET = {"in_channels": 2, "num_classes": 3, "width": 3, "levels": 3}
VNET = {"in_channels": 1, "num_classes": 3, "width": 2}
CONFIGURATIONS = {
    "U-Net, padded, batch norm": Golden("unet", UNET, (2, 2, 21, 16)),
    "U-Net, unpadded": Golden(
        "unet", {**UNET, "padded": False, "batch_norm": False}, (2, 2, 44, 48)
    ),
    "V-Net, the code's schedule": Golden("vnet", {**VNET, "schedule": "code"}, (1, 1, 16, 16, 32)),
    "V-Net, the figure's schedule": Golden(
        "vnet", {**VNET, "schedule": "figure"}, (1, 1, 16, 32, 16)
    ),
    "V-Net, ELU, batch norm": Golden(
        "vnet",
        {**VNET, "levels": 3, "activation": "elu", "batch_norm": True, "kernel_size": 3},
        (2, 1, 4, 8, 12),
    ),
    "FCN-8s, VGG-16": Golden("fcn", _fcn("8s", "vgg16", 2), (1, 2, 33, 20)),
    "FCN-8s at once, VGG-16": Golden("fcn", _fcn("8s-at-once", "vgg16", 2), (1, 2, 20, 33)),
    "FCN-32s, AlexNet": Golden("fcn", _fcn("32s", "alexnet", 6), (1, 2, 31, 45)),
    "Tiramisu 56": Golden(
        "tiramisu",
        {
            "in_channels": 2,
            "num_classes": 3,
            "variant": 56,
            "growth_rate": 2,
            "first_channels": 4,
            "dropout": 0.0,
        },
        (2, 2, 37, 64),
    ),
    "SegNet": Golden("segnet", {"in_channels": 2, "num_classes": 3, "width": 2}, (2, 2, 37, 48)),
}


def uniform(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Draw z: uniform, of mean 0 and variance 1."""
    return math.sqrt(3) * (2 * rng.random(shape) - 1)


def is_drawn(name: str, learned: bool) -> bool:
    """Whether an entry of the state dict is drawn: fixed filters and counters aren't."""
    return learned or name.endswith(("running_mean", "running_var"))


def draw_weights(rng: np.random.Generator, shapes: dict[str, tuple[int, ...]]) -> dict[str, Any]:
    """Draw the parameters and running statistics of these names and shapes."""
    weights = {}
    for name in sorted(shapes):
        z = uniform(rng, tuple(shapes[name]))
        if z.ndim > 1:
            weights[name] = z * math.sqrt(2 / math.prod(z.shape[1:]))
        elif name.endswith("weight"):
            weights[name] = 0.8 + 0.2 * z
        else:
            weights[name] = 1 + 0.5 * z if name.endswith("running_var") else 0.1 * z
    return weights


def sample(values: Any, count: int) -> list[float]:
    """Return the norm, and up to `count` values at even distances in row-major order.

    With 12 digits; what is 0 but for rounding is 0.
    """
    flat = np.asarray(values).ravel()
    chosen = flat[np.linspace(0, flat.size - 1, min(count, flat.size)).astype(int)]
    return [float(f"{v:.12g}") if abs(v) > 1e-10 else 0.0 for v in (np.linalg.norm(flat), *chosen)]


def golden_values(evaluated: Any, output: Any, dx: Any, gradients: dict[str, Any]) -> Any:
    """Return what the file keeps of a network's results.

    Parameters
    ----------
    evaluated, output : array
        The output in evaluation, and then in training: with the batch's statistics.
    dx : array
        The gradient with respect to the input, in training.
    gradients : dict of str to array
        Those of the parameters.
    """
    return {
        "output in evaluation": sample(evaluated, 16),
        "output in training": sample(output, 16),
        "gradient of the input": sample(dx, 16),
        "gradients": {name: sample(gradients[name], 2) for name in sorted(gradients)},
    }
