"""Three planes through a volume: millimetres, sides of the body, the right slices."""

import numpy as np
import pytest

from minis.show import PALETTE
from minis.show_volume import centre, three_planes


def scene():
    """A volume 10 × 12 × 8 in which one ball lies right, anterior and inferior of the middle."""
    image = np.random.default_rng(0).random((1, 10, 12, 8)) * 400 - 200
    labels = np.zeros((10, 12, 8), int)
    labels[6:9, 7:11, 1:3] = 2
    return image, labels


def picture(panel):
    """Return a panel's picture, row 0 at the bottom, a pixel for each voxel, and its extent."""
    (shown,) = panel.get_images()
    assert shown.origin == "lower"
    assert panel.get_aspect() == 1
    return np.asarray(shown.get_array()), shown.get_extent()


def coloured(panel, columns, rows):
    """Whether each voxel of a panel has the colour of class 2 mixed in: (rows, columns)."""
    pixels, _ = picture(panel)
    finer = pixels.shape[0] // rows
    assert pixels.shape == (rows * finer, columns * finer, 3)
    middle = pixels[finer // 2 :: finer, finer // 2 :: finer]
    grey = (middle == middle[..., :1]).all(axis=-1)
    return ~grey


def stored_as(volume, orientation):
    """Store a volume whose axes point right, anterior and superior with other axes."""
    order = [next(i for i, pair in enumerate(("RL", "AP", "SI")) if c in pair) for c in orientation]
    volume = volume.transpose(*range(volume.ndim - 3), *(volume.ndim - 3 + axis for axis in order))
    flips = [volume.ndim - 3 + i for i, letter in enumerate(orientation) if letter in "LPI"]
    return np.flip(volume, flips), order


@pytest.mark.parametrize("orientation", ["RAS", "LPS", "LAS", "PIR", "SRA", "ILP"])
def test_the_body_is_upright_however_it_is_stored(orientation):
    image, labels = scene()
    stored, order = stored_as(image, orientation)
    spacing = np.array((1.0, 2.0, 3.0))[order]
    figure = three_planes(
        stored, stored_as(labels, orientation)[0], spacing, orientation=orientation
    )
    coronal, sagittal, axial, _ = figure.axes
    truth = labels == 2
    at = [int(index) for index in voxel_shown(figure)]  # a half is rounded to either side
    assert truth[tuple(at)]
    np.testing.assert_array_equal(coloured(coronal, 10, 8), truth[:, at[1]].T)
    np.testing.assert_array_equal(coloured(sagittal, 12, 8), truth[at[0]].T)
    np.testing.assert_array_equal(coloured(axial, 10, 12), truth[:, :, at[2]].T)
    assert picture(coronal)[1] == [0, 10, 0, 24]
    assert picture(sagittal)[1] == [0, 24, 0, 24]
    assert picture(axial)[1] == [0, 10, 0, 24]
    for panel, name, letters in [
        (coronal, "coronal", "LRIS"), (sagittal, "sagittal", "PAIS"), (axial, "axial", "LRPA"),
    ]:  # fmt: skip
        assert panel.get_title().startswith(name)
        left, right, bottom, top = sides(panel)
        assert left + right + bottom + top == letters


def voxel_shown(figure):
    """Where the lines of the axial and the coronal plane cross, in voxels of 1 × 2 × 3 mm."""
    coronal, _, axial, _ = figure.axes
    right, forward = (line.get_data()[i][0] for i, line in enumerate(axial.get_lines()))
    up = coronal.get_lines()[1].get_data()[1][0]
    return right // 1, forward // 2, up // 3


def sides(panel):
    """Return the letters at the left, right, bottom and top of a panel."""
    texts = {text.get_position(): text.get_text() for text in panel.texts}
    return [texts[place] for place in ((0.02, 0.5), (0.98, 0.5), (0.5, 0.02), (0.5, 0.98))]


def test_without_an_orientation_the_axes_stand_as_stored():
    image, labels = scene()
    figure = three_planes(image, labels, (1, 2, 3), at=(6, 10, 2))
    first, second, third, legend = figure.axes
    assert first.get_title() == "axes 0 and 2, axis 1 at 10"
    assert third.get_xlabel() == "axis 0 (mm)"
    assert not first.texts  # no side is named
    assert "not known" in legend.texts[0].get_text()
    np.testing.assert_array_equal(coloured(first, 10, 8), (labels[:, 10] == 2).T)
    np.testing.assert_array_equal(coloured(second, 12, 8), (labels[6] == 2).T)
    np.testing.assert_array_equal(coloured(third, 10, 12), (labels[:, :, 2] == 2).T)


def test_the_legend_has_names_colours_and_volumes():
    image, labels = scene()
    labels[0, 0, 0] = 255
    figure = three_planes(image, labels, (10, 10, 10), classes=("air", "bone", "heart"))
    legend = figure.axes[3].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["heart: 24 ml", "void: 1 ml"]
    assert legend.get_patches()[0].get_facecolor()[:3] == pytest.approx(PALETTE[2])
    nothing = three_planes(image, 0 * labels, (1, 1, 1))
    assert nothing.axes[3].get_legend() is None


def test_pixels_of_one_scale_in_the_written_picture(tmp_path):
    """Millimetres are equally long in all panels and in both directions."""
    image, labels = np.random.default_rng(0).random((1, 40, 50, 6)), np.zeros((40, 50, 6), int)
    figure = three_planes(image, labels, (1.0, 1.0, 8.0), orientation="RAS")
    figure.savefig(tmp_path / "x.png")
    for panel in figure.axes[:3]:
        box = panel.get_window_extent()
        _, (_, width, _, height) = picture(panel)
        assert box.width / box.height == pytest.approx(width / height, rel=0.01)
    scales = [p.get_window_extent().width / picture(p)[1][1] for p in figure.axes[:3]]
    assert max(scales) < 1.25 * min(scales)


def test_the_centre_is_that_of_what_was_found():
    labels = np.zeros((9, 8, 7), int)
    assert centre(labels) == (4, 4, 3)
    labels[1:4, 2, 5] = 3
    labels[8] = 255  # void is nothing
    assert centre(labels) == (2, 2, 5)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"image": np.zeros((10, 12, 8))}, r"image must have shape \(C, D, H, W\)"),
        ({"image": np.zeros((1, 10, 12, 9))}, r"size of the labels \(10, 12, 8\), got"),
        ({"spacing": (1, 1)}, "spacing 1 × 1 mm"),
        ({"spacing": (1, 1, -2)}, "spacing 1 × 1 × -2 mm"),
        ({"at": (0, 0, 8)}, r"voxel \(0, 0, 8\) lies outside \(10, 12, 8\)"),
        ({"at": (0, 0)}, r"voxel \(0, 0\) lies outside"),
        ({"orientation": "RLS"}, "orientation 'RLS'; expected one letter each"),
        ({"orientation": "RA"}, "orientation 'RA'"),
    ],
)
def test_what_cannot_be(changes, text):
    image, labels = scene()
    arguments = {"image": image, "labels": labels, "spacing": (1, 1, 1)} | changes
    with pytest.raises(ValueError, match="three_planes: .*" + text):
        three_planes(**arguments)
