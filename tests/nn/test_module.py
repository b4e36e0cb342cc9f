"""What every module promises: the stack, modes, state dicts, and layers equal to PyTorch's."""

import numpy as np
import pytest
import torch

from minis import nn


def layer_pairs():
    """Each layer, PyTorch's, and an input."""
    rng = np.random.default_rng(0)
    image, volume, line = (rng.standard_normal((2, 4, *s)) for s in [(9, 8), (5, 6, 7), (11,)])
    t = torch.nn
    return {
        "Conv1d": (nn.Conv1d(4, 6, 3, padding=1, rng=rng), t.Conv1d(4, 6, 3, padding=1), line),
        "Conv2d": (
            nn.Conv2d(4, 6, (3, 2), stride=(2, 1), groups=2, bias=False, rng=rng),
            t.Conv2d(4, 6, (3, 2), stride=(2, 1), groups=2, bias=False),
            image,
        ),
        "Conv3d": (nn.Conv3d(4, 3, 2, dilation=2, rng=rng), t.Conv3d(4, 3, 2, dilation=2), volume),
        "ConvTranspose1d": (nn.ConvTranspose1d(4, 3, 2, rng=rng), t.ConvTranspose1d(4, 3, 2), line),
        "ConvTranspose2d": (
            nn.ConvTranspose2d(4, 6, 3, stride=2, output_padding=1, padding=1, rng=rng),
            t.ConvTranspose2d(4, 6, 3, stride=2, output_padding=1, padding=1),
            image,
        ),
        "ConvTranspose3d": (
            nn.ConvTranspose3d(4, 2, 2, stride=2, bias=False, rng=rng),
            t.ConvTranspose3d(4, 2, 2, stride=2, bias=False),
            volume,
        ),
        "Linear": (nn.Linear(8, 5, rng=rng), t.Linear(8, 5), image),
        "BatchNorm": (nn.BatchNorm(4), t.BatchNorm2d(4), image),
        "BatchNorm, options": (
            nn.BatchNorm(4, momentum=0.7, eps=0.3),
            t.BatchNorm2d(4, momentum=0.7, eps=0.3),
            image,
        ),
        "GroupNorm": (nn.GroupNorm(2, 4), t.GroupNorm(2, 4), volume),
        "GroupNorm, options": (nn.GroupNorm(1, 4, eps=0.3), t.GroupNorm(1, 4, eps=0.3), line),
        "ConvTranspose2d, dilated": (
            nn.ConvTranspose2d(4, 2, 3, dilation=2, rng=rng),
            t.ConvTranspose2d(4, 2, 3, dilation=2),
            image,
        ),
        "MaxPool, dilated": (
            nn.MaxPool(2, stride=1, dilation=3),
            t.MaxPool2d(2, stride=1, dilation=3),
            image,
        ),
        "AvgPool, padding not counted": (
            nn.AvgPool(3, stride=2, padding=1, count_include_pad=False),
            t.AvgPool2d(3, 2, 1, count_include_pad=False),
            image,
        ),
        "PReLU": (nn.PReLU(4), t.PReLU(4), image),
        "ReLU": (nn.ReLU(), t.ReLU(), image),
        "ELU": (nn.ELU(0.7), t.ELU(0.7), image),
        "Sigmoid": (nn.Sigmoid(), t.Sigmoid(), image),
        "Softmax": (nn.Softmax(1), t.Softmax(1), image),
        "LocalResponseNorm": (
            nn.LocalResponseNorm(3, alpha=0.1),
            t.LocalResponseNorm(3, 0.1),
            image,
        ),
        "MaxPool": (nn.MaxPool(2, ceil_mode=True), t.MaxPool2d(2, ceil_mode=True), image),
        "AvgPool": (nn.AvgPool(3, stride=2, padding=1), t.AvgPool2d(3, 2, 1), image),
        "Upsample": (
            nn.Upsample(2, mode="linear"),
            t.Upsample(scale_factor=2, mode="bilinear"),
            image,
        ),
    }


@pytest.mark.parametrize("name", layer_pairs())
def test_layer_equals_pytorch(name):
    """Names of parameters, output, and every gradient."""
    layer, oracle, x = layer_pairs()[name]
    oracle = oracle.double()
    layer.astype(np.float64).load_state_dict({k: v.numpy() for k, v in oracle.state_dict().items()})
    tx = torch.from_numpy(x.copy()).requires_grad_(True)
    expected = oracle(tx)
    y = layer(x)
    np.testing.assert_allclose(y, expected.detach().numpy(), rtol=1e-10, atol=1e-12)
    dy = np.random.default_rng(1).standard_normal(y.shape)
    dx = layer.backward(dy)
    expected.backward(torch.from_numpy(dy))
    np.testing.assert_allclose(dx, tx.grad.numpy(), rtol=1e-9, atol=1e-11)
    for key, buffer in layer.state_dict().items():  # running statistics moved alike
        np.testing.assert_allclose(buffer, oracle.state_dict()[key].numpy(), rtol=1e-10)
    for key, parameter in layer.named_parameters():
        grad = dict(oracle.named_parameters())[key].grad.numpy()
        np.testing.assert_allclose(parameter.grad, grad, rtol=1e-9, atol=1e-11, err_msg=key)


def test_unpooling_layer_undoes_pooling():
    """Values return to where they stood, and the gradient is read there."""
    x = np.random.default_rng(0).standard_normal((1, 2, 6, 6))
    pool, unpool = nn.MaxPool(2, return_indices=True), nn.MaxUnpool()
    y, indices = pool(x)
    z = unpool(y, indices, (6, 6))
    assert set(z[z != 0].tolist()) == set(y.ravel().tolist())
    assert np.array_equal(z[z != 0], x[z != 0])
    dz = np.random.default_rng(1).standard_normal(z.shape)
    assert np.array_equal(pool.backward(unpool.backward(dz)), np.where(z != 0, dz, 0))


def test_several_calls_before_backward():
    """What a layer remembers is a stack: backward takes the last call first, gradients add."""
    rng = np.random.default_rng(0)
    layer = nn.Linear(3, 2, rng=rng).astype(np.float64)
    a, b, da, db = rng.standard_normal((4, 5, 3))
    layer(a), layer(b)
    dy_b, dy_a = da[:, :2], db[:, :2]
    assert np.array_equal(layer.backward(dy_b), dy_b @ layer.weight.data)
    assert np.array_equal(layer.backward(dy_a), dy_a @ layer.weight.data)
    np.testing.assert_allclose(layer.weight.grad, dy_b.T @ b + dy_a.T @ a)


def test_nothing_is_kept_in_evaluation():
    """Backward after eval() is an error that says so."""
    layer = nn.ReLU()
    layer(np.ones(3))
    layer.eval()
    layer(np.ones(3))
    layer.train()
    with pytest.raises(RuntimeError, match=r"ReLU.backward: nothing is remembered"):
        layer.backward(np.ones(3))


def test_zero_grad_and_train_forget_old_calls():
    """A forward without backward leaves nothing behind for the next step."""
    layer = nn.Sequential(nn.Linear(2, 2, rng=np.random.default_rng(0)), nn.ReLU())
    layer(np.ones((1, 2), np.float32))
    layer.zero_grad()
    with pytest.raises(RuntimeError):
        layer.backward(np.ones((1, 2), np.float32))


def test_load_state_dict_lists_every_problem():
    """Missing, unexpected and misshapen names in one error, and nothing is loaded."""
    layer = nn.Conv2d(1, 2, 3, rng=np.random.default_rng(0))
    before = layer.weight.data.copy()
    with pytest.raises(ValueError, match="3 of the names don't fit") as error:
        layer.load_state_dict({"weight": np.ones((2, 1, 5, 5)), "extra": np.ones(1)})
    text = str(error.value)
    assert "missing bias" in text
    assert "unexpected extra" in text
    assert "weight has shape (2, 1, 5, 5), expected (2, 1, 3, 3)" in text
    assert np.array_equal(layer.weight.data, before)


def test_batch_norm_in_evaluation_leaves_its_statistics():
    """Running statistics move in training only."""
    layer = nn.BatchNorm(2)
    x = np.random.default_rng(0).random((3, 2, 4), dtype=np.float32)
    layer(x)
    moved = layer.running_mean.copy()
    assert not np.array_equal(moved, np.zeros(2))
    layer.eval()(x)
    assert np.array_equal(layer.running_mean, moved)


def test_load_state_dict_converts_or_changes_nothing():
    """Values take the parameter's dtype; one that can't be converted leaves all as it was."""
    layer = nn.Linear(2, 2, rng=np.random.default_rng(0))
    layer.load_state_dict({"weight": np.eye(2), "bias": np.arange(2)})
    assert layer.weight.data.dtype == layer.bias.data.dtype == np.float32
    with pytest.raises(ValueError, match="could not convert"):
        layer.load_state_dict({"weight": np.zeros((2, 2)), "bias": np.array(["a", "b"])})
    assert np.array_equal(layer.weight.data, np.eye(2))


def test_failed_forward_leaves_nothing_behind():
    """A call that raised is not there for backward to take back."""
    layer = nn.Conv2d(1, 1, 3, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="larger than x"):
        layer(np.zeros((1, 1, 2, 2), np.float32))
    with pytest.raises(RuntimeError, match="nothing is remembered"):
        layer.backward(np.zeros((1, 1, 1, 1), np.float32))


def test_dropout_layers_do_not_disturb_each_other():
    """Each has a generator of its own: its masks are the same whatever the other draws."""
    x = np.ones((1, 1000), np.float32)

    def masks(calls_of_the_first):
        rng = np.random.default_rng(0)
        first, second = nn.Dropout(0.5, rng=rng), nn.Dropout(0.5, rng=rng)
        for _ in range(calls_of_the_first):
            first(x)
        return second(x)

    assert np.array_equal(masks(0), masks(3))


def test_initial_weights_keep_the_variance():
    """He's variance: 2 over the inputs that one output reads; a stride spreads them out."""
    rng = np.random.default_rng(0)
    assert nn.Conv2d(50, 60, 3, rng=rng).weight.data.std() == pytest.approx(
        (2 / 450) ** 0.5, rel=0.02
    )
    up = nn.ConvTranspose2d(80, 60, 2, stride=2, rng=rng)
    assert up.weight.data.std() == pytest.approx((2 / 80) ** 0.5, rel=0.02)


def test_conversions():
    """astype keeps values; what is neither dtype nor device is refused."""
    layer = nn.Conv2d(1, 2, 3, rng=np.random.default_rng(0))
    assert layer.astype(np.float64).weight.grad.dtype == np.float64
    with pytest.raises(TypeError, match="float32 or float64, got int64"):
        layer.astype(np.int64)
    with pytest.raises(ValueError, match="'cpu' or 'cuda', got 'tpu'"):
        layer.to("tpu")
    assert layer.to("cpu") is layer


def test_bad_construction():
    """Options that can't be are refused when the layer is made."""
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="Conv2d: groups must be positive and divide"):
        nn.Conv2d(3, 4, 3, groups=2, rng=rng)
    with pytest.raises(ValueError, match="Conv3d: kernel_size must be one int or 3"):
        nn.Conv3d(3, 4, (3, 3), rng=rng)
    with pytest.raises(ValueError, match=r"Conv2d: x must have shape .*got \(1, 3, 8\)"):
        nn.Conv2d(3, 4, 3, rng=rng)(np.zeros((1, 3, 8), np.float32))
