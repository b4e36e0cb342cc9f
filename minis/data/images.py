"""Image and mask files: PNG and TIFF, eight or sixteen bits, any number of channels.

Intensities become float32 by one rule: eight bits are divided by 255, sixteen by 65535,
floating values stay as they are. A mask's values stay whole numbers. Files are written
beside their place and then renamed, so that an interrupted run leaves no half a file.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from .packages import require

TIFF = {".tif", ".tiff"}
SUFFIXES = TIFF | {".png", ".jpg", ".jpeg"}
"""File name endings that are read."""


def read_image(path: str | os.PathLike[str]) -> npt.NDArray[np.float32]:
    """Read an image.

    Parameters
    ----------
    path : path
        PNG or JPEG: grey or RGB; a palette becomes RGB, transparency is dropped, and Pillow
        gives a sixteen-bit *RGB* PNG with eight bits. TIFF: any number of channels or pages.
        Where a TIFF does not name its axes, the shorter of the first and last is the channels.

    Returns
    -------
    (C, H, W) float32 array
        Integers of b bits divided by 2ᵇ − 1, b = 8 or 16; floating values as stored.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it cannot be decoded (damaged, truncated, no image), is a volume or a time series,
        or holds another type of number. The text begins with the path.

    See Also
    --------
    stretch : for sixteen-bit images that use a small part of the range.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_image(f"{folder}/grey.png", np.array([[[0.0, 1.0]]], np.float32))
    ...     read_image(f"{folder}/grey.png")
    array([[[0., 1.]]], dtype=float32)
    """
    array = _decode(Path(path), mask=False)
    if array.dtype == bool or np.issubdtype(array.dtype, np.floating):
        return array.astype(np.float32)
    if array.dtype in (np.uint8, np.uint16):
        return (array / np.float32(np.iinfo(array.dtype).max)).astype(np.float32)
    raise ValueError(
        f"{path}: an image of {array.dtype}; expected 8 or 16 bits without sign, or floating"
    )


def read_mask(path: str | os.PathLike[str]) -> npt.NDArray[np.int64]:
    """Read a mask: one whole number a pixel, as stored.

    Parameters
    ----------
    path : path
        Grey or palette PNG (of a palette the indices count, not the colours), or TIFF. Three
        channels that are equal, as some programs save grey, count as one.

    Returns
    -------
    (H, W) int64 array

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it cannot be decoded, has channels that differ, or holds fractions. The text begins
        with the path.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_mask(f"{folder}/mask.tif", np.array([[0, 300]]))
    ...     read_mask(f"{folder}/mask.tif")
    array([[  0, 300]])
    """
    if Path(path).suffix.lower() in {".jpg", ".jpeg"}:
        raise ValueError(f"{path}: JPEG changes the values of a mask; save it as PNG or TIFF")
    array = _decode(Path(path), mask=True)
    if (array != array[:1]).any():
        raise ValueError(
            f"{path}: a mask of {array.shape[0]} channels that differ (colours?); "
            "expected one label value a pixel"
        )
    values = array[0].astype(np.int64)
    if (values != array[0]).any():
        raise ValueError(f"{path}: a mask with values that are not whole numbers")
    return values


def write_image(
    path: str | os.PathLike[str], image: npt.NDArray[np.floating], bits: int = 8
) -> None:
    """Write an image so that `read_image` returns it, rounded to `bits` bits.

    Parameters
    ----------
    path : path
        Ends in .png (1 or 3 channels; 16 bits for 1 channel only), .tif or .tiff.
    image : (C, H, W) floating array
        Intensities in 0…1, for 32 bits of any size.
    bits : {8, 16, 32}
        32, TIFF only, stores float32 without rounding.

    Raises
    ------
    ValueError
        If the shape, the range or the number of bits does not fit the format.

    Examples
    --------
    >>> write_image("x.png", np.zeros((4, 8, 8), np.float32))
    Traceback (most recent call last):
    ValueError: x.png: image of shape (4, 8, 8); expected (C, H, W), C being 1 or 3 in a PNG
    """
    path = Path(path)
    tiff, channels = path.suffix.lower() in TIFF, image.shape[0] if image.ndim == 3 else 0
    if not channels or not (tiff or channels in (1, 3)):
        raise ValueError(
            f"{path}: image of shape {image.shape}; expected (C, H, W), C being 1 or 3 in a PNG"
        )
    if bits not in (8, 16, 32) or not (tiff or (bits, channels) in ((8, 1), (8, 3), (16, 1))):
        raise ValueError(f"{path}: {bits} bits of {channels} channels do not fit this format")
    if bits < 32 and not (image.min(initial=0) >= 0 and image.max(initial=0) <= 1):
        raise ValueError(f"{path}: image spans {image.min():g} … {image.max():g}, expected 0 … 1")
    if bits == 32:
        _write(path, image.astype(np.float32))
    else:
        _write(path, np.rint(image * (2**bits - 1)).astype(f"uint{bits}"))


def write_mask(path: str | os.PathLike[str], labels: npt.NDArray[np.integer]) -> None:
    """Write a mask so that `read_mask` returns it; values up to 255 take eight bits.

    Parameters
    ----------
    path : path
        Ends in .png, .tif or .tiff.
    labels : (H, W) integer or bool array
        Values 0…65535.

    Raises
    ------
    ValueError
        If the shape or the values do not fit.

    Examples
    --------
    >>> write_mask("x.png", np.array([[-1]]))
    Traceback (most recent call last):
    ValueError: x.png: mask values span -1 … -1, expected 0 … 65535
    """
    if labels.ndim != 2:
        raise ValueError(f"{path}: mask of shape {labels.shape}, expected (H, W)")
    low, high = (int(labels.min()), int(labels.max())) if labels.size else (0, 0)
    if low < 0 or high > 65535:
        raise ValueError(f"{path}: mask values span {low} … {high}, expected 0 … 65535")
    _write(Path(path), labels.astype(np.uint8 if high <= 255 else np.uint16)[None])


def _decode(path: Path, *, mask: bool) -> npt.NDArray[Any]:
    """Read any supported file as (C, H, W), whatever goes wrong being told with its name."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    read = _decode_tiff if path.suffix.lower() in TIFF else _decode_picture
    if read is _decode_tiff:
        require("tifffile", f"{path}: reading TIFF")
    try:
        array, axes = read(path, mask)
    except Exception as error:  # decoders fail in a dozen ways on damaged files
        raise ValueError(f"{path}: cannot be read as an image ({error})") from error
    if array.ndim == 2:
        return array[None]
    if array.ndim != 3 or set(axes) & set("ZT"):
        raise ValueError(f"{path}: axes {axes} of lengths {array.shape}; expected one 2-D image")
    named = [i for i, axis in enumerate(axes) if axis in "CS"]
    channels = named[0] if named else (0 if array.shape[0] <= array.shape[2] else 2)
    return np.moveaxis(array, channels, 0)


def _decode_picture(path: Path, mask: bool) -> tuple[npt.NDArray[Any], str]:
    """Decode with Pillow; return the array and the letters of its axes."""
    from PIL import Image, ImageOps

    with Image.open(path) as file:
        picture = ImageOps.exif_transpose(file)
        if picture.mode in ("LA", "La"):
            picture = picture.convert("L")
        elif picture.mode not in ("1", "L", "I", "I;16", "I;16B", "F", "RGB") and not (
            mask and picture.mode == "P"
        ):
            picture = picture.convert("RGB")
        array = np.asarray(picture)
    if array.dtype == np.int32:  # how Pillow before version 11 gives sixteen bits
        array = array.astype(np.uint16)
    return array.astype(array.dtype.newbyteorder("="), copy=False), "YXS"


def _decode_tiff(path: Path, mask: bool) -> tuple[npt.NDArray[Any], str]:
    """Decode the first series of a TIFF; return the array and the letters of its axes."""
    import tifffile

    with tifffile.TiffFile(path) as file:
        series = file.series[0]
        array = series.asarray()
        return array.astype(array.dtype.newbyteorder("="), copy=False), series.axes


def _write(path: Path, array: npt.NDArray[Any]) -> None:
    """Encode (C, H, W) and rename it to `path` once it is whole."""
    if path.suffix.lower() in TIFF:
        tifffile = require("tifffile", f"{path}: writing TIFF")

        def encode(file: BinaryIO) -> None:
            axes = {"axes": "CYX"} if len(array) > 1 else {"axes": "YX"}
            pages = array if len(array) > 1 else array[0]
            tifffile.imwrite(file, pages, photometric="minisblack", metadata=axes)

    elif path.suffix.lower() == ".png":

        def encode(file: BinaryIO) -> None:
            from PIL import Image

            pixels = array[0] if len(array) == 1 else np.moveaxis(array, 0, 2)
            Image.fromarray(np.ascontiguousarray(pixels)).save(file, format="PNG")

    else:
        raise ValueError(f"{path}: unknown ending {path.suffix!r}, expected .png, .tif or .tiff")
    write_whole(path, encode)


def write_whole(path: Path, encode: Callable[[BinaryIO], None]) -> None:
    """Write a file under another name in the same folder, then rename it: all or nothing."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(unfinished, "wb") as file:
            encode(file)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a file of text, and a line's end after it, all or nothing.

    Raises
    ------
    OSError
        If it can't be written; a file that was there stays.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_text(Path(folder, "a.json"), "{}")
    ...     Path(folder, "a.json").read_text()
    '{}\\n'
    """

    def encode(file: BinaryIO) -> None:
        file.write(text.encode() + b"\n")

    write_whole(path, encode)
