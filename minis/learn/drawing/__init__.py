"""How the book draws: one style, one palette, figures that are the same bytes each time.

style    figures on a white card, and saving them as SVG
grids    tables of numbers with marks and arrows
walk     a window that walks over a grid, animated
"""

from .grids import arrow, blank, grid, note
from .style import COLOURS, FAINT, INK, Picture, figure, save, show_image
from .walk import walk

__all__ = [
    "COLOURS",
    "FAINT",
    "INK",
    "Picture",
    "arrow",
    "blank",
    "figure",
    "grid",
    "note",
    "save",
    "show_image",
    "walk",
]
