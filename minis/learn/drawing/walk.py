"""A window that walks over a grid: an animated SVG of a few kB, without any script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...data.images import write_text
from .style import COLOURS, FAINT, FOLDER, INK, Picture

CELL = 34  # pixels of a cell's side
GAP = 60  # between the two grids
EDGE = 16  # around both
HEAD = 26  # above them, for their titles
SECONDS = 0.9  # for which the window rests at a place


def walk(
    x: Any,
    w: Any,
    name: str,
    *,
    stride: int = 1,
    padding: int = 0,
    folder: Path | str | None = None,
) -> Picture:
    """Draw a filter that walks over a picture, and the output that grows with it.

    Parameters
    ----------
    x : (H, W) array
        The picture.
    w : (KH, KW) array
        The filter.
    name : str
        Of the file, without ".svg".
    stride, padding : int
        As for `minis.ops.conv`.
    folder : path, optional
        By default "figures".

    Returns
    -------
    Picture
        An SVG that moves by itself, endlessly.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     picture = walk(np.eye(3), np.ones((2, 2)), "walk", folder=folder)
    ...     picture.path.read_text().count("<rect")
    16
    """
    from ...ops import conv

    padded = np.pad(np.asarray(x, float), padding)
    w = np.asarray(w, float)
    y = conv.reference(padded[None, None], w[None, None], stride=stride)[0, 0]
    (rows, columns), (high, wide), (kh, kw) = padded.shape, y.shape, w.shape
    left = EDGE + columns * CELL + GAP
    width = left + wide * CELL + EDGE
    height = HEAD + max(rows, high) * CELL + EDGE + 28
    places = [(i, j) for i in range(high) for j in range(wide)]
    seconds = SECONDS * len(places)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="14" '
        f'text-anchor="middle" fill="{INK}">',
        f'<rect width="{width}" height="{height}" rx="10" fill="white" stroke="{FAINT}"/>',
        _text(EDGE + columns * CELL / 2, 20, "x, with its padding" if padding else "x"),
        _text(left + wide * CELL / 2, 20, "y"),
    ]
    for i, j in np.ndindex(rows, columns):
        inside = padding <= i < rows - padding and padding <= j < columns - padding
        ink = INK if inside else COLOURS["grey"]
        parts += _cell(EDGE + j * CELL, HEAD + i * CELL, float(padded[i, j]), ink)
    for at, (i, j) in enumerate(places):
        shown = [k >= at for k in range(len(places))]
        animation = _discrete("visibility", ["visible" if s else "hidden" for s in shown], seconds)
        cell = "".join(_cell(left + j * CELL, HEAD + i * CELL, y[i, j], INK))
        parts.append(f"<g>{animation}{cell}</g>")
    window = [
        _discrete("x", [EDGE + j * stride * CELL for _, j in places], seconds),
        _discrete("y", [HEAD + i * stride * CELL for i, _ in places], seconds),
    ]
    parts.append(_frame(EDGE, HEAD, kw * CELL, kh * CELL, "orange", window))
    target = [
        _discrete("x", [left + j * CELL for _, j in places], seconds),
        _discrete("y", [HEAD + i * CELL for i, _ in places], seconds),
    ]
    parts.append(_frame(left, HEAD, CELL, CELL, "orange", target))
    for at, (i, j) in enumerate(places):
        window_values = padded[i * stride : i * stride + kh, j * stride : j * stride + kw]
        shown = [k == at for k in range(len(places))]
        animation = _discrete("visibility", ["visible" if s else "hidden" for s in shown], seconds)
        told = _text(width / 2, height - 12, _sum(window_values, w, y[i, j]))
        still = "visible" if at == 0 else "hidden"  # where nothing moves, as in print
        parts.append(f'<g visibility="{still}">{animation}{told}</g>')
    path = Path(folder or FOLDER) / f"{name}.svg"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, "\n".join([*parts, "</svg>"]))
    return Picture(path)


def _text(x: float, y: float, text: str, ink: str = INK) -> str:
    return f'<text x="{x:g}" y="{y:g}" fill="{ink}">{text}</text>'


def _cell(x: float, y: float, value: float, ink: str) -> Iterator[str]:
    yield f'<rect x="{x:g}" y="{y:g}" width="{CELL}" height="{CELL}" fill="none" stroke="{FAINT}"/>'
    yield _text(x + CELL / 2, y + CELL / 2 + 5, _number(value), ink)


def _frame(x: float, y: float, width: float, height: float, colour: str, inner: list[str]) -> str:
    paint = f'fill="{COLOURS[colour]}" fill-opacity="0.25" stroke="{COLOURS[colour]}"'
    box = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
    return f'<rect {box} {paint} stroke-width="2.5">{"".join(inner)}</rect>'


def _discrete(attribute: str, values: Sequence[Any], seconds: float) -> str:
    """Let an attribute jump from value to value, again and again."""
    return (
        f'<animate attributeName="{attribute}" calcMode="discrete" repeatCount="indefinite" '
        f'dur="{seconds:g}s" values="{";".join(map(str, values))}"/>'
    )


def _sum(values: Any, w: Any, total: float) -> str:
    """Write the sum out, as far as it has terms."""
    pairs = [(b, a) for a, b in zip(values.ravel(), w.ravel(), strict=True) if b]
    terms = "".join(f" {'−' if b < 0 else '+'} {_number(abs(b))}·{_number(a)}" for b, a in pairs)
    return f"{terms.removeprefix(' + ').strip()} = {_number(total)}"


def _number(value: float) -> str:
    return f"{value:g}".replace("-", "−")
