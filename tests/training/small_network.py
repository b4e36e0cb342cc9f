"""A network of everything that a resumed run must restore, small enough to train in a blink."""

import numpy as np

from minis.data import Sample
from minis.nn.module import Module, Parameter
from minis.training import SGD, Batches, cosine


class Affine(Module):
    """y = x Wᵀ + b on (N, features)."""

    def __init__(self, inputs, outputs, rng, dtype=np.float32):
        super().__init__()
        self.weight = Parameter(rng.standard_normal((outputs, inputs)).astype(dtype) / 2)
        self.bias = Parameter(np.zeros(outputs, dtype))

    def forward(self, x):
        self.remember(x)
        return x @ self.weight.data.T + self.bias.data

    def backward(self, dy):
        (x,) = self.recall()
        self.weight.grad += dy.T @ x
        self.bias.grad += dy.sum(axis=0)
        return dy @ self.weight.data


class Rectify(Module):
    """max(x, 0), NaN where x is."""

    def forward(self, x):
        self.remember(x > 0)
        return np.maximum(x, 0)

    def backward(self, dy):
        (positive,) = self.recall()
        return np.where(positive, dy, 0)


class Drop(Module):
    """Dropout with a generator of its own."""

    def __init__(self, rng):
        super().__init__()
        self.rng = rng.spawn(1)[0]

    def forward(self, x):
        if not self.training:
            return x
        mask = (self.rng.random(x.shape) > 0.3).astype(x.dtype)
        self.remember(mask)
        return x * mask

    def backward(self, dy):
        (mask,) = self.recall()
        return dy * mask


class Centre(Module):
    """Subtract a running mean that moves at each call: a buffer as in batch normalisation."""

    def __init__(self, features):
        super().__init__()
        self.register_buffer("running_mean", np.zeros(features, np.float32))

    def forward(self, x):
        if self.training:
            self.running_mean = 0.9 * self.running_mean + 0.1 * x.mean(axis=0)
        return x - self.running_mean

    def backward(self, dy):
        return dy


class Net(Module):
    """Two layers, with a buffer, dropout, and a list of modules."""

    def __init__(self, rng):
        super().__init__()
        self.encoder = [Affine(6, 8, rng), Centre(8), Rectify()]
        self.drop = Drop(rng)
        self.head = Affine(8, 3, rng)

    def forward(self, x):
        x = x.reshape(len(x), -1)
        for layer in self.encoder:
            x = layer(x)
        return self.head(self.drop(x))

    def backward(self, dy):
        dy = self.drop.backward(self.head.backward(dy))
        for layer in reversed(self.encoder):
            dy = layer.backward(dy)
        return dy


def samples(count=7):
    """Random images of 6 pixels, whose first three labels are what the network learns."""
    rng = np.random.default_rng(5)
    return [
        Sample(
            rng.random((1, 2, 3)).astype(np.float32), rng.integers(0, 3, (2, 3)), name=f"sample {i}"
        )
        for i in range(count)
    ]


def noise(sample, rng):
    """An augmentation that draws."""
    image = sample.image + rng.normal(0, 0.1, sample.image.shape).astype(np.float32)
    return Sample(image, sample.labels, name=sample.name)


def squared_error(outputs, targets):
    """Mean squared difference to the first row of labels."""
    difference = outputs - targets[:, 0].astype(outputs.dtype)
    return float((difference**2).mean()), 2 * difference / difference.size


def run(seed=0, steps=24):
    """The arguments of `fit` for a run that depends on all that a checkpoint holds."""
    rng = np.random.default_rng(seed)
    model = Net(rng)
    return {
        "model": model,
        "batches": Batches(samples(), 3, noise),
        "loss": squared_error,
        "optimiser": SGD(model.named_parameters(), lr=0.05, momentum=0.9),
        "rng": rng,
        "steps": steps,
        "schedule": cosine(24, warmup_steps=3),
        "validate": lambda model: {"score": -float(np.abs(model(np.ones((1, 6)))).sum())},
        "validate_every": 5,
        "checkpoint_every": 4,
        "show_progress": False,
    }


def same_run(left, right):
    """Say whether two sets of `fit`'s arguments are in the same state, bit for bit."""
    a, b = left["model"].state_dict(), right["model"].state_dict()
    m, n = (r["optimiser"].state_dict() for r in (left, right))
    p, q = m.pop("memory"), n.pop("memory")
    generators = (
        [r["rng"].bit_generator.state, r["model"].drop.rng.bit_generator.state]
        for r in (left, right)
    )
    return (
        all(a[k].tobytes() == b[k].tobytes() for k in a)
        and m == n
        and p.keys() == q.keys()
        and all(p[k].tobytes() == q[k].tobytes() for k in p)
        and len({str(g) for g in generators}) == 1
        and left["batches"].position == right["batches"].position
        and left["batches"].epoch == right["batches"].epoch
        and left["batches"].order.tolist() == right["batches"].order.tolist()
    )
