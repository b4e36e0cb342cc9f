"""The whole on real data: the network learns to find nuclei, and a stopped run loses nothing."""

import numpy as np
import pytest

from minis.data import Augment, Crops, Samples, flip, nuclei_split, rot90
from minis.data.nuclei import CLASSES
from minis.demo import run_demo
from minis.models import UNet
from minis.training import Adam, Batches, cosine, fit, softmax_cross_entropy

pytest.importorskip("tifffile", reason="the nuclei need minis[demo]")
STEPS = 6


def test_learns_to_find_nuclei(tmp_path):
    """A third of the demo's steps are enough to beat Otsu's threshold on the held-out side."""
    result = run_demo(tmp_path / "demo.png", steps=80, show_progress=False)
    assert result.otsu.iou == pytest.approx(0.783, abs=0.005)
    assert result.network.iou > result.otsu.iou + 0.03
    assert result.network.f1 > result.otsu.f1
    assert result.picture.stat().st_size > 50_000


def test_same_seed_same_result(tmp_path):
    """Everything random follows the seed."""
    runs = [run_demo(tmp_path / "d.png", steps=3, seed=s, show_progress=False) for s in (1, 1, 2)]
    assert runs[0].network.iou == runs[1].network.iou
    assert np.array_equal(runs[0].network.instances, runs[1].network.instances)
    assert not np.array_equal(runs[0].network.instances, runs[2].network.instances)


def test_interrupted_run_goes_on_bit_for_bit(tmp_path):
    """Ctrl-C in the fourth step, then resumed: the weights of a run that never stopped."""
    train, _ = nuclei_split()
    calls = 0

    def run(directory, loss, resume):
        rng = np.random.default_rng(5)
        model = UNet(1, 2, width=4, levels=3, dropout=0.3, rng=rng)
        crops = Crops(Samples([train], CLASSES), (48, 48), 100, seed=1)
        fit(
            model,
            Batches(crops, 4, Augment(flip, rot90)),
            loss=loss,
            optimiser=Adam(model.named_parameters(), lr=1e-2),
            schedule=cosine(STEPS),
            steps=STEPS,
            rng=rng,
            directory=directory,
            checkpoint_every=2,
            resume=resume,
            show_progress=False,
        )
        return model.state_dict()

    def interrupted(outputs, targets):
        nonlocal calls
        calls += 1
        if calls == 4:
            raise KeyboardInterrupt
        return softmax_cross_entropy(outputs, targets)

    whole = run(tmp_path / "whole", softmax_cross_entropy, resume=False)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "parts", interrupted, resume=False)
    parts = run(tmp_path / "parts", softmax_cross_entropy, resume=True)
    assert calls == 4
    for name, value in whole.items():
        assert np.array_equal(parts[name], value), name
