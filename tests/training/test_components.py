"""Connected parts of a segmentation as objects."""

import numpy as np
import pytest

from minis.data import Sample, Samples
from minis.nn import Module
from minis.training.components import component_objects, component_scores


class Bright(Module):
    """Logits (N, 3, H, W): class 1 where an image is near ½, class 2 where it is near 1."""

    def forward(self, x):
        assert not self.training
        return -9 * np.concatenate([abs(x), abs(x - 0.5), abs(x - 1)], axis=1)


def sample(image, instances):
    classes = np.rint(2 * image).astype(np.int64)
    return Sample(image[None].astype(np.float32), classes, instances.astype(np.int32))


def test_parts_of_each_class():
    """Best first; what touches by a corner only is two parts; classes are apart."""
    probabilities = np.zeros((3, 4, 5))
    probabilities[0] = 0.4
    probabilities[1, 0, 0], probabilities[1, 1, 1] = 0.6, 0.9
    probabilities[2, 1:3, 2:4] = [[0.7, 0.8], [0.7, 0.6]]
    found = component_objects(probabilities)
    assert found["labels"].tolist() == [1, 2, 1]
    assert found["scores"] == pytest.approx([0.9, 0.7, 0.6])
    assert found["boxes"].tolist() == [[1, 1, 2, 2], [2, 1, 4, 3], [0, 0, 1, 1]]
    assert found["masks"].shape == (3, 1, 4, 5)
    assert found["masks"].sum(axis=(1, 2, 3)).tolist() == [1, 4, 1]


def test_no_parts():
    found = component_objects(np.stack([np.ones((4, 5)), np.zeros((4, 5))]))
    assert found["boxes"].shape == (0, 4)
    assert found["masks"].shape == (0, 1, 4, 5)


def test_scores():
    """All right if objects are apart; objects that touch are one, and so both are missed."""
    pytest.importorskip("pycocotools", reason="average precision needs minis[coco]")
    image, instances = np.zeros((20, 30)), np.zeros((20, 30))
    image[2:8, 2:8], instances[2:8, 2:8] = 0.5, 1
    image[10:18, 12:20], instances[10:18, 12:20] = 1, 2
    classes = ("background", "grey", "white")
    model = Bright().train()
    apart = Samples([sample(image, instances)], classes)
    assert component_scores(model, apart)["mask_ap"] == pytest.approx(1.0)
    assert model.training
    instances[10:18, 16:20] = 3  # two objects of class 2, which touch
    assert component_scores(model, Samples([sample(image, instances)], classes))[
        "mask_ap75"
    ] == pytest.approx(0.5)
