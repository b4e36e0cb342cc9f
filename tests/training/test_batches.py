"""Batches: every sample once an epoch, in an order of its own, from any position on."""

from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minis.data import Sample
from minis.training import Batches

from .small_network import noise, samples


def numbers(count, size, **options):
    return Batches(range(count), size, collate=lambda drawn: (drawn, None), **options)


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
def test_each_epoch_holds_every_sample_once(count, size, seed):
    batches, rng = numbers(count, size), np.random.default_rng(seed)
    for epoch in range(1, 4):
        drawn = [batches(rng)[0] for _ in range(len(batches))]
        assert sorted(chain.from_iterable(drawn)) == list(range(count))
        assert [len(d) for d in drawn[:-1]] == [size] * (len(drawn) - 1)
        assert batches.epoch == epoch


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
def test_drop_last_leaves_out_a_smaller_batch(count, size, seed):
    if size > count:
        with pytest.raises(ValueError, match=f"no batch of {size} from {count} samples"):
            numbers(count, size, drop_last=True)
        return
    batches, rng = numbers(count, size, drop_last=True), np.random.default_rng(seed)
    assert len(batches) == count // size
    for epoch in range(1, 4):
        drawn = [i for _ in range(len(batches)) for i in batches(rng)[0]]
        assert len(drawn) == len(set(drawn)) == count // size * size
        assert batches.epoch == epoch


def test_the_order_changes_from_epoch_to_epoch():
    batches, rng = numbers(20, 20), np.random.default_rng(0)
    assert batches(rng)[0] != batches(rng)[0]


@settings(deadline=None)
@given(st.integers(0, 12))
def test_goes_on_from_a_state(position):
    batches, rng = numbers(7, 2), np.random.default_rng(1)
    for _ in range(position):
        batches(rng)
    other, again = numbers(7, 2), np.random.default_rng(2)
    other.load_state_dict(batches.state_dict())
    again.bit_generator.state = rng.bit_generator.state
    assert [batches(rng)[0] for _ in range(9)] == [other(again)[0] for _ in range(9)]


def test_stacks_and_augments_samples():
    plain, augmented = Batches(samples(), 3), Batches(samples(), 3, noise)
    x, labels = plain(np.random.default_rng(0))
    y, same = augmented(np.random.default_rng(0))
    assert x.shape == (3, 1, 2, 3)
    assert x.dtype == np.float32
    assert labels.shape == (3, 2, 3)
    assert (labels == same).all()
    assert 0 < abs(x - y).max() < 1


def test_says_what_is_wrong():
    with pytest.raises(ValueError, match="Batches: the data set is empty"):
        Batches([], 1)
    with pytest.raises(ValueError, match="Batches: batch_size must be at least 1, got 0"):
        Batches(samples(), 0)
    other = numbers(5, 2)
    other(np.random.default_rng(0))
    with pytest.raises(ValueError, match="of a data set of 5 samples, this one has 7"):
        numbers(7, 2).load_state_dict(other.state_dict())
    odd = Sample(np.zeros((1, 5, 5), np.float32), np.zeros((5, 5), np.int64), name="odd")
    with pytest.raises(ValueError, match="odd"):
        Batches([*samples(3), odd], 4)(np.random.default_rng(0))
