"""Folders of one's own volumes: a mask belongs to its image only if it lies where that lies."""

import os

import numpy as np
import pytest

from minis.data import (
    Crops,
    Geometry,
    ImageMaskFolder,
    VolumeMaskFolder,
    brain,
    open_folders,
    random_split,
    stretch,
    write_image,
    write_mask,
    write_volume,
    write_volume_mask,
)

pytest.importorskip("nibabel", reason="volumes need minis[data]")

RNG = np.random.default_rng(0)
RAS = np.diag([1.0, 1.0, 2.5, 1.0])


@pytest.fixture
def folders(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    return tmp_path / "images", tmp_path / "masks"


def put(folders, name, size=(4, 5, 6), values=(0, 1), affine=RAS, mask_affine=None, channels=1):
    images, masks = folders
    image = RNG.random((channels, *size)).astype(np.float32) * 900
    mask = RNG.choice(values, size)
    mask.flat[: len(values)] = values
    write_volume(images / f"{name}.nii.gz", image, Geometry.from_affine(affine))
    place = Geometry.from_affine(affine if mask_affine is None else mask_affine)
    write_volume_mask(masks / f"{name}.nii", mask, place)
    return image, mask


def test_pairs_with_spacing(folders):
    image, mask = put(folders, "head.v2", values=(0, 7))
    put(folders, "a", size=(6, 4, 4), values=(0, 3, 7), affine=np.diag([2.0, 2.0, 2.0, 1.0]))
    (folders[0] / "notes.txt").write_text("")
    (folders[0] / ".hidden.nii.gz").write_text("")
    data = VolumeMaskFolder(*folders)
    data.check()
    assert [sample.name for sample in data] == ["a", "head.v2"]
    assert [sample.spacing for sample in data] == [(2, 2, 2), (1, 1, 2.5)]
    assert (data.classes, data.in_channels, data.orientation) == (("0", "3", "7"), 1, "RAS")
    np.testing.assert_array_equal(data[1].image, image)
    np.testing.assert_array_equal(data[1].labels, np.where(mask == 7, 2, 0))
    prepared = VolumeMaskFolder(*folders, prepare=stretch)
    assert (prepared[1].image.min(), prepared[1].image.max()) == (0, 1)
    train, test = random_split(data, 0.5, np.random.default_rng(0))
    assert Crops(train, (3, 3, 3), 4)[3].image.shape == (1, 3, 3, 3)
    assert len(test) == 1


def test_instances_void_and_channels(folders):
    _, mask = put(folders, "a", values=(0, 3, 400), channels=2)
    sample = VolumeMaskFolder(*folders, instances=True)[0]
    assert ((sample.instances == 2) == (mask == 400)).all()
    assert sample.spacing == (1, 1, 2.5)
    data = VolumeMaskFolder(*folders, ignore=[400])
    assert data.in_channels == 2
    assert ((data[0].labels == 255) == (mask == 400)).all()
    put(folders, "b", values=(0, 3))
    with pytest.raises(ValueError, match=r"b\.nii\.gz: 1 channels, expected 2 as in a\.nii\.gz"):
        VolumeMaskFolder(*folders).check()


def test_a_mask_that_lies_elsewhere_is_named_with_its_image(folders):
    put(folders, "a")
    put(folders, "b", mask_affine=np.diag([1.0, 1.0, 3.0, 1.0]))
    data = VolumeMaskFolder(*folders)
    assert data[0].size == (4, 5, 6)
    with pytest.raises(
        ValueError, match=r"b\.nii: .* its image b\.nii\.gz: voxels of 1 × 1 × 3 mm"
    ):
        data[1]
    moved = RAS.copy()
    moved[1, 3] = 20
    put(folders, "b", mask_affine=moved)
    with pytest.raises(
        ValueError, match=r"b\.nii: .* its image b\.nii\.gz: .* a corner 20 mm from"
    ):
        data.check()
    put(folders, "b", mask_affine=RAS @ np.diag([-1, 1, 1, 1]))
    with pytest.raises(ValueError, match=r"b\.nii: .* axes LAS, a corner"):
        data.check()
    write_volume_mask(folders[1] / "b.nii", np.zeros((6, 5, 4), int), Geometry.from_affine(RAS))
    with pytest.raises(ValueError, match=r"b\.nii: the mask has 6 × 5 × 4 voxels .* 4 × 5 × 6"):
        data.check()


def test_volumes_that_point_elsewhere_are_refused(folders):
    put(folders, "a")
    put(folders, "b", affine=RAS @ np.diag([-1, -1, 1, 1]))
    with pytest.raises(
        ValueError, match=r"b\.nii\.gz: its axes point LPS, those of a\.nii\.gz RAS; .*canonical"
    ):
        VolumeMaskFolder(*folders).check()


def test_files_are_read_once_if_there_is_room(folders):
    put(folders, "a")
    put(folders, "b")
    data, forgetful = VolumeMaskFolder(*folders), VolumeMaskFolder(*folders, keep_bytes=0)
    first = data[-2]
    data.check()
    for path in folders[0].iterdir():
        os.remove(path)
    assert data[0] is first
    assert data[1].name == "b"
    with pytest.raises(FileNotFoundError, match=r"a\.nii\.gz: no such file"):
        forgetful[0]


def test_open_folders_takes_what_lies_there(folders):
    with pytest.raises(FileNotFoundError, match="images: no images"):
        open_folders(*folders)
    with pytest.raises(FileNotFoundError, match="nowhere: no such folder"):
        open_folders(folders[0] / "nowhere", folders[1])
    put(folders, "a")
    assert type(open_folders(*folders, classes={0: "air", 1: "bone"})) is VolumeMaskFolder
    write_image(folders[0] / "b.png", np.zeros((1, 4, 4)))
    with pytest.raises(
        ValueError, match=r"holds flat images \(b\.png\) and volumes \(a\.nii\.gz\)"
    ):
        open_folders(*folders)
    (folders[0] / "a.nii.gz").unlink()
    (folders[1] / "a.nii").unlink()
    write_mask(folders[1] / "b.png", np.zeros((4, 4), int))
    assert type(open_folders(*folders)) is ImageMaskFolder


def test_the_brain_as_files(folders):
    pytest.importorskip("nilearn", reason="the brain needs minis[data]")
    sample = brain(8)
    place = Geometry.from_affine(np.diag([8.0, 8.0, 8.0, 1.0]))
    write_volume(folders[0] / "brain.nii.gz", sample.image, place)
    write_volume_mask(folders[1] / "brain.nii.gz", sample.labels, place)
    again = VolumeMaskFolder(*folders, classes=("other", "grey matter", "white matter"))[0]
    np.testing.assert_array_equal(again.image, sample.image)
    np.testing.assert_array_equal(again.labels, sample.labels)
    assert again.spacing == sample.spacing
