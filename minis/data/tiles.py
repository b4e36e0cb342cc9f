"""Overlap-tile prediction: images of any size through a network of fixed input size.

A network sees a tile and predicts its inner part; tiles overlap by the margin that is lost,
so that the inner parts cover the image without a seam. What a tile needs beyond the image's
edge is the image mirrored there (Ronneberger, Fischer and Brox, *U-Net*, 2015, figure 2).
"""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

Predict = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]


def predict_tiled(
    predict: Predict,
    image: npt.NDArray[Any],
    tile: int | Sequence[int],
    margin: int | Sequence[int],
    *,
    batch_size: int = 4,
) -> npt.NDArray[Any]:
    """Predict every pixel of an image, tile by tile.

    The result does not depend on how the tiles fall if (1) what the network says of a pixel
    depends only on the pixels within `margin` of it, and (2) it treats all places alike. A
    network with pooling does so only for shifts by its total stride: choose `tile` less twice
    `margin` as a multiple of that. Tiles start at multiples of this inner size; the last ones
    reach beyond the image.

    Parameters
    ----------
    predict : callable
        Takes a batch (N, C, *tile), N being `batch_size` or less, and returns (N, K, *out):
        `out` is either the tile less the margin on every side, of a network with valid
        convolutions, or the tile itself, of a network with padding; of that, the margin is
        cut off.
    image : (C, *spatial) array
        At least one pixel along each axis; smaller than a tile is fine.
    tile : int or one int per spatial axis
        Size of the network's input.
    margin : int or one int per spatial axis
        Pixels lost, or not to be trusted, on each side: (in − out) / 2.
    batch_size : int
        Tiles predicted at once.

    Returns
    -------
    (K, *spatial) array
        Of the dtype that `predict` returns.

    Raises
    ------
    ValueError
        If the margins leave nothing of a tile, the image has an axis of length 0, or `predict`
        returns another shape.

    Examples
    --------
    Each pixel plus its right neighbour, which loses one pixel on each side:

    >>> image = np.arange(5.0)[None]
    >>> predict_tiled(lambda x: x[..., 1:-1] + x[..., 2:], image, tile=4, margin=1)
    array([[1., 3., 5., 7., 7.]])
    """
    size = image.shape[1:]
    outer, lost = _per_axis("tile", tile, len(size)), _per_axis("margin", margin, len(size))
    inner = tuple(n - 2 * m for n, m in zip(outer, lost, strict=True))
    if min(lost) < 0 or min(inner) < 1:
        raise ValueError(f"predict_tiled: margin {lost} leaves nothing of a tile of {outer}")
    if min(size) < 1 or batch_size < 1:
        raise ValueError(
            f"predict_tiled: image of shape {image.shape} in batches of {batch_size}; "
            "neither may be empty"
        )
    keep: tuple[Any, ...] = (..., *map(slice, lost, np.add(lost, inner)))
    result: npt.NDArray[Any] | None = None
    starts = list(product(*(range(0, n, step) for n, step in zip(size, inner, strict=True))))
    for first in range(0, len(starts), batch_size):
        corners = starts[first : first + batch_size]
        tiles = np.stack([_cut(image, corner, outer, lost) for corner in corners])  # (N, C, *tile)
        out = predict(tiles)
        if out.shape[:1] + out.shape[2:] not in {(len(tiles), *inner), (len(tiles), *outer)}:
            raise ValueError(
                f"predict_tiled: predict returned shape {out.shape} for tiles {tiles.shape}; "
                f"expected ({len(tiles)}, K) and then {inner} or {outer}"
            )
        if out.shape[2:] != inner:
            out = out[keep]
        if result is None:
            result = np.empty((out.shape[1], *size), out.dtype)
        for corner, part in zip(corners, out, strict=True):  # part: (K, *inner)
            place: tuple[Any, ...] = (..., *map(slice, corner, np.add(corner, inner)))
            target = result[place]  # shorter than `part` where the tile leaves the image
            target[...] = part[tuple(map(slice, target.shape))]
    assert result is not None
    return result


def mirrored(start: int, stop: int, n: int) -> npt.NDArray[np.intp]:
    """Indices start … stop − 1 into an axis of length n that continues mirrored at both ends.

    The border pixel itself is not repeated; the mirror image is mirrored in turn.

    Parameters
    ----------
    start, stop : int
        May lie outside 0…n by any amount.
    n : int
        Length of the axis, 1 or more.

    Returns
    -------
    (stop − start,) integer array
        Values in 0…n − 1.

    Examples
    --------
    >>> mirrored(-3, 8, 3)
    array([1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1])
    """
    period = max(2 * (n - 1), 1)  # there and back
    place = np.arange(start, stop) % period
    return np.minimum(place, period - place) if n > 1 else np.zeros(stop - start, np.intp)


def _cut(
    image: npt.NDArray[Any], corner: Sequence[int], outer: Sequence[int], lost: Sequence[int]
) -> npt.NDArray[Any]:
    """The tile whose inner part begins at `corner`."""
    for axis, (c, n, m) in enumerate(zip(corner, outer, lost, strict=True), start=1):
        image = image.take(mirrored(c - m, c - m + n, image.shape[axis]), axis)
    return image


def _per_axis(name: str, value: int | Sequence[int], axes: int) -> tuple[int, ...]:
    """One int for each axis."""
    values = (value,) * axes if isinstance(value, int) else tuple(int(n) for n in value)
    if len(values) != axes:
        raise ValueError(f"predict_tiled: {name}={value} for an image of {axes} spatial axes")
    return values
