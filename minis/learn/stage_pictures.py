"""The way of an image through Mask R-CNN as a story in nine pictures, one for each stage.

Each has its number, a title, and a caption that says what is seen and how much of it there is.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..models import MaskRCNN
from ..show import save_figure
from .detector_stages import Stages, stages
from .stage_story import STORY

LETTERS = 14  # of a caption that go into an inch


def draw_stages(
    model: MaskRCNN,
    image: Any,
    folder: Path,
    classes: Sequence[str] | None = None,
    *,
    score_threshold: float = 0.5,
) -> list[Path]:
    """Find the objects of an image, and write a picture of each stage on the way.

    Parameters
    ----------
    model : MaskRCNN
    image : (C, H, W) float array
        Colours in 0 … 1.
    folder : path
        Made if it isn't there. It gets `1_image.png`, `2_anchors.png`, `3_objectness.png`,
        `4_proposals.png`, `5_regions.png`, `6_classes.png`, `7_boxes.png`, `8_masks.png` and
        `9_objects.png`.
    classes : sequence of K str, optional
        Names; without them classes are numbered.
    score_threshold : float
        Only objects with at least this score are drawn in the last picture.

    Returns
    -------
    list of path
        The files, in order.

    Raises
    ------
    TypeError, ValueError
        As `stages`; or if there aren't as many names as the network has classes.
    """
    found = stages(model, image)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    pictures = stage_pictures(found, classes, score_threshold=score_threshold)
    for number, (name, figure) in enumerate(pictures, start=1):
        paths.append(folder / f"{number}_{name}.png")
        save_figure(figure, paths[-1])
    return paths


def stage_pictures(
    found: Stages, classes: Sequence[str] | None = None, *, score_threshold: float = 0.5
) -> Iterator[tuple[str, Any]]:
    """Draw each stage, one after the other.

    Parameters
    ----------
    found : Stages
        As `stages` gives it.
    classes, score_threshold
        See `draw_stages`.

    Yields
    ------
    name : str
    figure : matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there aren't as many names as classes.

    Examples
    --------
    >>> found = stages(MaskRCNN.mini(), np.zeros((3, 60, 90), np.float32))
    >>> [name for name, _ in stage_pictures(found)][:3]
    ['image', 'anchors', 'objectness']
    """
    count = found.class_scores.shape[1]
    classes = [f"class {k}" for k in range(count)] if classes is None else list(classes)
    if len(classes) != count:
        raise ValueError(f"stages: the network has {count} classes, got {len(classes)} names")
    for number, (name, title, draw) in enumerate(STORY, start=1):
        figure, caption = draw(found, classes, score_threshold)
        yield name, _captioned(figure, f"{number}  {title}", caption)


def _captioned(figure: Any, title: str, caption: str) -> Any:
    """Put a title over a figure and a caption under it, and make room for both."""
    lines = textwrap.wrap(caption, int(LETTERS * figure.get_figwidth()))
    figure.set_figheight(figure.get_figheight() + 0.3 + 0.17 * len(lines))
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, weight="bold")
    figure.supxlabel("\n".join(lines), x=0.01, ha="left", fontsize=9)
    return figure
