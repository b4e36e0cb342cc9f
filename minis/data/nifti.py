"""The NIfTI format: from bytes to an array and back.

nibabel knows the header and the types. What it mends in silence is asked for first: where a file
gives no spacing it would put 1 mm, which no one measured.
"""

import gzip
import logging
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from .geometry import MILLIMETRES, Geometry, check_spacing, millimetres
from .images import write_whole
from .packages import require

ENDINGS = (".nii.gz", ".nii")
"""File name endings of volumes."""

_SILENT = logging.Logger("nifti", logging.CRITICAL + 1)  # what it would say is told as an error


def decode(path: Path, spacing: Sequence[float] | None) -> tuple[npt.NDArray[Any], Geometry]:
    """Read a file as (C, D, H, W), whatever goes wrong being told with its name.

    Parameters
    ----------
    path : path
    spacing : three floats, optional
        Millimetres, for a file that doesn't say them.

    Returns
    -------
    (C, D, H, W) array
        Real values: scl_slope · stored + scl_inter.
    Geometry

    Raises
    ------
    FileNotFoundError, MissingPackageError, ValueError
        As from `read_volume`.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    require("nibabel", f"{path}: reading NIfTI")
    try:
        header, stored, array = _parse(path.read_bytes())
    except Exception as error:  # decoders fail in a dozen ways on damaged files
        raise ValueError(f"{path}: cannot be read as NIfTI ({error})") from error
    header["pixdim"][1:4] = _edges(path, stored, header, spacing)
    return _channels_first(path, array), Geometry(header)


def encode(path: Path, array: npt.NDArray[Any], geometry: Geometry) -> None:
    """Write (i, j, k) or (i, j, k, 1, C) as it is, whole or not at all.

    Raises
    ------
    MissingPackageError
        If nibabel is not installed.
    ValueError
        If the name doesn't end in .nii or .nii.gz.
    """
    nibabel = require("nibabel", f"{path}: writing NIfTI")
    if not path.name.lower().endswith(ENDINGS):
        raise ValueError(f"{path}: unknown ending, expected {' or '.join(ENDINGS)}")
    header = geometry.header.copy()
    header.set_data_dtype(array.dtype)
    if array.ndim == 5:
        header.set_intent("vector")
    one = isinstance(header, nibabel.Nifti1Header) and header.sizeof_hdr == 348
    content = (nibabel.Nifti1Image if one else nibabel.Nifti2Image)(array, None, header).to_bytes()

    def pack(file: BinaryIO) -> None:
        if path.name.lower().endswith(".gz"):
            with gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
                packed.write(content)
        else:
            file.write(content)

    write_whole(path, pack)


def _parse(content: bytes) -> tuple[Any, npt.NDArray[Any], npt.NDArray[Any]]:
    """Return a file's header, the three edges that it gives, and its real values."""
    import nibabel

    if content[:2] == b"\x1f\x8b":  # how gzip begins
        content = gzip.decompress(content)  # checks the sum at its end too
    for kind in (nibabel.Nifti1Header, nibabel.Nifti2Header):
        if kind.may_contain_header(content[: kind.sizeof_hdr]):
            header = kind(content[: kind.sizeof_hdr], check=False)
            break
    else:
        raise ValueError("it doesn't begin with the header of one")
    if not bytes(header["magic"].item()).startswith(b"n+"):
        raise ValueError("it is the header of a pair of files; save both as one .nii")
    stored = header["pixdim"][1:4].copy()  # before nibabel makes 1 of what is 0
    header.check_fix(logger=_SILENT, error_level=40)
    array = header.data_from_fileobj(BytesIO(content))
    if array.dtype.names:  # colours
        array = np.stack([array[name] for name in array.dtype.names], axis=-1)[:, :, :, None]
    if array.dtype.kind not in "iufb":
        raise ValueError(f"voxels of {array.dtype}, expected real numbers")
    return header, stored, array


def _edges(
    path: Path, stored: npt.NDArray[Any], header: Any, spacing: Sequence[float] | None
) -> npt.NDArray[np.float64]:
    """Return the voxel's edges in the file's unit: as stored, or else as given."""
    edges = [float(edge) for edge in stored]
    if all(np.isfinite(edge) and edge > 0 for edge in edges):
        return np.array(edges)
    if spacing is None:
        raise ValueError(
            f"{path}: has no spacing: its header says {millimetres(edges)} (pixdim), expected "
            "three finite numbers above 0; name the millimetres between voxels along its three "
            "axes (spacing; in `minis predict` --spacing 1,1,2.5) or mend the file"
        )
    unit = MILLIMETRES.get(int(header["xyzt_units"]) & 7, 1.0)
    return np.array(check_spacing(str(path), spacing)) / unit


def _channels_first(path: Path, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Bring (i, j, k, time, channels) to (C, D, H, W)."""
    lengths = " × ".join(str(n) for n in array.shape)
    shape: tuple[int, ...] = array.shape + (1,) * (5 - array.ndim)
    time, channels = shape[3:5]
    if array.ndim < 3 or not array.size:
        raise ValueError(f"{path}: {array.ndim} axes of lengths {lengths}; expected a volume")
    if time != 1 or any(n != 1 for n in shape[5:]):
        raise ValueError(
            f"{path}: a series of {time} volumes in time ({lengths} voxels); expected one volume. "
            "Save one of them, or, if they are channels, along the fifth axis, as NIfTI has it"
        )
    return np.moveaxis(array.reshape(*shape[:3], channels), 3, 0)
