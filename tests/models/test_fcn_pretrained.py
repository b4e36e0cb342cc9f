"""torchvision's weights in FCN: the same numbers, and nothing loaded where they don't fit."""

import numpy as np
import pytest
import torch

from minis.models import FCN

from ..reference.fcn import TorchvisionClassifier
from .scaled_error import scaled_error

NETWORKS = {
    "vgg16": {"backbone": "vgg16", "variant": "8s"},
    "vgg16_bn": {"backbone": "vgg16", "variant": "16s", "batch_norm": True},
    "alexnet": {"backbone": "alexnet-torchvision", "variant": "32s"},
}


def networks(name):
    """torchvision's network, narrow, and an FCN that takes its weights."""
    torch.manual_seed(0)
    theirs = TorchvisionClassifier(name, 3, 8).double()
    return theirs, FCN(3, 2, width=3, fc_width=8, **NETWORKS[name]).astype(np.float64)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_gives_the_same(name):
    """Convolutions as they are; fully connected layers on a map of the size they were made for."""
    theirs, model = networks(name)
    score = model.score_fr.weight.data.copy()
    assert model.load_pretrained(theirs.state_dict()) is model
    theirs.eval()
    model.eval()
    x = torch.randn(1, 3, 120, 90, dtype=torch.float64)
    with torch.no_grad():
        for (_, mine), layer in zip(model.features.children(), theirs.features, strict=True):
            y = layer(x)
            if not isinstance(layer, torch.nn.MaxPool2d):  # VGG's round down in torchvision
                if hasattr(mine, "options"):
                    mine.options = {**mine.options, "padding": layer.padding[0]}  # 100 in the first
                assert scaled_error(mine(x.numpy()), y.numpy()) <= 1e-12
            x = y
        side = 6 if name == "alexnet" else 7
        maps = torch.randn(2, x.shape[1], side, side, dtype=torch.float64)
        expected = theirs.classifier[:-1](maps.flatten(1)).numpy()
    y = model.classifier(maps.numpy())
    assert y.shape == (2, 8, 1, 1)
    assert scaled_error(y[:, :, 0, 0], expected) <= 1e-12
    assert np.array_equal(model.score_fr.weight.data, score)


def test_numpy_arrays_and_dtypes():
    """A state dict read from a safetensors file; converted to the network's dtype; copied."""
    theirs, model = networks("vgg16")
    state = {name: tensor.numpy() for name, tensor in theirs.state_dict().items()}
    model.astype(np.float32).load_pretrained(state)
    bias = model.features[0].bias.data
    assert bias.dtype == np.float32
    assert np.array_equal(bias, state["features.0.bias"].astype(np.float32))
    state["features.0.bias"][...] = 9
    assert not (bias == 9).any()


def test_weights_of_another_backbone():
    """The error says which backbone they are for."""
    vgg, vgg_model = networks("vgg16")
    alexnet, alexnet_model = networks("alexnet")
    message = "of torchvision's alexnet, which fit backbone='alexnet-torchvision'; this one has "
    with pytest.raises(ValueError, match=message + "backbone='vgg16'"):
        vgg_model.load_pretrained(alexnet.state_dict())
    with pytest.raises(ValueError, match=message + "backbone='alexnet'"):
        FCN(3, 2, variant="32s", backbone="alexnet", width=6, fc_width=8).load_pretrained(
            alexnet.state_dict()
        )
    with pytest.raises(
        ValueError, match="torchvision's vgg16, which fit backbone='vgg16'; this one has backbone="
    ):
        alexnet_model.load_pretrained(vgg.state_dict())


def test_names_and_shapes_that_do_not_fit():
    """All are listed at once, in torchvision's names and shapes, and nothing is loaded."""
    theirs, model = networks("vgg16")
    before = {name: a.copy() for name, a in model.state_dict().items()}
    state = theirs.state_dict()
    del state["features.5.bias"]
    state["features.99.weight"] = torch.zeros(1)
    state["features.2.bias"] = torch.zeros(4)
    state["classifier.0.weight"] = torch.zeros(8, 7)
    with pytest.raises(ValueError, match=r"4 of the names don't fit torchvision's vgg16") as error:
        model.load_pretrained(state)
    assert str(error.value).splitlines()[1:] == [
        "  missing features.5.bias",
        "  unexpected features.99.weight",
        "  features.2.bias has shape (4,), expected (3,)",
        "  classifier.0.weight has shape (8, 7), expected (8, 1176)",
    ]
    assert all(np.array_equal(a, before[name]) for name, a in model.state_dict().items())
    with_batch_norm, _ = networks("vgg16_bn")
    with pytest.raises(ValueError, match=r"unexpected features\.1\.running_mean"):
        model.load_pretrained(with_batch_norm.state_dict())
