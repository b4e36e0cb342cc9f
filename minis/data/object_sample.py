"""A sample whose objects may cover each other: each has a mask of its own."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .sample import Sample, renumber


@dataclass(frozen=True, eq=False)
class ObjectSample(Sample):
    """A sample with a mask for each object.

    An instance map gives a pixel to one object. Where objects overlap, it can't tell the whole
    truth; the masks do, and `instance_targets` reads them.

    Parameters
    ----------
    image, labels, instances, spacing, name
        As for `Sample`.
    masks : (M, *spatial) uint8 array
        1 where the object is.
    categories : (M,) int64 array
        Class of each object, 1 or greater.

    Raises
    ------
    TypeError
        If an array has another dtype than above.
    ValueError
        If shapes don't fit, or a class is less than 1.

    Examples
    --------
    >>> masks = np.array([[[1, 1, 0]], [[0, 1, 1]]], np.uint8)  # both claim the middle pixel
    >>> labels = np.array([[1, 2, 2]])
    >>> image = np.zeros((3, 1, 3), np.float32)
    >>> sample = ObjectSample(image, labels, masks=masks, categories=np.array([1, 2]))
    >>> sample.map(lambda array: array[..., :2]).masks.tolist()
    [[[1, 1]], [[0, 1]]]
    """

    masks: npt.NDArray[np.uint8] = field(kw_only=True)
    categories: npt.NDArray[np.int64] = field(kw_only=True)

    def __post_init__(self) -> None:
        """Check what `Sample` checks, and the masks."""
        super().__post_init__()
        for name, array, dtype, shape in (
            ("masks", self.masks, np.uint8, (len(self.categories), *self.size)),
            ("categories", self.categories, np.int64, (len(self.masks),)),
        ):
            if array.dtype != dtype:
                raise TypeError(
                    f"ObjectSample {self.name!r}: {name} has dtype {array.dtype}, "
                    f"expected {np.dtype(dtype)}"
                )
            if array.shape != shape:
                raise ValueError(
                    f"ObjectSample {self.name!r}: {name} has shape {array.shape}, expected {shape}"
                )
        if self.categories.min(initial=1) < 1:
            raise ValueError(
                f"ObjectSample {self.name!r}: categories must be 1 or greater, "
                f"got {int(self.categories.min())}"
            )

    def map(self, function: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> "ObjectSample":
        """Move the pixels of image, labels, instances and masks alike, as `Sample.map`.

        Every object stays in the list, even if none of its pixels does.
        """
        return replace(
            self,
            image=function(self.image).copy(),
            labels=function(self.labels).copy(),
            instances=None if self.instances is None else renumber(function(self.instances)),
            masks=function(self.masks).copy(),
        )
