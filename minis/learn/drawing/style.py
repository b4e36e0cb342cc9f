"""Figures on a white card with rounded corners, readable on dark pages too, saved as SVG.

The same code gives the same file, byte for byte, with the same release of matplotlib: ids are
hashed with a fixed salt, and no date is written.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...data.images import write_text

# Okabe and Ito's colours, which people with any colour vision tell apart
COLOURS = {
    "blue": "#0072b2",
    "orange": "#e69f00",
    "green": "#009e73",
    "pink": "#cc79a7",
    "sky": "#56b4e9",
    "red": "#d55e00",
    "yellow": "#f0e442",
    "grey": "#999999",
}
INK, FAINT = "#222222", "#d0d0d0"
FOLDER = Path("figures")  # where `save` writes, from the folder that one works in

STYLE = {
    "svg.hashsalt": "minis",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "image.interpolation": "nearest",
}


@dataclass(frozen=True)
class Picture:
    """A saved figure, which a notebook shows.

    Attributes
    ----------
    path : Path
        An SVG file.
    """

    path: Path

    def _repr_svg_(self) -> str:
        return self.path.read_text(encoding="utf-8")


def figure(
    width: float = 7.0, height: float = 2.6, *, rows: int = 1, columns: int = 1, **options: Any
) -> tuple[Any, Any]:
    """Begin a figure.

    Parameters
    ----------
    width, height : float
        In inches; 7 fills a column of the book.
    rows, columns : int
        Of axes.
    **options
        To `matplotlib.figure.Figure.subplots`, such as `width_ratios`.

    Returns
    -------
    fig : matplotlib.figure.Figure
    axes : Axes, or an array of them
        One if there is one; else an array of `rows` × `columns`, with an axis of length 1 left out.

    Examples
    --------
    >>> fig, axes = figure(4, 2, columns=3)
    >>> axes.shape
    (3,)
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine
    from matplotlib.patches import FancyBboxPatch

    with rc_context(STYLE):
        layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1)
        fig = Figure(figsize=(width, height), layout=layout)
        fig.patch.set_alpha(0)
        axes = fig.subplots(rows, columns, **options)
    inset = 0.02
    card = FancyBboxPatch(
        (inset, inset),
        width - 2 * inset,
        height - 2 * inset,
        boxstyle="round,pad=0,rounding_size=0.12",
        transform=fig.dpi_scale_trans,
        facecolor="white",
        edgecolor=FAINT,
        linewidth=0.8,
        zorder=-10,
    )
    fig.add_artist(card)
    return fig, axes


def save(fig: Any, name: str, folder: Path | str | None = None) -> Picture:
    """Write a figure to `folder`/`name`.svg, all or nothing.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
    name : str
        Such as "02-windows".
    folder : path, optional
        By default "figures", where the book keeps them.

    Returns
    -------
    Picture
    """
    from matplotlib import rc_context

    path = Path(folder or FOLDER) / f"{name}.svg"
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.StringIO()
    with rc_context(STYLE):
        fig.savefig(buffer, format="svg", metadata={"Date": None})
    lines = (line.rstrip() for line in buffer.getvalue().splitlines())
    write_text(path, "\n".join(lines))
    return Picture(path)


def show_image(axes: Any, image: Any, title: str = "") -> None:
    """Draw an image without ticks.

    Parameters
    ----------
    axes : matplotlib Axes
    image : (H, W) or (H, W, 3) array
        Grey values are stretched from their least to their greatest.
    title : str
        Above it.
    """
    axes.imshow(np.asarray(image), cmap="gray" if np.ndim(image) == 2 else None)
    axes.set_axis_off()
    axes.set_title(title)
