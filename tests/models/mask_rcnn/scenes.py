"""Images with objects that a network can learn to find."""

import numpy as np


def scene(rng, size=(96, 120), objects=3):
    """Noise, and on it discs (class 1) and rectangles (class 2) of different colours."""
    image = rng.normal(0.3, 0.03, (3, *size))
    y, x = np.mgrid[: size[0], : size[1]]
    boxes, labels, masks = [], [], []
    for i in range(objects):
        label = i % 2 + 1
        radius = rng.uniform(10, 17)
        cy = rng.uniform(radius, size[0] - radius)
        cx = size[1] * (i + 0.5) / objects
        far = np.hypot(y - cy, x - cx) if label == 1 else np.maximum(abs(y - cy), abs(x - cx))
        mask = far < radius
        image[:, mask] += np.array([[0.5, 0.1, 0.0], [0.0, 0.2, 0.5]])[label - 1][:, None]
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        boxes.append([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
        labels.append(label)
        masks.append(mask)
    target = {
        "boxes": np.array(boxes, np.float32).reshape(-1, 4),
        "labels": np.array(labels, np.int64),
        "masks": np.array(masks, np.uint8).reshape(-1, *size),
    }
    return image.astype(np.float32), target
