"""Mask R-CNN's golden files: how they are read and compared.

Nothing here needs PyTorch, and what they are computed from isn't in them: configurations.py draws
it. An array of more than `WHOLE` numbers is kept as its norm and `SAMPLES` values, at even
distances in row-major order, under its key with " sampled" after it, and its shape with " shape"
after it.

>>> golden = Golden("small")
>>> golden.keys_under("train/losses")
['train/losses/loss_box_reg', 'train/losses/loss_classifier', 'train/losses/loss_mask', \
'train/losses/loss_objectness', 'train/losses/loss_rpn_box_reg']
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from ...models.scaled_error import scaled_error

FOLDER = Path(__file__).parent
WHOLE = 600
SAMPLES = 48


def samples_of(values: Any) -> Any:
    """Return the norm, and `SAMPLES` values at even distances in row-major order; float64."""
    flat = np.asarray(values, np.float64).ravel()
    at = np.linspace(0, flat.size - 1, SAMPLES).astype(int)
    return np.concatenate([[np.linalg.norm(flat)], flat[at]])


def gradient_samples(value: Any) -> Any:
    """Return a gradient's norm, and 4 of its values; of fewer, zeros follow."""
    flat = np.asarray(value, np.float64).ravel()
    at = np.linspace(0, flat.size - 1, min(4, flat.size)).astype(int)
    return np.concatenate([[np.linalg.norm(flat)], flat[at], np.zeros(4 - len(at))])


def names_and_shapes(old_names: bool = False) -> dict[str, tuple[int, ...]]:
    """Return the state dict of torchvision's `maskrcnn_resnet50_fpn`, frozen batch norm.

    With `old_names` those of the published file, where some differ.
    """
    entries = json.loads((FOLDER / "state_dict.json").read_text(encoding="utf-8"))
    return {
        entry.get("old name", name) if old_names else name: tuple(entry["shape"])
        for name, entry in entries.items()
    }


class Golden:
    """One file: an array for each key.

    Parameters
    ----------
    name : str
        A configuration's, or "rpn", "roi heads", "resnet 18", "resnet 50", "fpn", "operations".
    """

    def __init__(self, name: str) -> None:
        with np.load(FOLDER / f"{name.replace(' ', '_')}.npz") as file:
            self.arrays = dict(file)

    def __getitem__(self, key: str) -> Any:
        return self.arrays[key]

    def __contains__(self, key: str) -> bool:
        return key in self.arrays or f"{key} sampled" in self.arrays

    def keys_under(self, path: str) -> list[str]:
        """Return the keys below a path, as `check` takes them, in alphabetical order."""
        ends = (" sampled", " shape")
        plain = {k.removesuffix(ends[0]) for k in self.arrays if not k.endswith(ends[1])}
        return sorted(k for k in plain if k.startswith(path + "/"))

    def error(self, key: str, got: Any) -> float:
        """Return how far an array is from a key's; its shape must be the same.

        Largest error over the largest value expected, or over 1 where that is smaller.
        """
        got = np.asarray(got)
        sampled = self.arrays.get(f"{key} sampled")
        shape = tuple(self.arrays[f"{key} shape"]) if sampled is not None else self[key].shape
        assert got.shape == shape, f"{key}: shape {got.shape}, expected {shape}"
        if got.size == 0:
            return 0.0
        if sampled is not None:
            got = samples_of(got)
            norm = abs(got[0] - sampled[0]) / max(1.0, sampled[0])
            return max(norm, scaled_error(got[1:], sampled[1:]))
        return scaled_error(got.astype(np.float64), self[key].astype(np.float64))

    def check(self, key: str, got: Any, bound: float = 1e-8) -> None:
        """Assert that an array is the key's."""
        error = self.error(key, got)
        assert error <= bound, f"{key}: error {error:.2g}, allowed {bound:.2g}"

    def gradient_error(self, path: str, gradients: dict[str, Any]) -> dict[str, float]:
        """Return for each parameter how far its gradient is from the file's.

        Relative to its norm, or to 1e-3 of the largest parameter's where that is larger.
        """
        names, values = self[f"{path}/names"], self[f"{path}/values"]
        assert set(gradients) == set(names), set(gradients) ^ set(names)
        least = 1e-3 * values[:, 0].max()
        return {
            str(name): float(np.abs(gradient_samples(gradients[name]) - value).max())
            / max(value[0], least)
            for name, value in zip(names, values, strict=True)
        }

    def check_gradients(self, path: str, gradients: dict[str, Any], bound: float = 1e-8) -> None:
        """Assert that every parameter's gradient is the file's."""
        wrong = {k: e for k, e in self.gradient_error(path, gradients).items() if not e <= bound}
        assert not wrong, f"{path}: {wrong}"
