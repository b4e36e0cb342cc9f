"""Image and mask files: what is written is read, and damage is told with the file's name."""

import os
import warnings

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from minis.data import read_image, read_mask, write_image, write_mask
from minis.data.images import write_whole

RNG = np.random.default_rng(0)


@settings(max_examples=30, deadline=None)
@given(
    ending=st.sampled_from(["png", "tif", "tiff", "TIF"]),
    bits=st.sampled_from([8, 16, 32]),
    channels=st.integers(1, 6),
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
)
def test_images_come_back(tmp_path_factory, ending, bits, channels, size):
    path = tmp_path_factory.mktemp("images") / f"x.{ending}"
    levels = RNG.integers(0, min(2**bits, 2**20), (channels, *size))
    image = (levels / (2**bits - 1)).astype(np.float32)
    fits = ending != "png" or (bits, channels) in {(8, 1), (8, 3), (16, 1)}
    if not fits:
        with pytest.raises(ValueError, match=r"x\.png"):
            write_image(path, image, bits)
        assert not path.exists()
        return
    write_image(path, image, bits)
    back = read_image(path)
    assert back.dtype == np.float32
    np.testing.assert_array_equal(back, image)
    assert os.listdir(path.parent) == [path.name]  # nothing unfinished is left


@pytest.mark.parametrize("ending", ["png", "tif"])
@pytest.mark.parametrize("top", [0, 1, 255, 256, 65535])
def test_masks_come_back(tmp_path, ending, top):
    mask = RNG.integers(0, top + 1, (5, 8))
    mask[0, 0] = top
    write_mask(tmp_path / f"m.{ending}", mask)
    back = read_mask(tmp_path / f"m.{ending}")
    assert back.dtype == np.int64
    np.testing.assert_array_equal(back, mask)


@pytest.mark.parametrize("bad", [np.array([[-1]]), np.array([[65536]]), np.zeros((1, 2, 2), int)])
def test_masks_that_do_not_fit(tmp_path, bad):
    with pytest.raises(ValueError, match=r"m\.png: mask"):
        write_mask(tmp_path / "m.png", bad)


def test_images_that_do_not_fit(tmp_path):
    with pytest.raises(ValueError, match=r"x\.png: image spans 0 … 1\.5"):
        write_image(tmp_path / "x.png", np.array([[[0, 1.5]]]))
    with pytest.raises(ValueError, match=r"x\.png: image spans nan"):
        write_image(tmp_path / "x.png", np.array([[[np.nan]]]))
    with pytest.raises(ValueError, match=r"x\.png: image of shape \(3, 3\)"):
        write_image(tmp_path / "x.png", np.zeros((3, 3)))
    with pytest.raises(ValueError, match=r"unknown ending '\.bmp'"):
        write_mask(tmp_path / "x.bmp", np.zeros((3, 3), int))


def test_scaling_rule(tmp_path):
    Image.fromarray(np.array([[0, 51, 255]], np.uint8)).save(tmp_path / "a.png")
    np.testing.assert_allclose(read_image(tmp_path / "a.png"), [[[0, 0.2, 1]]], rtol=1e-6)
    Image.fromarray(np.array([[0, 13107, 65535]], np.uint16)).save(tmp_path / "b.png")
    np.testing.assert_allclose(read_image(tmp_path / "b.png"), [[[0, 0.2, 1]]], rtol=1e-6)
    tifffile.imwrite(tmp_path / "c.tif", np.array([[-3.5, 1e4]], np.float64))
    np.testing.assert_array_equal(read_image(tmp_path / "c.tif"), [[[-3.5, 1e4]]])
    tifffile.imwrite(tmp_path / "d.tif", np.array([[1, 2]], np.int32))
    with pytest.raises(ValueError, match=r"d\.tif: an image of int32; expected 8 or 16 bits"):
        read_image(tmp_path / "d.tif")


@pytest.mark.parametrize(
    ("mode", "channels"), [("L", 1), ("LA", 1), ("RGB", 3), ("RGBA", 3), ("P", 3), ("1", 1)]
)
def test_modes_of_png(tmp_path, mode, channels):
    Image.new("RGB", (5, 4), (255, 255, 255)).convert(mode).save(tmp_path / "x.png")
    image = read_image(tmp_path / "x.png")
    assert image.shape == (channels, 4, 5)
    assert (image == 1).all()


def test_photographs_are_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter when shown
    Image.new("RGB", (8, 4)).save(tmp_path / "x.jpg", exif=exif)
    assert read_image(tmp_path / "x.jpg").shape == (3, 8, 4)


def test_axes_of_tiff(tmp_path):
    path, pixels = tmp_path / "x.tif", RNG.integers(0, 255, (6, 7, 3), np.uint8)
    expected = np.moveaxis(pixels, 2, 0) / np.float32(255)
    tifffile.imwrite(path, pixels, photometric="rgb")
    np.testing.assert_array_equal(read_image(path), expected)
    tifffile.imwrite(path, np.moveaxis(pixels, 2, 0), photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(read_image(path), expected)
    tifffile.imwrite(
        path, np.moveaxis(pixels, 2, 0), photometric="minisblack", metadata={"axes": "CYX"}
    )
    np.testing.assert_array_equal(read_image(path), expected)
    tifffile.imwrite(path, np.moveaxis(pixels, 2, 0), photometric="minisblack", metadata=None)
    np.testing.assert_array_equal(read_image(path), expected)  # three pages without axes
    tifffile.imwrite(path, pixels[..., :2], photometric="minisblack")  # rows taken for pages
    np.testing.assert_array_equal(read_image(path), expected[:2])
    tifffile.imwrite(path, pixels, photometric="minisblack", metadata={"axes": "ZYX"})
    with pytest.raises(ValueError, match=r"x\.tif: axes ZYX of lengths \(6, 7, 3\); expected one"):
        read_image(path)
    tifffile.imwrite(path, pixels.astype(">u2"), photometric="rgb", byteorder=">")
    assert read_image(path).shape == (3, 6, 7)


def test_masks_of_palette_and_of_equal_channels(tmp_path):
    mask = np.array([[0, 3], [7, 255]], np.uint8)
    palette = Image.fromarray(mask, "L").convert("P")
    palette.putpalette([5, 6, 7] * 256)  # colours say nothing
    palette.save(tmp_path / "p.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "p.png"), mask)
    Image.fromarray(mask).convert("RGB").save(tmp_path / "grey.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "grey.png"), mask)
    Image.new("RGB", (2, 2), (1, 2, 3)).save(tmp_path / "colour.png")
    with pytest.raises(ValueError, match=r"colour\.png: a mask of 3 channels that differ"):
        read_mask(tmp_path / "colour.png")
    tifffile.imwrite(tmp_path / "half.tif", np.array([[0, 0.5]], np.float32))
    with pytest.raises(ValueError, match=r"half\.tif: a mask with values that are not whole"):
        read_mask(tmp_path / "half.tif")
    Image.new("L", (2, 2)).save(tmp_path / "m.jpg")
    with pytest.raises(ValueError, match=r"m\.jpg: JPEG changes the values"):
        read_mask(tmp_path / "m.jpg")


@pytest.mark.parametrize("ending", ["png", "tif", "jpg"])
@pytest.mark.parametrize("keep", [0.0, 0.02, 0.5, 0.9])
def test_truncated_files_are_named(tmp_path, ending, keep):
    path = tmp_path / f"torn.{ending}"
    pixels = RNG.integers(0, 255, (64, 64), np.uint8)
    if ending == "tif":
        tifffile.imwrite(path, pixels)
    else:
        Image.fromarray(pixels).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole))])
    with pytest.raises(ValueError, match=rf"torn\.{ending}: cannot be read as an image"):
        read_image(path)


def test_no_image_at_all(tmp_path):
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(ValueError, match=r"text\.png: cannot be read as an image"):
        read_mask(tmp_path / "text.png")
    with pytest.raises(FileNotFoundError, match=r"nowhere\.png: no such file"):
        read_image(tmp_path / "nowhere.png")


def test_an_interrupted_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "m.png"
    write_mask(path, np.array([[1]]))

    def fails(file):
        file.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_whole(path, fails)
    assert read_mask(path).item() == 1
    assert os.listdir(tmp_path) == ["m.png"]


def test_reading_warns_of_nothing(tmp_path):
    write_image(tmp_path / "x.tif", np.ones((4, 3, 3)), bits=16)
    write_image(tmp_path / "x.png", np.ones((1, 3, 3)), bits=16)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_image(tmp_path / "x.tif")
        read_image(tmp_path / "x.png")
