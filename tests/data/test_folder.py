"""A folder of one's own images: pairing, classes, and errors that name the file."""

import numpy as np
import pytest
import tifffile

from minis.data import IGNORE, ImageMaskFolder, stretch, write_image, write_mask

RNG = np.random.default_rng(0)


@pytest.fixture
def folders(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    return tmp_path / "images", tmp_path / "masks"


def put(folders, name, size=(4, 6), channels=3, values=(0, 1), image_end="png", mask_end="png"):
    images, masks = folders
    image = RNG.random((channels, *size))
    mask = RNG.choice(values, size)
    mask.flat[: len(values)] = values
    write_image(images / f"{name}.{image_end}", image)
    write_mask(masks / f"{name}.{mask_end}", mask)
    return np.rint(image * 255) / np.float32(255), mask


def test_pairs_by_name_across_formats(folders):
    put(folders, "b")
    put(folders, "a", mask_end="tif")
    image, mask = put(folders, "c.v2", image_end="tiff")
    (folders[0] / "notes.txt").write_text("")
    (folders[0] / ".hidden.png").write_text("")
    data = ImageMaskFolder(*folders)
    assert [sample.name for sample in data] == ["a", "b", "c.v2"]
    assert (data.in_channels, data.classes) == (3, ("0", "1"))
    np.testing.assert_allclose(data[2].image, image, rtol=1e-6)
    np.testing.assert_array_equal(data[2].labels, mask)
    data.check()


def test_values_become_classes_in_the_order_of_their_names(folders):
    _, mask = put(folders, "a", values=(0, 7, 100, 255))
    names = {255: "cell", 0: "background", 7: "cell", 100: "rim"}
    data = ImageMaskFolder(*folders, classes=names)
    assert data.classes == ("cell", "background", "rim")
    for value, name in names.items():
        assert (data[0].labels[mask == value] == data.classes.index(name)).all()
    plain = ImageMaskFolder(*folders)
    assert plain.classes == ("0", "7", "100", "255")
    assert plain[0].labels.max() == 3


def test_void_values(folders):
    _, mask = put(folders, "a", values=(0, 1, 9))
    for data in (
        ImageMaskFolder(*folders, classes=("ground", "leaf"), ignore={9}),
        ImageMaskFolder(*folders, ignore=[9]),
    ):
        assert data.num_classes == 2
        assert ((data[0].labels == IGNORE) == (mask == 9)).all()


def test_masks_that_number_objects(folders):
    _, mask = put(folders, "a", values=(0, 3, 400))
    sample = ImageMaskFolder(*folders, instances=True)[0]
    assert ((sample.labels == 1) == (mask > 0)).all()
    assert ((sample.instances == 2) == (mask == 400)).all()
    assert ImageMaskFolder(*folders, instances=True, classes=["ground", "nucleus"]).classes == (
        "ground",
        "nucleus",
    )
    for wrong in ({"classes": {0: "a", 1: "b"}}, {"classes": ["a"]}, {"ignore": [3]}):
        with pytest.raises(ValueError, match="with instances=True, mask values are objects"):
            ImageMaskFolder(*folders, instances=True, **wrong)


def test_suffix_and_preparation(folders):
    put(folders, "a")
    (folders[1] / "a.png").rename(folders[1] / "a_mask.png")
    data = ImageMaskFolder(*folders, mask_suffix="_mask", prepare=lambda x: stretch(x, 20, 80))
    assert data[0].image.min() == 0
    assert data[0].image.max() == 1


def test_missing_partners_of_both_kinds_are_listed_up_to_five(folders):
    for i in range(9):
        put(folders, f"n{i}")
    for i in range(7):
        (folders[1] / f"n{i}.png").unlink()
    (folders[0] / "n8.png").unlink()
    with pytest.raises(FileNotFoundError) as caught:
        ImageMaskFolder(*folders)
    text = str(caught.value)
    assert f"images without a mask in {folders[1]}: n0, n1, n2, n3, n4 and 2 more" in text
    assert f"masks without an image in {folders[0]}: n8" in text


def test_empty_and_missing_folders(folders):
    with pytest.raises(FileNotFoundError, match="images: no images"):
        ImageMaskFolder(*folders)
    with pytest.raises(FileNotFoundError, match="nowhere: no such folder"):
        ImageMaskFolder(folders[0] / "nowhere", folders[1])


def test_two_files_of_one_name(folders):
    put(folders, "a")
    write_image(folders[0] / "a.tif", np.zeros((1, 4, 6)))
    with pytest.raises(ValueError, match=r"a\.tif: has the same name as a\.png"):
        ImageMaskFolder(*folders)


def test_sizes_that_differ(folders):
    put(folders, "a")
    write_mask(folders[1] / "a.png", np.zeros((6, 4), int))
    with pytest.raises(ValueError, match=r"masks/a\.png: the mask is 6 × 4 but .* a\.png is 4 × 6"):
        ImageMaskFolder(*folders)[0]


def test_channels_that_differ(folders):
    put(folders, "a")
    put(folders, "b", channels=1)
    put(folders, "c", channels=5, image_end="tif")
    data = ImageMaskFolder(*folders)
    with pytest.raises(ValueError, match=r"b\.png: 1 channels, expected 3 as in a\.png"):
        data[1]
    with pytest.raises(ValueError, match=r"b\.png: 1 channels"):
        data.check()
    assert ImageMaskFolder(*folders, in_channels=5)[2].image.shape == (5, 4, 6)
    with pytest.raises(ValueError, match=r"a\.png: 3 channels, expected 5"):
        ImageMaskFolder(*folders, in_channels=5)[0]


def test_unknown_values_are_named_with_the_file(folders):
    put(folders, "a")
    put(folders, "b", values=(0, 1, 3, 254))
    data = ImageMaskFolder(*folders, classes=["ground", "leaf"])
    assert data[0].labels.max() == 1
    with pytest.raises(ValueError, match=r"b\.png: unknown label values 3, 254; known are 0, 1"):
        data[1]


def test_damaged_files_are_named(folders):
    put(folders, "a")
    put(folders, "b", size=(40, 40), image_end="tif")
    data = ImageMaskFolder(*folders, classes=["ground", "leaf"])
    whole = (folders[0] / "b.tif").read_bytes()
    (folders[0] / "b.tif").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"images/b\.tif: cannot be read as an image"):
        data[1]


def test_objects_mistaken_for_classes(folders):
    put(folders, "a", size=(20, 20), values=tuple(range(300)))
    with pytest.raises(ValueError, match=r"300 different values.*that takes instances=True"):
        ImageMaskFolder(*folders)


def test_sixteen_bits_and_floats(folders):
    images, masks = folders
    write_mask(masks / "a.png", np.zeros((2, 2), int))
    write_mask(masks / "b.png", np.zeros((2, 2), int))
    tifffile.imwrite(images / "a.tif", np.full((2, 2), 65535, np.uint16))
    tifffile.imwrite(images / "b.tif", np.full((2, 2), -7.5, np.float32))
    data = ImageMaskFolder(images, masks)
    assert (data[0].image == 1).all()
    assert (data[1].image == -7.5).all()
