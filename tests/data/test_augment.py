"""Augmentation: image and annotation move together, and nothing else changes."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minis.data import (
    Augment,
    Cells,
    Crops,
    Ellipsoids,
    Sample,
    Shapes,
    Subset,
    deform,
    displacement,
    elastic,
    flip,
    intensity,
    random_crop,
    random_split,
    rot90,
)


def marked(size, spacing=None):
    """A sample in which image, labels and instances all hold each pixel's number."""
    number = np.arange(1, np.prod(size) + 1).reshape(size)
    image = np.stack([number, 2 * number]) / (2 * number.size)
    return Sample(image.astype(np.float32), number, number.astype(np.int32), spacing)


def moved_together(sample):
    """Whether the image still shows at each pixel the number that its label says."""
    ratio = sample.image[1] / sample.image[0]
    order = np.argsort(sample.labels.ravel())
    return (
        np.allclose(ratio, 2)
        and (np.diff(sample.image[0].ravel()[order]) > 0).all()
        and (np.diff(sample.instances.ravel()[order]) > 0).all()
    )


SIZES = st.lists(st.integers(1, 6), min_size=2, max_size=3).map(tuple)


@settings(deadline=None)
@given(size=SIZES, seed=st.integers(0, 100))
def test_flip_and_turn_permute_pixels(size, seed):
    before = marked(size)
    for step in (flip, rot90):
        after = step(before, np.random.default_rng(seed))
        assert after.size == size
        assert sorted(after.labels.ravel()) == sorted(before.labels.ravel())
        assert moved_together(after)


def orbit(step, sample, draws=200):
    rng = np.random.default_rng(0)
    return {step(sample, rng).labels.tobytes() for _ in range(draws)}


def test_flip_reaches_every_combination_of_its_axes():
    square, cube = marked((3, 3)), marked((2, 2, 2))
    assert len(orbit(flip, square)) == 4
    assert len(orbit(flip, cube)) == 8
    assert len(orbit(partial(flip, axes=(-1,)), square)) == 2
    rng = np.random.default_rng(0)
    for _ in range(20):  # a street stays upright
        assert (flip(square, rng, axes=(1,)).labels.min(axis=1) == [1, 4, 7]).all()


@pytest.mark.parametrize(
    ("size", "spacing", "turns"),
    [
        ((3, 3), None, 4),
        ((3, 4), None, 2),
        ((3, 3), (2.0, 1.0), 2),
        ((3, 3), (1.0, 1.0), 4),
        ((2, 3, 3), (3.0, 1.0, 1.0), 4),
        ((2, 3, 4), None, 2),
        ((3, 3, 3), (3.0, 1.0, 1.0), 4),
        ((3, 3, 2), (1.0, 1.0, 1.0), 4),
        ((3, 3, 3), (1.0, 1.0, 3.0), 4),
        ((3, 3, 3), (1.0, 1.0001, 3.0), 4),  # as rounded headers have it
        ((3, 3, 3), (1.0, 2.0, 3.0), 2),
        ((3, 3, 3), None, 10),  # none, and three turns about each of three axes
    ],
)
def test_rot90_takes_the_turns_that_keep_shape_and_spacing(size, spacing, turns):
    assert len(orbit(rot90, marked(size, spacing))) == turns


@pytest.mark.parametrize("thick", [0, 1, 2])
def test_rot90_of_thick_slices_turns_within_the_slices(thick):
    """Quarter turns are about the thick axis: no voxel leaves its slice."""
    spacing = [1.0, 1.0, 1.0]
    spacing[thick] = 4.0
    before = marked((3, 3, 3), tuple(spacing))
    rng = np.random.default_rng(0)
    place = np.indices((3, 3, 3))[thick].ravel()  # by number, which slice it was in
    for _ in range(20):
        after = rot90(before, rng)
        assert after.spacing == before.spacing
        np.testing.assert_array_equal(place[after.labels - 1], np.indices((3, 3, 3))[thick])


def test_rot90_needs_a_plane():
    with pytest.raises(ValueError, match=r"rot90: .* one spatial axis"):
        rot90(marked((5,)), np.random.default_rng(0))


@settings(deadline=None)
@given(st.data())
def test_random_crop_cuts_a_box(data):
    size = data.draw(SIZES)
    box = tuple(data.draw(st.integers(1, n)) for n in size)
    before = marked(size)
    after = random_crop(before, np.random.default_rng(data.draw(st.integers(0, 99))), size=box)
    assert after.size == box
    corner = np.unravel_index(after.labels.flat[0] - 1, size)
    window = tuple(slice(c, c + n) for c, n in zip(corner, box, strict=True))
    np.testing.assert_array_equal(after.labels, before.labels[window])
    np.testing.assert_array_equal(after.image, before.image[:, *window])
    assert after.instances.max() == after.instances.size


def test_random_crop_reaches_every_place_and_refuses_what_does_not_fit():
    assert len(orbit(partial(random_crop, size=(2, 2)), marked((4, 3)))) == 6
    rng = np.random.default_rng(0)
    for size in ((5, 3), (2,), (0, 2)):
        with pytest.raises(ValueError, match="random_crop: cannot cut"):
            random_crop(marked((4, 3)), rng, size=size)


def test_intensity_leaves_the_annotation_and_stays_in_range():
    before = marked((5, 6))
    after = intensity(before, np.random.default_rng(0))
    assert after.labels is before.labels
    assert not np.allclose(after.image, before.image)
    assert after.image.dtype == np.float32
    for seed in range(20):
        image = intensity(before, np.random.default_rng(seed), bias=0.8).image
        assert image.min() >= 0
        assert image.max() <= 1


def test_intensity_is_its_formula():
    before = marked((5, 6))
    nothing = {"gain": 0, "bias": 0, "gamma": 0, "noise": 0}
    same = intensity(before, np.random.default_rng(0), **nothing)
    np.testing.assert_array_equal(same.image, before.image)
    x = before.image
    for seed in range(5):
        y = intensity(before, np.random.default_rng(seed), **(nothing | {"gamma": 0.5})).image
        power = np.log(y[x < 0.99]) / np.log(x[x < 0.99])
        np.testing.assert_allclose(power, power[0], rtol=1e-4)
        assert np.exp(-0.5) <= power[0] <= np.exp(0.5)
        assert abs(power[0] - 1) > 1e-3


def test_intensity_refuses_what_has_no_power():
    sample = Sample(np.array([[[-1.5, 0]]], np.float32), np.zeros((1, 2), np.int64))
    with pytest.raises(ValueError, match=r"spans -1\.5 … 0, expected 0 … 1"):
        intensity(sample, np.random.default_rng(0))


@pytest.mark.parametrize("order", [1, 3])
@pytest.mark.parametrize("kind", [Cells, Ellipsoids])
def test_no_displacement_is_the_identity(kind, order):
    sample = kind(1)[0]
    after = deform(sample, np.zeros((len(sample.size), *sample.size)), order=order)
    tolerance = 0 if order == 1 else 1e-6
    np.testing.assert_allclose(after.image, sample.image, rtol=0, atol=tolerance)
    np.testing.assert_array_equal(after.labels, sample.labels)
    np.testing.assert_array_equal(after.instances, sample.instances)


def test_whole_displacements_shift_with_a_mirrored_border():
    sample = marked((6, 7))
    shift = np.zeros((2, 6, 7))
    shift[0], shift[1] = 2, -3
    after = deform(sample, shift)
    expected = np.pad(sample.labels, ((0, 2), (3, 0)), mode="reflect")[2:, :7]
    np.testing.assert_array_equal(after.labels, expected)
    np.testing.assert_allclose(
        after.image, np.pad(sample.image, ((0, 0), (0, 2), (3, 0)), mode="reflect")[:, 2:, :7]
    )


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), kind=st.sampled_from([Shapes, Cells, Ellipsoids]))
def test_elastic_adds_no_label_and_stays_in_range(seed, kind):
    before = kind(1, seed=seed)[0]
    after = elastic(before, np.random.default_rng(seed), sigma=3, order=3)
    assert set(np.unique(after.labels)) <= set(np.unique(before.labels))
    assert after.instances.max() <= before.instances.max()
    assert after.instances.max() + 1 == len(np.unique(after.instances))
    assert ((after.instances > 0) == (after.labels > 0)).all()  # both moved alike
    assert before.image.min() <= after.image.min()
    assert after.image.max() <= before.image.max()
    assert not np.array_equal(after.labels, before.labels)


def test_displacement_passes_through_its_grid_points():
    coarse = np.random.default_rng(0).normal(0, 10, (2, 3, 3))
    fine = displacement(coarse, (101, 61))
    np.testing.assert_allclose(fine[:, ::50, ::30], coarse, atol=1e-9)
    steps = np.abs(np.diff(fine, axis=1)).max()
    assert steps < np.ptp(coarse) / 20  # smooth


def test_elastic_scales_with_sigma_one_per_axis():
    sample = marked((9, 9))
    still = elastic(sample, np.random.default_rng(0), sigma=(0, 4))
    columns = (still.labels - 1) // 9  # rows must not have mixed
    assert (columns == np.arange(9)[:, None]).all()
    assert not np.array_equal(still.labels, sample.labels)


@pytest.mark.parametrize("wrong", [{"sigma": (1, 2, 3)}, {"sigma": -1}, {"grid": 1}])
def test_elastic_refuses(wrong):
    with pytest.raises(ValueError, match="elastic: sigma="):
        elastic(marked((5, 5)), np.random.default_rng(0), **wrong)


def test_augment_is_its_steps_in_order_and_a_function_of_the_generator():
    cells = Cells(1, size=(64, 64))[0]
    steps = partial(random_crop, size=(32, 48)), flip, rot90, elastic, intensity
    augment = Augment(*steps)
    a, b = (augment(cells, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(a.image, b.image)
    rng = np.random.default_rng(5)
    expected = cells
    for step in steps:
        expected = step(expected, rng)
    np.testing.assert_array_equal(a.labels, expected.labels)
    assert not np.array_equal(a.image, augment(cells, np.random.default_rng(6)).image)


def test_crops_depend_on_seed_and_index_alone():
    cells = Cells(2, size=(40, 40))
    crops = Crops(cells, (16, 24), 10, seed=1)
    late = crops[9].image
    np.testing.assert_array_equal(Crops(cells, (16, 24), 10, seed=1)[9].image, late)
    assert not np.array_equal(Crops(cells, (16, 24), 10, seed=2)[9].image, late)
    assert [crop.name for crop in crops][:3] == [cells[i].name for i in (0, 1, 0)]
    assert (len(crops), crops.classes, crops.in_channels) == (10, cells.classes, 1)


def test_crops_of_volumes_keep_the_spacing():
    volumes = Ellipsoids(2, size=(12, 20, 24), spacing=(3.0, 1.0, 1.0))
    crops = Crops(volumes, (8, 16, 12), 6, seed=1)
    for i, crop in enumerate(crops):
        assert crop.image.shape == (1, 8, 16, 12)
        assert crop.spacing == (3.0, 1.0, 1.0)
        windows = np.lib.stride_tricks.sliding_window_view(volumes[i % 2].image[0], (8, 16, 12))
        here = [at for at in np.ndindex(windows.shape[:3]) if (windows[at] == crop.image[0]).all()]
        assert len(here) == 1
        part = tuple(map(slice, here[0], np.add(here[0], crop.size)))
        np.testing.assert_array_equal(crop.labels, volumes[i % 2].labels[part])
    with pytest.raises(ValueError, match=r"random_crop: cannot cut \(8, 21, 12\)"):
        Crops(volumes, (8, 21, 12), 6)[0]


@given(n=st.integers(2, 50), test=st.floats(0, 1), seed=st.integers(0, 9))
def test_random_split_is_a_partition(n, test, seed):
    train, rest = random_split(Shapes(n), test, np.random.default_rng(seed))
    assert sorted(train.indices + rest.indices) == list(range(n))
    assert min(len(train), len(rest)) >= 1
    assert abs(len(rest) - test * n) <= 1


def test_subset_and_bad_splits():
    shapes = Shapes(5)
    part = Subset(shapes, [4, -5])
    assert [sample.name for sample in part] == [shapes[4].name, shapes[0].name]
    with pytest.raises(IndexError, match="sample 5 of a data set of 5"):
        Subset(shapes, [5])
    with pytest.raises(ValueError, match=r"fraction 1\.5 of 5"):
        random_split(shapes, 1.5, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"fraction 0\.5 of 1"):
        random_split(Shapes(1), 0.5, np.random.default_rng(0))
