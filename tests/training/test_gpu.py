"""Parameters and label maps on the GPU: the results are those of NumPy."""

import numpy as np
import pytest

from minis.backend import unavailable
from minis.nn.module import Module, Parameter
from minis.training import (
    SGD,
    Adam,
    AdamW,
    RMSprop,
    clip_gradient_norm,
    confusion_matrix,
    connected_components,
    load_weights,
    match_instances,
    save_weights,
    segmentation_scores,
)
from minis.training.device import to_device_of

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(bool(unavailable("cupy")), reason=str(unavailable("cupy"))),
]


class Holder(Module):
    """A parameter and a buffer."""

    def __init__(self, seed=0):
        super().__init__()
        self.w = Parameter(np.random.default_rng(seed).standard_normal((3, 4)))
        self.register_buffer("mean", np.arange(3.0))


@pytest.mark.parametrize("kind", [SGD, RMSprop, Adam, AdamW])
def test_an_optimiser_steps_alike(kind):
    here, there = Holder(), Holder().to("cuda")
    options = {"momentum": 0.9} if kind in (SGD, RMSprop) else {}
    steps = [kind(m.named_parameters(), 0.1, weight_decay=0.1, **options) for m in (here, there)]
    rng = np.random.default_rng(1)
    for _ in range(3):
        g = rng.standard_normal((3, 4))
        for model, optimiser in zip((here, there), steps, strict=True):
            model.w.grad[...] = to_device_of(model, g)
            assert clip_gradient_norm(model.parameters(), 1.0) == pytest.approx(np.linalg.norm(g))
            optimiser.step()
    np.testing.assert_allclose(there.w.data.get(), here.w.data, rtol=1e-12)
    again = kind(there.named_parameters(), 0.1, weight_decay=0.1, **options)
    again.load_state_dict(steps[0].state_dict())
    assert all(type(a) is type(there.w.data) for a in again.memory["w"].values())


def test_metrics_agree():
    import cupy

    rng = np.random.default_rng(0)
    p, t = rng.integers(0, 3, (2, 20, 20))
    q, u = cupy.asarray(p), cupy.asarray(t)
    matrix = confusion_matrix(q, u, 4)
    np.testing.assert_array_equal(matrix.get(), confusion_matrix(p, t, 4))
    assert segmentation_scores(matrix) == pytest.approx(
        segmentation_scores(matrix.get()), nan_ok=True
    )
    components, count = connected_components(u == 1)
    expected, expected_count = connected_components(t == 1)
    assert count == expected_count
    assert match_instances(components, cupy.asarray(expected)).f1 == 1


def test_weights_are_saved_from_the_gpu_and_loaded_to_it(tmp_path):
    save_weights(Holder(1).to("cuda"), tmp_path / "w.safetensors")
    model = load_weights(Holder(2).to("cuda"), tmp_path / "w.safetensors")
    np.testing.assert_array_equal(model.w.data.get(), Holder(1).w.data)
