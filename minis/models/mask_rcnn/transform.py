"""From images of any size to one batch, and from the network's detections back to the images.

    image ─► normalise ─► resize ─► pad right and bottom ─► batch ─► network
                             │                                         │
    boxes, masks ◄─── scale boxes back, paste masks ◄──── boxes, masks in resized pixels

Each image keeps its shape: its short side becomes `min_size`, unless its long side would then
exceed `max_size`. Since images of one batch differ in size, zeros fill up what is missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ... import ops
from ...backend import array_namespace
from ...nn import Module
from ...ops.checks import check_int, shape_text
from .targets import Size, Target, checked_targets, resize_boxes, resize_target

# of ImageNet's images, with colours in 0 … 1
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


class Transform(Module):
    """Normalise, resize and batch images and their targets; scale detections back.

    Nothing is learned, and no gradient goes through it.

    Parameters
    ----------
    min_size : int, optional
        What the short side of an image becomes. None leaves images as large as they are: for
        pictures of one scale, a microscope's for example.
    max_size : int
        What the long side must not exceed then.
    mean, std : sequence of float
        Subtracted from each channel, and then divided by.
    multiple : int
        The batch's height and width are multiples of it: the coarsest map's stride.
    num_classes : int, optional
        K, the background included: targets then need labels below it, and masks.
    aligned : bool
        How masks are resized and pasted: see `resize_target` and `ops.paste_masks`.

    Raises
    ------
    ValueError
        If a size is not positive, `mean` and `std` differ in length, or a `std` is not positive.

    Notes
    -----
    As torchvision's `GeneralizedRCNNTransform`: sizes are rounded down (but here at least 1), and
    what scales boxes is rounded to float32.

    Examples
    --------
    >>> transform = Transform(min_size=40, max_size=100)
    >>> image = np.zeros((3, 20, 30), np.float32)
    >>> target = {"boxes": np.array([[2.0, 3.0, 9.0, 8.0]], np.float32)}
    >>> batch, sizes, targets = transform([image], [target])
    >>> batch.shape, sizes, targets[0]["boxes"]
    ((1, 3, 64, 64), [(40, 60)], array([[ 4.,  6., 18., 16.]], dtype=float32))
    >>> transform.postprocess(targets, sizes, [(20, 30)])[0]["boxes"]
    array([[2., 3., 9., 8.]], dtype=float32)
    """

    def __init__(
        self,
        min_size: int | None = 800,
        max_size: int = 1333,
        mean: Sequence[float] = MEAN,
        std: Sequence[float] = STD,
        *,
        multiple: int = 32,
        num_classes: int | None = None,
        aligned: bool = False,
    ) -> None:
        super().__init__()
        if min_size is not None:
            check_int("Transform", "min_size", min_size, low=1)
        check_int("Transform", "max_size", max_size, low=1)
        check_int("Transform", "multiple", multiple, low=1)
        if len(mean) != len(std) or not len(mean) or not min(std) > 0:
            raise ValueError(
                "Transform: mean and std must have one number for each channel, and std positive "
                f"ones, got {mean} and {std}"
            )
        self.min_size, self.max_size, self.multiple = min_size, max_size, multiple
        self.mean, self.std, self.num_classes = tuple(mean), tuple(std), num_classes
        self.aligned = aligned

    def forward(
        self, images: Sequence[Any], targets: Sequence[Target] | None = None
    ) -> tuple[Any, list[Size], list[dict[str, Any]] | None]:
        """Make a batch of images.

        Parameters
        ----------
        images : sequence of (C, H, W) float arrays
            Colours in 0 … 1, if mean and std are ImageNet's. Sizes may differ, dtypes may not.
        targets : sequence of mappings, optional
            For each image what `checked_targets` takes.

        Returns
        -------
        batch : (N, C, H', W') array
            Each image in its top left corner, zeros elsewhere.
        sizes : list of (int, int)
            Height and width of each image in the batch.
        targets : list of dict, or None
            With boxes and masks resized; boxes have the images' dtype.

        Raises
        ------
        TypeError, ValueError
            If arrays don't have these forms, or a box has no width or no height: the text names
            the image and the box.
        """
        self._check(images)
        xp, dtype = array_namespace(images[0]), images[0].dtype
        mean, std = (xp.asarray(a, dtype)[:, None, None] for a in (self.mean, self.std))
        sizes = [self.resized(image.shape[1:]) for image in images]
        height, width = (
            -(-max(sides) // self.multiple) * self.multiple for sides in zip(*sizes, strict=True)
        )
        batch = xp.zeros((len(images), len(self.mean), height, width), dtype)
        for place, image, (h, w) in zip(batch, images, sizes, strict=True):
            normalised = ((image - mean) / std)[None]
            place[:, :h, :w] = ops.interpolate(normalised, (h, w), mode="linear")[0]
        if targets is None:
            return batch, sizes, None
        checked = checked_targets(targets, images, self.num_classes)
        resized = [
            resize_target(target, image.shape[1:], size, dtype, aligned=self.aligned)
            for target, image, size in zip(checked, images, sizes, strict=True)
        ]
        return batch, sizes, resized

    def resized(self, size: Size) -> Size:
        """Return the height and width that an image of this size gets.

        Examples
        --------
        >>> Transform().resized((480, 640)), Transform().resized((480, 1000))
        ((800, 1066), (639, 1333))
        """
        if self.min_size is None:
            return size[0], size[1]
        scale = min(self.min_size / min(size), self.max_size / max(size))
        height, width = (max(1, int(side * scale)) for side in size)
        return height, width

    def postprocess(
        self,
        detections: Sequence[Mapping[str, Any]],
        sizes: Sequence[Size],
        original_sizes: Sequence[Size],
    ) -> list[dict[str, Any]]:
        """Scale detections back to the images as they were.

        Parameters
        ----------
        detections : sequence of mappings
            For each image `boxes` (M, 4), and if there are any `masks` (M, 1, K, K) over each box.
            All else is handed on.
        sizes : sequence of (int, int)
            Height and width of each image in the batch, from `forward`.
        original_sizes : sequence of (int, int)
            Height and width of each image that was given to `forward`.

        Returns
        -------
        list of dict
            With `boxes` in the pixels of the original image, and `masks` (M, 1, H, W):
            probabilities, 0 outside the box.

        Raises
        ------
        TypeError, ValueError
            If the sequences differ in length, or as `ops.paste_masks`.
        """
        if not len(detections) == len(sizes) == len(original_sizes):
            raise ValueError(
                "Transform.postprocess: detections, sizes and original_sizes must have one entry "
                f"for each image, got {len(detections)}, {len(sizes)} and {len(original_sizes)}"
            )
        results = []
        for detected, size, original in zip(detections, sizes, original_sizes, strict=True):
            result = {**detected, "boxes": resize_boxes(detected["boxes"], size, original)}
            if "masks" in detected:
                result["masks"] = ops.paste_masks(
                    detected["masks"], result["boxes"], original, aligned=self.aligned
                )
            results.append(result)
        return results

    def _check(self, images: Sequence[Any]) -> None:
        if not len(images):
            raise ValueError("MaskRCNN: images must hold at least one image, got none")
        for n, image in enumerate(images):
            if image.ndim != 3 or image.shape[0] != len(self.mean) or 0 in image.shape:
                raise ValueError(
                    f"MaskRCNN: image {n} must have shape ({len(self.mean)}, H, W) with positive "
                    f"H and W, got {shape_text(image.shape)}"
                )
            if image.dtype not in (np.float32, np.float64) or image.dtype != images[0].dtype:
                raise TypeError(
                    "MaskRCNN: images must all be float32 or all float64 (colours in 0 … 1), got "
                    f"{image.dtype} for image {n}"
                )
