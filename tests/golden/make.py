"""Write networks.json: what PyTorch computes for the networks of `tests/reference`.

    python -m tests.golden.make

A change of the file means that a reference, or the rule in configurations.py, has changed.
"""

import json
from itertools import accumulate
from pathlib import Path

import numpy as np
import torch

from ..reference.fcn import TorchFCN
from ..reference.segnet import TorchSegNet
from ..reference.tiramisu import TorchTiramisu
from ..reference.unet import TorchUNet
from ..reference.vnet import TorchVNet
from .configurations import CONFIGURATIONS, draw_weights, golden_values, is_drawn, uniform

FILE = Path(__file__).with_name("networks.json")


def reference(model, options):
    """Build the PyTorch network of a configuration."""
    channels = options["in_channels"], options["num_classes"]
    if model == "unet":
        return TorchUNet(**{"padded": True, "batch_norm": True, **options})
    if model == "vnet":
        return TorchVNet(**options)
    if model == "fcn":
        names = ("variant", "backbone", "width", "fc_width")
        return TorchFCN(*channels, *(options[name] for name in names))
    if model == "tiramisu":  # 56: eleven blocks of four layers
        return TorchTiramisu(*channels, options["growth_rate"], [4] * 11, options["first_channels"])
    if model == "segnet":  # VGG-16's thirteen convolutions; channels double thrice
        w = options["width"]
        widths = [w, 2 * w, 4 * w, 8 * w, 8 * w]
        return TorchSegNet(
            *channels, [[c] * n for c, n in zip(widths, (2, 2, 3, 3, 3), strict=True)]
        )
    raise ValueError(f"no reference for {model!r}")


def compute(golden):
    """Run one network forward in evaluation, then forward and backward in training."""
    network = reference(golden.model, golden.options).double()
    learned = {name for name, p in network.named_parameters() if p.requires_grad}
    state = network.state_dict()
    shapes = {k: tuple(v.shape) for k, v in state.items() if is_drawn(k, k in learned)}
    rng = np.random.default_rng(0)
    for name, value in draw_weights(rng, shapes).items():
        state[name].copy_(torch.from_numpy(value))
    x = torch.from_numpy(uniform(rng, golden.shape)).requires_grad_(True)
    with torch.no_grad():
        evaluated = network.eval()(x)
    output = network.train()(x)
    output.backward(torch.from_numpy(uniform(rng, tuple(output.shape))))
    gradients = {k: p.grad.numpy() for k, p in network.named_parameters() if k in learned}
    return golden_values(evaluated.numpy(), output.detach().numpy(), x.grad.numpy(), gradients)


def compute_all():
    """Return the file's content."""
    return {name: compute(golden) for name, golden in CONFIGURATIONS.items()}


def text(values):
    """One line of JSON for each network's entry and each parameter."""
    lines = json.dumps(values, indent=1, ensure_ascii=False).split("\n")
    depths = accumulate(line.count("[") - line.count("]") for line in lines)
    joined, inside = "", False
    for line, depth in zip(lines, depths, strict=True):
        joined += line.strip() + " " * line.endswith(",") if inside else line
        inside = depth > 0
        joined = joined if inside else joined.rstrip() + "\n"
    return joined


if __name__ == "__main__":
    FILE.write_text(text(compute_all()), encoding="utf-8")
    print(f"{FILE}: {FILE.stat().st_size / 1000:.0f} kB")
