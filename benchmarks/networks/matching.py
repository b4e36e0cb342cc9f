"""Pair the detections of two runs, so that they can be compared number by number.

Detections come best first, and at most a hundred. Two whose scores float32 can't tell apart change
places; one at the limit, or one that overlaps a better one by just the threshold, is there or not.
So a detection is looked for wherever it stands, and a few of a hundred may be others.
"""

from __future__ import annotations

import numpy as np

from ..task import Arrays
from ..validation import Wrong

NEAR = 0.1  # pixels between the boxes' corners
ALIKE = 0.05  # of a mask's probabilities
OTHERS = 0.03  # share of detections without a partner


def matched(results: Arrays, reference: Arrays) -> tuple[Arrays, Arrays]:
    """Return the detections that both have, in the same order.

    Parameters
    ----------
    results, reference : mapping of str to array
        For each image n "n/boxes" (D, 4), "n/labels" (D,), "n/scores" (D,), "n/masks".

    Returns
    -------
    (mapping, mapping)
        The same names; equally many detections, of the same classes.

    Raises
    ------
    Wrong
        If names differ, nothing was found, or more than a few have no partner: one of the same
        class, whose box and mask are next to the same.

    Examples
    --------
    >>> one = {
    ...     "0/boxes": np.array([[0.0, 0, 4, 4], [2, 2, 8, 8]]),
    ...     "0/labels": np.array([1, 2]),
    ...     "0/scores": np.array([0.7, 0.6]),
    ...     "0/masks": np.zeros((2, 1, 8, 8)),
    ... }
    >>> other = {name: value[::-1] for name, value in one.items()}
    >>> matched(other, one)[0]["0/scores"]
    array([0.7, 0.6])
    """
    if set(results) != set(reference):
        raise Wrong(f"returned {', '.join(results)}; expected {', '.join(reference)}")
    mine, theirs = dict(results), dict(reference)
    found = paired = 0
    for image in dict.fromkeys(name.split("/")[0] for name in reference):
        names = [name for name in reference if name.startswith(f"{image}/")]
        a, b = ({n.split("/")[1]: side[n] for n in names} for side in (results, reference))
        rows, columns = _pairs(a, b)
        found += max(len(a["labels"]), len(b["labels"]))
        paired += len(rows)
        for name in names:
            mine[name], theirs[name] = results[name][rows], reference[name][columns]
    if not found:
        raise Wrong("there is nothing to find")
    if found - paired > OTHERS * found:
        raise Wrong(f"{found - paired} of {found} detections are others than the reference's")
    return mine, theirs


def _pairs(a: Arrays, b: Arrays) -> tuple[list[int], list[int]]:
    """For each detection of b, the nearest free one of a, if it is the same."""
    rows: list[int] = []
    columns: list[int] = []
    for column, (box, label, mask) in enumerate(
        zip(b["boxes"], b["labels"], b["masks"], strict=True)
    ):
        far = np.abs(a["boxes"] - box).max(axis=1, initial=0)
        far[a["labels"] != label] = np.inf
        far[rows] = np.inf
        row = int(far.argmin()) if len(far) else -1
        same = row >= 0 and far[row] <= NEAR and a["masks"].shape[1:] == mask.shape
        if same and np.abs(a["masks"][row] - mask).max() <= ALIKE:
            rows.append(row)
            columns.append(column)
    return rows, columns
