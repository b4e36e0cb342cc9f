"""The form of a sample, of a data set and of a batch."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minis.data import (
    IGNORE,
    Dataset,
    Sample,
    Samples,
    check_index,
    instance_targets,
    renumber,
    stack,
)


def sample(shape=(2, 4, 5), name="x", **more):
    return Sample(np.zeros(shape, np.float32), np.zeros(shape[1:], np.int64), name=name, **more)


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"image": np.zeros((1, 4, 5))}, TypeError, "image has dtype float64, expected float32"),
        ({"labels": np.zeros((4, 5), np.int32)}, TypeError, "labels has dtype int32"),
        ({"instances": np.zeros((4, 5), np.int64)}, TypeError, "instances has dtype int64"),
        ({"image": np.zeros((1, 4, 6), np.float32)}, ValueError, r"image has shape \(1, 4, 6\)"),
        ({"instances": np.zeros((5, 4), np.int32)}, ValueError, r"instances has shape \(5, 4\)"),
        ({"spacing": (1.0,)}, ValueError, r"spacing \(1\.0,\) should have one number"),
    ],
)
def test_a_sample_refuses_what_does_not_fit(change, error, text):
    fields = {"image": np.zeros((1, 4, 5), np.float32), "labels": np.zeros((4, 5), np.int64)}
    with pytest.raises(error, match=f"Sample 'cell 7': {text}"):
        Sample(**(fields | change), name="cell 7")


def test_map_copies_and_numbers_objects_anew():
    objects = np.array([[1, 2, 3]], np.int32)
    before = Sample(np.ones((1, 1, 3), np.float32), np.ones((1, 3), np.int64), objects, (2.0, 1.0))
    after = before.map(lambda array: array[..., 1:])
    assert after.instances.tolist() == [[1, 2]]
    assert after.spacing == (2.0, 1.0)
    after.image[:] = 7
    after.labels[:] = 7
    assert before.image.max() == before.labels.max() == 1


@given(hnp.arrays(np.int64, hnp.array_shapes(max_dims=3), elements=st.integers(-2, 9)))
def test_renumber_keeps_the_partition_and_leaves_no_gap(instances):
    new = renumber(instances)
    assert new.dtype == np.int32
    assert set(np.unique(new)) | {0} == set(range(new.max() + 1))
    assert len(set(zip(instances.ravel(), new.ravel(), strict=True))) == len(np.unique(instances))
    assert ((instances == 0) == (new == 0)).all()


def test_stack_joins_and_names_the_two_that_differ():
    images, labels = stack([sample(), sample(), sample()])
    assert images.shape == (3, 2, 4, 5)
    assert labels.shape == (3, 4, 5)
    assert (images.dtype, labels.dtype) == (np.float32, np.int64)
    with pytest.raises(ValueError, match=r"'odd' has shape \(2, 4, 6\) but 'even' has \(2, 4, 5\)"):
        stack([sample(name="even"), sample((2, 4, 6), name="odd")])
    with pytest.raises(ValueError, match="no samples"):
        stack([])


def test_a_data_set_of_ones_own_needs_two_methods():
    class Two(Dataset):
        classes = ("a", "b", "c")
        in_channels = 2

        def __len__(self):
            return 2

        def __getitem__(self, index):
            return sample(name=str(check_index(self, index)))

    two = Two()
    assert two.num_classes == 3
    assert [s.name for s in two] == ["0", "1"]
    assert two[-1].name == "1"
    with pytest.raises(IndexError, match="Two: sample 2 of a data set of 2"):
        two[2]


def test_samples_in_memory_share_one_number_of_channels():
    both = Samples([sample(), sample()], ("a",))
    assert (len(both), both.in_channels, both.num_classes) == (2, 2, 1)
    with pytest.raises(ValueError, match=r"\[1, 2\]"):
        Samples([sample((1, 4, 5)), sample((2, 4, 5))], ("a",))


def test_instance_targets_against_loops():
    rng = np.random.default_rng(0)
    instances = renumber(rng.integers(0, 5, (6, 7)))
    labels = np.where(instances > 0, instances % 3 + 1, 0).astype(np.int64)
    targets = instance_targets(Sample(np.zeros((1, 6, 7), np.float32), labels, instances))
    assert len(targets["boxes"]) == instances.max()
    for m, (box, label, mask) in enumerate(zip(*targets.values(), strict=True), start=1):
        ys, xs = np.nonzero(instances == m)
        assert box.tolist() == [min(xs), min(ys), max(xs) + 1, max(ys) + 1]
        assert label == m % 3 + 1
        assert ((mask == 1) == (instances == m)).all()


def test_instance_targets_without_objects_and_with_void():
    nothing = instance_targets(sample(instances=np.zeros((4, 5), np.int32)))
    assert nothing["boxes"].shape == (0, 4)
    assert nothing["masks"].shape == (0, 4, 5)
    void = Sample(
        np.zeros((1, 1, 2), np.float32), np.array([[IGNORE, 3]]), np.array([[1, 2]], np.int32)
    )
    assert instance_targets(void)["labels"].tolist() == [3]
    with pytest.raises(ValueError, match="should have instances"):
        instance_targets(sample())


def test_importing_costs_no_more_than_numpy():
    heavy = "scipy PIL tifffile nilearn nibabel matplotlib numba torch mlxtend stardist"
    code = f"import sys, minis.data; print([m for m in {heavy.split()} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stdout + result.stderr
