"""torchvision's weights in Mask R-CNN, by today's names and by those of the published file."""

import json

import numpy as np
import pytest
import torch

import minis
from minis.models.mask_rcnn.mask_rcnn import MaskRCNN
from minis.models.mask_rcnn.pretrained import with_current_names
from minis.models.mask_rcnn.resnet import ResNet
from minis.nn import FrozenBatchNorm

from ...golden.mask_rcnn.configurations import CONFIGURATIONS, inputs, weights
from ...golden.mask_rcnn.files import FOLDER, Golden, names_and_shapes
from ...golden.mask_rcnn.parts import check_detections

ENTRIES = json.loads((FOLDER / "state_dict.json").read_text(encoding="utf-8"))


def small(num_classes=4, **options):
    """A network with the published one's names."""
    sizes = {"width": 4, "channels": 8, "fc_width": 8, "mask_width": 4}
    return MaskRCNN(num_classes, depth=18, **sizes, **options)


def with_old_names(state):
    """What the published file would be."""
    return {ENTRIES.get(k, {}).get("old name", k): v for k, v in state.items()}


def drawn(model):
    """A state dict for a network."""
    return weights({name: value.shape for name, value in model.state_dict().items()})


def epsilons(module):
    """Those of frozen batch norm."""
    return {m.eps for _, m in module.modules() if isinstance(m, FrozenBatchNorm)}


def test_published_network():
    """Either names give torchvision's detections, with its eps of 0."""
    current = weights(names_and_shapes())
    old = with_old_names(current)
    assert {k: v.shape for k, v in old.items()} == names_and_shapes(old_names=True)
    assert len(old.keys() - current.keys()) == 26
    images, _ = inputs(CONFIGURATIONS["paper"])
    for state in (current, old):
        model = MaskRCNN.paper().astype(np.float64)
        assert model.load_pretrained(state) is model
        model.transform.min_size, model.transform.max_size = 96, 128  # as in the file
        with minis.use("numba"):
            check_detections(Golden("paper"), "test/results", model.eval()(images))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_are_copied_and_converted(dtype):
    """Arrays or tensors, of either dtype; counters of batch norm are passed over."""
    model = small().astype(dtype)
    state = drawn(model)
    state["backbone.body.bn1.num_batches_tracked"] = np.array(3)
    model.load_pretrained({k: torch.from_numpy(v) for k, v in state.items()})
    for name, array in model.state_dict().items():
        assert array.dtype == dtype
        assert np.array_equal(array, state[name].astype(dtype))
    state["rpn.head.conv.0.0.bias"][...] = 9
    assert not (model.rpn.head.state_dict()["conv.0.0.bias"] == 9).any()


def test_eps_of_frozen_norm():
    """0 with weights learned on COCO, 1e-5 with a body learned on ImageNet, or as one says."""
    model = small()
    assert epsilons(model) == {1e-5}
    assert epsilons(model.load_pretrained(drawn(model))) == {0.0}
    assert epsilons(model.load_pretrained(drawn(model), eps=1e-5)) == {1e-5}
    body = ResNet(18, width=4, eps=0.0)
    assert epsilons(body.load_pretrained(drawn(body))) == {1e-5}


def test_other_classes():
    """The last layers can be left as they are; the error says so."""
    theirs, model = small(num_classes=9), small(num_classes=3)
    state, before = drawn(theirs), {k: v.copy() for k, v in model.state_dict().items()}
    with pytest.raises(ValueError, match="weights for 9 classes, and this network has 3: build it"):
        model.load_pretrained(state)
    assert all(np.array_equal(v, before[k]) for k, v in model.state_dict().items())
    model.load_pretrained(with_old_names(state), predictors=False)
    own = {k for k, v in model.state_dict().items() if np.array_equal(v, before[k])}
    assert own == {
        f"roi_heads.{layer}.{kind}"
        for layer in (
            "box_predictor.cls_score",
            "box_predictor.bbox_pred",
            "mask_predictor.mask_fcn_logits",
        )
        for kind in ("weight", "bias")
    }


@pytest.mark.parametrize("old_names", [False, True])
def test_names_and_shapes_that_do_not_fit(old_names):
    """All are listed at once, and nothing is loaded."""
    model = small()
    state, before = drawn(model), {k: v.copy() for k, v in model.state_dict().items()}
    del state["backbone.fpn.inner_blocks.1.0.bias"]
    state["backbone.body.layer9.0.conv1.weight"] = np.zeros(1)
    state["roi_heads.mask_head.2.0.bias"] = np.zeros(3)
    state["roi_heads.box_predictor.bbox_pred.bias"] = np.zeros(7)
    with pytest.raises(ValueError, match="4 of the names don't fit") as error:
        model.load_pretrained(with_old_names(state) if old_names else state)
    assert str(error.value).splitlines()[1:] == [
        "  missing backbone.fpn.inner_blocks.1.0.bias",
        "  unexpected backbone.body.layer9.0.conv1.weight",
        "  roi_heads.box_predictor.bbox_pred.bias has shape (7,), expected (16,)",
        "  roi_heads.mask_head.2.0.bias has shape (3,), expected (4,)",
    ]
    assert all(np.array_equal(v, before[k]) for k, v in model.state_dict().items())
    assert epsilons(model) == {1e-5}


def test_both_names_at_once():
    """Neither is taken silently."""
    state = {"rpn.head.conv.bias": 0, "rpn.head.conv.0.0.bias": 1}
    assert with_current_names(state) == state
    model = small()
    with pytest.raises(ValueError, match=r"unexpected rpn\.head\.conv\.bias"):
        model.load_pretrained({**drawn(model), "rpn.head.conv.bias": np.zeros(8)})


def test_a_network_whose_norm_learns():
    """torchvision's with batch norm: the same names, and counters."""
    model = small(norm="batch")
    state = with_old_names(drawn(model))
    names = [k for k in state if k.endswith("running_var")]
    state |= {k.replace("running_var", "num_batches_tracked"): np.array(0) for k in names}
    model.load_pretrained(state)
    assert np.array_equal(
        model.backbone.body.bn1.weight.data, state["backbone.body.bn1.weight"].astype(np.float32)
    )
