"""A sample: an image, and for every pixel what it shows.

Segmentation needs one answer a pixel. A `Sample` therefore holds arrays of one spatial
shape: the image, its channels first; the class of each pixel; where single objects matter,
the object to which each pixel belongs. A data set is a sequence of samples that knows the
names of its classes.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

IGNORE = 255
"""Label of a pixel without a class ("void"): neither trained on nor scored."""


@dataclass(frozen=True, eq=False)
class Sample:
    """An image with its annotation; every array shares one spatial shape.

    Parameters
    ----------
    image : (C, *spatial) float32 array
        Intensities, in 0…1 unless a data set says otherwise; one to three spatial axes.
    labels : (*spatial) int64 array
        Class of each pixel; `IGNORE` where a data set says that it has void pixels.
    instances : (*spatial) int32 array, optional
        Object of each pixel: 0 is background, the objects are numbered 1 to M without gaps.
    spacing : tuple of float, optional
        Distance of neighbouring voxels along each spatial axis, in millimetres.
    name : str
        What error messages and pictures call it.

    Raises
    ------
    TypeError
        If an array has another dtype than above.
    ValueError
        If the spatial shapes differ, or `spacing` has not one number an axis.

    Examples
    --------
    >>> sample = Sample(np.zeros((3, 4, 5), np.float32), np.zeros((4, 5), np.int64), name="dark")
    >>> sample
    Sample('dark', 3 channels, 4×5)
    """

    image: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    instances: npt.NDArray[np.int32] | None = None
    spacing: tuple[float, ...] | None = None
    name: str = ""

    def __post_init__(self) -> None:
        """Check dtypes and shapes once, where a sample is made."""
        fields: list[tuple[str, npt.NDArray[Any], type]] = [
            ("image", self.image, np.float32),
            ("labels", self.labels, np.int64),
        ]
        if self.instances is not None:
            fields.append(("instances", self.instances, np.int32))
        for field, array, dtype in fields:
            if array.dtype != dtype:
                raise TypeError(
                    f"Sample {self.name!r}: {field} has dtype {array.dtype}, "
                    f"expected {np.dtype(dtype)}"
                )
            shape = array.shape[1:] if field == "image" else array.shape
            if shape != self.labels.shape or not shape:
                raise ValueError(
                    f"Sample {self.name!r}: {field} has shape {array.shape}, whose spatial part "
                    f"differs from that of labels, {self.labels.shape}"
                )
        if self.spacing is not None and len(self.spacing) != self.labels.ndim:
            raise ValueError(
                f"Sample {self.name!r}: spacing {self.spacing} should have one number for each "
                f"of the {self.labels.ndim} spatial axes"
            )

    def __repr__(self) -> str:
        """One line, without the pixels."""
        size = "×".join(str(n) for n in self.size)
        objects = (
            "" if self.instances is None else f", {int(self.instances.max(initial=0))} objects"
        )
        channels = "1 channel" if len(self.image) == 1 else f"{len(self.image)} channels"
        return f"Sample({self.name!r}, {channels}, {size}{objects})"

    @property
    def size(self) -> tuple[int, ...]:
        """The spatial shape."""
        return self.labels.shape

    def map(self, function: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> "Sample":
        """Move the pixels of image, labels and instances alike.

        Parameters
        ----------
        function : callable
            Takes an array whose *last* axes are the spatial ones and returns it flipped, turned
            or cropped; it is called once for each array of the sample.

        Returns
        -------
        Sample
            Its arrays share no memory with those of this one; its objects are numbered anew.

        Examples
        --------
        >>> sample = Sample(np.zeros((1, 4, 6), np.float32), np.zeros((4, 6), np.int64))
        >>> sample.map(lambda array: array[..., 1:3, :]).size
        (2, 6)
        """
        return replace(
            self,
            image=function(self.image).copy(),
            labels=function(self.labels).copy(),
            instances=None if self.instances is None else renumber(function(self.instances)),
        )


class Dataset(Protocol):
    """A sequence of samples that knows its classes.

    A data set of one's own inherits from it, sets `classes` and `in_channels`, and gives
    `__len__` and `__getitem__`; the rest follows.

    Examples
    --------
    >>> class Dark(Dataset):
    ...     classes = ("background",)
    ...     in_channels = 1
    ...
    ...     def __len__(self):
    ...         return 2
    ...
    ...     def __getitem__(self, index):
    ...         check_index(self, index)
    ...         return Sample(np.zeros((1, 2, 2), np.float32), np.zeros((2, 2), np.int64))
    >>> Dark().num_classes, len(list(Dark()))
    (1, 2)
    """

    classes: tuple[str, ...]
    in_channels: int

    def __len__(self) -> int:
        """Return the number of samples."""
        ...

    def __getitem__(self, index: int) -> Sample:
        """Return sample `index`, the same one whenever it is asked for."""
        ...

    @property
    def num_classes(self) -> int:
        """Number of classes, void not counted."""
        return len(self.classes)

    def __iter__(self) -> Iterator[Sample]:
        """Go through the samples in order."""
        return (self[index] for index in range(len(self)))


def check_index(dataset: Dataset, index: int) -> int:
    """Return `index` counted from the front, or raise `IndexError` with the valid range."""
    if not -len(dataset) <= index < len(dataset):
        raise IndexError(
            f"{type(dataset).__name__}: sample {index} of a data set of {len(dataset)} samples"
        )
    return index % len(dataset)


def renumber(instances: npt.NDArray[np.integer]) -> npt.NDArray[np.int32]:
    """Number the objects 1…M without gaps, in the order of their old numbers.

    Parameters
    ----------
    instances : integer array
        Object of each pixel, 0 for background.

    Returns
    -------
    int32 array of the same shape
        A new array.

    Examples
    --------
    >>> renumber(np.array([0, 7, 7, 3]))
    array([0, 2, 2, 1], dtype=int32)
    """
    numbers, position = np.unique(instances, return_inverse=True)
    new = np.cumsum(numbers != 0) * (numbers != 0)  # background stays 0
    return new.astype(np.int32)[position].reshape(instances.shape)


def stack(samples: Sequence[Sample]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Join samples of one shape into a batch.

    Parameters
    ----------
    samples : sequence of Sample
        At least one.

    Returns
    -------
    images : (N, C, *spatial) float32 array
    labels : (N, *spatial) int64 array

    Raises
    ------
    ValueError
        If there is no sample, or two differ in shape; both are named.

    Examples
    --------
    >>> sample = Sample(np.zeros((3, 4, 5), np.float32), np.zeros((4, 5), np.int64))
    >>> images, labels = stack([sample, sample])
    >>> images.shape, labels.shape
    ((2, 3, 4, 5), (2, 4, 5))
    """
    if not samples:
        raise ValueError("stack: no samples to join")
    first = samples[0]
    for sample in samples:
        if sample.image.shape != first.image.shape:
            raise ValueError(
                f"stack: image {sample.name!r} has shape {sample.image.shape} but {first.name!r} "
                f"has {first.image.shape}; a batch needs one shape (see random_crop)"
            )
    return np.stack([s.image for s in samples]), np.stack([s.labels for s in samples])
