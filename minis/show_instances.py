"""Objects over an image: box, class, score and mask of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .backend import on_cpu
from .show import instance_colours, overlay
from .show_labels import draw_labels, text_colour

DOTS = 100  # of a picture, in an inch
# up to so many objects, the picture's longer side in inches, and the labels' points on 8 inches
CROWDS = ((20, 8.0, 9.0), (50, 12.0, 6.0))
CROWDED = (16.0, 4.5)
LARGEST = 24.0  # inches


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
        (M,), and `masks` (M, 1, H, W) or (M, H, W), the object being where they exceed ½; or a
        sequence that makes each mask (H, W) when it is asked for.
    classes : sequence of str, optional
        Names, that of label l being `classes[l]`; without them the numbers are written.
    score_threshold : float
        Objects with a smaller score aren't drawn.
    title : str, optional
        Unless given, how many objects are drawn; and the class, if there is only one, which is
        then left out of the labels.

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
    '1 object: cell'
    """
    from matplotlib.figure import Figure

    image = np.asarray(on_cpu(image), np.float32)
    boxes, labels, scores, masks = _arrays(image, objects, classes)
    drawn = np.flatnonzero(scores >= score_threshold)[::-1]  # the best last, on top
    colours = instance_colours(np.arange(1, len(boxes) + 1)[None])[0]
    side, points = next((rest for most, *rest in CROWDS if len(drawn) <= most), CROWDED)
    width, height = picture_size(image.shape[1:], side)
    finer = max(int(side * DOTS) // max(image.shape[1:]), 1)  # for thin outlines on small images
    picture = overlay(
        _enlarged(image, finer), np.zeros((*np.multiply(image.shape[1:], finer), 3), np.float32)
    )
    for row in drawn if masks is not None else ():
        _lay_over(picture, _enlarged(_mask(masks[row], image.shape[1:]), finer), colours[row])
    figure = Figure(figsize=(width, height), dpi=DOTS, layout="constrained")
    axes = figure.add_subplot()
    show_picture(axes, picture, image.shape[1:])
    one_class = title is None and classes is not None and len(classes) == 2
    if title is None:
        title = f"{len(drawn)} object" + ("" if len(drawn) == 1 else "s")
        title += f": {classes[1]}" if classes is not None and one_class else ""
    axes.set_title(title)
    for row in drawn:
        draw_box(axes, boxes[row], colours[row])
    figure.draw_without_rendering()  # puts everything in its place
    best, texts = drawn[::-1], []
    for row in best:
        name = str(labels[row]) if classes is None else classes[labels[row]]
        score = f"{scores[row]:.2f}" if "scores" in objects else ""
        texts.append(" ".join(filter(None, ("" if one_class else name, score))))
    draw_labels(axes, boxes[best], texts, colours[best], points * (max(width, height) / 8) ** 0.5)
    return figure


def picture_size(size: Sequence[int], side: float = 8.0) -> tuple[float, float]:
    """Width and height in inches of a figure for a picture of H × W pixels, with its title.

    The longer side has `side` inches, or more if the image has more pixels than these.

    Examples
    --------
    >>> picture_size((100, 200))
    (8.0, 4.4)
    """
    height, width = size
    longer = max(height, width, 1)
    scale = min(max(longer / DOTS, side), LARGEST) / longer
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
            color=text_colour(colour),
            fontsize=9,
            clip_on=True,
            bbox={"facecolor": tuple(colour), "edgecolor": "none", "pad": 1, "alpha": 0.8},
        )


def _lay_over(picture: Any, mask: Any, colour: Any) -> None:
    """Colour what a mask (H, W) covers of a picture (H, W, 3), in place."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return
    # with the pixels around it, because the outline of a region begins at its neighbours
    place = np.s_[max(rows[0] - 1, 0) : rows[-1] + 2, max(columns[0] - 1, 0) : columns[-1] + 2]
    layer = mask[place][..., None] * colour
    picture[place] = overlay(np.moveaxis(picture[place], -1, 0), layer)


def _mask(mask: Any, size: tuple[int, ...]) -> Any:
    """Say where an object is: (H, W) bool."""
    return (np.asarray(on_cpu(mask)) > 0.5).reshape(size)


def _enlarged(array: Any, factor: int) -> Any:
    """Repeat each pixel (…, H, W) along both axes."""
    return array.repeat(factor, axis=-2).repeat(factor, axis=-1)


def _arrays(
    image: Any, objects: Mapping[str, Any], classes: Sequence[str] | None
) -> tuple[Any, Any, Any, Any]:
    """Boxes, labels, scores (1 unless given) and M masks (H, W) or None, checked."""
    if image.ndim != 3:
        raise ValueError(f"show_objects: image must have shape (C, H, W), got {image.shape}")
    boxes, labels = (np.asarray(on_cpu(objects[name])) for name in ("boxes", "labels"))
    m, size = len(labels), image.shape[1:]
    scores = np.asarray(on_cpu(objects["scores"])) if "scores" in objects else np.ones(m)
    shapes = {"boxes": (boxes.shape, (m, 4)), "scores": (scores.shape, (m,))}
    masks = objects.get("masks")
    if masks is not None:
        if getattr(masks, "ndim", 3) == 4:
            masks = masks[:, 0]
        one = np.shape(masks[0]) if len(masks) else size
        shapes["masks"] = (len(masks), *one), (m, *size)
    for name, (shape, expected) in shapes.items():
        if shape != expected:
            raise ValueError(
                f"show_objects: {name} must have shape {expected}, as {m} labels and an image of "
                f"{size[0]} × {size[1]} need, got {shape}"
            )
    if classes is not None and m and not 0 <= labels.min() <= labels.max() < len(classes):
        raise ValueError(
            f"show_objects: labels {labels.min()} … {labels.max()}, but {len(classes)} classes"
        )
    return boxes, labels, scores, masks
