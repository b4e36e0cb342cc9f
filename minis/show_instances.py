"""Objects over an image: box, class, score and mask of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .backend import on_cpu
from .show import instance_colours, overlay

LONGER_SIDE = 8.0  # of a picture, in inches
PIXELS = 800  # of a small image's longer side once it is enlarged, at most
LUMINANCE = (0.2126, 0.7152, 0.0722)


def show_objects(
    image: Any,
    objects: Mapping[str, Any],
    classes: Sequence[str] | None = None,
    *,
    score_threshold: float = 0.5,
    title: str | None = None,
) -> Any:
    """Draw what a detector found, or what is true.

    Parameters
    ----------
    image : (C, H, W) float array in 0 … 1
        Shown in colour if C = 3, else its first channel in grey.
    objects : mapping
        `boxes` (M, 4), rows x1, y1, x2, y2 in pixels; `labels` (M,); if there are any `scores`
        (M,), and `masks` (M, 1, H, W) or (M, H, W), the object being where they exceed ½.
    classes : sequence of str, optional
        Names, that of label l being `classes[l]`; without them the numbers are written.
    score_threshold : float
        Objects with a smaller score aren't drawn.
    title : str, optional
        How many objects are drawn, unless given.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the shapes don't fit each other, or a label has no name.

    Examples
    --------
    >>> objects = {"boxes": np.array([[1, 1, 3, 3]]), "labels": np.array([1])}
    >>> show_objects(np.zeros((1, 8, 8)), objects, ("background", "cell")).axes[0].get_title()
    '1 object'
    """
    from matplotlib.figure import Figure

    image = np.asarray(on_cpu(image), np.float32)
    boxes, labels, scores, masks = _arrays(image, objects, classes)
    drawn = np.flatnonzero(scores >= score_threshold)[::-1]  # the best last, on top
    colours = instance_colours(np.arange(1, len(boxes) + 1)[None])[0]
    finer = max(PIXELS // max(image.shape[1:]), 1)  # so that outlines are thin on small images
    picture = overlay(
        _enlarged(image, finer), np.zeros((*np.multiply(image.shape[1:], finer), 3), np.float32)
    )
    for row in drawn if masks is not None else ():
        layer = _enlarged(masks[row], finer)[..., None] * colours[row]
        picture = overlay(np.moveaxis(picture, -1, 0), layer)
    figure = Figure(figsize=picture_size(image.shape[1:]), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    show_picture(axes, picture, image.shape[1:])
    for row in drawn:
        name = str(labels[row]) if classes is None else classes[labels[row]]
        text = f"{name} {scores[row]:.2f}" if "scores" in objects else name
        draw_box(axes, boxes[row], colours[row], text)
    count = f"{len(drawn)} object" + ("" if len(drawn) == 1 else "s")
    axes.set_title(count if title is None else title)
    return figure


def picture_size(size: Sequence[int]) -> tuple[float, float]:
    """Width and height in inches of a figure for a picture of H × W pixels, with its title.

    Examples
    --------
    >>> picture_size((100, 200))
    (8.0, 4.4)
    """
    height, width = size
    scale = LONGER_SIDE / max(height, width, 1)
    return max(width * scale, 2.0), max(height * scale, 1.0) + 0.4


def show_picture(axes: Any, picture: Any, size: Sequence[int] | None = None) -> None:
    """Show (H, W, 3) or (H, W) so that pixel i reaches from i to i + 1, as boxes count.

    `size` is H and W where the picture is an enlarged one.
    """
    height, width = size or picture.shape[:2]
    axes.imshow(
        picture, extent=(0, width, height, 0), cmap="gray", vmin=0, vmax=1, interpolation="nearest"
    )
    axes.set_axis_off()


def draw_box(axes: Any, box: Any, colour: Any, text: str = "", width: float = 1.5) -> None:
    """Draw the box x1, y1, x2, y2, its text above it, or inside where there is no room above."""
    from matplotlib.patches import Rectangle

    x1, y1, x2, y2 = map(float, box)
    axes.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, color=colour, lw=width))
    if text:
        inside = y1 < 0.05 * abs(np.diff(axes.get_ylim())[0])
        axes.text(
            x1,
            y1,
            text,
            va="top" if inside else "bottom",
            color="black" if np.dot(colour, LUMINANCE) > 0.45 else "white",
            fontsize=9,
            clip_on=True,
            bbox={"facecolor": tuple(colour), "edgecolor": "none", "pad": 1, "alpha": 0.8},
        )


def _enlarged(array: Any, factor: int) -> Any:
    """Repeat each pixel (…, H, W) along both axes."""
    return array.repeat(factor, axis=-2).repeat(factor, axis=-1)


def _arrays(
    image: Any, objects: Mapping[str, Any], classes: Sequence[str] | None
) -> tuple[Any, Any, Any, Any]:
    """Boxes, labels, scores (1 unless given) and masks (M, H, W) bool or None, checked."""
    if image.ndim != 3:
        raise ValueError(f"show_objects: image must have shape (C, H, W), got {image.shape}")
    arrays = {name: np.asarray(on_cpu(array)) for name, array in objects.items()}
    labels = arrays["labels"]
    m = len(labels)
    arrays.setdefault("scores", np.ones(m))
    expected = {"boxes": (m, 4), "scores": (m,)}
    masks = arrays.get("masks")
    if masks is not None:
        masks = masks[:, 0] if masks.ndim == 4 else masks
        masks = arrays["masks"] = masks > 0.5
        expected["masks"] = (m, *image.shape[1:])
    for name, shape in expected.items():
        if arrays[name].shape != shape:
            raise ValueError(
                f"show_objects: {name} must have shape {shape}, as {m} labels and an image of "
                f"{image.shape[1]} × {image.shape[2]} need, got {arrays[name].shape}"
            )
    if classes is not None and m and not 0 <= labels.min() <= labels.max() < len(classes):
        raise ValueError(
            f"show_objects: labels {labels.min()} … {labels.max()}, but {len(classes)} classes"
        )
    return arrays["boxes"], labels, arrays["scores"], masks
