"""Three planes through a volume: axial, coronal and sagittal, with the classes in colour.

All three have one scale in millimetres, whatever the voxels' edges. Where it is known how the axes
run through the body, the volume is turned for the picture so that they point right, anterior and
superior: the patient's left is on the left, and front and top are up. Otherwise the axes stand as
stored, the first to the right, the last up, and no side is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .data.geometry import check_spacing
from .data.sample import IGNORE
from .data.scaling import stretch
from .show import class_colours, overlay

SIDES = ("LR", "PA", "IS")  # where each axis comes from and goes to, once the volume is turned
PLANES = (  # row and column, name, axis across, to the right, up
    ((0, 0), "coronal", 1, 0, 2),
    ((0, 1), "sagittal", 0, 1, 2),
    ((1, 0), "axial", 2, 0, 1),
)
HEIGHT = 8.0  # of the picture, in inches
PIXELS = 600  # of a plane's longer side, about


def three_planes(
    image: Any,
    labels: Any,
    spacing: Sequence[float],
    at: Sequence[int] | None = None,
    *,
    orientation: str | None = None,
    classes: Sequence[str] | None = None,
) -> Any:
    """Draw the three planes through a voxel.

    Parameters
    ----------
    image : (C, D, H, W) array
        Its first channel is shown in grey, stretched.
    labels : (D, H, W) integer array
        Classes; 0 stays uncoloured.
    spacing : three floats
        Edges of a voxel in millimetres.
    at : three ints, optional
        The voxel; by default the centre of mass of all classes but 0, or the middle.
    orientation : str, optional
        Where the three axes point, as `Geometry.orientation` says it: "RAS" for example.
    classes : sequence of str, optional
        Their names, for the legend.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the shapes don't agree, the spacing is no spacing, the voxel lies outside, or the
        orientation doesn't name three directions.

    Examples
    --------
    >>> labels = np.zeros((4, 4, 2), int)
    >>> figure = three_planes(np.zeros((1, 4, 4, 2)), labels, (1.0, 1.0, 3.0))
    >>> [panel.get_title() for panel in figure.axes[:3]]
    ['axes 0 and 2, axis 1 at 2', 'axes 1 and 2, axis 0 at 2', 'axes 0 and 1, axis 2 at 1']
    """
    from matplotlib.figure import Figure

    image, labels, edges = np.asarray(image), np.asarray(labels), np.array(spacing, float)
    _check(image, labels, spacing)
    voxel = centre(labels) if at is None else tuple(int(index) for index in at)
    if len(voxel) != 3 or not all(0 <= i < n for i, n in zip(voxel, labels.shape, strict=True)):
        raise ValueError(f"three_planes: voxel {voxel} lies outside {labels.shape}")
    axes, backwards = _directions(orientation)
    # from here on axis 0 goes right, 1 forward and 2 up; axes[a] is the number a was stored as
    grey = _turned(stretch(image[:1], 0.5, 99.5), axes, backwards)
    classed = _turned(labels[None], axes, backwards)[0]
    edges = edges[list(axes)]
    place = [voxel[axis] for axis in axes]
    place = [n - 1 - i if b else i for i, n, b in zip(place, classed.shape, backwards, strict=True)]
    lengths = edges * classed.shape  # in millimetres

    least = 0.25 * lengths.max()  # of a panel's side, so that thin ones keep room for their words
    widths = np.maximum((lengths[0], lengths[1]), least)
    heights = np.maximum((lengths[2], lengths[1]), least)
    figure = Figure(
        (HEIGHT * widths.sum() / heights.sum() + 0.5, HEIGHT), 100, layout="constrained"
    )
    grid = figure.add_gridspec(2, 2, width_ratios=widths, height_ratios=heights)
    for cell, name, across, right, up in PLANES:
        panel = figure.add_subplot(grid[cell])
        picture = _slice(grey, classed, across, place[across])
        panel.imshow(
            picture,
            origin="lower",
            extent=(0, lengths[right], 0, lengths[up]),
            interpolation="nearest",
            aspect="equal",
        )
        for line, axis in ((panel.axvline, right), (panel.axhline, up)):
            line((place[axis] + 0.5) * edges[axis], color="white", linewidth=0.6, alpha=0.6)
        stored = f"axis {axes[across]} at {voxel[axes[across]]}"
        if orientation:
            panel.set_title(f"{name}, {stored}")
            _name_sides(panel, SIDES[right], SIDES[up])
            panel.set(xlabel="mm", ylabel="mm")
        else:
            panel.set_title(f"axes {right} and {up}, {stored}")
            panel.set(xlabel=f"axis {right} (mm)", ylabel=f"axis {up} (mm)")
    _legend(figure.add_subplot(grid[1, 1]), labels, float(np.prod(edges)), classes, orientation)
    return figure


def centre(labels: Any) -> tuple[int, ...]:
    """Find the voxel nearest to the centre of mass of all classes but 0 (void left out).

    Parameters
    ----------
    labels : integer array

    Returns
    -------
    tuple of int
        The middle of the volume if there is only class 0.

    Examples
    --------
    >>> centre(np.array([[0, 0, 0, 0], [0, 0, 2, 1]]))
    (1, 2)
    """
    labels = np.asarray(labels)
    found = (labels != 0) & (labels != IGNORE)
    if not found.any():
        return tuple(n // 2 for n in labels.shape)
    every = range(labels.ndim)
    counts = [found.sum(axis=tuple(other for other in every if other != axis)) for axis in every]
    return tuple(round(float(c @ np.arange(len(c)) / c.sum())) for c in counts)


def _check(image: Any, labels: Any, spacing: Sequence[float]) -> None:
    check_spacing("three_planes", spacing)
    if image.ndim != 4 or image.shape[1:] != labels.shape or not labels.size:
        raise ValueError(
            f"three_planes: image must have shape (C, D, H, W) with the size of the labels "
            f"{labels.shape}, got {image.shape}"
        )


def _directions(orientation: str | None) -> tuple[tuple[int, ...], tuple[bool, ...]]:
    """Return the axes that run left-right, back-front and down-up, and which run backwards."""
    if orientation is None:
        return (0, 1, 2), (False,) * 3
    axes = [[i for i, letter in enumerate(orientation) if letter in side] for side in SIDES]
    if len(orientation) != 3 or any(len(found) != 1 for found in axes):
        raise ValueError(
            f"three_planes: orientation {orientation!r}; expected one letter each of L or R, "
            "A or P, S or I"
        )
    order = tuple(found[0] for found in axes)
    backwards = (orientation[axis] == side[0] for axis, side in zip(order, SIDES, strict=True))
    return order, tuple(backwards)


def _turned(volume: Any, axes: Sequence[int], backwards: Sequence[bool]) -> Any:
    """Reorder and flip the last three axes of (C, D, H, W)."""
    volume = volume.transpose(0, *(1 + axis for axis in axes))
    return np.flip(volume, tuple(1 + axis for axis in range(3) if backwards[axis]))


def _slice(grey: Any, classed: Any, across: int, index: int) -> Any:
    """Cut a plane and colour it: (up, right, 3)."""
    image = np.swapaxes(grey.take(index, 1 + across), 1, 2)  # (1, right, up) -> (1, up, right)
    labels = classed.take(index, across).T
    # a pixel for every voxel would make the outlines as thick as the voxels
    finer = max(1, PIXELS // max(labels.shape))
    image, labels = (a.repeat(finer, -1).repeat(finer, -2) for a in (image, labels))
    return overlay(image, class_colours(labels))


def _name_sides(panel: Any, right: str, up: str) -> None:
    """Write the letters of the body's sides at the four edges."""
    for x, y, letter in ((0.02, 0.5, right[0]), (0.98, 0.5, right[1]), (0.5, 0.02, up[0])):
        horizontal = "center" if x == 0.5 else "left" if x < 0.5 else "right"
        vertical = "bottom" if y < 0.5 else "center"
        _letter(panel, x, y, letter, horizontal, vertical)
    _letter(panel, 0.5, 0.98, up[1], "center", "top")


def _letter(panel: Any, x: float, y: float, letter: str, horizontal: str, vertical: str) -> None:
    box = {"facecolor": "black", "alpha": 0.5, "pad": 1.5, "linewidth": 0}
    panel.text(
        x, y, letter, color="white", ha=horizontal, va=vertical, bbox=box, transform=panel.transAxes
    )  # fmt: skip


def _legend(
    panel: Any,
    labels: Any,
    voxel: float,
    classes: Sequence[str] | None,
    orientation: str | None,
) -> None:
    """Name the classes that were found, with their volume, and say where left is."""
    from matplotlib.patches import Patch

    panel.set_axis_off()
    values, counts = np.unique(labels, return_counts=True)
    patches = []
    for value, count in zip(values.tolist(), counts.tolist(), strict=True):
        if value == 0:
            continue
        name = "void" if value == IGNORE else f"class {value}"
        if classes is not None and value < len(classes):
            name = classes[value]
        colour = class_colours(np.array(value))
        patches.append(Patch(color=colour, label=f"{name}: {_millilitres(count * voxel)}"))
    if patches:
        panel.legend(handles=patches, loc="upper left", frameon=False)
    says = (
        "L: the patient's left, R: right;\nA: front, P: back; S: top, I: bottom"
        if orientation
        else "axes as stored; it is not known\nwhere they point"
    )
    panel.text(0.02, 0.02, says, va="bottom", fontsize=9, transform=panel.transAxes)


def _millilitres(cubic_millimetres: float) -> str:
    ml = cubic_millimetres / 1000
    return f"{ml:,.0f} ml" if ml >= 100 else f"{ml:.3g} ml"
