"""Schedules against torch's, step by step, and where they must begin and end."""

import warnings

import pytest

from minis.training import cosine, exponential, milestones, polynomial, step_decay, with_warmup

torch = pytest.importorskip("torch", reason="PyTorch is the oracle")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (step_decay(3, 0.5), lambda o, s: s.StepLR(o, 3, 0.5)),
        (milestones([2, 7], 0.1), lambda o, s: s.MultiStepLR(o, [2, 7], 0.1)),
        (exponential(0.9), lambda o, s: s.ExponentialLR(o, 0.9)),
        (polynomial(10), lambda o, s: s.PolynomialLR(o, 10, 0.9)),
        (cosine(12), lambda o, s: s.CosineAnnealingLR(o, 12)),
        (cosine(12, floor=0.1), lambda o, s: s.CosineAnnealingLR(o, 12, 0.1 * 0.2)),
        (
            cosine(12, warmup_steps=4),
            lambda o, s: s.SequentialLR(
                o, [s.LinearLR(o, 1 / 4, total_iters=3), s.CosineAnnealingLR(o, 8)], [4]
            ),
        ),
    ],
)
def test_equals_torch(ours, theirs):
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch wants optimiser steps, and deprecates its own
        schedule = theirs(optimiser, torch.optim.lr_scheduler)
        for step in range(12):
            assert 0.2 * ours(step) == pytest.approx(optimiser.param_groups[0]["lr"], abs=1e-12)
            schedule.step()


@pytest.mark.parametrize("schedule", [polynomial(5), cosine(5), cosine(5, warmup_steps=2)])
def test_stays_at_its_end(schedule):
    assert [schedule(5), schedule(6), schedule(1000)] == pytest.approx([0, 0, 0], abs=1e-15)


def test_the_floor_stays_too():
    assert cosine(5, floor=0.25)(99) == 0.25


def test_warmup_of_no_steps_changes_nothing():
    assert [with_warmup(polynomial(9), 0)(t) for t in range(9)] == [
        polynomial(9)(t) for t in range(9)
    ]


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: step_decay(0), "step_decay: every must be at least 1, got 0"),
        (lambda: step_decay(1, -1), "step_decay: factor"),
        (lambda: milestones([3, 3]), r"milestones: steps must rise, got \[3, 3\]"),
        (lambda: exponential(-0.5), "exponential: factor"),
        (lambda: polynomial(0), "polynomial: steps"),
        (lambda: polynomial(3, -1), "polynomial: power"),
        (lambda: cosine(3, warmup_steps=3), "cosine: steps must be at least 4, got 3"),
        (lambda: cosine(3, warmup_steps=-1), "cosine: warmup_steps"),
        (lambda: with_warmup(exponential(1), -1), "with_warmup: steps"),
    ],
)
def test_says_what_is_wrong(make, text):
    with pytest.raises(ValueError, match=text):
        make()
