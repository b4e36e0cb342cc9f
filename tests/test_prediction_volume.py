"""`minis predict` on volumes: masks in the same place in space, tiles without a trace, errors."""

import os

import numpy as np
import pytest
from PIL import Image

from minis import nn
from minis.data import (
    Ellipsoids,
    Geometry,
    predict_tiled,
    read_volume_mask,
    stretch,
    write_image,
    write_volume,
)
from minis.models import build
from minis.nn import Module
from minis.prediction import Trained, open_trained, predict_files
from minis.prediction_volume import MARGIN, STRIDE, TILE, parse_spacing, predict_volume, tile_of
from minis.training import save_weights

from .test_cli import minis

nibabel = pytest.importorskip("nibabel", reason="volumes need minis[data]")

RNG = np.random.default_rng(0)
PLACE = np.array([[-1, 0, 0, 90], [0, 0, -2.5, 126], [0, 1, 0, -72], [0, 0, 0, 1.0]])  # LSP


class Small(Module):
    """Down and up once, as V-Net does it: looks 6 voxels far, in steps of 2."""

    axes = 3

    def __init__(self, in_channels=1, num_classes=3):
        super().__init__()
        rng = np.random.default_rng(1)
        self.enter = nn.Conv3d(in_channels, 4, 3, padding=1, rng=rng)
        self.reduce = nn.Conv3d(4, 6, 2, stride=2, rng=rng)
        self.middle = nn.Conv3d(6, 6, 3, padding=1, rng=rng)
        self.expand = nn.ConvTranspose3d(6, 4, 2, stride=2, rng=rng)
        self.leave = nn.Conv3d(4, num_classes, 3, padding=1, rng=rng)

    def forward(self, x):
        h = self.enter(x)
        y = self.expand(np.maximum(self.middle(np.maximum(self.reduce(h), 0)), 0))
        return self.leave(y + h)


class Threshold(Module):
    """Class 1 above a half, for any number of axes."""

    def __init__(self, axes):
        super().__init__()
        self.axes = axes

    def forward(self, x):
        return np.concatenate([0.5 - x, x - 0.5], axis=1)


def trained(axes=3, **changes):
    fields = {
        "model": Threshold(axes), "classes": ("air", "bone"), "mask_values": (0, 200),
        "stretched": False, "in_channels": 1, "spacing": None,
    } | changes  # fmt: skip
    return Trained(**fields)


def save(path, image, affine=PLACE):
    write_volume(path, image.astype(np.float32), Geometry.from_affine(affine))
    return path


@pytest.fixture
def no_pictures(monkeypatch):
    """Leave the pictures out, which take long."""
    monkeypatch.setattr("minis.prediction_volume.save_figure", lambda figure, path: None)


def test_tiles_cover_an_axis_and_fall_on_the_strides():
    for length in range(1, 600):
        tile, margin = tile_of(length)
        inner = tile - 2 * margin
        assert tile <= TILE
        if length <= TILE:
            assert (tile, margin) == (length, 0)
        else:
            assert margin == MARGIN
            assert inner % STRIDE == 0
            assert MARGIN % STRIDE == 0
            pieces = -(-length // inner)
            assert pieces == -(-length // (TILE - 2 * MARGIN))  # no more than the longest need
            assert pieces * inner - length < pieces * STRIDE


def test_tiles_leave_no_trace_inside():
    """Whole and in tiles: equal logits where the network looks no further than the volume."""
    model, image = Small().astype(np.float64).eval(), RNG.standard_normal((1, 40, 22, 56))
    whole = model(image[None])[0]
    tiled = predict_tiled(model, image, (24, 22, 32), (8, 0, 8), batch_size=1)
    inside = (slice(None), slice(8, -8), slice(None), slice(8, -8))
    np.testing.assert_allclose(tiled[inside], whole[inside], rtol=0, atol=1e-12)
    assert not np.allclose(tiled, whole)  # at the border one sees zeros, the other mirrored voxels
    narrow = predict_tiled(model, image, (24, 22, 32), (2, 0, 2), batch_size=1)
    assert not np.allclose(narrow[inside], whole[inside], atol=1e-6)  # the margin is needed


def test_a_large_volume_is_predicted_as_in_one_piece():
    model, image = Small().eval(), RNG.standard_normal((1, 140, 12, 10)).astype(np.float32)
    seen = []

    def spy(x):
        seen.append(x.shape)
        return model(x)

    labels = predict_volume(spy, image)
    whole = model(image[None])[0].argmax(axis=0)
    assert seen == [(1, 1, 112, 12, 10)] * 2
    assert labels.shape == (140, 12, 10)
    assert (labels == whole)[16:-16].mean() > 0.9999  # a tie may fall otherwise
    small = image[:, :100]
    np.testing.assert_array_equal(predict_volume(model, small), model(small[None])[0].argmax(0))


def test_the_mask_lies_where_the_volume_lies(tmp_path):
    image = np.zeros((1, 12, 8, 10))
    image[:, 7:10, 2:4, 5:9] = 1
    path = save(tmp_path / "head.v1.nii.gz", image)
    lines = []
    assert predict_files(trained(), path, tmp_path / "out", lines.append) == 1
    assert lines == ["head.v1.nii.gz → head.v1_mask.nii.gz, head.v1_planes.png"]
    assert sorted(os.listdir(tmp_path / "out")) == ["head.v1_mask.nii.gz", "head.v1_planes.png"]
    before = nibabel.load(path)
    after = nibabel.load(tmp_path / "out" / "head.v1_mask.nii.gz")
    np.testing.assert_array_equal(after.affine, before.affine)
    assert after.header.get_zooms() == before.header.get_zooms() == (1.0, 1.0, 2.5)
    assert after.header.get_xyzt_units() == before.header.get_xyzt_units()
    assert after.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(np.asarray(after.dataobj), 200 * image[0])
    with Image.open(tmp_path / "out" / "head.v1_planes.png") as picture:
        assert min(picture.size) > 400
        colours = {colour for _, colour in picture.convert("RGB").getcolors(10**6)}
    assert (0, 114, 178) in colours  # bone


def test_a_folder_of_volumes(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("b.nii", "a.nii.gz", ".hidden.nii"):
        save(tmp_path / "in" / name, RNG.random((1, 4, 5, 6)))
    write_image(tmp_path / "in" / "photo.png", np.zeros((1, 4, 4)))  # beside volumes: passed over
    out = tmp_path / "out"
    assert predict_files(trained(), tmp_path / "in", out) == 2
    assert sorted(os.listdir(out)) == [
        "a_mask.nii.gz", "a_planes.png", "b_mask.nii.gz", "b_planes.png",
    ]  # fmt: skip
    with pytest.raises(FileExistsError, match=r"a_mask\.nii\.gz is there already; --overwrite"):
        predict_files(trained(), tmp_path / "in", out)
    assert predict_files(trained(), tmp_path / "in", out, overwrite=True) == 2
    save(tmp_path / "in" / "a.nii", RNG.random((1, 4, 5, 6)))
    with pytest.raises(ValueError, match=r"has the same name as a\.nii"):
        predict_files(trained(), tmp_path / "in", out, overwrite=True)
    with pytest.raises(ValueError, match="the images are there"):
        predict_files(trained(), tmp_path / "in" / "b.nii", tmp_path / "in")


def test_axes_that_do_not_fit(tmp_path, no_pictures):
    (tmp_path / "in").mkdir()
    volume = save(tmp_path / "in" / "x.nii.gz", RNG.random((1, 4, 5, 6)))
    (tmp_path / "flat").mkdir()
    flat = tmp_path / "flat" / "y.png"
    write_image(flat, np.zeros((1, 4, 4)))
    out = tmp_path / "out"
    for network, sources, text in [
        (trained(2), (volume, volume.parent), r"with 2 spatial axes; .*x\.nii\.gz has 3"),
        (trained(3), (flat, flat.parent), r"with 3 spatial axes; .*y\.png has 2"),
    ]:
        for source in sources:
            with pytest.raises(ValueError, match="the network is for images " + text):
                predict_files(network, source, out)
    with pytest.raises(ValueError, match="with 3 spatial axes; the image has 2"):
        trained(3).predict(np.zeros((1, 4, 4), np.float32))
    with pytest.raises(ValueError, match="spacing is for volumes"):
        predict_files(trained(2), flat, out, spacing=(1, 1, 1))
    with pytest.raises(ValueError, match=r"x\.nii\.gz: the image has 1 channels, .* trained on 2"):
        predict_files(trained(in_channels=2), volume, out)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"no images \(looked for \.nii, \.nii\.gz\)"):
        predict_files(trained(), tmp_path / "empty", out)
    assert not out.exists()


def without_spacing(path):
    """Set a file's pixdim to 0 along its last axis."""
    content = bytearray(path.read_bytes())
    header = nibabel.Nifti1Header(bytes(content[:348]), check=False)
    header["pixdim"][3] = 0
    content[:348] = header.binaryblock
    path.write_bytes(content)


def test_a_volume_without_spacing(tmp_path):
    path = save(tmp_path / "x.nii", RNG.random((1, 4, 5, 6)))
    without_spacing(path)
    with pytest.raises(ValueError, match=r"x\.nii: has no spacing: .* 1 × 1 × 0 mm.*--spacing"):
        predict_files(trained(), path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    predict_files(trained(), path, tmp_path / "out", spacing=parse_spacing("1,1,2.5"))
    geometry = read_volume_mask(tmp_path / "out" / "x_mask.nii.gz")[1]
    assert geometry.spacing == (1, 1, 2.5)
    for text in ("1,1", "1,1,0", "1,1,nan", "one", "1x1x1"):
        with pytest.raises(ValueError, match=r"--spacing .* expected three numbers"):
            parse_spacing(text)


def test_another_spacing_than_in_training_is_told(tmp_path, no_pictures):
    path = save(tmp_path / "x.nii", RNG.random((1, 4, 5, 6)))
    for spacing, warned in [
        (None, False), ((1.0, 1.0, 2.5), False), ((1.05, 0.95, 2.3), False),
        ((1.0, 1.0, 2.0), True), ((1.2, 1.0, 2.5), True), ((2.5, 1.0, 1.0), True),
    ]:  # fmt: skip
        lines = []
        predict_files(
            trained(spacing=spacing), path, tmp_path / "out", lines.append, overwrite=True
        )
        assert len(lines) == 1 + warned
        if warned:
            assert "x.nii: warning: voxels of 1 × 1 × 2.5 mm but the network was" in lines[0]


def test_intensities_become_those_of_training(tmp_path, no_pictures):
    """Stretched if the network was trained so, or if they leave 0…1, which is then told."""
    image = RNG.random((1, 6, 7, 8)).astype(np.float32)
    for factor, stretched, told in [(1, False, 0), (1, True, 0), (900, True, 0), (900, False, 1)]:
        path = save(tmp_path / "x.nii", factor * image)
        lines = []
        network = trained(stretched=stretched)
        predict_files(network, path, tmp_path / "out", lines.append, overwrite=True)
        seen = stretch(factor * image) if stretched or told else image
        mask = read_volume_mask(tmp_path / "out" / "x_mask.nii.gz")[0]
        np.testing.assert_array_equal(mask, 200 * (seen[0] > 0.5))
        assert len(lines) == 1 + told
        assert not told or "but the network was trained on 0 … 1: stretched" in lines[0]


def test_nothing_found_gives_planes_through_the_middle(tmp_path):
    path = save(tmp_path / "x.nii", np.zeros((1, 4, 5, 6)))
    predict_files(trained(), path, tmp_path / "out")
    assert not read_volume_mask(tmp_path / "out" / "x_mask.nii.gz")[0].any()
    assert (tmp_path / "out" / "x_planes.png").exists()


def test_the_command_with_a_checkpoint_of_vnet(tmp_path):
    """VNet.mini, from its file to a mask, with the spacing it was trained on."""
    arguments = {"name": "vnet", "in_channels": 1, "num_classes": 2}
    metadata = {
        "model": arguments, "classes": ["air", "body"], "mask_values": [0, 1],
        "settings": {"stretched": True}, "spacing": [2.5, 1.0, 1.0],
    }  # fmt: skip
    save_weights(build(**arguments), tmp_path / "v.safetensors", metadata=metadata)
    network = open_trained(tmp_path / "v.safetensors")
    assert (network.axes, network.spacing) == (3, (2.5, 1.0, 1.0))
    sample = Ellipsoids(1, size=(9, 20, 17))[0]
    write_volume(tmp_path / "x.nii", sample.image, Geometry.from_spacing(sample.spacing))
    without_spacing(tmp_path / "x.nii")
    command = ["predict", "v.safetensors", "x.nii", "--out", "out"]
    refused = minis(*command, cwd=tmp_path)
    assert refused.returncode == 2
    assert "error: x.nii: has no spacing: its header says 2.5 × 1 × 0 mm" in refused.stderr
    assert "Traceback" not in refused.stderr
    done = minis(*command, "--spacing", "2.5,1,2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1 segmented, in out; in the masks 0 = air, 1 = body" in done.stdout
    told = done.stderr.splitlines()
    assert told[0].startswith("x.nii: warning: voxels of 2.5 × 1 × 2 mm but the network was")
    assert told[1] == "x.nii → x_mask.nii.gz, x_planes.png"
    labels = read_volume_mask(tmp_path / "out" / "x_mask.nii.gz")[0]
    image = stretch(sample.image)
    np.testing.assert_array_equal(labels, network.model(image[None])[0].argmax(axis=0))
