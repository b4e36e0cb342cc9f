"""The training loop: it learns, validates, saves, and says what is wrong with its arguments."""

import math

import numpy as np
import pytest

from minis.nn.module import Module, Parameter
from minis.training import SGD, Adam, NonFiniteLossError, fit, read_metadata, sum_of_losses
from minis.training.tensor_file import read_record

from .small_network import Net, run, same_run, squared_error


def test_equals_a_loop_written_by_hand():
    arguments, by_hand = run(steps=10), run(steps=10)
    history = fit(**arguments)
    model, batches, optimiser, rng = (by_hand[k] for k in ("model", "batches", "optimiser", "rng"))
    losses, lrs = [], []
    for step in range(10):
        x, target = batches(rng)
        model.zero_grad()
        loss, dy = squared_error(model(x), target)
        model.backward(dy)
        optimiser.lr = 0.05 * by_hand["schedule"](step)
        optimiser.step()
        losses.append(loss)
        lrs.append(optimiser.lr)
    optimiser.lr = 0.05
    assert same_run(arguments, by_hand)
    assert history.loss == losses
    assert history.lr == lrs
    assert history.steps == 10


def test_clips_the_gradient():
    free, clipped = run(steps=1), run(steps=1)
    fit(**free)
    history = fit(**clipped, clip_norm=0.01)
    p = clipped["model"].parameters()
    norm = math.sqrt(sum(float((q.grad.astype(float) ** 2).sum()) for q in p))
    assert norm == pytest.approx(0.01, rel=1e-3)
    assert history.grad_norm[0] > 0.01


def test_learns():
    arguments = run(steps=300)
    arguments["optimiser"] = Adam(arguments["model"].named_parameters(), 0.02)
    arguments["schedule"] = None
    history = fit(**arguments)
    assert np.mean(history.loss[-30:]) < 0.6 * np.mean(history.loss[:10])


def test_validates_in_evaluation_mode_every_so_often_and_at_the_end():
    arguments = run(steps=12)
    modes = []

    def validate(model):
        modes.append((model.training, model.drop.training))
        return {"iou": len(modes), "other": 0}

    history = fit(**arguments | {"validate": validate})
    assert modes == [(False, False)] * 3
    assert history.validated_at == [5, 10, 12]
    assert history.metrics == {"iou": [1, 2, 3], "other": [0, 0, 0]}


def test_a_validation_leaves_no_trace_in_the_training():
    plain, disturbed = run(steps=12), run(steps=12)

    def validate(model):
        disturbed["rng"].random(5)
        model.drop.rng.random(3)
        model.train()(np.ones((4, 6), np.float32))  # moves the buffer
        disturbed["batches"](disturbed["rng"])
        return 0.0

    fit(**plain | {"validate": None})
    fit(**disturbed | {"validate": validate})
    assert same_run(plain, disturbed)


def test_keeps_the_best_and_the_last(tmp_path):
    scores = iter([float("nan"), 0.9, 0.1, 0.5])
    arguments = run(steps=20) | {"validate": lambda model: next(scores)}
    history = fit(**arguments, directory=tmp_path / "new" / "run", metadata={"model": "Net"})
    files = tmp_path / "new" / "run"
    assert sorted(p.name for p in files.iterdir()) == ["best.safetensors", "last.safetensors"]
    assert read_record(files / "best.safetensors")["step"] == 10
    assert read_record(files / "last.safetensors")["step"] == 20
    assert history.best_score == 0.9
    assert read_metadata(files / "best.safetensors") == {"model": "Net"}


def test_writes_the_last_checkpoint_every_so_often(tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(
        "minis.training.run_files.save_checkpoint", lambda path, state: saved.append(state.step)
    )
    fit(**run(steps=10) | {"validate": None}, directory=tmp_path)
    assert saved == [0, 4, 8, 10]


@pytest.mark.parametrize("training", [True, False])
def test_leaves_the_model_in_the_mode_in_which_it_came(training):
    arguments = run(steps=2)
    arguments["model"].train(training)
    fit(**arguments)
    assert arguments["model"].training is training


def test_epochs_are_counted_in_batches():
    assert fit(**run(steps=None), epochs=2).steps == 6


def test_a_second_fit_starts_from_the_base_learning_rate():
    arguments = run(steps=24)
    first = fit(**arguments)
    second = fit(**arguments)
    assert first.lr == second.lr


class OwnLosses(Module):
    """Two inputs, a dict of losses, and a backward without an argument, as Mask R-CNN has."""

    def __init__(self):
        super().__init__()
        self.w = Parameter(np.ones(1))

    def forward(self, images, targets):
        self.remember(images, targets)
        return {"a": float((self.w.data * images[0]).sum()), "b": 2.0}

    def backward(self):
        images, _ = self.recall()
        self.w.grad += images[0].sum()


def test_a_model_that_computes_its_own_losses():
    model = OwnLosses()
    history = fit(
        model,
        lambda rng: (([np.array([1.0, 2.0])], [{"labels": np.array([1])}]), None),
        loss=sum_of_losses,
        optimiser=SGD(model.named_parameters(), 0.1),
        steps=2,
        rng=np.random.default_rng(0),
        show_progress=False,
    )
    assert history.loss == pytest.approx([5.0, 4.1])
    assert model.w.data == pytest.approx(0.4)


def test_an_error_of_the_loss_leaves_the_run_as_it_was():
    arguments, untouched = run(), run()

    def broken(outputs, targets):
        raise RuntimeError("no such loss")

    with pytest.raises(RuntimeError, match="no such loss"):
        fit(**arguments | {"loss": broken})
    assert same_run(arguments, untouched)


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"epochs": 3}, ValueError, "steps or epochs, one of the two"),
        ({"steps": None}, ValueError, "steps or epochs"),
        ({"steps": 0}, ValueError, "at least 1 step, got 0"),
        (
            {"steps": None, "epochs": 1, "batches": lambda rng: None},
            ValueError,
            "epochs need batches that have a length",
        ),
        ({"validate_every": 0}, ValueError, "validate_every must be at least 1"),
        ({"checkpoint_every": -1}, ValueError, "checkpoint_every must be at least 1"),
        ({"resume": True}, ValueError, "resume=True needs the directory"),
        ({"clip_norm": 0}, ValueError, "max_norm must be greater than 0"),
        ({"schedule": lambda step: -1}, ValueError, r"the learning rate -0\.05 at step 0"),
        ({"schedule": lambda step: math.nan}, ValueError, "the learning rate nan"),
        (
            {"optimiser": SGD(Net(np.random.default_rng(0)).named_parameters(), 0.1)},
            ValueError,
            "'encoder.0.weight' isn't one of the model's",
        ),
        ({"validate": lambda model: {}}, ValueError, r"metrics \[\], expected at least one"),
    ],
)
def test_says_what_is_wrong(change, error, text):
    with pytest.raises(error, match=text):
        fit(**run() | change)


def test_does_not_overwrite_a_run(tmp_path):
    fit(**run(steps=2), directory=tmp_path)
    whole = (tmp_path / "last.safetensors").read_bytes()
    with pytest.raises(FileExistsError, match=r"last\.safetensors holds a run already; resume it"):
        fit(**run(steps=3), directory=tmp_path)
    assert (tmp_path / "last.safetensors").read_bytes() == whole


def test_parameters_that_are_not_finite_are_not_saved(tmp_path):
    arguments = run(steps=4) | {"validate": None, "schedule": None}
    arguments["optimiser"] = SGD(arguments["model"].named_parameters(), 1e300)
    with (
        np.errstate(all="ignore"),
        pytest.raises(NonFiniteLossError, match=r"step 1: 'encoder\.0\.weight' isn't finite after"),
    ):
        fit(**arguments | {"checkpoint_every": 1}, directory=tmp_path)
    assert read_record(tmp_path / "last.safetensors")["step"] == 0
