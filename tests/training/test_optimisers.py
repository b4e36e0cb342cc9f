"""Optimisers against torch.optim, in float64, over several steps of random gradients."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minis.nn.module import Parameter
from minis.training import SGD, Adam, AdamW, RMSprop

torch = pytest.importorskip("torch", reason="PyTorch is the oracle")

SMALL = st.sampled_from([0.0, 1e-2, 0.3])
FRACTION = st.floats(0, 0.99)
EPS = st.sampled_from([1e-8, 1e-3])

OPTIONS = {
    SGD: st.fixed_dictionaries(
        {"momentum": st.sampled_from([0.0, 0.5, 0.9]), "weight_decay": SMALL}
    ),
    RMSprop: st.fixed_dictionaries(
        {
            "alpha": FRACTION,
            "eps": EPS,
            "momentum": st.sampled_from([0.0, 0.9]),
            "centered": st.booleans(),
            "weight_decay": SMALL,
        }
    ),
    Adam: st.fixed_dictionaries(
        {"betas": st.tuples(FRACTION, FRACTION), "eps": EPS, "weight_decay": SMALL}
    ),
}
OPTIONS[AdamW] = OPTIONS[Adam]


def parameters(rng, dtype=np.float64):
    return [Parameter(rng.standard_normal(shape).astype(dtype)) for shape in ((3, 2), (4,), ())]


def set_gradients(ours, rng, theirs=()):
    for i, p in enumerate(ours):
        p.grad[...] = rng.standard_normal(p.data.shape) * 10.0 ** rng.integers(-3, 3)
        if theirs:
            theirs[i].grad = torch.tensor(p.grad.copy())


def agree(kind, options, lr, seed):
    rng = np.random.default_rng(seed)
    ours = parameters(rng)
    theirs = [torch.nn.Parameter(torch.tensor(p.data.copy())) for p in ours]
    optimiser = kind(ours, lr, **options)
    oracle = getattr(torch.optim, kind.__name__)(theirs, lr=lr, **options)
    for step in range(6):
        optimiser.lr = oracle.param_groups[0]["lr"] = lr / (1 + step)  # a schedule
        set_gradients(ours, rng, theirs)
        optimiser.step()
        oracle.step()
        for p, q in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("kind", [SGD, RMSprop, Adam, AdamW])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_equals_torch(kind, data):
    options = data.draw(OPTIONS[kind])
    if kind is RMSprop and options["centered"]:
        options["alpha"] = 0.5 + options["alpha"] / 2.1  # near 0, s − m² is rounding error alone
    if kind is SGD and options["momentum"]:
        options["nesterov"] = data.draw(st.booleans())
    agree(
        kind, options, data.draw(st.sampled_from([0.0, 1e-3, 0.5])), data.draw(st.integers(0, 99))
    )


@pytest.mark.parametrize("kind", [SGD, RMSprop, Adam, AdamW])
def test_defaults_equal_torchs(kind):
    agree(kind, {}, 0.01, 0)


@pytest.mark.parametrize("kind", [SGD, RMSprop, Adam, AdamW])
def test_works_in_place_in_the_parameters_dtype(kind):
    rng = np.random.default_rng(0)
    (p, *_) = ours = parameters(rng, np.float32)
    array = p.data
    optimiser = kind(ours, 0.1)
    set_gradients(ours, rng)
    gradient = p.grad.copy()
    optimiser.step()
    assert p.data is array
    assert array.dtype == np.float32
    assert (p.grad == gradient).all()
    assert all(a.dtype == np.float32 for a in optimiser.state_dict()["memory"].values())


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (SGD, {}),
        (SGD, {"momentum": 0.9}),
        (RMSprop, {"momentum": 0.9, "centered": True}),
        (Adam, {}),
        (AdamW, {}),
    ],
)
def test_continues_from_its_state(kind, options):
    rng = np.random.default_rng(1)
    ours = parameters(rng)
    optimiser = kind(ours, 0.1, **options)
    for _ in range(3):
        set_gradients(ours, rng)
        optimiser.step()
    copies = [Parameter(p.data.copy()) for p in ours]
    other = kind(copies, 0.5, **options)
    other.load_state_dict(optimiser.state_dict())
    set_gradients(ours, rng)
    for p, q in zip(ours, copies, strict=True):
        q.grad[...] = p.grad
    optimiser.step()
    other.step()
    assert all(p.data.tobytes() == q.data.tobytes() for p, q in zip(ours, copies, strict=True))


def test_a_loaded_state_is_a_copy():
    (p,) = ours = [Parameter(np.ones(2))]
    first, second = SGD(ours, 0.1, momentum=0.9), SGD(ours, 0.1, momentum=0.9)
    p.grad[...] = 1
    first.step()
    second.load_state_dict(first.state_dict())
    first.step()
    assert second.memory["0"]["velocity"].tolist() == [1, 1]


def test_a_variance_that_rounding_makes_negative_gives_no_nan():
    p = Parameter(np.zeros(200))
    p.grad[...] = np.random.default_rng(0).standard_normal(200)
    optimiser = RMSprop([p], 1e-9, alpha=0.1, centered=True)
    for _ in range(60):  # a constant gradient has no variance
        optimiser.step()
    s, m = optimiser.memory["0"]["square"], optimiser.memory["0"]["mean"]
    assert (s - m * m).min() < 0, "the case that this test is about"
    assert np.isfinite(p.data).all()


def test_a_parameter_that_comes_twice_is_updated_once():
    p = Parameter(np.zeros(1))
    p.grad[...] = 1
    SGD([("encoder", p), ("shared", p)], 1.0).step()
    assert p.data.tolist() == [-1]


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda p: SGD(p, -1), ValueError, "SGD: lr must not be negative, got -1"),
        (lambda p: SGD(p, float("nan")), ValueError, "SGD: lr must not be negative, got nan"),
        (lambda p: SGD(p, 1, momentum=-0.1), ValueError, "SGD: momentum"),
        (lambda p: SGD(p, 1, weight_decay=-1), ValueError, "SGD: weight_decay"),
        (lambda p: SGD(p, 1, nesterov=True), ValueError, "SGD: nesterov=True needs a momentum"),
        (lambda p: RMSprop(p, alpha=1), ValueError, "RMSprop: alpha must be at least 0 and less"),
        (lambda p: RMSprop(p, eps=-1), ValueError, "RMSprop: eps"),
        (lambda p: Adam(p, betas=(1.0, 0.9)), ValueError, "Adam: beta1"),
        (lambda p: AdamW(p, betas=(0.9, -0.1)), ValueError, "AdamW: beta2"),
        (lambda p: AdamW(p, weight_decay=-1), ValueError, "AdamW: weight_decay"),
        (lambda p: Adam([]), ValueError, "Adam: there are no parameters"),
        (lambda p: SGD([np.ones(2)], 1), TypeError, "SGD: .* got ndarray at position 0"),
        (
            lambda p: SGD([("a", p[0]), ("a", Parameter(np.ones(1)))], 1),
            ValueError,
            "SGD: two parameters are named 'a'",
        ),
    ],
)
def test_says_what_is_wrong(make, error, text):
    with pytest.raises(error, match=text):
        make([Parameter(np.ones(2))])


def test_a_state_that_does_not_fit_is_listed_whole_and_not_loaded():
    source = SGD([("a", Parameter(np.ones(2))), ("b", Parameter(np.ones(3)))], 0.1, momentum=0.9)
    source.step()
    target = SGD([("a", Parameter(np.ones(4))), ("c", Parameter(np.ones(3)))], 0.7, momentum=0.5)
    with pytest.raises(ValueError, match="doesn't fit") as caught:
        target.load_state_dict(source.state_dict())
    for part in (
        "momentum was 0.9, is 0.5",
        "missing velocity/c",
        "unexpected velocity/b",
        r"velocity/a has shape (2,), expected (4,)",
    ):
        assert part in str(caught.value)
    assert (target.lr, target.steps, target.memory["a"]) == (0.7, 0, {})
    with pytest.raises(ValueError, match="kind was 'SGD', is 'Adam'"):
        Adam([("a", Parameter(np.ones(2)))]).load_state_dict(source.state_dict())
