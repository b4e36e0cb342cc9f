"""NIfTI files: what is written is read in the same place, and what is wrong is told by name."""

import gzip
import os
import warnings
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minis.data import (
    Geometry,
    MissingPackageError,
    read_volume,
    read_volume_mask,
    write_volume,
    write_volume_mask,
)
from minis.data.geometry import FIELDS

nibabel = pytest.importorskip("nibabel", reason="volumes need minis[data]")

RNG = np.random.default_rng(0)
OBLIQUE = np.array([[0, -2.9, 0.5, 70], [-0.8, 0, 0, 90.5], [0, 0.51, 2.9, -66], [0, 0, 0, 1]])


def save(path, array, affine=None, header=None, **fields):
    """Write a file with nibabel, then change fields of its header byte by byte."""
    image = nibabel.Nifti1Image(array, np.eye(4) if affine is None else affine, header)
    content = bytearray(image.to_bytes())
    changed = nibabel.Nifti1Header(bytes(content[:348]), check=False)
    for name, value in fields.items():
        changed[name] = value
    content[:348] = changed.binaryblock
    path.write_bytes(gzip.compress(content) if path.name.endswith(".gz") else content)
    return path


@settings(max_examples=30, deadline=None)
@given(
    ending=st.sampled_from(["nii", "nii.gz", "NII.GZ"]),
    channels=st.integers(1, 3),
    size=st.tuples(*[st.integers(1, 6)] * 3),
    spacing=st.tuples(*[st.sampled_from([0.35, 0.7, 1.0, 2.5, 12.0])] * 3),
)
def test_volumes_and_masks_come_back(tmp_path_factory, ending, channels, size, spacing):
    folder = tmp_path_factory.mktemp("volumes")
    image = RNG.standard_normal((channels, *size)).astype(np.float32)
    labels = RNG.integers(0, 300, size)
    place = Geometry.from_spacing(spacing)
    write_volume(folder / f"x.{ending}", image, place)
    write_volume_mask(folder / f"m.{ending}", labels, place)
    volume = read_volume(folder / f"x.{ending}")
    mask, geometry = read_volume_mask(folder / f"m.{ending}")
    assert (volume.image.dtype, mask.dtype) == (np.float32, np.int64)
    assert volume.spacing == geometry.spacing == spacing
    assert volume.image.flags.c_contiguous
    np.testing.assert_array_equal(volume.image, image)
    np.testing.assert_array_equal(mask, labels)
    assert sorted(os.listdir(folder)) == sorted([f"x.{ending}", f"m.{ending}"])


@pytest.mark.parametrize("kind", ["<i2", ">i2", "<f8", ">f8", "u1", ">u2", "<i4", ">f4", "i1"])
@pytest.mark.parametrize("ending", ["nii", "nii.gz"])
def test_types_and_byte_orders(tmp_path, kind, ending):
    dtype = np.dtype(kind)
    array = RNG.integers(0, 100, (3, 4, 5)).astype(dtype)
    path = tmp_path / f"x.{ending}"
    order = ">" if kind[0] == ">" else "<"
    header = nibabel.Nifti1Header(endianness=order)
    header.set_data_dtype(dtype)
    header.set_data_shape(array.shape)
    header["pixdim"][1:4] = (1, 2, 3)
    header["vox_offset"] = 352
    content = header.binaryblock + b"\0" * 4 + array.tobytes(order="F")
    path.write_bytes(gzip.compress(content) if ending == "nii.gz" else content)
    volume = read_volume(path)
    np.testing.assert_array_equal(volume.image[0], array)
    assert volume.spacing == (1, 2, 3)
    assert volume.image.dtype.isnative


def test_scl_slope_and_inter_are_applied(tmp_path):
    array = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    path = save(tmp_path / "x.nii", array, scl_slope=0.5, scl_inter=-3)
    np.testing.assert_array_equal(read_volume(path).image[0], array * 0.5 - 3)
    save(path, array, scl_slope=np.nan, scl_inter=np.nan)  # how a header says that there are none
    np.testing.assert_array_equal(read_volume(path).image[0], array)
    save(path, array.astype(np.uint8), scl_slope=2, scl_inter=1)
    np.testing.assert_array_equal(read_volume_mask(path)[0], 2 * array + 1)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("codes", [(0, 0), (1, 0), (0, 2), (3, 4)])
def test_a_mask_lies_where_its_volume_lies(tmp_path, version, codes):
    """Affine, spacing and codes are repeated exactly; type and scale are a mask's own."""
    image_class = nibabel.Nifti1Image if version == 1 else nibabel.Nifti2Image
    image = image_class(RNG.integers(0, 99, (4, 5, 6)).astype(np.int16), OBLIQUE)
    image.set_qform(OBLIQUE, codes[0], strip_shears=True)
    image.set_sform(OBLIQUE, codes[1])
    image.header.set_xyzt_units("mm", "sec")
    image.header["descrip"] = b"John Doe"
    image.header.set_slope_inter(3, 7)
    nibabel.save(image, tmp_path / "x.nii.gz")
    volume = read_volume(tmp_path / "x.nii.gz")
    write_volume_mask(tmp_path / "m.nii.gz", (volume.image[0] > 50) * 1, volume.geometry)
    before, after = nibabel.load(tmp_path / "x.nii.gz"), nibabel.load(tmp_path / "m.nii.gz")
    assert type(after) is image_class
    np.testing.assert_array_equal(after.affine, before.affine)
    for field in FIELDS:
        np.testing.assert_array_equal(after.header[field], before.header[field], field)
    assert after.header.get_zooms() == before.header.get_zooms()
    assert after.get_data_dtype() == np.uint8
    assert (after.dataobj.slope, after.dataobj.inter) == (1, 0)
    raw = gzip.decompress((tmp_path / "m.nii.gz").read_bytes())
    kind = nibabel.Nifti1Header if version == 1 else nibabel.Nifti2Header
    written = kind(raw[: kind.sizeof_hdr], check=False)
    assert (written["scl_slope"], written["scl_inter"]) == (1, 0)
    assert b"John Doe" not in raw  # of the volume's header only the place is repeated
    expected = "".join(nibabel.aff2axcodes(before.affine)) if any(codes) else None
    assert volume.geometry.orientation == expected
    write_volume_mask(tmp_path / "wide.nii", np.full((4, 5, 6), 256), volume.geometry)
    assert nibabel.load(tmp_path / "wide.nii").get_data_dtype() == np.uint16


@pytest.mark.parametrize(
    ("unit", "factor"), [("meter", 1000), ("mm", 1), ("micron", 0.001), ("unknown", 1)]
)
def test_spacing_is_in_millimetres(tmp_path, unit, factor):
    image = nibabel.Nifti1Image(np.zeros((2, 2, 2), np.uint8), np.diag([0.7, 0.7, 3, 1]))
    image.header.set_xyzt_units(unit)
    nibabel.save(image, tmp_path / "x.nii")
    volume = read_volume(tmp_path / "x.nii")
    np.testing.assert_allclose(volume.spacing, np.multiply((0.7, 0.7, 3), factor), rtol=1e-12)
    np.testing.assert_allclose(
        np.linalg.norm(volume.geometry.affine[:3, :3], axis=0), volume.spacing, rtol=1e-6
    )


@pytest.mark.parametrize("ending", ["nii", "nii.gz"])
@pytest.mark.parametrize("edge", [0, -1, np.nan, np.inf])
@pytest.mark.parametrize("axis", [1, 3])
def test_a_volume_without_spacing(tmp_path, ending, edge, axis):
    pixdim = np.ones(8)
    pixdim[axis] = edge
    array = RNG.random((2, 3, 4)).astype(np.float32)
    path = save(tmp_path / f"x.{ending}", array, pixdim=pixdim, sform_code=0, qform_code=0)
    for read in (read_volume, read_volume_mask):
        with pytest.raises(ValueError, match=rf"x\.{ending}: has no spacing: .*{edge:g}") as caught:
            read(path)
        assert "--spacing 1,1,2.5" in str(caught.value)
    volume = read_volume(path, spacing=(0.5, 0.5, 4))
    assert volume.spacing == (0.5, 0.5, 4)
    np.testing.assert_array_equal(volume.image[0], array)
    write_volume_mask(tmp_path / "m.nii", np.zeros((2, 3, 4), int), volume.geometry)
    assert read_volume_mask(tmp_path / "m.nii")[1].spacing == (0.5, 0.5, 4)
    with pytest.raises(ValueError, match=rf"x\.{ending}: spacing 0\.5 × 0\.5 × 0 mm; expected"):
        read_volume(path, spacing=(0.5, 0.5, 0))
    good = save(tmp_path / f"good.{ending}", array)
    assert read_volume(good, spacing=(9, 9, 9)).spacing == (1, 1, 1)  # what a file says counts


def test_time_is_refused_and_channels_are_the_fifth_axis(tmp_path):
    path = tmp_path / "x.nii"
    array = RNG.random((2, 3, 4, 1)).astype(np.float32)
    save(path, array)
    np.testing.assert_array_equal(read_volume(path).image[0], array[..., 0])
    save(path, np.zeros((2, 3, 4, 5), np.float32))
    with pytest.raises(ValueError, match=r"x\.nii: a series of 5 volumes in time .* fifth axis"):
        read_volume(path)
    vectors = RNG.random((2, 3, 4, 1, 3)).astype(np.float32)
    save(path, vectors)
    np.testing.assert_array_equal(read_volume(path).image, np.moveaxis(vectors[:, :, :, 0], 3, 0))
    with pytest.raises(ValueError, match=r"x\.nii: a mask of 3 channels"):
        read_volume_mask(path)
    save(path, np.zeros((2, 3), np.float32))
    with pytest.raises(ValueError, match=r"x\.nii: 2 axes of lengths 2 × 3; expected a volume"):
        read_volume(path)


def test_colours_are_channels(tmp_path):
    colours = RNG.integers(0, 255, (2, 3, 4, 3), np.uint8)
    kind = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
    save(tmp_path / "x.nii", colours.view(kind)[..., 0])
    np.testing.assert_array_equal(read_volume(tmp_path / "x.nii").image, np.moveaxis(colours, 3, 0))
    save(tmp_path / "x.nii", np.zeros((2, 2, 2), np.complex64))
    with pytest.raises(ValueError, match=r"x\.nii: cannot be read as NIfTI \(voxels of complex64"):
        read_volume(tmp_path / "x.nii")


def test_values_that_are_no_numbers_are_counted(tmp_path):
    array = np.zeros((2, 3, 4), np.float64)
    array[0, 0, :3] = np.nan, np.inf, 1e300
    save(tmp_path / "x.nii", array)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=r"x\.nii: 3 of 24 values are NaN or infinite"):
            read_volume(tmp_path / "x.nii")
        with pytest.raises(ValueError, match=r"x\.nii: a mask in which . values are not whole"):
            read_volume_mask(tmp_path / "x.nii")
        array[0, 0, :3] = 0.5, 1, 2
        save(tmp_path / "x.nii", array)
        with pytest.raises(ValueError, match=r"x\.nii: a mask in which 1 values are not whole"):
            read_volume_mask(tmp_path / "x.nii")
        save(tmp_path / "x.nii", np.rint(array))  # whole numbers in floating values are fine
        assert read_volume_mask(tmp_path / "x.nii")[0].max() == 2


@pytest.mark.parametrize("ending", ["nii", "nii.gz"])
@pytest.mark.parametrize("keep", [0.0, 0.01, 0.5, 0.99])
def test_truncated_files_are_named(tmp_path, ending, keep):
    path = save(tmp_path / f"torn.{ending}", RNG.random((20, 20, 20)).astype(np.float32))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole))])
    for read in (read_volume, read_volume_mask):
        with pytest.raises(ValueError, match=rf"torn\.{ending}: cannot be read as NIfTI"):
            read(path)


def test_damaged_files_are_named(tmp_path, capfd):
    array = RNG.integers(0, 99, (20, 20, 20)).astype(np.uint8)
    path = save(tmp_path / "x.nii.gz", array)
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 0xFF
    path.write_bytes(whole)
    with pytest.raises(ValueError, match=r"x\.nii\.gz: cannot be read as NIfTI"):
        read_volume(path)
    for fields in ({"datatype": 9999}, {"dim": [3, -4, 5, 6, 1, 1, 1, 1]}, {"magic": b"ni1"}):
        save(path, array, **fields)
        with pytest.raises(ValueError, match=r"x\.nii\.gz: "):
            read_volume(path)
    save(path, array, dim=[3, 30000, 30000, 30000, 1, 1, 1, 1])  # 27 TB
    with pytest.raises(ValueError, match=r"x\.nii\.gz: cannot be read as NIfTI"):
        read_volume(path)
    (tmp_path / "x.nii").write_text("hello" * 200)
    with pytest.raises(ValueError, match=r"x\.nii: cannot be read as NIfTI \(it doesn't begin"):
        read_volume(tmp_path / "x.nii")
    with pytest.raises(FileNotFoundError, match=r"no\.nii: no such file"):
        read_volume(tmp_path / "no.nii")
    assert capfd.readouterr().err == ""  # nibabel's own remarks would come unasked


def test_equal_masks_give_equal_files_whenever_they_are_written(tmp_path, monkeypatch):
    labels, place = RNG.integers(0, 3, (4, 5, 6)), Geometry.from_affine(OBLIQUE)
    write_volume_mask(tmp_path / "a.nii.gz", labels, place)
    monkeypatch.setattr("time.time", lambda: 1.0)
    write_volume_mask(tmp_path / "b.nii.gz", np.asfortranarray(labels), place)
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def test_what_cannot_be_written_leaves_no_file(tmp_path):
    place = Geometry.from_spacing((1, 1, 1))
    for name, labels, text in [
        ("m.nii", np.zeros((2, 2), int), r"m\.nii: mask of shape \(2, 2\)"),
        ("m.nii", np.full((1, 1, 1), 65536), r"mask values span 65536 … 65536"),
        ("m.hdr", np.zeros((2, 2, 2), int), r"m\.hdr: unknown ending, expected \.nii\.gz or \.nii"),
    ]:
        with pytest.raises(ValueError, match=text):
            write_volume_mask(tmp_path / name, labels, place)
    with pytest.raises(ValueError, match=r"x\.nii: volume of shape \(2, 2, 2\)"):
        write_volume(tmp_path / "x.nii", np.zeros((2, 2, 2)), place)
    assert os.listdir(tmp_path) == []


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    place = Geometry.from_spacing((1, 1, 1))
    path = tmp_path / "m.nii.gz"
    write_volume_mask(path, np.ones((2, 2, 2), int), place)

    def fails(self, content):
        raise KeyboardInterrupt

    monkeypatch.setattr("gzip.GzipFile.write", fails)
    with pytest.raises(KeyboardInterrupt):
        write_volume_mask(path, np.zeros((2, 2, 2), int), place)
    monkeypatch.undo()
    assert (read_volume_mask(path)[0] == 1).all()
    assert os.listdir(tmp_path) == ["m.nii.gz"]


def test_without_nibabel(tmp_path, monkeypatch):
    path = save(tmp_path / "x.nii", np.zeros((2, 2, 2), np.uint8))
    place = Geometry.from_spacing((1, 1, 1))

    def missing(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr("minis.data.packages.import_module", missing)
    for call, purpose in [
        (partial(read_volume, path), r"x\.nii: reading NIfTI"),
        (partial(write_volume_mask, path, np.zeros((2, 2, 2), int), place), r"x\.nii: writing"),
        (partial(Geometry.from_spacing, (1, 1, 1)), "Geometry"),
    ]:
        with pytest.raises(MissingPackageError, match=purpose) as caught:
            call()
        assert "needs nibabel, which is not installed" in str(caught.value)
        assert 'pip install "minis[data]"' in str(caught.value)


class TestGeometry:
    def test_differences(self):
        place = Geometry.from_affine(OBLIQUE)
        assert place.difference(Geometry.from_affine(OBLIQUE), (9, 9, 9)) is None
        rounded = Geometry.from_affine(OBLIQUE + 1e-4)
        assert place.difference(rounded, (9, 9, 9)) is None
        moved = OBLIQUE.copy()
        moved[0, 3] += 3
        assert "a corner 3 mm from" in place.difference(Geometry.from_affine(moved), (9, 9, 9))
        mirrored = OBLIQUE @ np.diag([1, 1, -1, 1])
        assert "axes PLS" in place.difference(Geometry.from_affine(mirrored), (9, 9, 9))
        unknown = Geometry.from_spacing(place.spacing)
        assert place.difference(unknown, (9, 9, 9)) is None
        assert "0.8 ×" in place.difference(Geometry.from_spacing((1, 1, 1)), (9, 9, 9))

    def test_a_map_into_a_template_keeps_the_physical_spacing(self, tmp_path):
        """An affine with another scale than pixdim: the voxel's size is pixdim."""
        save(tmp_path / "x.nii", np.zeros((2, 2, 2), np.uint8), np.diag([3, 3, 3, 1]))
        content = bytearray((tmp_path / "x.nii").read_bytes())
        header = nibabel.Nifti1Header(bytes(content[:348]), check=False)
        header["pixdim"][1:4] = 2.5
        content[:348] = header.binaryblock
        (tmp_path / "x.nii").write_bytes(content)
        assert read_volume(tmp_path / "x.nii").spacing == (2.5, 2.5, 2.5)

    def test_what_is_no_place(self):
        with pytest.raises(ValueError, match="Geometry: spacing 1 × 0 × 1 mm"):
            Geometry.from_spacing((1, 0, 1))
        with pytest.raises(ValueError, match="Geometry: spacing 1 × 1 mm"):
            Geometry.from_spacing((1, 1))
        with pytest.raises(ValueError, match="Geometry: spacing 1 × 0 × 1 mm"):
            Geometry.from_affine(np.diag([1, 0, 1, 1]))
