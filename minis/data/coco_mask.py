"""The two ways in which COCO's format writes a mask: polygons and run lengths (RLE).

- Polygons: a list of lists x1, y1, x2, y2, …, in pixels, together one object.
- Run lengths: `size` (rows, columns) and `counts`: how many zeros, then ones, then zeros, …, going
  down the columns one after the other. `counts` is a list, or a text that packs it ("compressed").
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .packages import require


def check_segmentation(where: str, segmentation: Any, size: tuple[int, int]) -> None:
    """Raise unless a segmentation is well formed and meets the image.

    Parameters
    ----------
    where : str
        The error's beginning.
    segmentation : list or dict
        Polygons or RLE.
    size : (int, int)
        Height and width of the image.

    Raises
    ------
    ValueError
        If there is no polygon, a polygon has fewer than three points or a number that isn't finite,
        all lies outside the image, or run lengths aren't those of an image of this size.

    Examples
    --------
    >>> check_segmentation("cats.json: annotation 3", [[1, 1, 2, 2]], (4, 6))
    Traceback (most recent call last):
    ValueError: cats.json: annotation 3: a polygon of 4 numbers, expected x and y of three ...
    """
    if isinstance(segmentation, dict):
        _check_runs(where, segmentation, size)
        return
    if not isinstance(segmentation, list) or not segmentation:
        raise ValueError(f"{where}: segmentation is {segmentation!r}, expected polygons or RLE")
    for polygon in segmentation:
        if not isinstance(polygon, list) or len(polygon) < 6 or len(polygon) % 2:
            count = len(polygon) if isinstance(polygon, list) else 0
            raise ValueError(
                f"{where}: a polygon of {count} numbers, expected x and y of three points or more"
            )
        if not all(isinstance(v, int | float) and math.isfinite(v) for v in polygon):
            raise ValueError(f"{where}: a polygon with something that isn't a finite number")
    x = [v for polygon in segmentation for v in polygon[::2]]
    y = [v for polygon in segmentation for v in polygon[1::2]]
    if max(x) < 0 or min(x) > size[1] or max(y) < 0 or min(y) > size[0]:
        raise ValueError(f"{where}: the polygons lie outside the image of {size[0]} × {size[1]}")


def decode_mask(segmentation: Any, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Make a mask of a checked segmentation.

    Parameters
    ----------
    segmentation : list or dict
        Polygons or RLE, well formed. What lies outside the image is cut off.
    size : (int, int)
        Height and width of the image.

    Returns
    -------
    (H, W) uint8 array
        1 inside.

    Raises
    ------
    MissingPackageError
        If pycocotools, which knows the pixels of a polygon, is not installed.

    Examples
    --------
    >>> decode_mask({"size": [2, 3], "counts": [1, 4, 1]}, (2, 3))
    array([[0, 1, 1],
           [1, 1, 0]], dtype=uint8)
    >>> decode_mask([[1, 0, 3, 0, 3, 1, 1, 1]], (2, 4))
    array([[0, 1, 1, 0],
           [0, 0, 0, 0]], dtype=uint8)
    """
    rle = require("pycocotools.mask", "a data set in COCO's format")
    if isinstance(segmentation, list):
        runs = rle.merge(rle.frPyObjects(segmentation, *size))
    elif isinstance(segmentation["counts"], list):
        runs = rle.frPyObjects(segmentation, *size)
    else:
        runs = segmentation
    return np.ascontiguousarray(rle.decode(runs))


def encode_mask(mask: npt.NDArray[Any]) -> dict[str, Any]:
    """Pack a mask (H, W), true where it isn't zero, as compressed run lengths.

    Examples
    --------
    >>> encode_mask(np.array([[0, 1, 1], [1, 1, 0]]))["size"]
    [2, 3]
    """
    rle = require("pycocotools.mask", "packing masks")
    return rle.encode(np.asfortranarray(mask != 0, np.uint8))


def unpack_counts(packed: str) -> list[int]:
    """Read the run lengths of a compressed RLE.

    Each is a number in base 32, lowest digit first, six bits a character (plus 48): five of digit
    and one that says whether more follow; the top bit of the last digit is the sign. From the
    fourth length on, what is written is the difference from the length two before.

    Raises
    ------
    ValueError
        If a character can't be one of these, or the text ends inside a number.

    Examples
    --------
    >>> unpack_counts("141")  # 1 zero, 4 ones, 1 zero
    [1, 4, 1]
    """
    counts: list[int] = []
    value = shift = 0
    for character in packed:
        six = ord(character) - 48
        if not 0 <= six < 64:
            raise ValueError(f"character {character!r}")
        value |= (six & 31) << shift
        shift += 5
        if six & 32:
            continue
        if six & 16:
            value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value = shift = 0
    if shift:
        raise ValueError("the text ends inside a number")
    return counts


def _check_runs(where: str, told: Mapping[str, Any], size: tuple[int, int]) -> None:
    counts: Any = told.get("counts")
    if isinstance(counts, str):
        try:
            counts = unpack_counts(counts)
        except ValueError as error:
            raise ValueError(f"{where}: RLE that cannot be unpacked ({error})") from error
    if not isinstance(counts, Sequence) or not all(isinstance(n, int) and n >= 0 for n in counts):
        raise ValueError(f"{where}: RLE counts should be whole numbers ≥ 0, or a text")
    if told.get("size") != list(size) or sum(counts) != size[0] * size[1]:
        raise ValueError(
            f"{where}: RLE of size {told.get('size')} that covers {sum(counts)} pixels; the image "
            f"is {size[0]} × {size[1]} (rows × columns)"
        )
