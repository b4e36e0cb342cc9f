"""The sizes of images and maps: what a network accepts, and how maps are made to fit each other.

Every function works on the spatial axes of arrays (N, C, *spatial), one to three of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..ops.checks import check_ndim
from ..ops.windows import crop, pad

FORMS = {1: "(N, C, L)", 2: "(N, C, H, W)", 3: "(N, C, D, H, W)"}


def check_image(network: str, x: Any, channels: int, axes: int) -> None:
    """Raise ValueError unless x is a batch of images with so many channels and spatial axes.

    Examples
    --------
    >>> check_image("UNet", np.zeros((2, 3, 8, 8)), channels=1, axes=2)
    Traceback (most recent call last):
    ValueError: UNet: x must have 1 channels, got 3
    """
    check_ndim(network, axes + 2, FORMS[axes], x=x)
    if x.shape[1] != channels:
        raise ValueError(f"{network}: x must have {channels} channels, got {x.shape[1]}")
    if min(x.shape[2:]) < 1:
        raise ValueError(f"{network}: x has an empty side, its shape is {x.shape}")


def nearest_sizes(size: int, fits: Callable[[int], bool], limit: int) -> str:
    """Name the nearest lengths of a side that fit, for an error's text.

    Parameters
    ----------
    size : int
        A length that doesn't fit.
    fits : callable
        Whether a length does.
    limit : int
        How far to look.

    Examples
    --------
    >>> nearest_sizes(20, lambda size: size % 16 == 0 and size > 0, limit=100)
    '16 and 32'
    >>> nearest_sizes(5, lambda size: size % 16 == 0 and size > 0, limit=100)
    '16'
    """
    below = next((s for s in range(size - 1, max(0, size - limit) - 1, -1) if fits(s)), None)
    above = next((s for s in range(size + 1, size + limit + 1) if fits(s)), None)
    return " and ".join(str(s) for s in (below, above) if s is not None)


def pad_or_crop(x: Any, size: tuple[int, ...]) -> Any:
    """Pad with zeros or crop, about the centre, to the spatial shape `size`.

    Where the change is odd, the start of an axis gets the smaller half. Fitting back to the old
    size is the adjoint: what was padded is cropped.

    Examples
    --------
    >>> pad_or_crop(np.array([[[1.0, 2.0]]]), (5,))
    array([[[0., 1., 2., 0., 0.]]])
    """
    change = [new - old for new, old in zip(size, x.shape[2:], strict=True)]
    x = crop(x, tuple(max(0, -c) // 2 for c in change), tuple(map(min, size, x.shape[2:])))
    before = tuple(max(0, c // 2) for c in change)
    return pad(x, before, tuple(max(0, c) - b for c, b in zip(change, before, strict=True)))


def crop_at(x: Any, offset: int, size: tuple[int, ...]) -> Any:
    """View the part of spatial shape `size` that begins at `offset` along every axis.

    Raises
    ------
    ValueError
        If it isn't inside the map.

    Examples
    --------
    >>> crop_at(np.arange(5.0).reshape(1, 1, 5), 1, (3,))
    array([[[1., 2., 3.]]])
    """
    if any(offset + part > whole for part, whole in zip(size, x.shape[2:], strict=True)):
        raise ValueError(f"crop_at: {size} from {offset} on is not inside {x.shape[2:]}")
    return crop(x, (offset,) * len(size), size)


def crop_at_backward(dy: Any, offset: int, size: tuple[int, ...]) -> Any:
    """Gradient of `crop_at`: zeros around dy, up to the whole map's spatial shape `size`.

    Examples
    --------
    >>> crop_at_backward(np.ones((1, 1, 3)), 1, (5,))
    array([[[0., 1., 1., 1., 0.]]])
    """
    after = (whole - part - offset for whole, part in zip(size, dy.shape[2:], strict=True))
    return pad(dy, (offset,) * len(size), tuple(after))
