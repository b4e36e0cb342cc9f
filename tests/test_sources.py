"""One's own images on the command line: void, masks of one value, wrong axes, wrong range."""

import numpy as np
import pytest

from minis.data import IGNORE, Geometry, Sample, Samples, write_image, write_mask, write_volume
from minis.prediction_volume import differences
from minis.sources import crop_size, datasets, orientation, out_of_range

from .test_prediction_volume import trained

RAS = Geometry.from_affine(np.diag([1.0, 1.0, 1.0, 1.0]))
LAS = Geometry.from_affine(np.diag([-1.0, 1.0, 1.0, 1.0]))


@pytest.fixture
def folders(tmp_path):
    """Three images whose masks hold 0, 1 and 255."""
    rng = np.random.default_rng(0)
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
    for i in range(3):
        write_image(tmp_path / "images" / f"{i}.png", rng.random((1, 20, 24), dtype=np.float32))
        write_mask(tmp_path / "masks" / f"{i}.png", rng.choice([0, 1, 255], (20, 24)))
    return tmp_path / "images", tmp_path / "masks"


def test_void_is_no_class(folders):
    """Without `void` every value is a class; with it that value becomes `IGNORE`."""
    assert datasets(None, *folders, stretched=False)[0].num_classes == 3
    train, test = datasets(None, *folders, stretched=False, void=255)
    assert train.classes == test.classes == ("0", "1")
    assert set(np.unique(train[0].labels)) == {0, 1, IGNORE}


def test_masks_of_one_value_teach_nothing(folders):
    """Two values are the least."""
    images, masks = folders
    for path in masks.iterdir():
        write_mask(path, np.full((20, 24), 7))
    with pytest.raises(ValueError, match=r"masks: all masks hold the value 7 alone"):
        datasets(None, images, masks, stretched=False)


def test_flat_images_for_a_network_for_volumes(folders):
    """Told before anything is trained."""
    with pytest.raises(
        ValueError, match=r"images: images with 2 spatial axes; the network is for 3"
    ):
        datasets(None, *folders, axes=3, stretched=False)


def test_intensities_out_of_range():
    """The option is named that brings them into it."""
    labels = np.zeros((20, 20), np.int64)
    good = Sample(np.full((1, 20, 20), 0.5, np.float32), labels, name="good")
    bad = Sample(np.full((1, 20, 20), -980, np.float32), labels, name="bad")
    assert crop_size(Samples([good], ("a",)), 96) == (20, 20)
    assert not out_of_range(Samples([good], ("a",)))
    both = Samples([good, bad], ("a",))
    assert out_of_range(both)
    with pytest.raises(ValueError, match=r"bad: intensities span -980 … -980, .*--no-stretch"):
        crop_size(both, 96)


def test_a_volume_that_lies_otherwise_than_in_training():
    """Both spacing and orientation are compared with those of training."""
    alike = trained(spacing=(1.0, 1.0, 1.0), orientation="RAS")
    assert differences(alike, RAS) == []
    (told,) = differences(alike, LAS)
    assert told.startswith("warning: the axes point LAS but in training RAS")
    (told,) = differences(trained(spacing=(2.0, 1.0, 1.0)), LAS)
    assert "voxels of 1" in told


def test_orientation_of_ones_own_volumes(tmp_path):
    """A split keeps it; what has none gives None."""
    pytest.importorskip("nibabel", reason="volumes need minis[data]")
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
    for i in range(2):
        volume = np.zeros((1, 16, 16, 16), np.float32)
        volume[0, 4 + i] = 1
        write_volume(tmp_path / "images" / f"{i}.nii.gz", volume, LAS)
        write_volume(tmp_path / "masks" / f"{i}.nii.gz", volume, LAS)
    train, _ = datasets(None, tmp_path / "images", tmp_path / "masks", axes=3, stretched=False)
    assert orientation(train) == "LAS"
    assert orientation(datasets("ellipsoids", None, None, axes=3, stretched=False)[0]) is None
